"""What the live figures show agrees with what their chapters compute."""

import numpy as np
import pytest

from course_pkg.data import digit_scenes as ds
from course_pkg.tcn import block_backward, block_forward, init_tcn
from course_pkg.tree import tree_map
from course_pkg.viz.live import captions, embeddings, receptive_field
from course_pkg.viz.live.figure import ROOT


@pytest.mark.parametrize(("K", "base", "L"), [(2, 2, 4), (3, 2, 3), (8, 2, 2), (2, 4, 3), (3, 1, 3), (2, 3, 3)])
def test_the_tree_of_taps_is_the_networks_gradient(K, base, L):
    """With positive weights no path cancels another: the last output of whole blocks depends on just what is drawn."""
    numbers = receptive_field.figure().numbers({"K": K, "base": base, "L": L})
    p = tree_map(np.abs, init_tcn(np.random.default_rng(0), 1, 3, L, K))
    xs, values = [np.ones((numbers["spanned"] + 9, 1, 1))], []
    for level, block in enumerate(p):
        values.append(block_forward(block, xs[-1], base**level))
        xs.append(values[-1].y)
    dys = np.zeros_like(xs[-1])
    dys[-1] = 1
    for level in reversed(range(L)):
        dys = block_backward(p[level], xs[level], values[level], dys, base**level)[1]
    back = np.flatnonzero(dys[::-1, 0, 0])
    assert back[-1] + 1 == numbers["spanned"] and len(back) == numbers["seen"]
    assert [k for k, mark in enumerate(numbers["rows"][-1]) if mark == "1"] == [s for s in back if s < 33]
    assert [s for run in numbers["runs"] for s in range(*run)] == [s for s in back if s < 600]


def test_the_vectors_answer_as_in_the_chapter():
    """The figure's vectors are rounded; its order of answers is what the chapter has printed for the doctor."""
    made = embeddings.figure()
    text = (ROOT / "book/13_words_as_vectors.ipynb").read_text(encoding="utf8")
    for a, c in (("man", "woman"), ("woman", "man")):
        numbers = made.numbers({**made.state, "a": a, "c": c})
        names = [made.data["words"][k] for k in numbers["best"]]
        assert f"  seed 2: {', '.join(names[:4])}; doctor at place {names.index('doctor') + 1}" in text
        assert np.all(np.diff(np.sum(numbers["parts"], axis=1)) < 0)
    banned = made.numbers({**made.state, "ban": True})
    assert not set(banned["best"]) & set(banned["asked"]) and len(banned["best"]) == embeddings.SHOWN


def test_the_captioner_has_not_seen_these_digits_and_reads_them_as_the_caption_says():
    made = captions.figure()
    seen = {np.rint(16 * image).astype(int).tobytes() for image in ds.digit_pools()[0].images}
    for texts in made.data["pixels"]:
        images = [np.array([int(sign, 17) for sign in text]).reshape(8, 8) for text in texts]
        assert len(images) == captions.HANDS and not {image.tobytes() for image in images} & seen
    numbers = made.numbers(dict(made.state))
    assert ds.as_caption(np.array(numbers["ids"])) == "a seven to the left of a one and above an eight"
    assert numbers["whole"] and numbers["shares"][made.state["word"]][2] > 0.5
    assert max(numbers["shares"][1]) < 0.25 and max(numbers["gaze"][1]) < 0.15
    pair = made.numbers({**made.state, **made.data["scenes"][2]["set"]})
    assert (1, 4) in ds.HELD_OUT_PAIRS and not pair["digits"]
