"""The weights of an encoder-decoder in a file: float16 for smallness, both vocabularies inside, everything checked."""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from course_pkg.attention import SCORES, score_name
from course_pkg.bidirectional import Directions
from course_pkg.cells import CELLS
from course_pkg.decoders import SummaryParams, memory_score
from course_pkg.encoder_decoder import EncoderDecoder, init_encoder_decoder
from course_pkg.weights import float16_arrays, params_found

FORMAT = 1  # of the file; a reader refuses what it does not know
ABOUT = ("format", "cell", "attention", "two_directions", "bridge", "source_tokens", "target_tokens")


class Translator(NamedTuple):
    """A model with what is needed to use it."""

    params: EncoderDecoder
    source_tokens: tuple[str, ...]
    target_tokens: tuple[str, ...]
    cell: str


def attention_name(p: EncoderDecoder) -> str | None:
    """What init_encoder_decoder was told: a name in SCORES, "summary", or None."""
    if isinstance(p.attention, SummaryParams):
        return "summary"
    return None if memory_score(p.attention) is None else score_name(p.attention)


def save_encoder_decoder(
    path: str | Path,
    p: EncoderDecoder,
    source_tokens: tuple[str, ...],
    target_tokens: tuple[str, ...],
    cell: str = "gru",
) -> None:
    """Write the arrays of p as float16 (three decimal digits), with both lists of tokens and the kind of the model."""
    for name, tokens, table in (("source", source_tokens, p.source), ("target", target_tokens, p.target)):
        if len(tokens) != len(table):
            raise ValueError(f"save_encoder_decoder: {name}_tokens must be {len(table)} (from p.{name}), "
                             f"got {len(tokens)}")  # fmt: skip
    kind = (FORMAT, cell, attention_name(p) or "", isinstance(p.encoder, Directions), bool(p.bridge))
    about = dict(zip(ABOUT, map(np.array, (*kind, source_tokens, target_tokens)), strict=True))
    np.savez_compressed(path, **about, **float16_arrays("save_encoder_decoder", p))


def load_encoder_decoder(path: str | Path, dtype: type = np.float64) -> Translator:
    """-> the model in `dtype`, and its tokens. Format, names, shapes and values are checked."""
    name = Path(path).name
    with np.load(path, allow_pickle=False) as file:
        found = {key: file[key] for key in file.files}
    if missing := [key for key in (*ABOUT, "source", "out.W") if key not in found]:
        raise ValueError(f"load_encoder_decoder: {name} must hold {missing[0]}, it does not")
    about = {key: found.pop(key).tolist() for key in ABOUT}
    if about["format"] != FORMAT:
        raise ValueError(f"load_encoder_decoder: {name} must have format {FORMAT}, got {about['format']}")
    if about["cell"] not in CELLS or about["attention"] not in ("", "summary", *SCORES):
        raise ValueError(f"load_encoder_decoder: {name} must name a cell and a score of the course, "
                         f"got {about['cell']!r} and {about['attention']!r}")  # fmt: skip
    sizes = len(about["source_tokens"]), len(about["target_tokens"]), found["source"].shape[1], found["out.W"].shape[1]
    H = sizes[3] // (2 if about["attention"] else 1)
    like = init_encoder_decoder(np.random.default_rng(0), *sizes[:3], H, about["cell"], about["attention"] or None,
                                about["two_directions"], about["bridge"])  # fmt: skip
    p = params_found("load_encoder_decoder", found, like, "such a model", dtype)
    return Translator(p, tuple(about["source_tokens"]), tuple(about["target_tokens"]), about["cell"])
