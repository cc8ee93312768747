"""The weights of a language model in a file: float16 for smallness, the vocabulary inside, everything checked."""

from pathlib import Path
from typing import Any

import numpy as np

from course_pkg.cells import CELLS
from course_pkg.language_models import LanguageModel, init_language_model
from course_pkg.tree import leaves, tree_map

FORMAT = 1  # of the file; a reader refuses what it does not know


def save_language_model(path: str | Path, p: LanguageModel, tokens: tuple[str, ...], cell: str = "lstm") -> None:
    """Write the arrays of p as float16 (three decimal digits), with the tokens, the cell's name and the format."""
    if len(tokens) != len(p.embedding):
        raise ValueError(f"save_language_model: tokens must be {len(p.embedding)} (from p.embedding), "
                         f"got {len(tokens)}")  # fmt: skip
    about = {"format": np.array(FORMAT), "cell": np.array(cell), "tokens": np.array(tokens)}
    np.savez_compressed(path, **about, **float16_arrays("save_language_model", p))


def load_language_model(path: str | Path, dtype: type = np.float64) -> tuple[LanguageModel, tuple[str, ...], str]:
    """-> the model in `dtype`, its tokens, the name of its cell. Format, names, shapes and values are checked."""
    with np.load(path, allow_pickle=False) as file:
        found = {name: file[name] for name in file.files}
    if "format" not in found or found["format"].item() != FORMAT:
        raise ValueError(f"load_language_model: {Path(path).name} must have format {FORMAT}, "
                         f"got {found.get('format')}")  # fmt: skip
    missing = {"cell", "tokens", "embedding", "out.W"} - set(found)
    if missing:
        raise ValueError(f"load_language_model: {Path(path).name} must hold {sorted(missing)[0]}, it does not")
    tokens, cell = tuple(found.pop("tokens").tolist()), str(found.pop("cell"))
    if cell not in CELLS:
        raise ValueError(f"load_language_model: cell must be one of {', '.join(CELLS)}, got {cell!r}")
    del found["format"]
    (V, E), H = found["embedding"].shape, found["out.W"].shape[1]
    layers = len({name.split(".")[1] for name in found if name.startswith("layers.")})
    like = init_language_model(np.random.default_rng(0), V, E, H, max(layers, 1), cell)
    if len(tokens) != V:
        raise ValueError(f"load_language_model: tokens must be {V} (from embedding), got {len(tokens)}")
    return params_found("load_language_model", found, like, f"a {cell} model", dtype), tokens, cell


# ---- the arrays of any model -------------------------------------------------------------------------------------


def float16_arrays(function: str, p: Any) -> dict[str, np.ndarray]:
    """The leaves of p by their names, for a file. ValueError in the name of `function` if one is too large."""
    if any(np.abs(w).max() > np.finfo(np.float16).max for _, w in leaves(p)):
        raise ValueError(f"{function}: p must fit in float16, got weights above 65,504")
    return {name: w.astype(np.float16) for name, w in leaves(p)}


def params_found(function: str, found: dict[str, np.ndarray], like: Any, model: str, dtype: type) -> Any:
    """A tree like `like` (shapes (...)) with the arrays that were found in a file, in `dtype`.

    ValueError in the name of `function` if an array is missing, of another shape or not finite, or if there are others
    than those of the `model`.
    """
    wanted = leaves(like)
    if {name for name, _ in wanted} != set(found):
        odd = sorted({name for name, _ in wanted} ^ set(found))
        raise ValueError(f"{function}: the arrays must be those of {model}, missing or extra: {odd}")
    for name, w in wanted:
        if found[name].shape != w.shape:
            raise ValueError(f"{function}: {name} must be {w.shape}, got shape {found[name].shape}")
        if not np.isfinite(found[name]).all():
            raise ValueError(f"{function}: {name} must be finite, got nan or inf")
    values = iter([found[name].astype(dtype) for name, _ in wanted])
    return tree_map(lambda _: next(values), like)
