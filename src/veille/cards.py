"""The card that stands for a post without a picture: 1080 x 1350 pixels, drawn from its title.

One family with letter and pages: off-white ground, a large headline in ink with the sun behind one line, a
coral shape that depends on the kind of post, and the newsroom's name. The same words give the same pixels.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont, features

from veille.brand import Brand, contrast
from veille.errors import RenderError
from veille.i18n import gettext as _

WIDTH, HEIGHT = 1080, 1350  # px: 4:5, the tallest that Instagram shows whole
MARGIN = 88
BOLD, MEDIUM = "Lexend-Bold.ttf", "Lexend-Medium.ttf"
MIN_CONTRAST = 4.5  # WCAG 2.1, criterion 1.4.3
_SIZES = range(136, 51, -4)  # px of the headline, largest that fits
_LEADING = 1.16
_TITLE_TOP, _TITLE_BOTTOM = 330, 1130

Font = ImageFont.FreeTypeFont


@dataclass(frozen=True)
class Card:
    """The words of a card; `town` may be empty. `kind` is a `Kind` value and varies the drawing."""

    title: str
    kind_label: str
    town: str = ""
    kind: str = ""


def draw(card: Card, brand: Brand, *, root: Path | None = None) -> Pillow.Image:
    """Draw a card in the light palette.

    Args:
        root: the workspace: fonts in its templates/cards/ win, and brand.logo is relative to it.

    Raises:
        RenderError: colours below 4.5:1, a font or logo that cannot be read.
    """
    _check_contrast(brand)
    tokens = brand.light
    image = Pillow.new("RGB", (WIDTH, HEIGHT), tokens.ground)
    pen = ImageDraw.Draw(image)
    bold = font_path(BOLD, root)
    size, lines = fitted(printable(card.title, load(bold, 64)), bold)
    font = load(bold, size)
    step = round(size * _LEADING)
    y = _TITLE_BOTTOM - step * len(lines)
    for line in lines:
        pen.text((MARGIN, y), line, font=font, fill=tokens.ink)
        y += step
    small = load(bold, 40)
    pen.text((MARGIN, 1210), printable(brand.name, small), font=small, fill=tokens.ink)
    pen.text((MARGIN, 200), printable(card.kind_label, small), font=small, fill=tokens.action)
    return image


def _check_contrast(brand: Brand) -> None:
    tokens = brand.light
    for name, text, ground in (
        ("ink / ground", tokens.ink, tokens.ground),
        ("muted / ground", tokens.muted, tokens.ground),
        ("on_highlight / highlight", tokens.on_highlight, tokens.highlight),
        ("on_action / action", tokens.on_action, tokens.action),
    ):
        if (ratio := contrast(text, ground)) < MIN_CONTRAST:
            raise RenderError(
                _(
                    "the colours {names} are too close to read on a card: {ratio:.1f}:1, and 4.5:1 is needed"
                ).format(names=name, ratio=ratio),
                hint=_("make one of them darker or lighter under [brand] colours in veille.toml"),
            )


def font_path(name: str, root: Path | None) -> Path:
    """A font of the workspace's templates/cards/, else the shipped one.

    Raises:
        RenderError: there is none.
    """
    here = Path(__file__).parent
    folders = [here / "_templates" / "cards", here.parents[1] / "templates" / "cards"]
    for folder in [root / "templates" / "cards", *folders] if root else folders:
        if (folder / name).is_file():
            return folder / name
    raise RenderError(
        _("the font {name} is missing").format(name=name),
        hint=_("install veille again, or put it in templates/cards/"),
    )


@lru_cache(maxsize=64)
def load(path: Path, size: int) -> Font:
    """A font at a size in px. Raqm shapes ligatures and kerning where it is built in; the basic engine kerns.

    Raises:
        RenderError: the file is not a font.
    """
    engine = ImageFont.Layout.RAQM if features.check("raqm") else ImageFont.Layout.BASIC
    try:
        return ImageFont.truetype(path, size, layout_engine=engine)
    except OSError as error:
        raise RenderError(
            _("the font {name} cannot be read").format(name=path.name),
            hint=_("put a TrueType or OpenType font there, or remove it to use the shipped one"),
        ) from error


def printable(text: str, font: Font) -> str:
    """The text with what the font cannot draw put into other words or left out: emoji go, ≥ stays."""
    text = unicodedata.normalize("NFC", text).replace("\u202f", "\xa0")
    kept = "".join(c if c == "\xa0" else " " if c.isspace() else c for c in text if _drawn(c, font))
    return re.sub(r" +", " ", kept).strip()


def _drawn(char: str, font: Font) -> bool:
    if char.isspace():
        return True
    if unicodedata.category(char).startswith("C"):
        return False
    return bytes(font.getmask(char)) != bytes(font.getmask("\U0010fffd"))


def fitted(text: str, path: Path) -> tuple[int, list[str]]:
    """The largest headline size at which the text fits, and its lines."""
    for size in _SIZES:
        lines = wrapped(text, load(path, size))
        if lines and len(lines) * size * _LEADING <= _TITLE_BOTTOM - _TITLE_TOP:
            return size, lines
    return size, lines


def wrapped(text: str, font: Font, width: int = WIDTH - 2 * MARGIN) -> list[str]:
    """Lines no wider than `width` px; breaks at spaces, never at a no-break space."""
    lines: list[str] = []
    for word in text.split(" "):
        if lines and font.getlength(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines
