"""Chapter 12 for three seeds: which unit of each model follows which feature, and what is lost without it.

    python -m experiments.reading_cells --weights FOLDER      writes results/reading_cells.json

FOLDER holds char_model_seed{0,1,2}.npz from `python -m experiments.char_model --weights FOLDER`. Units are chosen on
three of the held-out modules (SEARCH) and measured once more on the other three (CONFIRM). A unit is silenced by
holding it at its median over SEARCH; "set_to_0" is the same with 0 for comparison.
"""

import argparse
import json
import platform
import time
from pathlib import Path

import numpy as np

from course_pkg.data.code_text import HELD_OUT, character_ids
from course_pkg.data.source_features import SourceFeatures, labelled_modules, string_ends
from course_pkg.data.streams import parallel_streams
from course_pkg.language_models import LanguageModel
from course_pkg.reading_cells import bits_without, correlations, find_units, resting_values, unit_activity
from course_pkg.weights import load_language_model

RESULT = Path(__file__).parent / "results" / "reading_cells.json"
SEARCH, CONFIRM = HELD_OUT[:3], HELD_OUT[3:]
STREAMS = 8


def activity_of(params: LanguageModel, text: str, streams: int = STREAMS) -> np.ndarray:
    """tanh(c) of every unit after each character, but for the few that do not fill the streams."""
    return unit_activity(params, character_ids(text), streams)


def cost_at(bits: np.ndarray, places: np.ndarray, chars: int) -> np.ndarray:
    """bits: (U, T, B) of the streams of a text of `chars` characters -> mean at the places: (U,)."""
    there = np.zeros(chars, bool)
    there[places] = True
    _, T, B = bits.shape
    there = np.stack([there[b * T + 1 : (b + 1) * T + 1] for b in range(B)], axis=1)  # (T, B): the targets' places
    return bits[:, there].mean(axis=1)


def one_seed(params: LanguageModel, rng: np.random.Generator, S: int, most: int | None) -> dict:
    """All findings for one model."""
    (text, features), (text2, features2) = labelled_modules(SEARCH), labelled_modules(CONFIRM)
    text, text2 = text[:most], text2[:most]
    first, second = activity_of(params, text), activity_of(params, text2)
    found = {}
    for name, values in zip(SourceFeatures._fields, features, strict=True):
        finding = find_units(rng, first, values[: len(first)], least=min(2000, len(first) // 4), S=S)
        confirmed = correlations(second, getattr(features2, name)[: len(second)])
        k = finding.best
        found[name] = {
            "unit": k, "r": round(float(finding.r[k]), 3), "p": round(float(finding.p[k]), 4),
            "r_confirmed": round(float(confirmed[k]), 3),
            "control_95": round(float(np.quantile(finding.control, 0.95)), 3),
            "units_p_below_0.008": np.flatnonzero(finding.p < 0.05 / len(SourceFeatures._fields)).tolist(),
        }  # fmt: skip
    rest = resting_values(params, character_ids(text), STREAMS)
    unit = found["quote"]["unit"]
    return found | {"silenced": silencing(params, text2, features2, unit, rest),
                    "set_to_0": silencing(params, text2, features2, unit, None)}  # fmt: skip


def silencing(
    params: LanguageModel, text: str, features: SourceFeatures, unit: int, rest: tuple | None, chars: int = 20001
) -> dict:
    """Extra bits at the marks that shut a string, ' and ", and elsewhere, for every unit alone held at rest or 0."""
    text, H = text[:chars], params.out.W.shape[1]
    ends = string_ends(features.quote[: len(text)])
    places = {mark: ends[[text[e] == mark for e in ends]] for mark in ("'", '"')}
    places["elsewhere"] = np.setdiff1d(np.arange(len(text)), ends)
    inputs, targets = parallel_streams(character_ids(text), 4)
    bits = bits_without(params, np.concatenate([inputs, targets[-1:]]), list(range(-1, H)), rest)
    costs = {name: cost_at(bits, where, len(text)) for name, where in places.items()}  # (1 + H,) each
    extra = {name: cost[1:] - cost[0] for name, cost in costs.items()}
    orders = {name: np.argsort(-values) for name, values in extra.items()}

    def one(k: int) -> dict:
        return {"unit": int(k)} | {name: round(float(values[k]), 3) for name, values in extra.items()}

    return {
        "marks": {name: len(where) for name, where in places.items()},
        "bits": {name: round(float(cost[0]), 3) for name, cost in costs.items()},
        "best_correlated": one(unit), "most_needed": {mark: one(orders[mark][0]) for mark in ("'", '"')},
        "second_needed": {mark: one(orders[mark][1]) for mark in ("'", '"')},
        "rank_of_best_correlated": {mark: int(np.flatnonzero(orders[mark] == unit)[0]) + 1 for mark in ("'", '"')},
        "median_extra": {name: round(float(np.median(values)), 4) for name, values in extra.items()},
    }  # fmt: skip


def main(arguments: list[str] | None = None) -> dict:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--small", action="store_true", help="a short text, few moved features; prints only")
    options = parser.parse_args(arguments)
    S, most = (19, 3000) if options.small else (999, None)
    result = {
        "command": "python -m experiments.reading_cells --weights FOLDER",
        "search": SEARCH, "confirm": CONFIRM, "moved_features": S,
        "versions": {"python": platform.python_version(), "numpy": np.__version__}, "seeds": {},
    }  # fmt: skip
    begin = time.process_time()
    for seed in options.seeds:
        params, _, _ = load_language_model(options.weights / f"char_model_seed{seed}.npz", np.float32)
        result["seeds"][str(seed)] = one_seed(params, np.random.default_rng(seed), S, most)
        print(seed, json.dumps(result["seeds"][str(seed)], indent=1))
    result["cpu_seconds"] = round(time.process_time() - begin)
    if not options.small:
        RESULT.write_text(json.dumps(result, indent=1) + "\n", encoding="utf8")
    return result


if __name__ == "__main__":
    main()
