"""The word vectors of chapter 13 on WikiText-2: skip-gram and GloVe, asked Google's analogy questions.

    python -m experiments.word_vectors --data FOLDER --questions FILE            writes results/word_vectors.json
    python -m experiments.word_vectors --data FOLDER --questions FILE --small    some lines and one epoch, prints

FOLDER holds WikiText-2's train.txt or train.txt.gz (Merity et al. 2017; Wikipedia text, CC BY-SA 3.0); FILE is
questions-words.txt of word2vec (Mikolov et al. 2013a; Apache 2.0). Both are put into lower case.
"""

import argparse
import gzip
import hashlib
import json
import platform
import time
from collections import Counter
from pathlib import Path

import numpy as np

from course_pkg.glove import train_glove
from course_pkg.vector_arithmetic import analogy_accuracy, nearest, solve_analogies
from course_pkg.word_pairs import count_neighbours, join_sentences
from course_pkg.word_vectors import RowAdagrad, train_word_vectors

RESULT = Path(__file__).parent / "results" / "word_vectors.json"
E, WINDOW, MIN_COUNT = 100, 5, 5
SKIP_GRAM = {"K": 5, "threshold": 1e-4, "batch": 1024, "lr": 0.1}
GLOVE = {"x_max": 10.0, "batch": 4096, "lr": 0.1}
ASKED = ("king", "france", "bank", "river", "good", "three", "walked", "september")


def read_text(folder: Path) -> list[list[str]]:
    """The lines as lists of words in lower case; marks of unknown words are left out."""
    for name, opener in (("train.txt.gz", gzip.open), ("train.txt", open)):
        if (folder / name).exists():
            with opener(folder / name, "rt", encoding="utf8") as file:
                lines = [[w for w in line.lower().split() if w != "<unk>"] for line in file]
            return [line for line in lines if line]
    raise FileNotFoundError(f"word_vectors: {folder} must hold WikiText-2's train.txt or train.txt.gz")


def read_questions(path: Path) -> dict[str, list[list[str]]]:
    """Category -> questions of four words, in lower case."""
    sections: dict[str, list[list[str]]] = {}
    for number, line in enumerate(path.read_text(encoding="utf8").splitlines(), start=1):
        if line.startswith(":"):
            sections[line[1:].strip()] = questions = []
        elif line.strip():
            words = line.lower().split()
            if len(words) != 4 or not sections:
                raise ValueError(f"read_questions: {path} line {number}: expected four words, got {line!r}")
            questions.append(words)
    return sections


def known(sections: dict, ids: dict[str, int]) -> dict[str, np.ndarray]:
    """The questions of which all four words are in the vocabulary, as numbers (N, 4)."""
    found = {name: [[ids[w] for w in q] for q in qs if all(w in ids for w in q)] for name, qs in sections.items()}
    return {name: np.array(qs) for name, qs in found.items() if qs}


def ask(vectors: np.ndarray, questions: np.ndarray, words: list[str]) -> dict:
    """All figures for the questions of one category."""
    free = analogy_accuracy(vectors, questions, "add", exclude=False)
    answers = solve_analogies(vectors, questions[:, :3])
    wrong = np.flatnonzero(answers != questions[:, 3])
    shown = wrong[:: max(1, len(wrong) // 2)][:2]
    return {
        "questions": len(questions),
        **{m: round(analogy_accuracy(vectors, questions, m).right, 4) for m in ("add", "mul", "nearest to c")},
        "add, nothing excluded": round(free.right, 4),
        "then the answer is": {n: round(getattr(free, f"answer_is_{n}"), 4) for n in "abc"},
        "failures": [[*(words[i] for i in questions[n]), words[answers[n]]] for n in shown],
    }


def report(vectors: np.ndarray, questions: dict[str, np.ndarray], words: list[str], ids: dict) -> dict:
    """Analogies by category and over all, and neighbours."""
    everything = np.concatenate(list(questions.values()))
    total = ask(vectors, everything, words)
    del total["failures"]
    near = {w: [words[i] for i in nearest(vectors, vectors[ids[w]], 5, [ids[w]])[0]] for w in ASKED if w in ids}
    return {
        "all": total,
        "categories": {name: ask(vectors, qs, words) for name, qs in questions.items()},
        "neighbours": near,
    }


def main(arguments: list[str] | None = None) -> dict:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--questions", type=Path, required=True)
    parser.add_argument("--epochs", type=int, nargs=2, default=[10, 15], help="of skip-gram and of GloVe")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--small", action="store_true")
    options = parser.parse_args(arguments)
    lines, sections = read_text(options.data), read_questions(options.questions)
    if options.small:
        lines, options.epochs = lines[:400], [1, 1]
    counts = Counter(word for line in lines for word in line)
    words = [word for word, n in counts.most_common() if n >= MIN_COUNT]
    ids = {word: i for i, word in enumerate(words)}
    sentences = [np.array([ids[w] for w in line if w in ids], dtype=int) for line in lines]
    V, questions = len(words), known(sections, ids)
    if not questions:
        raise ValueError("word_vectors: no question has all its words in the text")
    result = {
        "command": "python -m experiments.word_vectors --data FOLDER --questions FILE "
                   f"--epochs {options.epochs[0]} {options.epochs[1]} --seed {options.seed}",
        "data": "WikiText-2 training text (CC BY-SA 3.0) and questions-words.txt (Apache 2.0), in lower case",
        "fingerprints": [hashlib.sha256(repr(x).encode()).hexdigest()[:16] for x in (lines, sections)],
        "tokens": int(sum(map(len, sentences))), "vocabulary": V, "min_count": MIN_COUNT, "E": E, "window": WINDOW,
        "skip-gram settings": SKIP_GRAM, "GloVe settings": GLOVE, "seed": options.seed, "precision": "float32",
        "questions": [sum(map(len, sections.values())), sum(map(len, questions.values()))],
        "questions by category": {name: len(qs) for name, qs in sections.items()},
        "versions": {"python": platform.python_version(), "numpy": np.__version__},
        "machine": f"{platform.machine()}, one thread", "runs": {},
    }  # fmt: skip

    def keep(name: str, vectors: np.ndarray, losses: list[float], seconds: float) -> None:
        figures = report(vectors, questions, words, ids)
        losses = [round(loss, 4) for loss in losses]
        result["runs"][name] = {"losses": losses, **figures, "cpu_seconds": round(seconds)}
        print(name, losses, figures["all"], round(seconds), flush=True)
        if not options.small:
            RESULT.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", encoding="utf8")

    begin = time.process_time()
    rng, settings = np.random.default_rng(options.seed), dict(SKIP_GRAM)
    trained = train_word_vectors(
        rng, sentences, V, E=E, window=WINDOW, epochs=options.epochs[0], dtype=np.float32,
        optimizer=RowAdagrad(settings.pop("lr")), **settings,
    )  # fmt: skip
    keep("skip-gram", trained.tables.inputs, trained.losses, time.process_time() - begin)
    begin = time.process_time()
    rng, settings = np.random.default_rng(options.seed), dict(GLOVE)
    neighbours = count_neighbours(join_sentences(sentences, V), V, WINDOW)
    result["pairs counted for GloVe"] = len(neighbours.counts)
    glove = train_glove(
        rng, neighbours, V, E=E, epochs=options.epochs[1], dtype=np.float32,
        optimizer=RowAdagrad(settings.pop("lr")), **settings,
    )  # fmt: skip
    keep("GloVe", glove.vectors, glove.losses, time.process_time() - begin)
    return result


if __name__ == "__main__":
    main()
