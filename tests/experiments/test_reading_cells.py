"""The recorded reading of the cells repeats at small size, and its record holds what chapter 12 says of it."""

import json

import numpy as np

from course_pkg.data.code_text import CHARACTERS
from course_pkg.language_models import init_language_model
from course_pkg.weights import save_language_model
from experiments import reading_cells


def test_the_run_works_and_repeats(tmp_path):
    p = init_language_model(np.random.default_rng(0), len(CHARACTERS), 4, 6)
    save_language_model(tmp_path / "char_model_seed5.npz", p, CHARACTERS.tokens)
    arguments = ["--weights", str(tmp_path), "--seeds", "5", "--small"]
    first, second = (reading_cells.main(arguments) for _ in range(2))
    first.pop("cpu_seconds"), second.pop("cpu_seconds")
    assert first == second
    found = first["seeds"]["5"]
    assert set(found) == {"quote", "docstring", "comment", "depth", "indent", "column", "silenced", "set_to_0"}
    assert all(0.05 <= found[name]["p"] <= 1 for name in set(found) - {"silenced", "set_to_0"})
    for how in ("silenced", "set_to_0"):
        assert found[how]["best_correlated"]["unit"] == found["quote"]["unit"]
    assert found["silenced"]["bits"] == found["set_to_0"]["bits"]  # nothing silenced: the same


def test_cost_at_looks_at_the_right_targets():
    bits = np.arange(12.0).reshape(1, 6, 2)  # two streams of six targets: places 1..6 and 7..12 of the text
    assert np.allclose(reading_cells.cost_at(bits, np.array([1, 8]), 13), (bits[0, 0, 0] + bits[0, 1, 1]) / 2)


def test_the_record_says_what_the_book_says():
    record = json.loads(reading_cells.RESULT.read_text("utf8"))
    assert set(record["seeds"]) == {"0", "1", "2"} and record["moved_features"] == 999
    for found in record["seeds"].values():
        for name in ("quote", "docstring", "depth", "indent", "column"):
            assert found[name]["p"] <= 0.01
            assert found[name]["r"] * found[name]["r_confirmed"] > 0
        assert 1 in found["silenced"]["rank_of_best_correlated"].values()
    assert record["seeds"]["0"]["set_to_0"]["rank_of_best_correlated"] == {"'": 2, '"': 24}
