"""The recorded run of the captions repeats at small size, and its record and weights hold what the book says."""

import json

import numpy as np
import pytest

from course_pkg.captioner import has_attention, load_captioner
from course_pkg.data import digit_scenes as ds
from experiments import captions


def small(**changed):
    result = captions.main(["--small", *changed.get("arguments", [])])
    for run in result["runs"]:
        run.pop("cpu_seconds")
    return result


def test_the_run_works_and_repeats(tmp_path):
    first, second = small(arguments=["--weights", str(tmp_path)]), small()
    assert first == second
    assert [run["model"] for run in first["runs"]] == ["attention", "mean", "all"]
    for name, attends in (("", True), ("_mean", False), ("_all", False)):
        p, tokens, cell = load_captioner(tmp_path / f"captions{name}_seed0.npz")
        assert tokens == ds.WORDS.tokens and cell == "gru" and has_attention(p) is attends
    written = captions.write_captions(p, captions.test_scenes("new digits", 3))
    assert len(written) == 3 and written[0].weights is None
    assert small(arguments=["--seeds", "1"])["runs"][0] != first["runs"][0]


def test_rates_count_what_is_right():
    scenes = [s for s in captions.test_scenes("new digits", 40) if len(set(s.labels)) == len(s.labels)]
    right = [ds.true_captions(scene)[0] for scene in scenes]
    found = captions.rates(right, scenes)
    assert found["digits"] == found["whole"] == found["whole_of_digits"] == 1
    assert sum(found[f"n={n}"]["scenes"] for n in (1, 2, 3)) == len(scenes) > 20
    swap = {"left": "right", "right": "left", "above": "below", "below": "above"}
    wrong = [" ".join(swap.get(word, word) for word in caption.split()) for caption in right]
    found, alone = captions.rates(wrong, scenes), [len(scene.labels) == 1 for scene in scenes]
    assert found["digits"] == 1 and found["whole"] == pytest.approx(np.mean(alone), abs=1e-3)
    assert captions.shuffled_rates(right, scenes)["whole"] < 0.2


def test_gaze_is_measured_in_the_right_box():
    scene = ds.compose(np.ones((2, 8, 8)), np.array([7, 3]), np.array([(0, 0), (0, 16)]))
    caption = "a seven to the left of a three"
    weights = np.zeros((9, 36))
    weights[1, [0, 1, 6, 7]] = 0.25  # on the seven, as it is named
    weights[7, 0] = 1  # on the seven, while the three is named
    found = captions.gaze_shares([captions.Written(caption, weights)], [scene])
    assert found == {"words": 2, "named": 0.5, "other": 0.5, "most_on_named": 0.5}
    wrong = captions.Written("a seven to the right of a three", weights)
    assert captions.gaze_shares([wrong], [scene]) == {"words": 0}


def test_tests_are_what_they_are_called():
    for name, (pool, pairs) in captions.TESTS.items():
        known = {image.tobytes() for image in ds.digit_pools()[pool].images}
        for s in captions.test_scenes(name, 40):
            assert all(s.image[r : r + 8, c : c + 8].tobytes() in known for r, c in s.places)
            assert ds.has_held_out_pair(s.labels) is (pairs == "held out")


def test_record_and_weights_agree():
    record = json.loads(captions.RESULT.read_text("utf8"))
    runs = {(run["model"], run["seed"]): run for run in record["runs"]}
    for name, model in (("captions_seed0.npz", "attention"), ("captions_mean_seed0.npz", "mean")):
        file = captions.RESULT.with_name(name)
        assert file.stat().st_size <= 180_000
        p, tokens, _ = load_captioner(file)
        assert tokens == ds.WORDS.tokens
        results = runs[model, 0]["results"]
        scenes = captions.test_scenes("new digits, new pairs", captions.SCENES)
        found = captions.rates([w.text for w in captions.write_captions(p, scenes)], scenes)
        recorded = results["new digits, new pairs"]
        assert all(abs(found[key] - recorded[key]) < 0.01 for key in ("digits", "whole"))
