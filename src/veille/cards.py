"""The card that stands for a post without a picture: 1080 x 1350 pixels, drawn from its title.

One family with letter and pages: off-white ground, a large headline in ink with the sun behind its last line,
a coral shape that depends on the kind of post, and the newsroom's name. The same words give the same pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PIL import Image as Pillow
from PIL import ImageDraw

from veille import headlines, motifs, originals
from veille.brand import Brand, Palette, contrast
from veille.errors import RenderError
from veille.headlines import BOLD, MEDIUM, Font
from veille.i18n import gettext as _

WIDTH, HEIGHT = 1080, 1350  # px: 4:5, the tallest that Instagram shows whole
MARGIN = 88
MIN_CONTRAST = 4.5  # WCAG 2.1, criterion 1.4.3
_TITLE_TOP, _TITLE_BOTTOM = 490, 1110
_LABEL_SIZE, _LABEL_GAP = 38, 34
_FOOT = 1232  # centre line of name and town
_NAME_WIDTH, _TOWN_WIDTH = 430, 410
_LOGO_HEIGHT = 88


@dataclass(frozen=True)
class Card:
    """The words of a card; `town` may be empty. `kind` is a `Kind` value and chooses the shape."""

    title: str
    kind_label: str
    town: str = ""
    kind: str = ""


def draw(card: Card, brand: Brand, *, root: Path | None = None) -> Pillow.Image:
    """Draw a card in the light palette.

    Args:
        root: the workspace: fonts in its templates/cards/ win, and brand.logo is relative to it.

    Raises:
        RenderError: colours below 4.5:1, or a font that cannot be read.
        ContentError: a logo that cannot be read.
    """
    _check_contrast(brand.light)
    tokens = brand.light
    bold, medium = headlines.font_path(BOLD, root), headlines.font_path(MEDIUM, root)
    image = Pillow.new("RGB", (WIDTH, HEIGHT), tokens.ground)
    pen = ImageDraw.Draw(image)
    block = headlines.fit(card.title, bold, WIDTH - 2 * MARGIN, _TITLE_BOTTOM - _TITLE_TOP)
    top = _TITLE_BOTTOM - block.height
    _paste_motif(image, card.kind, top, tokens)
    _draw_label(pen, card.kind_label, headlines.load(medium, _LABEL_SIZE), top - _LABEL_GAP, tokens)
    _draw_title(pen, block, top, tokens)
    pen.line((MARGIN, 1160, WIDTH - MARGIN, 1160), fill=tokens.rule, width=3)
    _draw_town(pen, card.town, medium, tokens)
    if brand.logo:
        _paste_logo(image, brand.logo, root)
    else:
        _draw_name(pen, brand.name, bold, tokens)
    return image


def _check_contrast(tokens: Palette) -> None:
    """Every pair of text and ground that a card puts together."""
    for text, ground in (
        ("ink", "ground"),
        ("muted", "ground"),
        ("on_highlight", "highlight"),
        ("on_action", "action"),
    ):
        ratio = contrast(getattr(tokens, text), getattr(tokens, ground))
        if ratio < MIN_CONTRAST:
            raise RenderError(
                _(
                    "the colours {text} and {ground} are too close to be read on a card: "
                    "{ratio:.1f}:1, and 4.5:1 is needed"
                ).format(text=text, ground=ground, ratio=ratio),
                hint=_("make one of them darker or lighter under [brand] colours in veille.toml"),
            )


def _paste_motif(image: Pillow.Image, kind: str, top: int, tokens: Palette) -> None:
    """As large as the headline leaves room for: a short title gets a poster, a long one a corner."""
    side = min(620, max(300, top - _LABEL_GAP - 2 * _LABEL_SIZE - 30))
    colours = (tokens.action, tokens.highlight, tokens.ink)
    image.paste(motifs.corner(kind, side, tokens.ground, colours), (WIDTH - side, 0))


def _draw_label(pen: ImageDraw.ImageDraw, text: str, font: Font, bottom: int, tokens: Palette) -> None:
    """The kind of post, on coral, above the headline."""
    text = headlines.printable(text, font)
    if not text:
        return
    height = _LABEL_SIZE + 28
    box = (MARGIN, bottom - height, MARGIN + font.getlength(text) + 48, bottom)
    pen.rounded_rectangle(box, radius=height // 2, fill=tokens.action)
    pen.text((MARGIN + 24, bottom - height / 2), text, font=font, fill=tokens.on_action, anchor="lm")


def _draw_title(pen: ImageDraw.ImageDraw, block: headlines.Block, top: int, tokens: Palette) -> None:
    """The headline, with the sun behind its last line as a marker pen would leave it."""
    for index, line in enumerate(block.lines):
        baseline = top + round(block.step * index + block.size * 0.95)
        last = index == len(block.lines) - 1
        if last:
            right = MARGIN + block.font.getlength(line) + block.size * 0.14
            left, high, low = MARGIN - block.size * 0.14, block.size * 0.86, block.size * 0.27
            slant = block.size * 0.05
            pen.polygon(
                [
                    (left, baseline - high + slant),
                    (right, baseline - high),
                    (right + slant, baseline + low - slant),
                    (left - slant, baseline + low),
                ],
                fill=tokens.highlight,
            )
        fill = tokens.on_highlight if last else tokens.ink
        pen.text((MARGIN, baseline), line, font=block.font, fill=fill, anchor="ls")


def _draw_town(pen: ImageDraw.ImageDraw, town: str, path: Path, tokens: Palette) -> None:
    """The town at the bottom right, with a pin."""
    font = headlines.shrunk(town, path, _LABEL_SIZE, _TOWN_WIDTH)
    text = headlines.printable(town, font)
    if not text:
        return
    x = WIDTH - MARGIN - font.getlength(text)
    pen.text((x, _FOOT), text, font=font, fill=tokens.muted, anchor="lm")
    _draw_pin(pen, x - 30, _FOOT, tokens)


def _draw_pin(pen: ImageDraw.ImageDraw, x: float, y: float, tokens: Palette) -> None:
    pen.polygon([(x - 12, y - 4), (x + 12, y - 4), (x, y + 20)], fill=tokens.action)
    pen.ellipse((x - 14, y - 22, x + 14, y + 6), fill=tokens.action)
    pen.ellipse((x - 5, y - 13, x + 5, y - 3), fill=tokens.ground)


def _draw_name(pen: ImageDraw.ImageDraw, name: str, path: Path, tokens: Palette) -> None:
    """The newsroom's word mark: its name, ended by a coral point."""
    font = headlines.shrunk(name, path, 50, _NAME_WIDTH)
    text = headlines.printable(name, font)
    pen.text((MARGIN, _FOOT + font.size * 0.35), text, font=font, fill=tokens.ink, anchor="ls")
    x, y, radius = MARGIN + font.getlength(text) + font.size * 0.2, _FOOT + font.size * 0.24, font.size * 0.12
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=tokens.action)


def _paste_logo(image: Pillow.Image, logo: str, root: Path | None) -> None:
    """The newsroom's own mark, never enlarged, left in the foot."""
    path = (root or Path()) / logo
    with originals.opened(originals.look(path, root)) as picture:
        mark = picture.convert("RGBA")
    mark.thumbnail((_NAME_WIDTH, _LOGO_HEIGHT), Pillow.Resampling.LANCZOS)
    image.paste(mark, (MARGIN, _FOOT - mark.height // 2), mark)
