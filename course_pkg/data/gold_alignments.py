"""Word alignments by hand: two texts sentence by sentence, and the links between their words.

The files are those of the ALIBI project (Xu and Yvon 2016, CC BY-SA 4.0): five French stories and their English
translations, words apart by blanks. A link is "3-4", sure, or "3p4", possible: the French word first, counted from 0.
"""

from pathlib import Path
from typing import NamedTuple

Link = tuple[int, int]
STORIES = {
    "ChatBotte": "MasterCat", "LAuberge": "TheInn", "LaBarbeBleue": "BlueBeard", "LaDerniereClasse": "TheLastLesson",
    "LaVision": "TheVision",
}  # fmt: skip


class Aligned(NamedTuple):
    """A sentence in both languages and its links (French word, English word)."""

    french: tuple[str, ...]
    english: tuple[str, ...]
    sure: frozenset[Link]
    possible: frozenset[Link]  # the sure ones as well
    story: str


def read_story(folder: str | Path, french: str, english: str) -> list[Aligned]:
    """The sentences of one story, in order. ValueError for a link outside its sentence or a line of another form."""
    folder, name = Path(folder), f"ali_w2w_{french}_{english}.txt"
    files = [folder / f"{french}_sents.txt", folder / f"{english}_sents.txt", folder / name]
    for file in files:
        if not file.is_file():
            raise FileNotFoundError(f"read_story: {file.name} is not there; get AlibiWordAlignments (Xu and Yvon 2016)")
    first, second, links = map(_numbered_lines, files)
    if not set(first) == set(second) == set(links):
        odd = sorted(set(first) ^ set(second) | set(first) ^ set(links))
        raise ValueError(f"read_story: {name} and its two texts must number the same lines, got {odd[:5]} not in all")
    found = []
    for number in sorted(first):
        words = tuple(first[number].split()), tuple(second[number].split())
        sure, possible = set(), set()
        for text in links[number].split():
            link = _link(text, name, number, len(words[0]), len(words[1]))
            possible.add(link)
            if "-" in text:
                sure.add(link)
        found.append(Aligned(*words, frozenset(sure), frozenset(possible), french))
    return found


def read_gold(folder: str | Path) -> list[Aligned]:
    """All sentences of the five stories that have a word in each language."""
    found = [pair for french, english in STORIES.items() for pair in read_story(folder, french, english)]
    return [pair for pair in found if pair.french and pair.english]


def _numbered_lines(file: Path) -> dict[int, str]:
    lines = {}
    for line in file.read_text("utf8").split("\n"):
        if not line.strip():
            continue
        number, tab, text = line.partition("\t")
        if not number.isdigit() or not tab:
            raise ValueError(f"read_story: {file.name}: a line must be a number, a tab and a text, got {line[:60]!r}")
        lines[int(number)] = text
    return lines


def _link(text: str, name: str, number: int, n_french: int, n_english: int) -> Link:
    for mark in "-p":
        i, found, j = text.partition(mark)
        if found and i.isdigit() and j.isdigit():
            if int(i) < n_french and int(j) < n_english:
                return int(i), int(j)
            raise ValueError(f"read_story: {name}, line {number}: links must be between {n_french} French and "
                             f"{n_english} English words, got {text!r}")  # fmt: skip
    raise ValueError(f"read_story: {name}, line {number}: a link must be like 3-4 or 3p4, got {text!r}")
