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
from veille.pictures import linebreaks
from veille.rendering.templating import shipped

BOLD, MEDIUM = "Lexend-Bold.ttf", "Lexend-Medium.ttf"
LEADING = 1.2
_SIZES = range(176, 51, -4)  # px of a headline
_WHOLE = 84  # px: a word that is too wide even so is hyphenated
_HYPHENATED = 112  # px: the largest size with hyphens in words
_SMALLER = 0.78  # of the largest size that fits: how much smaller it may be for better lines
_LOSS = 1.4  # what the loss of the whole size would cost, in the measure of `linebreaks`
NARROW = "\u202f"  # narrow no-break space
_KEPT = ("\xa0", NARROW)
_NOT_A_GLYPH = "\U0010fffd"  # private use: every font draws its .notdef here
_WORDS = {"\u2011": "-", "→": "›", "←": "‹", "\u2009": " "}

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
    text = "".join(_WORDS.get(char, char) for char in text).replace(NARROW, _narrow(font))
    kept = "".join(" " if char.isspace() and char not in _KEPT else char for char in text if drawn(char, font))
    return re.sub(rf"[ \xa0{NARROW}]+", _one_space, kept).strip()


def _narrow(font: Font) -> str:
    """The narrowest no-break space that it draws: raqm makes one for fonts that have none."""
    return NARROW if drawn(NARROW, font) else "\xa0"


def _one_space(gap: re.Match[str]) -> str:
    return next((space for space in _KEPT if space in gap[0]), " ")


@lru_cache(maxsize=4096)
def drawn(char: str, font: Font) -> bool:
    """Whether the font has a glyph for a character; spaces count, marks without a shape do not."""
    if char.isspace() and char != NARROW:
        return True
    if unicodedata.category(char) in ("Cc", "Cf", "Cn", "Co", "Cs"):
        return False
    shape = font.getmask(char)
    if char == NARROW:
        return shape.getbbox() is None
    return shape.getbbox() is not None and bytes(shape) != _missing(font)


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


def fit(text: str, path: Path, width: int, height: int, sizes: range = _SIZES) -> Block:
    """The headline, as large as it fits, in lines that people can read aloud: see `linebreaks`.

    French punctuation keeps its word ("« Espace »", "Où ?"). A word that would make the whole headline small is
    hyphenated; one that cannot be is broken at the smallest size anywhere. What is too long even then ends in "…".

    Args:
        width, height: px of the room.
        sizes: px, from large to small.
    """
    font = load(path, 64)
    text = _glued(printable(text, font), _narrow(font))
    softened = linebreaks.softened(text, load(path, _WHOLE), width)
    area = font.getlength(text) / 64 * 0.97 * LEADING  # px² at a size of 1 px, a little less for rounding

    def hopeless(size: int) -> bool:
        return area * size * size > width * height

    fitting: list[tuple[float, Block]] = []
    for size in sizes:
        if fitting and size < fitting[0][1].size * _SMALLER:
            break
        if (softened != text and size > _HYPHENATED) or hopeless(size):
            continue
        font = load(path, size)
        lines = linebreaks.wrapped(softened, font, width)
        if len(lines) * size * LEADING <= height and max(map(font.getlength, lines)) <= width:
            cost, lines = linebreaks.even(softened, font, width, lines)
            loss = 1 - size / fitting[0][1].size if fitting else 0.0
            fitting.append((cost + _LOSS * loss, Block(tuple(lines), font, size)))
    if fitting:
        return min(fitting, key=lambda found: found[0])[1]
    return _squeezed(softened, load(path, sizes[-1]), sizes[-1], width, height)


def _glued(text: str, narrow: str) -> str:
    """Signs stay with their word; as narrow as the font can where French printers set them so (not before ":")."""
    text = re.sub(r" (?=[»:;!?%€])|(?<=«) ", "\xa0", text)
    return re.sub(r"\xa0(?=[»;!?%€])|(?<=«)\xa0", narrow, text)


def _squeezed(text: str, font: Font, size: int, width: int, height: int) -> Block:
    """What does not fit at any size."""
    lines = [part for line in linebreaks.wrapped(text, font, width) for part in _chopped(line, font, width)]
    most = int(height / (size * LEADING))
    if len(lines) > most:
        lines = [*lines[: most - 1], _cut(lines[most - 1], font, width)]
    return Block(tuple(lines), font, size)


def _cut(line: str, font: Font, width: int) -> str:
    """A line that ends in "…" and still fits."""
    while font.getlength(f"{line}…") > width:
        line = line[:-1]
    return line.rstrip(" \xa0,.;:") + "…"


def _chopped(line: str, font: Font, width: int) -> list[str]:
    parts = [""]
    for char in line:
        if font.getlength(parts[-1] + char) > width:
            parts.append("")
        parts[-1] += char
    return parts
