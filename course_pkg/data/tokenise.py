"""From text to tokens and back: what the eye takes for one character, and words.

`graphemes` loses nothing: "".join(graphemes(text)) == text, for every text. `words` forgets the blanks and brings the
text to one Unicode form; `detokenise` writes it with usual blanks, so that `words` finds the same tokens again.
"""

import unicodedata

JOINER = "\u200d"  # zero width joiner: makes one picture of several
SKIN_TONES = range(0x1F3FB, 0x1F400)
FLAG_LETTERS = range(0x1F1E6, 0x1F200)  # two of them make a flag
TAGS = range(0xE0020, 0xE0080)  # follow a black flag: England, Scotland, Wales
INSIDE_WORDS = "'’-"  # between two letters they belong to the word: don't, grown-up
NO_BLANK_BEFORE, NO_BLANK_AFTER = set(".,;:!?)]}%"), set("([{")


def normalise(text: str) -> str:
    """The composed Unicode form, NFC: "e" and a combining acute accent become the one character "é"."""
    return unicodedata.normalize("NFC", text)


def graphemes(text: str) -> list[str]:
    """What is seen as one character, with its combining marks; emoji of several parts, flags and line ends stay whole.

    Nothing is changed or lost. This is a short form of the Unicode rules (UAX 29): it leaves the syllables of Hangul
    apart where they are written in parts, and a mark that follows a blank stands alone.
    """
    found: list[str] = []
    for character in text:
        if found and _belongs_to(found[-1], character):
            found[-1] += character
        else:
            found.append(character)
    return found


def words(text: str, lower: bool = False) -> list[str]:
    """Words, numbers and single marks; blanks are left out. The text is brought to the form NFC first.

    A word is a run of letters, digits and underscores with their combining marks, and with apostrophes and hyphens
    between them. Everything else that is seen is a token of its own, an emoji too.
    """
    pieces = graphemes(normalise(text.lower() if lower else text))
    tokens: list[str] = []
    open_word = False  # whether the last token is a word that may go on
    for piece, following in zip(pieces, [*pieces, " "][1:], strict=True):
        letter = _is_letter(piece)
        goes_on = open_word and (letter or (piece in INSIDE_WORDS and _is_letter(following)))
        if goes_on:
            tokens[-1] += piece
        elif not piece.isspace():
            tokens.append(piece)
        open_word = goes_on or letter
    return tokens


def detokenise(tokens: list[str]) -> str:
    """Tokens of `words` -> text: a blank between two, but none before a full stop or after an opening bracket.

    words(detokenise(tokens)) == tokens for tokens that `words` has found. Where the blanks of the first text were
    unusual, the text itself is not found again.
    """
    text = ""
    for i, token in enumerate(tokens):
        after_bracket = i > 0 and tokens[i - 1] in NO_BLANK_AFTER and _is_letter(token)
        if i > 0 and token not in NO_BLANK_BEFORE and not after_bracket:
            text += " "
        text += token
    return text


def _is_letter(piece: str) -> bool:
    return piece[0].isalnum() or piece[0] == "_"


def _belongs_to(piece: str, character: str) -> bool:
    """Whether `character` goes on with the grapheme `piece`."""
    if character == "\n":
        return piece == "\r"
    if unicodedata.category(piece[0]) in ("Cc", "Zl", "Zp") or piece.isspace():
        return False
    code = ord(character)
    if unicodedata.category(character) in ("Mn", "Me", "Mc") or character == JOINER or code in SKIN_TONES:
        return True
    if code in TAGS:
        return ord(piece[0]) == 0x1F3F4
    if code in FLAG_LETTERS:
        return len(piece) == 1 and ord(piece) in FLAG_LETTERS
    return piece.endswith(JOINER) and unicodedata.category(character) == "So" and unicodedata.category(piece[0]) == "So"
