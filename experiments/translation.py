"""Translation, chapter 18: an English-French encoder-decoder with and without attention, learnt from Tatoeba.

    python -m experiments.translation learn --data FOLDER     both networks, a round each in turn; weights in --keep
    python -m experiments.translation text --data FOLDER      of the text alone, into results/translation.json
    python -m experiments.translation score --data FOLDER     of these weights, into the same record
    python -m experiments.translation small                   a made-up text and small networks, prints only

FOLDER holds tatoeba_en_fr/fra-eng.zip (manythings.org/anki, CC BY 2.0) and, for `score`, align_en_fr/alibi (word
alignments by hand, CC BY-SA 4.0). A round reads a third of the pairs. `learn` goes on after the last round that it
finds in --keep, and comes to the same weights as without a break. What is scored is the mean of the weights in the
last round; the development part decides nothing but is shown. While learning, the sum of the softmax over rare words
is estimated from some of them, drawn anew for each batch (after Jean et al. 2015); the loss of the development part is
exact. What is measured is in translation_scores.py and translation_alignments.py.
"""

import argparse
import json
import platform
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch.nn import functional

from course_pkg.data.gold_alignments import Aligned, read_gold
from course_pkg.data.tatoeba import (
    ATTRIBUTION,
    read_pairs,
    references,
    seen_share,
    split_pairs_by_chance,
)
from course_pkg.encoder_decoder import EncoderDecoder, init_encoder_decoder
from course_pkg.torch_twins.loaders import read_params
from course_pkg.torch_twins.seq2seq import Seq2Seq
from course_pkg.tree import count
from experiments.translation_alignments import (
    ModelOne,
    alignment_rows,
    attention_links,
    diagonal,
    model_one_links,
    pictures,
    shifted,
)
from experiments.translation_data import (
    MIN_COUNT,
    MOST_ENGLISH,
    MOST_FRENCH,
    RESULT,
    Corpus,
    corpus,
    fingerprint,
    made_up,
    text_facts,
)
from experiments.translation_scores import memory_scores, translations

NETWORKS = {"attention": "additive", "summary": "summary"}  # the second sees the encoder's last state at every step
D, H = 128, 192
BATCH, LR, CLIP, DROPOUT = 64, 2e-3, 1.0, 0.2
FREQUENT, DRAWN = 1000, 1000  # words of the softmax that are always there, and that are drawn
SEARCHES = {"attention": ((1, "none"), (2, "mean"), (4, "none"), (4, "mean"), (8, "none"), (8, "mean")),
            "summary": ((1, "none"), (4, "mean"))}  # beam widths and what the log probability is divided by
SCORED = None  # test sentences that are translated: all
BY_CHANCE = 0.02  # share of the pairs in the test part of the split that leaks
ROUNDS = 3  # in an epoch: after them each pair was read once


class Sizes(NamedTuple):
    """Of a network and its training."""

    D: int = D
    H: int = H
    batch: int = BATCH


def batches(rng: np.random.Generator, pairs: list, size: int) -> Iterator[tuple[torch.Tensor, ...]]:
    """(source (S, B), its mask or None, target (T, B), its mask) with neighbours in length together, in any order."""
    chance = rng.random(len(pairs))
    order = np.lexsort([chance, [len(f) for _, f in pairs], [len(e) for e, _ in pairs]])
    for start in rng.permutation(np.arange(0, len(order), size)):
        part = [pairs[i] for i in order[start : start + size]]
        source, target = padded([e for e, _ in part]), padded([f for _, f in part])
        mask = source >= 0
        yield source.clamp(min=0), None if mask.all() else mask, target.clamp(min=0), target >= 0


def padded(sequences: list) -> torch.Tensor:
    """Ids (longest, B), -1 at padding."""
    out = np.full((max(map(len, sequences)), len(sequences)), -1)
    for b, ids in enumerate(sequences):
        out[: len(ids), b] = ids
    return torch.from_numpy(out)


def states_of(model: Seq2Seq, batch: tuple, dropout: float = 0.0) -> tuple[torch.Tensor, torch.Tensor]:
    """-> for each real word of the target what the output layer sees before it (n, 2H); the words themselves (n,)."""
    source, mask, target, real = batch
    features, _ = model(source, target[:-1], mask, dropout)  # (T, B, 2H)
    return features[real[1:]], target[1:][real[1:]]


def estimated_loss(model: Seq2Seq, batch: tuple, rng: np.random.Generator) -> torch.Tensor:
    """Mean nats a word, with the frequent words, the batch's words, and DRAWN others that stand for the rest."""
    states, words = states_of(model, batch, DROPOUT)
    V = len(model.out.b)
    sure = np.union1d(np.arange(min(FREQUENT, V)), words.numpy())
    rest = np.setdiff1d(np.arange(V), sure)
    drawn = rng.permutation(rest)[:DRAWN]
    chosen = np.concatenate([sure, drawn])
    place = np.zeros(V, int)
    place[chosen] = np.arange(len(chosen))
    bias = torch.zeros(len(chosen))
    bias[len(sure) :] = np.log(len(rest) / max(len(drawn), 1)) if len(rest) else 0.0  # each stands for so many
    logits = functional.dropout(states, DROPOUT) @ model.out.W[chosen].T + model.out.b[chosen] + bias
    return functional.cross_entropy(logits, torch.from_numpy(place)[words])


