"""The newsroom's logo on a card: never enlarged, and never lost in the ground."""

from __future__ import annotations

from pathlib import Path

from PIL import Image as Pillow
from PIL import ImageDraw

from veille.brand import Palette, contrast
from veille.pictures import originals

VISIBLE = 3.0  # contrast of a drawing with what is behind it (WCAG 2.2, criterion 1.4.11)
_ENOUGH = 0.25  # of its pixels: a logo may well have light parts


def shown(logo: str, room: tuple[int, int], tokens: Palette, root: Path | None) -> Pillow.Image:
    """A logo as it is laid on a card, with transparency; one that the ground would swallow lies on a plate of ink.

    Args:
        logo: path relative to `root`.
        room: largest width and height, px.

    Raises:
        ContentError: the file cannot be used.
    """
    mark = originals.transparent(originals.look((root or Path()) / logo, root))
    if box := mark.getchannel("A").getbbox():
        mark = mark.crop(box)  # what many programs leave around a drawing
    mark.thumbnail(room, Pillow.Resampling.LANCZOS)
    if _seen(mark, tokens.ground) >= _ENOUGH or _seen(mark, tokens.ink) <= _seen(mark, tokens.ground):
        return mark
    return _on_plate(mark, room, tokens.ink)


def _seen(mark: Pillow.Image, ground: str) -> float:
    """The part of its pixels that stand out from a ground, 0 to 1."""
    small = mark.resize((min(mark.width, 64), min(mark.height, 64)), Pillow.Resampling.BOX)
    raw = small.tobytes()
    pixels = [raw[at : at + 4] for at in range(0, len(raw), 4) if raw[at + 3] >= 128]
    visible = sum(contrast(f"#{bytes(pixel[:3]).hex()}", ground) >= VISIBLE for pixel in pixels)
    return visible / len(pixels) if pixels else 1.0


def _on_plate(mark: Pillow.Image, room: tuple[int, int], colour: str) -> Pillow.Image:
    """With a margin of a sixth of the room's height around it."""
    pad = room[1] // 6
    mark.thumbnail((room[0] - 4 * pad, room[1] - 2 * pad), Pillow.Resampling.LANCZOS)
    size = (mark.width + 4 * pad, mark.height + 2 * pad)
    outline = Pillow.new("L", (size[0] * 4, size[1] * 4))
    ImageDraw.Draw(outline).rounded_rectangle((0, 0, size[0] * 4 - 1, size[1] * 4 - 1), radius=pad * 4, fill=255)
    plate = Pillow.new("RGBA", size, colour)
    plate.alpha_composite(mark, (2 * pad, pad))
    plate.putalpha(outline.resize(size, Pillow.Resampling.LANCZOS))
    return plate
