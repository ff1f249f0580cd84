"""Text on cards: fonts, what they can draw, and headlines that fit."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from PIL import ImageFont, features

from veille.errors import RenderError
from veille.i18n import gettext as _
from veille.rendering.templating import shipped

BOLD, MEDIUM = "Lexend-Bold.ttf", "Lexend-Medium.ttf"
LEADING = 1.2
_SIZES = range(176, 51, -4)  # px of a headline; the largest that fits is taken
_NOT_A_GLYPH = "\U0010fffd"  # private use: every font draws its .notdef here
_WORDS = {"\u202f": "\xa0", "\u2011": "-", "→": "›", "←": "‹", "\u2009": " "}

Font = ImageFont.FreeTypeFont


@dataclass(frozen=True)
class Block:
    """A headline broken into lines at a size in px."""

    lines: tuple[str, ...]
    font: Font
    size: int

    @property
    def step(self) -> float:
        """From baseline to baseline, px."""
        return self.size * LEADING

    @property
    def height(self) -> int:
        """Of all lines, px."""
        return round(self.step * len(self.lines))


def font_path(name: str, root: Path | None) -> Path:
    """A font of the workspace's templates/cards/, else the shipped one.

    Raises:
        RenderError: there is none.
    """
    for folder in (root / "templates", shipped()) if root else (shipped(),):
        if (path := folder / "cards" / name).is_file():
            return path
    raise RenderError(
        _("the font {name} is missing").format(name=name),
        hint=_("install veille again, or put this font in templates/cards/"),
    )


@lru_cache(maxsize=128)
def load(path: Path, size: int) -> Font:
    """A font at a size in px. Raqm shapes ligatures where Pillow has it; the basic engine only kerns.

    Raises:
        RenderError: the file is not a font.
    """
    engine = ImageFont.Layout.RAQM if features.check("raqm") else ImageFont.Layout.BASIC
    try:
        return ImageFont.truetype(path, size, layout_engine=engine)
    except OSError as error:
        raise RenderError(
            _("the font {name} cannot be read").format(name=path.name),
            hint=_("put a TrueType or OpenType font there, or delete it to use the shipped one"),
        ) from error


def printable(text: str, font: Font) -> str:
    """The text as this font can draw it: what it lacks (emoji) is left out, spaces are made single."""
    text = unicodedata.normalize("NFC", text)
    text = "".join(_WORDS.get(char, char) for char in text)
    kept = "".join(" " if char.isspace() and char != "\xa0" else char for char in text if drawn(char, font))
    return re.sub(r" *\xa0[ \xa0]*| +", lambda gap: "\xa0" if "\xa0" in gap[0] else " ", kept).strip()


def drawn(char: str, font: Font) -> bool:
    """Whether the font has a glyph for a character; spaces count, marks without a shape do not."""
    if char.isspace():
        return True
    if unicodedata.category(char) in ("Cc", "Cf", "Cn", "Co", "Cs"):
        return False
    return bytes(font.getmask(char)) != _missing(font)


@lru_cache(maxsize=128)
def _missing(font: Font) -> bytes:
    return bytes(font.getmask(_NOT_A_GLYPH))


def shrunk(text: str, path: Path, sizes: range, width: int) -> tuple[str, Font]:
    """One line at the first of `sizes` (px, from large to small) at which it is at most `width` px wide.

    Returns:
        the text, ending in "…" when it is too long even at the smallest size, and the font.
    """
    for size in sizes:
        font = load(path, size)
        shown = printable(text, font)
        if font.getlength(shown) <= width:
            return shown, font
    return _cut(shown, font, width), font


def fit(text: str, path: Path, width: int, height: int) -> Block:
    """The headline at the largest size that fits, in lines of even length.

    French punctuation keeps its word ("« Espace »", "Où ?"). A word wider than the card breaks at its hyphens, at
    the smallest size anywhere. What is too long even then ends in "…".

    Args:
        width, height: px of the room.
    """
    text = printable(text, load(path, 64))
    text = re.sub(r" (?=[»:;!?%€])|(?<=«) ", "\xa0", text)
    for size in _SIZES:
        font = load(path, size)
        lines = wrapped(text, font, width)
        fits = len(lines) * size * LEADING <= height and max(map(font.getlength, lines)) <= width
        if fits:
            return Block(tuple(balanced(text, font, width, lines)), font, size)
    lines = [part for line in lines for part in _chopped(line, font, width)]
    most = int(height / (size * LEADING))
    if len(lines) > most:
        lines = [*lines[: most - 1], _cut(lines[most - 1], font, width)]
    return Block(tuple(lines), font, size)


def _cut(line: str, font: Font, width: int) -> str:
    """A line that ends in "…" and still fits."""
    while font.getlength(f"{line}…") > width:
        line = line[:-1]
    return line.rstrip(" \xa0,.;:") + "…"


def wrapped(text: str, font: Font, width: float) -> list[str]:
    """Lines, each as full as it gets; breaks at spaces, never at a no-break space."""
    lines = [""]
    for word in text.split(" "):
        for glue, part in _parts(word, font, width):
            if font.getlength(lines[-1] + glue + part) <= width:
                lines[-1] += (glue if lines[-1] else "") + part
            elif lines[-1]:
                lines.append(part)
            else:
                lines[-1] = part
    return lines


def _parts(word: str, font: Font, width: float) -> list[tuple[str, str]]:
    """A word with the space before it; in pieces at its hyphens only when it is wider than a line."""
    if font.getlength(word) <= width:
        return [(" ", word)]
    pieces = re.split(r"(?<=[^\W\d]-)(?=[^\W\d])", word)
    return [(" " if index == 0 else "", piece) for index, piece in enumerate(pieces)]


def balanced(text: str, font: Font, width: int, lines: list[str]) -> list[str]:
    """The same number of lines, in the narrowest column that gives it: no word stands alone at the end."""
    narrow, wide = width // 3, width
    while narrow < wide:
        middle = (narrow + wide) // 2
        tried = wrapped(text, font, middle)
        if len(tried) <= len(lines) and max(map(font.getlength, tried)) <= middle:
            wide, lines = middle, tried
        else:
            narrow = middle + 1
    return lines


def _chopped(line: str, font: Font, width: int) -> list[str]:
    parts = [""]
    for char in line:
        if font.getlength(parts[-1] + char) > width:
            parts.append("")
        parts[-1] += char
    return parts