def nats(model: Seq2Seq, pairs: list) -> float:
    """Mean nats a word, without dropout."""
    total, words = 0.0, 0
    with torch.no_grad():
        for batch in batches(np.random.default_rng(0), pairs, 200):
            states, targets = states_of(model, batch)
            total += float(functional.cross_entropy(model.out(states), targets, reduction="sum"))
            words += len(targets)
    return total / words


def new_model(data: Corpus, network: str, seed: int, sizes: Sizes) -> Seq2Seq:
    torch.manual_seed(seed)
    look = NETWORKS[network]
    return Seq2Seq(len(data.english), len(data.french), sizes.D, sizes.H, "gru", look, dtype=torch.float32)


class Learning:
    """A network in training, `round` after `round`; it is kept in a file after each if there is a folder for it."""

    def __init__(self, data: Corpus, network: str, seed: int, sizes: Sizes, keep: Path | None, log: Callable = print):
        self.data, self.network, self.seed, self.sizes, self.log, self.curve = data, network, seed, sizes, log, []
        self.model, self.mean = (new_model(data, network, seed, sizes) for _ in range(2))
        self.optimizer = torch.optim.Adam(self.model.parameters(), LR)
        self.file = keep and keep / f"{network}_{seed}.pt"
        if self.file and self.file.exists():
            state = torch.load(self.file, weights_only=True)
            for name in ("model", "mean", "optimizer"):
                getattr(self, name).load_state_dict(state[name])
            self.curve = json.loads(state["curve"])

    def round(self) -> None:
        """The next third of the pairs, then a row of the curve."""
        number, begin, losses = len(self.curve), time.process_time(), []
        epoch, third = divmod(number, ROUNDS)
        order = np.random.default_rng([self.seed, epoch]).permutation(len(self.data.learnt))
        pairs = [self.data.learnt[i] for i in order[third::ROUNDS]]
        torch.manual_seed(1000 * self.seed + number)  # of the dropout
        rng = np.random.default_rng([self.seed, number, 1])
        for batch in batches(rng, pairs, self.sizes.batch):
            losses.append(self.update(batch, rng))
            with torch.no_grad():  # the mean of this round's weights
                parts = [list(net.parameters()) for net in (self.mean, self.model)]
                torch._foreach_lerp_(*parts, 1 / len(losses))
            if len(losses) % 100 == 0:
                self.log(f"{self.network}, round {number + 1}, {len(losses)} updates, {np.mean(losses[-100:]):.3f} "
                         f"nats, {time.process_time() - begin:.0f} s")  # fmt: skip
        row = {"epochs": round((number + 1) / ROUNDS, 2), "updates": len(losses),
               "learnt": round(float(np.mean(losses)), 4),
               "cpu_seconds": round(time.process_time() - begin)}  # fmt: skip
        self.curve.append(row)
        self.log(json.dumps(row))
        if self.file:
            state = {name: getattr(self, name).state_dict() for name in ("model", "mean", "optimizer")}
            torch.save(state | {"curve": json.dumps(self.curve)}, self.file.with_suffix(".part"))
            self.file.with_suffix(".part").replace(self.file)

    def update(self, batch: tuple, rng: np.random.Generator) -> float:
        """One step of Adam -> the loss before it."""
        self.optimizer.zero_grad(set_to_none=True)
        loss = estimated_loss(self.model, batch, rng)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), CLIP)
        self.optimizer.step()
        return float(loss.detach())


# ---- scores ------------------------------------------------------------------------------------------------------


def params_of(model: Seq2Seq, data: Corpus, sizes: Sizes, look: str) -> EncoderDecoder:
    """The trained weights as the course's own parameters."""
    like = init_encoder_decoder(np.random.default_rng(0), len(data.english), len(data.french), sizes.D, sizes.H,
                                attention=look)  # fmt: skip
    return read_params(model, like)


def of_text(data: Corpus, pairs: list) -> dict:
    """The part of the record that needs no network: the text, what two splits leak, the translation memory on both."""
    share = max(BY_CHANCE, 8 / len(pairs))
    splits = {"by chance": split_pairs_by_chance(np.random.default_rng(0), pairs, share),
              "by sentence": (data.parts.train, data.parts.test)}  # fmt: skip
    leak = {
        name: {"pairs": len(test), "english seen": round(seen_share(train, test), 4),
               "french seen": round(seen_share(train, test, "french"), 4), "memory": memory_scores(train, test)}
        for name, (train, test) in splits.items()
    }  # fmt: skip
    return {"text": text_facts(data), "leak": leak}


