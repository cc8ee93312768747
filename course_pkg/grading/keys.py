"""The secret of a term: a file that the instructor keeps, from which all hidden inputs are drawn.

Whoever has the repository has the generators of the inputs. Without the key he still does not know one hidden number.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

FOLDER = ".course"  # below the repository's root, never committed, never in a student's bundle
DEFAULT = "default"  # the name of a term that was not named


class GradingError(Exception):
    """Something that the instructor can mend; the message says how."""


@dataclass(frozen=True)
class Key:
    """The secret bytes of a term. They never appear in its representation; the fingerprint may be shown to anybody."""

    term: str
    secret: bytes = field(repr=False)

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(b"fingerprint" + self.secret).hexdigest()[:12]

    def generator(self, *words: str) -> np.random.Generator:
        """A generator of its own for these words: the same key and words, the same numbers."""
        text = "\0".join(words).encode()
        digest = hashlib.blake2b(text, key=self.secret[:64], digest_size=32).digest()
        return np.random.default_rng(int.from_bytes(digest, "big"))


def key_path(root: Path, term: str = "") -> Path:
    """Where the key of a term is kept."""
    name = term or DEFAULT
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,39}", name):
        raise GradingError(f"{name!r} cannot name a term; take letters, digits, dots and dashes, such as 2027-spring")
    return root / FOLDER / "keys" / f"{name}.key"


def read_key(path: Path, term: str = "") -> Key:
    """The key in a file; the file's form is checked."""
    try:
        text = path.read_text(encoding="ascii").strip()
    except OSError as error:
        raise GradingError(f"no key of the term can be read at {path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise GradingError(f"{path} is not a key of a term") from error
    if not re.fullmatch(r"[0-9a-f]{64}", text):
        raise GradingError(f"{path} is not a key of a term: it should hold 64 hexadecimal digits")
    return Key(term or DEFAULT, bytes.fromhex(text))


def term_key(root: Path, term: str = "") -> tuple[Key, bool]:
    """The key of a term, and whether it was made just now. All that start at once agree on one key."""
    path = key_path(root, term)
    if path.exists():
        return read_key(path, term), False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    own = path.with_name(f"{path.name}.{secrets.token_hex(8)}.new")
    with os.fdopen(os.open(own, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_hex(32) + "\n")
    try:
        os.link(own, path)  # fails when somebody else was faster; its key is then the key
        made = True
    except FileExistsError:
        made = False
    finally:
        own.unlink()
    return read_key(path, term), made
