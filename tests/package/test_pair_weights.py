"""The weights of an encoder-decoder survive a file, and a wrong file is refused in words."""

import numpy as np
import pytest

from course_pkg.encoder_decoder import init_encoder_decoder
from course_pkg.pair_weights import load_encoder_decoder, save_encoder_decoder
from course_pkg.tree import leaves

ENGLISH, FRENCH = ("<pad>", "<s>", "</s>", "car"), ("<pad>", "<s>", "</s>", "clé", "voiture")


def model(attention="additive", cell="gru", two_directions=True, bridge=True):
    rng = np.random.default_rng(3)
    return init_encoder_decoder(rng, 4, 5, 3, 6, cell, attention, two_directions, bridge)


@pytest.mark.parametrize("attention", [None, "summary", "additive", "concat", "dot", "general", "scaled dot"])
@pytest.mark.parametrize("cell, two, bridge", [("gru", True, True), ("lstm", False, True), ("rnn", False, False)])
def test_every_kind_of_model_comes_back(tmp_path, attention, cell, two, bridge):
    p, path = model(attention, cell, two, bridge), tmp_path / "w.npz"
    save_encoder_decoder(path, p, ENGLISH, FRENCH, cell)
    found = load_encoder_decoder(path)
    assert (found.source_tokens, found.target_tokens, found.cell) == (ENGLISH, FRENCH, cell)
    assert type(found.params.attention) is type(p.attention)
    for (name, a), (same, b) in zip(leaves(p), leaves(found.params), strict=True):
        assert name == same and b.dtype == np.float64
        np.testing.assert_array_equal(b, a.astype(np.float16))


@pytest.mark.parametrize(
    "change, said",
    [
        ({"format": np.array(9)}, "must have format 1, got 9"),
        ({"cell": None}, "must hold cell, it does not"),
        ({"attention": np.array("none")}, "must name a cell and a score of the course"),
        ({"out.b": None}, "out.b"),
        ({"extra": np.zeros(2)}, "missing or extra: \\['extra'\\]"),
        ({"target": np.zeros((5, 4))}, r"target must be \(5, 3\), got shape \(5, 4\)"),
        ({"out.b": np.full(5, np.nan)}, "out.b must be finite"),
    ],
)
def test_a_wrong_file_is_refused(tmp_path, change, said):
    save_encoder_decoder(tmp_path / "w.npz", model(), ENGLISH, FRENCH)
    with np.load(tmp_path / "w.npz") as file:
        found = {name: file[name] for name in file.files} | change
    np.savez(tmp_path / "x.npz", **{name: value for name, value in found.items() if value is not None})
    with pytest.raises(ValueError, match=said):
        load_encoder_decoder(tmp_path / "x.npz")


def test_what_does_not_fit_is_not_saved(tmp_path):
    with pytest.raises(ValueError, match="source_tokens must be 4"):
        save_encoder_decoder(tmp_path / "w.npz", model(), ENGLISH[:3], FRENCH)
    with pytest.raises(ValueError, match="target_tokens must be 5"):
        save_encoder_decoder(tmp_path / "w.npz", model(), ENGLISH, FRENCH[:3])
    p = model()
    with pytest.raises(ValueError, match="must fit in float16"):
        save_encoder_decoder(tmp_path / "w.npz", p._replace(source=p.source + 1e6), ENGLISH, FRENCH)
