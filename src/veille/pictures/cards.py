"""The card that stands for a post without a picture, drawn from its title: upright for Instagram, wide for links.

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
from veille.pictures import headlines, logos, motifs
from veille.pictures.headlines import BOLD, MEDIUM

MIN_CONTRAST = 4.5  # WCAG 2.2, criterion 1.4.3 (w3.org/TR/WCAG22, read 2026-11-22)
Pair = tuple[str, str]  # names in `Palette`: a text, and what lies behind it
HEADLINE, MARKED = ("ink", "ground"), ("on_highlight", "highlight")
LABEL, TOWN = ("on_action", "action"), ("muted", "ground")
PAIRS: tuple[Pair, ...] = (HEADLINE, TOWN, MARKED, LABEL)  # every text that a card may show


@dataclass(frozen=True)
class Layout:
    """Where things are on a card, in px.

    Args:
        room: width of headline and labels.
        top, bottom: between which the headline stands, on the bottom.
        motif: the smallest and largest side of the drawing in the corner; above the labels, or beside them.
        sizes: of the headline, from large to small.
        rule: of the line under the headline.
        foot: middle of the newsroom's name.
        names: sizes of that name.
        logo: the room of a logo.
    """

    width: int
    height: int
    margin: int
    room: int
    top: int
    bottom: int
    motif: tuple[int, int]
    sizes: range
    rule: int
    foot: int
    names: range
    logo: tuple[int, int]


# 4:5 is the tallest that Instagram shows whole; 1.91:1 is what Facebook and others show beside a link
# (developers.facebook.com/docs/sharing/webmasters/images, read 2026-09-11).
PORTRAIT = Layout(
    1080, 1350, 88, 904, 490, 1110, (300, 620), range(176, 51, -4), 1160, 1232, range(54, 31, -2), (500, 96)
)
WIDE = Layout(1200, 630, 64, 770, 170, 476, (346, 346), range(112, 43, -4), 506, 564, range(40, 25, -2), (400, 64))
LABEL_HEIGHT, LABEL_GAP = 66, 36  # a row of labels, and what lies between it and the headline
_ROW = LABEL_HEIGHT + 6  # from one row of labels to the next
_LABEL_SIZES, _TOWN_SIZES, _ROW_SIZES = range(38, 25, -2), range(38, 31, -2), range(38, 27, -2)
_PIN = 44  # what the pin before a town takes


@dataclass(frozen=True)
class Card:
    """The words of a card; `town` may be empty. `kind` is a `Kind` value and chooses the shape."""

    title: str
    kind_label: str
    town: str = ""
    kind: str = ""


def draw(card: Card, brand: Brand, *, layout: Layout = PORTRAIT, root: Path | None = None) -> Pillow.Image:
    """Draw a card in the light palette.

    Args:
        root: the workspace: fonts in its templates/cards/ win, and brand.logo is relative to it.

    Raises:
        RenderError: colours below 4.5:1, or a font that cannot be read.
        ContentError: a logo that cannot be read.
    """
    for pair in PAIRS:
        _check_contrast(brand.light, pair)
    bold, medium = headlines.font_path(BOLD, root), headlines.font_path(MEDIUM, root)
    image = Pillow.new("RGB", (layout.width, layout.height), brand.light.ground)
    title, label = _words(card, brand, bold)
    block = headlines.fit(title, bold, layout.room, layout.bottom - layout.top, layout.sizes)
    top = layout.bottom - block.height
    sheet = _Sheet(image, layout, brand.light)
    sheet.labels(label, card.town, medium, top - LABEL_GAP, card.kind)
    sheet.title(block, top)
    sheet.foot(brand, bold, root)
    return image


def _words(card: Card, brand: Brand, path: Path) -> tuple[str, str]:
    """The headline and the label; a title of which nothing can be drawn (emoji alone) leaves the floor to the kind."""
    font = headlines.load(path, 64)
    for title, label in ((card.title, card.kind_label), (card.kind_label, ""), (brand.name, "")):
        if headlines.printable(title, font):
            return title, label
    return "…", ""


def _check_contrast(tokens: Palette, pair: Pair) -> None:
    text, ground = pair
    ratio = contrast(getattr(tokens, text), getattr(tokens, ground))
    if ratio < MIN_CONTRAST:
        raise RenderError(
            _(
                "the colours {text} and {ground} are too close to be read on a card: {ratio:.1f}:1, and 4.5:1 is needed"
            ).format(text=text, ground=ground, ratio=ratio),
            hint=_("make one of them darker or lighter under [brand] colours in veille.toml"),
        )


@dataclass(frozen=True)
class _Sheet:
    """A card that is being drawn."""

    image: Pillow.Image
    layout: Layout
    tokens: Palette

    def write(self, place: tuple[float, float], text: str, font: headlines.Font, pair: Pair, anchor: str) -> None:
        """The only way in which text gets on a card: in a pair of colours that was computed to be readable."""
        _check_contrast(self.tokens, PAIRS[PAIRS.index(pair)])
        ImageDraw.Draw(self.image).text(place, text, font=font, fill=getattr(self.tokens, pair[0]), anchor=anchor)

    def labels(self, label: str, town: str, path: Path, bottom: int, kind: str) -> None:
        """The kind of post and the town above the headline, side by side or in two rows; the drawing above them."""
        margin, room = self.layout.margin, self.layout.room
        text, font = headlines.shrunk(label, path, _LABEL_SIZES, room // 2)
        chip = round(font.getlength(text)) + 48 + 32 if text else 0
        where, town_font = headlines.shrunk(town, path, _TOWN_SIZES, room - chip - _PIN)
        if chip and where.endswith("…"):  # a row of its own
            where, town_font = headlines.shrunk(town, path, _ROW_SIZES, room - _PIN)
            rows, left = 2, margin
        else:
            rows, left = 1, margin + chip
        top = bottom - LABEL_HEIGHT - (rows - 1) * _ROW
        self._motif(kind, top)
        if text:
            self._chip(text, font, top)
        if where:
            self._town(where, town_font, left, bottom)

    def _motif(self, kind: str, free: int) -> None:
        """As large as there is room above the labels: a short title gets a poster, a long one a corner."""
        least, most = self.layout.motif
        side = min(most, max(least, free - 40))
        colours = (self.tokens.action, self.tokens.highlight, self.tokens.ink)
        drawing = motifs.corner(kind, side, self.tokens.ground, colours)
        self.image.paste(drawing, (self.layout.width - side, 0))

    def _chip(self, text: str, font: headlines.Font, top: int) -> None:
        """The kind of post, on coral."""
        left, width, height = self.layout.margin, round(font.getlength(text)) + 48, LABEL_HEIGHT
        motifs.smooth(
            self.image,
            (left, top, left + width, top + height),
            self.tokens.action,
            lambda pen, k: pen.rounded_rectangle((0, 0, width * k, height * k), radius=height * k / 2, fill=255),
        )
        self.write((left + 24, top + height / 2), text, font, LABEL, "lm")

    def _town(self, text: str, font: headlines.Font, left: int, bottom: int) -> None:
        """The town with a pin."""
        middle = bottom - LABEL_HEIGHT // 2
        self.write((left + _PIN, middle), text, font, TOWN, "lm")
        motifs.smooth(self.image, (left, middle - 22, left + 30, middle + 22), self.tokens.action, _paint_pin)

    def title(self, block: headlines.Block, top: int) -> None:
        """The headline, with the sun behind its last line."""
        for index, line in enumerate(block.lines):
            baseline = top + round(block.step * index + block.size * 0.95)
            last = index == len(block.lines) - 1
            if last:
                self._mark(baseline, line, block)
            self.write((self.layout.margin, baseline), line, block.font, MARKED if last else HEADLINE, "ls")

    def _mark(self, baseline: int, line: str, block: headlines.Block) -> None:
        """What a marker pen leaves behind a line: not quite straight, and as high as the accents of its capitals."""
        size, left, width = block.size, self.layout.margin, round(block.font.getlength(line))
        pad, slant = round(size * 0.18), size * 0.05
        tall = -block.font.getbbox(line, anchor="ls")[1]
        above = min(max(0.86 * size, tall + 0.1 * size), 0.97 * size)  # higher, it would cut the feet before it
        drop = max(0.0, min(slant, above - tall - 4))
        box = (left - pad, baseline - round(above), left + width + pad, baseline + round(size * 0.27))
        right, low = box[2] - box[0], box[3] - box[1]
        corners = [(slant, drop), (right - slant, 0), (right, low - slant), (0, low)]
        motifs.smooth(
            self.image,
            box,
            self.tokens.highlight,
            lambda pen, k: pen.polygon([(x * k, y * k) for x, y in corners], fill=255),
        )

    def foot(self, brand: Brand, path: Path, root: Path | None) -> None:
        """A line, and who says it: the newsroom's logo, else its name."""
        left, right = self.layout.margin, self.layout.width - self.layout.margin
        ImageDraw.Draw(self.image).line((left, self.layout.rule, right, self.layout.rule), self.tokens.rule, width=3)
        if brand.logo:
            mark = logos.shown(brand.logo, self.layout.logo, self.tokens, root)
            self.image.paste(mark, (left, self.layout.foot - mark.height // 2), mark)
        else:
            self._name(brand.name, path)

    def _name(self, name: str, path: Path) -> None:
        """The newsroom's word mark: its name, ended by a coral point."""
        left = self.layout.margin
        text, font = headlines.shrunk(name, path, self.layout.names, self.layout.width - 2 * left - 20)
        baseline = self.layout.foot + round(font.size * 0.35)
        self.write((left, baseline), text, font, HEADLINE, "ls")
        x, side = left + round(font.getlength(text) + font.size * 0.08), round(font.size * 0.24)
        motifs.smooth(
            self.image,
            (x, baseline - side, x + side, baseline),
            self.tokens.action,
            lambda pen, k: pen.ellipse((0, 0, side * k, side * k), fill=255),
        )


def _paint_pin(pen: ImageDraw.ImageDraw, k: float) -> None:
    pen.polygon([(3 * k, 20 * k), (27 * k, 20 * k), (15 * k, 43 * k)], fill=255)
    pen.ellipse((0, 0, 30 * k, 30 * k), fill=255)
    pen.ellipse((10 * k, 10 * k, 20 * k, 20 * k), fill=0)
