"""The card that stands for a post without a picture: 1080 x 1350 pixels, drawn from its title.

One family with letter and pages: off-white ground, a large headline in ink with the sun behind its last line,
a coral shape that depends on the kind of post, and the newsroom's name. The same words give the same pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PIL import Image as Pillow
from PIL import ImageDraw

from veille.brand import Brand, Palette, contrast
from veille.errors import RenderError
from veille.i18n import gettext as _
from veille.pictures import headlines, motifs, originals
from veille.pictures.headlines import BOLD, MEDIUM

WIDTH, HEIGHT = 1080, 1350  # px: 4:5, the tallest that Instagram shows whole
MARGIN = 88
MIN_CONTRAST = 4.5  # WCAG 2.1, criterion 1.4.3
_TITLE_TOP, _TITLE_BOTTOM = 490, 1110
_LABEL_HEIGHT, _LABEL_GAP = 66, 36  # the row of labels, and what lies between it and the headline
_LABEL_SIZES = range(38, 25, -2)
_FOOT = 1232  # centre line of the name
_NAME_SIZES = range(54, 31, -2)
_LOGO_SIZE = (500, 96)


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
    block = headlines.fit(card.title, bold, WIDTH - 2 * MARGIN, _TITLE_BOTTOM - _TITLE_TOP)
    top = _TITLE_BOTTOM - block.height
    _paste_motif(image, card.kind, top, tokens)
    right = _draw_label(image, card.kind_label, medium, top - _LABEL_GAP, tokens)
    _draw_town(image, card.town, medium, (right, top - _LABEL_GAP), tokens)
    _draw_title(image, block, top, tokens)
    ImageDraw.Draw(image).line((MARGIN, 1160, WIDTH - MARGIN, 1160), fill=tokens.rule, width=3)
    if brand.logo:
        _paste_logo(image, brand.logo, root)
    else:
        _draw_name(image, brand.name, bold, tokens)
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
    side = min(620, max(300, top - _LABEL_GAP - _LABEL_HEIGHT - 40))
    colours = (tokens.action, tokens.highlight, tokens.ink)
    image.paste(motifs.corner(kind, side, tokens.ground, colours), (WIDTH - side, 0))


def _draw_label(image: Pillow.Image, label: str, path: Path, bottom: int, tokens: Palette) -> int:
    """The kind of post, on coral, above the headline; returns where it ends, in px from the left."""
    text, font = headlines.shrunk(label, path, _LABEL_SIZES, (WIDTH - 2 * MARGIN) // 2)
    if not text:
        return MARGIN
    width, height = round(font.getlength(text)) + 48, _LABEL_HEIGHT
    motifs.smooth(
        image,
        (MARGIN, bottom - height, MARGIN + width, bottom),
        tokens.action,
        lambda pen, k: pen.rounded_rectangle((0, 0, width * k, height * k), radius=height * k / 2, fill=255),
    )
    place = (MARGIN + 24, bottom - height / 2)
    ImageDraw.Draw(image).text(place, text, font=font, fill=tokens.on_action, anchor="lm")
    return MARGIN + width + 32


def _draw_town(image: Pillow.Image, town: str, path: Path, corner: tuple[int, int], tokens: Palette) -> None:
    """The town with a pin, beside the label; `corner` is the bottom left of its room."""
    left, middle = corner[0] + 44, corner[1] - _LABEL_HEIGHT // 2
    text, font = headlines.shrunk(town, path, _LABEL_SIZES, WIDTH - MARGIN - left)
    if not text:
        return
    ImageDraw.Draw(image).text((left, middle), text, font=font, fill=tokens.muted, anchor="lm")
    motifs.smooth(image, (left - 44, middle - 22, left - 14, middle + 22), tokens.action, _paint_pin)


def _draw_title(image: Pillow.Image, block: headlines.Block, top: int, tokens: Palette) -> None:
    """The headline, with the sun behind its last line."""
    pen = ImageDraw.Draw(image)
    for index, line in enumerate(block.lines):
        baseline = top + round(block.step * index + block.size * 0.95)
        last = index == len(block.lines) - 1
        if last:
            _mark(image, baseline, round(block.font.getlength(line)), block.size, tokens.highlight)
        fill = tokens.on_highlight if last else tokens.ink
        pen.text((MARGIN, baseline), line, font=block.font, fill=fill, anchor="ls")


def _mark(image: Pillow.Image, baseline: int, width: int, size: int, colour: str) -> None:
    """What a marker pen leaves behind `width` px of text: not quite straight."""
    pad, slant = round(size * 0.18), size * 0.05
    box = (MARGIN - pad, baseline - round(size * 0.86), MARGIN + width + pad, baseline + round(size * 0.27))
    right, low = box[2] - box[0], box[3] - box[1]
    corners = [(slant, slant), (right - slant, 0), (right, low - slant), (0, low)]
    motifs.smooth(image, box, colour, lambda pen, k: pen.polygon([(x * k, y * k) for x, y in corners], fill=255))


def _paint_pin(pen: ImageDraw.ImageDraw, k: float) -> None:
    pen.polygon([(3 * k, 20 * k), (27 * k, 20 * k), (15 * k, 43 * k)], fill=255)
    pen.ellipse((0, 0, 30 * k, 30 * k), fill=255)
    pen.ellipse((10 * k, 10 * k, 20 * k, 20 * k), fill=0)


def _draw_name(image: Pillow.Image, name: str, path: Path, tokens: Palette) -> None:
    """The newsroom's word mark: its name, ended by a coral point."""
    text, font = headlines.shrunk(name, path, _NAME_SIZES, WIDTH - 2 * MARGIN - 20)
    baseline = _FOOT + round(font.size * 0.35)
    ImageDraw.Draw(image).text((MARGIN, baseline), text, font=font, fill=tokens.ink, anchor="ls")
    x, side = MARGIN + round(font.getlength(text) + font.size * 0.08), round(font.size * 0.24)
    motifs.smooth(
        image,
        (x, baseline - side, x + side, baseline),
        tokens.action,
        lambda pen, k: pen.ellipse((0, 0, side * k, side * k), fill=255),
    )


def _paste_logo(image: Pillow.Image, logo: str, root: Path | None) -> None:
    """The newsroom's own mark, never enlarged, left in the foot."""
    original = originals.look((root or Path()) / logo, root)
    mark = originals.transparent(original)
    mark.thumbnail(_LOGO_SIZE, Pillow.Resampling.LANCZOS)
    image.paste(mark, (MARGIN, _FOOT - mark.height // 2), mark)
