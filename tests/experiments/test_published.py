"""`course reproduce`: the tasks, the gradients of all four nets, going on after an interruption, the records."""

import gzip
import json
import math
from functools import partial

import numpy as np
import pytest

from course_pkg.checks.gradients import check_gradients
from course_pkg.cli import ROWS as NAMES
from course_pkg.cli import main
from course_pkg.data.long_memory import adding_problem, copy_memory, memoryless_loss
from course_pkg.data.mnist import load_mnist
from course_pkg.data.piano_rolls import load_piano_rolls
from course_pkg.published import sources, training
from course_pkg.published.commands import one_run
from course_pkg.published.nets import ARCHITECTURES, Size, backward, forward, init_net, units_for
from course_pkg.published.rows import ROWS, RUNNABLE
from course_pkg.tree import count, tree_map
from tools.notebooks import ROOT

RECORDS = ROOT / "experiments" / "results" / "published"


def small(name, **changes):
    """A row at a size that trains in a moment."""
    return ROWS[name]._replace(parameters=200, tcn=Size(3, 2, 2), look_every=4, **changes)


def small_adding(**changes):
    return small("adding", source=partial(sources.adding, T=7, B=4, items=8), **changes)


# ---- the tasks ---------------------------------------------------------------------------------------------------


def test_adding_problem():
    xs, targets = adding_problem(np.random.default_rng(0), 9, 4000)
    numbers, marks = xs[..., 0], xs[..., 1]
    assert (marks.sum(axis=0) == 2).all() and set(np.unique(marks)) == {0, 1}
    assert np.allclose((numbers * marks).sum(axis=0)[:, None], targets)
    assert np.mean((targets - 1) ** 2) == pytest.approx(1 / 6, abs=0.01)  # the constant guess
    assert marks.sum(axis=1).min() > 0.85 * 4000 * 2 / 9  # every step as often as another
    assert adding_problem(np.random.default_rng(0), 2, 3)[0][..., 1].all()
    with pytest.raises(ValueError, match="T must be >= 2"):
        adding_problem(np.random.default_rng(0), 1, 3)


def test_copy_memory():
    xs, targets = copy_memory(np.random.default_rng(0), 30, 500)
    ids = xs.argmax(axis=-1)
    assert xs.shape == (50, 500, 10) and (xs.sum(axis=-1) == 1).all()
    assert (ids[:10] == targets[-10:]).all() and ids[:10].min() == 1 and ids[:10].max() == 8
    assert not ids[10:39].any() and (ids[39:] == 9).all() and not targets[:-10].any()
    guess = np.where(np.arange(50) < 40, 0.0, math.log(8)).mean()  # sure of the blanks, one of eight at the end
    assert memoryless_loss(30) == pytest.approx(guess)
    assert memoryless_loss(1000) == pytest.approx(0.0204, abs=5e-5)  # as published for the cells


def test_mnist_files(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (5, 28, 28), np.uint8)
    head = bytes([0, 0, 8, 3, 0, 0, 0, 5, 0, 0, 0, 28, 0, 0, 0, 28])
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(head + images.tobytes()))
    labels = tmp_path / "train-labels-idx1-ubyte.gz"
    labels.write_bytes(gzip.compress(bytes([0, 0, 8, 1, 0, 0, 0, 5, 3, 1, 4, 1, 5])))
    found, digits = load_mnist(tmp_path)
    assert (found == images.reshape(5, 784)).all() and digits.tolist() == [3, 1, 4, 1, 5]
    labels.write_bytes(gzip.compress(bytes([0, 0, 8, 1, 0, 0, 0, 5, 3, 1])))
    with pytest.raises(ValueError, match="must hold 5 entries, got 2"):
        load_mnist(tmp_path)
    labels.write_bytes(gzip.compress(b"GIF89a"))
    with pytest.raises(ValueError, match="must be an IDX file"):
        load_mnist(tmp_path)


def write_music(folder, lengths):
    from scipy.io import savemat

    rng, content = np.random.default_rng(0), {}
    for key in ("traindata", "validdata", "testdata"):
        content[key] = np.empty((1, len(lengths)), object)
        for i, T in enumerate(lengths):
            content[key][0, i] = (rng.random((T, 88)) < 0.1).astype(float)
    (folder / "music").mkdir()
    savemat(folder / "music" / "JSB_Chorales.mat", content)
    return folder