def score(data: Corpus, p: dict[str, EncoderDecoder], gold: list, searches: dict, most: int | None,
          log: Callable) -> dict:  # fmt: skip
    """The part of the record that is about translations and alignments."""
    found = {"translations": translations(p, data, searches, most, log)}
    links, unknown = attention_links(p["attention"], data, gold)
    one = ModelOne([(e, f[1:-1]) for e, f in data.learnt], len(data.french))
    methods = {"attention": links, "next word": shifted(links, gold, 1), "word before": shifted(links, gold, -1),
               "diagonal": diagonal(gold), "model 1": [model_one_links(one, data, g) for g in gold]}  # fmt: skip
    links_by_hand = [sum(len(g.sure) for g in gold), sum(len(g.possible - g.sure) for g in gold)]
    found["alignment"] = {"rows": alignment_rows(gold, methods), "unknown": unknown, "links by hand": links_by_hand,
                          "pictures": pictures(p["attention"], data, gold)}  # fmt: skip
    return found


def versions() -> dict[str, str]:
    return {"python": platform.python_version(), "numpy": np.__version__, "torch": torch.__version__.split("+")[0]}


def small() -> dict:
    """Two rounds on the made-up sentences, everything measured."""
    pairs, sizes = made_up(), Sizes(8, 8, 8)
    data = corpus(pairs, 0, 4, 8, min_count=1)
    both = {name: Learning(data, name, 0, sizes, None) for name in NETWORKS}
    for one in both.values():
        one.round(), one.round()
    gold = [Aligned(("je", "vois", "l'auberge"), ("i", "see", "the", "inn"), frozenset({(0, 0)}),
                    frozenset({(0, 0), (1, 1)}), "ours")]  # fmt: skip
    p = {name: params_of(one.mean, data, sizes, NETWORKS[name]) for name, one in both.items()}
    record = of_text(data, pairs) | score(data, p, gold, dict.fromkeys(NETWORKS, ((1, "none"), (4, "mean"))), 6, print)
    return record | {"networks": {name: {"curve": one.curve} for name, one in both.items()}}


def main(arguments: list[str] | None = None) -> dict:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", choices=("learn", "text", "score", "small"))
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--keep", type=Path, default=Path("_build/translation"), help="where the weights are kept")
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    if options.part == "small":
        return small()
    options.keep.mkdir(parents=True, exist_ok=True)
    pairs, log = read_pairs(options.data / "tatoeba_en_fr" / "fra-eng.zip"), partial(print, flush=True)
    data = corpus(pairs, options.seed)
    log(len(data.learnt), len(data.development), len(data.english), len(data.french))
    if options.part == "text":
        return write(about(options, pairs, data) | of_text(data, pairs))
    both = {name: Learning(data, name, options.seed, Sizes(), options.keep, log) for name in NETWORKS}
    if options.part == "learn":
        for number in range(options.rounds):
            for one in both.values():
                if len(one.curve) == number:
                    one.round()
        return {name: one.curve for name, one in both.items()}
    begin = time.process_time()
    p = {name: params_of(one.mean, data, Sizes(), NETWORKS[name]) for name, one in both.items()}
    measured = score(data, p, read_gold(options.data / "align_en_fr" / "alibi"), SEARCHES, SCORED, log)
    losses = {name: round(nats(one.mean, data.development), 4) for name, one in both.items()}
    networks = {name: {"parameters": count(p[name]), "curve": one.curve, "development": losses[name]}
                for name, one in both.items()}  # fmt: skip
    options.rounds = len(both["attention"].curve)
    return write(about(options, pairs, data) | {"networks": networks} | measured
                 | {"score_cpu_seconds": round(time.process_time() - begin)})  # fmt: skip


def write(new: dict) -> dict:
    """Put the new parts into the record."""
    record = (json.loads(RESULT.read_text("utf8")) if RESULT.exists() else {}) | new
    RESULT.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", "utf8")
    return record


def about(options: argparse.Namespace, pairs: list, data: Corpus) -> dict:
    """What was run on what."""
    return {
        "command": f"python -m experiments.translation learn --data FOLDER --rounds {options.rounds} "
                   f"--seed {options.seed} --threads {options.threads}",
        "then": "the same with text and with score in place of learn",
        "data": [ATTRIBUTION, "word alignments: AlibiWordAlignments (Xu and Yvon 2016), CC BY-SA 4.0"],
        "fingerprint": fingerprint(pairs), "pairs": len(pairs), "english sentences": len(references(pairs)),
        "parts": {name: len(part) for name, part in data.parts._asdict().items()},
        "learnt pairs": len(data.learnt), "development pairs": len(data.development),
        "longest": [MOST_ENGLISH, MOST_FRENCH], "min_count": MIN_COUNT, "softmax": [FREQUENT, DRAWN],
        "vocabularies": [len(data.english), len(data.french)], "sizes": Sizes()._asdict(), "lr": LR, "clip": CLIP,
        "dropout": DROPOUT, "seed": options.seed, "precision": "float32", "versions": versions(),
        "machine": f"{platform.machine()}, {options.threads} thread{'s' if options.threads > 1 else ''}",
    }  # fmt: skip


if __name__ == "__main__":
    main()
