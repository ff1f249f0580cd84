"""The shapes of cards: one for each kind of post, so that a feed of cards is varied and still one family.

Each draws in a square of side `s`, which lies in the card's top right corner and bleeds off its edges. Colours come
in as (main, second, third): coral, sun and ink of the newsroom's palette.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Mapping
from functools import lru_cache

from PIL import Image as Pillow
from PIL import ImageDraw

from veille.posts import Kind

Colours = tuple[str, str, str]
Box = tuple[int, int, int, int]
Motif = Callable[[ImageDraw.ImageDraw, float, Colours], None]
_OVERSAMPLING = 4  # Pillow draws shapes without smoothing


@lru_cache(maxsize=32)  # drawn large, then shrunk: most of what a card costs
def corner(kind: str, side: int, ground: str, colours: Colours) -> Pillow.Image:
    """The motif of a kind on `ground`, `side` pixels square; another kind always gets the same one of them.

    Whoever takes it does not draw on it.
    """
    motifs = list(MOTIFS.values())
    motif = MOTIFS.get(kind) or motifs[zlib.crc32(kind.encode()) % len(motifs)]
    large = side * _OVERSAMPLING
    image = Pillow.new("RGB", (large, large), ground)
    motif(ImageDraw.Draw(image), float(large), colours)
    return image.resize((side, side), Pillow.Resampling.LANCZOS)


def smooth(image: Pillow.Image, box: Box, colour: str, paint: Callable[[ImageDraw.ImageDraw, float], None]) -> None:
    """Lay a shape without jagged edges on a card.

    Args:
        box: left, top, right, bottom in px; nothing is drawn outside.
        paint: draws in white with a pen whose origin is the corner of the box; its second argument is the scale.
    """
    width, height = box[2] - box[0], box[3] - box[1]
    mask = Pillow.new("L", (width * _OVERSAMPLING, height * _OVERSAMPLING))
    paint(ImageDraw.Draw(mask), float(_OVERSAMPLING))
    image.paste(colour, box, mask.resize((width, height), Pillow.Resampling.LANCZOS))


def _disc(pen: ImageDraw.ImageDraw, x: float, y: float, radius: float, colour: str) -> None:
    pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)


def _sun(pen: ImageDraw.ImageDraw, s: float, colours: Colours) -> None:
    """News: a large disc that rises over the edge, with its small companion."""
    _disc(pen, 0.68 * s, 0.22 * s, 0.52 * s, colours[0])
    _disc(pen, 0.22 * s, 0.66 * s, 0.13 * s, colours[1])


def _rings(pen: ImageDraw.ImageDraw, s: float, colours: Colours) -> None:
    """Event: rings that spread from a place."""
    x, y = 0.66 * s, 0.3 * s
    pen.ellipse((x - 0.56 * s, y - 0.56 * s, x + 0.56 * s, y + 0.56 * s), outline=colours[0], width=int(0.1 * s))
    pen.ellipse((x - 0.36 * s, y - 0.36 * s, x + 0.36 * s, y + 0.36 * s), outline=colours[0], width=int(0.1 * s))
    _disc(pen, x, y, 0.16 * s, colours[1])


def _petals(pen: ImageDraw.ImageDraw, s: float, colours: Colours) -> None:
    """Service: four petals around a centre, people around a place."""
    x, y, r = 0.62 * s, 0.36 * s, 0.27 * s
    for dx, dy in ((-1, -1), (1, -1), (-1, 1), (1, 1)):
        _disc(pen, x + dx * r, y + dy * r, r * 0.985, colours[0])
    _disc(pen, x, y, 0.2 * s, colours[1])


def _horizon(pen: ImageDraw.ImageDraw, s: float, colours: Colours) -> None:
    """Leisure: half a sun over two hills."""
    pen.pieslice((0.26 * s, 0.02 * s, 0.86 * s, 0.62 * s), 180, 360, fill=colours[1])
    pen.pieslice((0.02 * s, 0.32 * s, 0.62 * s, 0.92 * s), 180, 360, fill=colours[0])
    pen.pieslice((0.62 * s, 0.32 * s, 1.22 * s, 0.92 * s), 180, 360, fill=colours[0])


def _steps(pen: ImageDraw.ImageDraw, s: float, colours: Colours) -> None:
    """Call for projects: steps that climb out of the picture."""
    for index, length in enumerate((0.94, 0.72, 0.5, 0.28)):
        top = (0.04 + 0.23 * index) * s
        colour = colours[1] if index == 1 else colours[0]
        pen.rounded_rectangle((s - length * s, top, 1.2 * s, top + 0.18 * s), radius=0.09 * s, fill=colour)


def _star(x: float, y: float, outer: float, inner: float, points: int) -> list[tuple[float, float]]:
    return [
        (x + radius * math.sin(angle), y - radius * math.cos(angle))
        for index in range(2 * points)
        for radius, angle in [(inner if index % 2 else outer, math.pi * index / points)]
    ]


def _seal(pen: ImageDraw.ImageDraw, s: float, colours: Colours) -> None:
    """Good deal: a seal."""
    x, y = 0.62 * s, 0.36 * s
    pen.polygon(_star(x, y, 0.54 * s, 0.47 * s, 22), fill=colours[0])
    _disc(pen, x, y, 0.2 * s, colours[1])


def _spark(pen: ImageDraw.ImageDraw, s: float, colours: Colours) -> None:
    """Initiative: a spark and its echo."""
    pen.polygon(_star(0.62 * s, 0.38 * s, 0.54 * s, 0.2 * s, 4), fill=colours[0])
    pen.polygon(_star(0.2 * s, 0.76 * s, 0.17 * s, 0.06 * s, 4), fill=colours[1])


def _book(pen: ImageDraw.ImageDraw, s: float, colours: Colours) -> None:
    """Training: an open book with the sun in it."""
    _disc(pen, 0.56 * s, 0.3 * s, 0.17 * s, colours[1])
    left = [(0.1 * s, 0.3 * s), (0.56 * s, 0.52 * s), (0.56 * s, 0.94 * s), (0.1 * s, 0.72 * s)]
    pen.polygon(left, fill=colours[0])
    pen.polygon([(1.12 * s - x + 0.02 * s, y) for x, y in left], fill=colours[0])


MOTIFS: Mapping[str, Motif] = {
    Kind.NEWS: _sun,
    Kind.EVENT: _rings,
    Kind.SERVICE: _petals,
    Kind.LEISURE: _horizon,
    Kind.CALL_FOR_PROJECTS: _steps,
    Kind.GOOD_DEAL: _seal,
    Kind.INITIATIVE: _spark,
    Kind.TRAINING: _book,
}