def test_music(tmp_path):
    folder = write_music(tmp_path, [5, 9, 3])
    pieces = load_piano_rolls(folder / "music" / "JSB_Chorales.mat")
    assert [len(p) for p in pieces["train"]] == [5, 9, 3]
    source = sources.music(folder, "JSB_Chorales", B=2)
    assert source.per_epoch == 2 and sum(b.mask.sum() for b in source.test) == 4 + 8 + 2
    first = source.test[0]
    assert first.xs.shape == (4, 2, 88) and first.mask.sum(axis=0).tolist() == [2, 4]
    assert (first.xs[1:4, 1] == first.targets[0:3, 1]).all()  # the next moment is the target
    both = {source.batch(0, n).xs.shape[0] for n in (0, 1)}
    assert both == {4, 8}  # an epoch holds every batch once


def test_permuted_pixels(tmp_path):
    (tmp_path / "mnist").mkdir()
    images = np.arange(784 * 128, dtype=np.uint32).reshape(128, 784) % 251
    for part, n in (("train", 128), ("t10k", 1000)):
        data = np.resize(images, (n, 784)).astype(np.uint8)
        head = bytes([0, 0, 8, 3]) + n.to_bytes(4, "big") + bytes([0, 0, 0, 28, 0, 0, 0, 28])
        (tmp_path / "mnist" / f"{part}-images-idx3-ubyte.gz").write_bytes(gzip.compress(head + data.tobytes()))
        head = bytes([0, 0, 8, 1]) + n.to_bytes(4, "big")
        (tmp_path / "mnist" / f"{part}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(head + bytes(n)))
    plain, mixed = (sources.sequential_mnist(tmp_path, permuted).batch(0, 0).xs for permuted in (False, True))
    assert plain.shape == (784, 64, 1) and (plain != mixed).any()
    assert (np.sort(plain, axis=0) == np.sort(mixed, axis=0)).all()
    order = np.random.default_rng(92).permutation(784)
    assert (plain[order] == mixed).all()  # one order for all images


# ---- the nets ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("name", ("adding", "seqmnist", "copy", "jsb"))
def test_gradients(name, architecture):
    row, rng = ROWS[name]._replace(D=3, V=4), np.random.default_rng(1)
    net = tree_map(lambda a: rng.choice([-1, 1], a.shape) * rng.uniform(0.2, 0.7, a.shape),
                   init_net(rng, architecture, Size(3, 2, 2), 3, 4))  # fmt: skip
    xs, mask = rng.normal(size=(5, 2, 3)), None
    if name == "adding":
        targets = rng.normal(size=(2, 4))
    elif name == "jsb":
        targets, mask = (rng.random((5, 2, 4)) < 0.5).astype(float), np.arange(5)[:, None] < np.array([5, 3])
    else:
        targets = rng.integers(0, 4, 2 if row.last_only else (5, 2))
    batch, dropout = sources.Batch(xs, targets, mask), 0.0 if row.last_only else 0.3

    def total(p):
        done = forward(architecture, p, xs, row.last_only, dropout, np.random.default_rng(3))
        return training.loss_of(row, done.logits, batch)[0]

    done = forward(architecture, net, xs, row.last_only, dropout, np.random.default_rng(3))
    grads = backward(architecture, net, xs, done, training.loss_of(row, done.logits, batch)[1])
    assert max(check_gradients(total, net, grads).values()) < 1e-5


def test_sizes_are_those_of_the_paper():
    for name in RUNNABLE:
        row = ROWS[name]
        for architecture in ARCHITECTURES:
            size = training.size_of(row, architecture)
            n = count(init_net(np.random.default_rng(0), architecture, size, row.D, row.V))
            assert 0.8 * row.parameters < n < 1.06 * row.parameters, (name, architecture, n)
    assert units_for("gru", 70_000, 2, 1) == 150  # one more unit would be too many
    assert count(init_net(np.random.default_rng(0), "gru", Size(151), 2, 1)) > 70_000


def test_the_command_knows_every_row():
    assert tuple(ROWS) == NAMES
    assert set(RUNNABLE) == {"adding", "copy", "seqmnist", "pmnist", "jsb", "nottingham"}
    for row in ROWS.values():
        assert (row.source is None) == bool(row.reason)


# ---- going on after an interruption ------------------------------------------------------------------------------


class Stopped(Exception):
    """The power fails."""


def results_of(found):
    return {key: found[key] for key in ("result", "steps", "curve", "parameters", "finished")}


def run(row, folder, steps, architecture="tcn"):
    return one_run("adding", row, row.source(folder), architecture, 3, steps, folder / "out", folder / "kept")


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_an_interrupted_run_ends_as_any_other(tmp_path, architecture, monkeypatch):
    row = small_adding()
    whole = run(row, tmp_path / "whole", 16, architecture)
    write = training.save

    def save_and_stop(path, progress):
        write(path, progress)
        if progress.state.step == 8:
            raise Stopped

    monkeypatch.setattr("course_pkg.published.commands.save", save_and_stop)
    with pytest.raises(Stopped):
        run(row, tmp_path / "cut", 16, architecture)
    monkeypatch.setattr("course_pkg.published.commands.save", write)
    again = run(row, tmp_path / "cut", 16, architecture)
    assert results_of(again) == results_of(whole) and whole["finished"]
    assert len(whole["curve"]) == 4 and whole["steps"] == 16


def test_more_steps_later_are_as_if_planned_from_the_start(tmp_path):
    row = small_adding()
    run(row, tmp_path / "grown", 10)
    grown, whole = run(row, tmp_path / "grown", 20), run(row, tmp_path / "whole", 20)
    assert grown["result"] == whole["result"]
    assert grown["curve"][-1] == whole["curve"][-1]
    assert run(row, tmp_path / "grown", 20) == grown  # nothing is left to do


def test_the_record_stands_while_the_run_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr("course_pkg.published.commands.result", lambda *_: (_ for _ in ()).throw(Stopped))
    with pytest.raises(Stopped):
        run(small_adding(), tmp_path, 8)
    found = json.loads((tmp_path / "out" / "adding_tcn_seed3.json").read_text("utf8"))
    assert not found["finished"] and found["steps"] == 8 and found["result"] == found["curve"][-1][2]


def test_a_checkpoint_of_another_net_is_refused(tmp_path):
    run(small_adding(), tmp_path, 4)
    with pytest.raises(ValueError, match="holds a net of"):
        run(small_adding()._replace(tcn=Size(4, 2, 2)), tmp_path, 4)


def test_best_weights_are_kept_where_the_row_chooses(tmp_path):
    folder = write_music(tmp_path, [6, 9, 4])
    row = small("jsb")
    source = sources.music(folder, "JSB_Chorales", B=2)
    progress = training.begin(row, "gru", 0, 12)
    done = training.train(row, "gru", source, 0, 12, progress, lambda *_: None)
    best = training.result(row, "gru", source, done, whole=False)
    assert best == pytest.approx(min(value for _, _, value in done.curve), rel=1e-6)


# ---- the command -------------------------------------------------------------------------------------------------


def test_command(tmp_path, capsys, monkeypatch):
    assert main(["reproduce"]) == 0
    assert "Copy memory T=1000" in capsys.readouterr().out
    assert main(["reproduce", "text8"]) == 2
    assert "Char-level text8 is not run here" in capsys.readouterr().err
    assert main(["reproduce", "jsb", "--data", str(tmp_path / "none")]) == 2
    assert "JSB_Chorales.mat is not there" in capsys.readouterr().err
    monkeypatch.setitem(ROWS, "adding", small_adding())
    arguments = ["reproduce", "adding", "--steps", "4", "--out", str(tmp_path / "out"), "--checkpoints", str(tmp_path)]
    assert main(arguments) == 0
    assert {path.stem for path in (tmp_path / "out").iterdir()} == {f"adding_{a}_seed0" for a in ARCHITECTURES}


# ---- the records -------------------------------------------------------------------------------------------------


def records():
    return {path.stem: json.loads(path.read_text("utf8")) for path in sorted(RECORDS.glob("*.json"))}


def test_every_record_tells_what_it_is():
    assert records()
    for stem, found in records().items():
        row = ROWS[found["row"]]
        assert stem == f"{found['row']}_{found['architecture']}_seed{found['seed']}"
        assert found["command"].startswith(f"course reproduce {found['row']} --architecture {found['architecture']}")
        assert {"python", "numpy"} <= set(found["versions"]) and found["cpu_seconds"] > 0
        assert found["published"] == row.published[found["architecture"]]
        assert found["curve"][-1][0] == found["steps"] <= found["planned_steps"]
        assert found["size"] == training.size_of(row, found["architecture"])._asdict()


def test_what_the_course_promises():
    copied = records()["copy_tcn_seed0"]
    assert copied["result"] < 1e-4 < memoryless_loss(1000) and copied["finished"]
    for architecture in ("tcn", "gru"):
        found = records()[f"adding_{architecture}_seed0"]
        assert found["result"] < found["published"] < 3e-4
    for architecture in ("lstm", "gru", "rnn"):  # at the baseline
        found = records()[f"copy_{architecture}_seed0"]
        assert abs(found["result"] / memoryless_loss(1000) - 1) < 0.03
    assert records()["adding_rnn_seed0"]["result"] > 0.15


def test_every_row_that_runs_was_run_to_its_end_with_all_four_and_as_many_steps():
    for name in RUNNABLE:
        found = [records()[f"{name}_{architecture}_seed0"] for architecture in ARCHITECTURES]
        assert all(run["finished"] for run in found) and len({run["steps"] for run in found}) == 1, name
