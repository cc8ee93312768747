"""Reading treebanks in the CoNLL-U format of Universal Dependencies: words and their universal part-of-speech tags."""

import gzip
from pathlib import Path
from typing import NamedTuple

UPOS = (
    "ADJ", "ADP", "ADV", "AUX", "CCONJ", "DET", "INTJ", "NOUN", "NUM", "PART", "PRON", "PROPN", "PUNCT", "SCONJ",
    "SYM", "VERB", "X",
)  # fmt: skip


class TaggedSentence(NamedTuple):
    """Words, and one tag of UPOS for each."""

    words: tuple[str, ...]
    tags: tuple[str, ...]


def read_conllu(path: str | Path) -> list[TaggedSentence]:
    """The sentences of a .conllu or .conllu.gz file.

    Multiword tokens (1-2) and empty nodes (1.1) are left out, as UD scores them.
    Raises ValueError with file and line for a line that is not ten columns or a tag that is not in UPOS.
    """
    sentences, words, tags = [], [], []
    path = Path(path)
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    for number, line in enumerate([*raw.decode("utf8").split("\n"), ""], start=1):
        if not line.strip():
            if words:
                sentences.append(TaggedSentence(tuple(words), tuple(tags)))
            words, tags = [], []
            continue
        if line.startswith("#"):
            continue
        columns = line.split("\t")
        if len(columns) != 10:
            raise ValueError(f"read_conllu: {path}, line {number}: must have 10 columns, got {len(columns)}")
        if not columns[0].isdigit():
            continue
        if columns[3] not in UPOS:
            raise ValueError(f"read_conllu: {path}, line {number}: the tag must be one of UPOS, got {columns[3]!r}")
        words.append(columns[1])
        tags.append(columns[3])
    return sentences
