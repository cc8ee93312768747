"""The run of chapter 15 repeats at small size, measures what it says, and its record and weights belong together."""

import json

import numpy as np
import pytest

from course_pkg.encoder_decoder import END, init_encoder_decoder
from course_pkg.pair_weights import load_encoder_decoder
from course_pkg.tree import leaves
from experiments import encoder_decoder as run


def test_the_run_works_and_repeats():
    before = [path.read_bytes() for path in (run.RESULT, run.WEIGHTS)]
    for part in ("beyond", "own", "order", "summary"):
        first, second = (run.main(["--only", part, "--small"]) for _ in range(2))
        for result in (first, second):
            for record in result[part]:
                record.pop("cpu_seconds")
        assert first == second and len(first[part]) in (3, 4, 10)
    assert [path.read_bytes() for path in (run.RESULT, run.WEIGHTS)] == before, "a small run records nothing"


def test_words_are_counted_up_to_end_and_with_its_own_words():
    """A model that says "one", "one", ... whatever it reads is right where "one" stands."""
    p = init_encoder_decoder(np.random.default_rng(0), len(run.DIGITS), len(run.WORDS), 2, 2)
    one = int(run.WORDS.encode(["one"])[0])
    p = p._replace(out=p.out._replace(W=0 * p.out.W, b=10.0 * (np.arange(len(run.WORDS)) == one)))
    batch = run.numbers(np.random.default_rng(0), 300, (3, 5))
    wanted = ((batch.targets == one) & batch.target_mask).sum() / batch.target_mask.sum()
    assert run.share_of_words(p, batch) == [round(float(wanted), 4)] * 2 and wanted > 0
    assert run.share_right(p, batch, run.WORDS) == 0


def test_batches_are_held_out_or_not():
    for held_out in (False, True):
        batch = run.phrases(np.random.default_rng(0), 50, (2, 2), held_out, reverse=False)
        back = run.phrases(np.random.default_rng(0), 50, (2, 2), held_out, reverse=True)
        assert (batch.targets == END).sum() == 50 and np.array_equal(batch.targets, back.targets)
        for b, n in enumerate(batch.source_mask.sum(axis=0)):
            assert np.array_equal(batch.source[:n, b], back.source[:n, b][::-1])


def test_the_record_is_whole_and_its_weights_are_those_of_its_first_model():
    record = json.loads(run.RESULT.read_text(encoding="utf8"))
    assert record["command"] == "python -m experiments.encoder_decoder"
    assert {part: len(record[part]) for part in run.PARTS} == {
        "size": 12, "summary": 3, "beyond": 3, "own": 10, "order": 16
    }  # fmt: skip
    assert run.WEIGHTS.stat().st_size < 180_000
    p, source, target, cell = load_encoder_decoder(run.WEIGHTS)
    assert (source, target, cell) == (run.DIGITS.tokens, run.WORDS.tokens, "gru")
    assert sum(w.size for _, w in leaves(p)) == record["beyond"][0]["parameters"]
    for d, right in zip((3, 4, 5, 6), record["beyond"][0]["right"], strict=True):
        batch = run.numbers(np.random.default_rng([5, d]), run.TESTED, (d, d), held_out=True)
        assert run.share_right(p, batch, run.WORDS) == pytest.approx(right, abs=0.005)
