"""Pictures made ready for a channel: upright, sRGB, without metadata, never larger than needed.

The same original with the same wish gives the same bytes, named by their hash. What was made is kept for the
length of a run, so that five channels decode a photo once. `originals` reads what people put in.

Imports Pillow: import this module where pictures are made, not where commands are listed.
"""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from PIL import Image as Pillow

from veille.brand import LIGHT, Brand
from veille.errors import ContentError, Finding, Severity
from veille.i18n import gettext as _
from veille.pictures import cards, originals
from veille.pictures.cards import Card
from veille.posts import Image
from veille.rendering.rendered import Picture

MIN_WIDTH = 320  # px; Instagram enlarges anything smaller (Meta, Instagram Platform, IG User Media, 2026-11)
INSTAGRAM_WIDTH = 1440  # px; Instagram shrinks anything larger (same page)
INSTAGRAM_MAX = 10  # pictures in a carousel (same page), unless the newsroom knows more: instagram.carousel_max
INSTAGRAM_AIM = 999_999  # bytes; Meta's limit is 8 MB
_QUALITIES = (85, 78, 70, 60)  # below 60 a face looks worse than a slow page


def web(image: Image, *, width: int = 1200, ground: str = LIGHT.ground, root: Path | None = None) -> Picture:
    """The picture for letter, feed, pages and Facebook: progressive JPEG.

    Args:
        width: largest width in pixels; never enlarged.
        ground: #rrggbb behind transparent parts.
        root: the workspace; the picture must lie in it, and messages name the file relative to it.

    Raises:
        ContentError: the file is missing, a link, too large, cut off or not a picture.
    """
    made = _web(originals.look(image.path, root), width, ground)
    return replace(made, alt=image.alt, credit=image.credit)


def instagram(
    images: Sequence[Image], card: Card, *, brand: Brand, root: Path | None = None, most: int = INSTAGRAM_MAX
) -> tuple[Picture, ...]:
    """The pictures of an Instagram post: 1-10 JPEG between 4:5 and 1.91:1, all in the ratio of the first.

    Rules: Meta, Instagram Platform, "IG User Media" (2026-11). Without images, one card shows the title.

    Args:
        images: the editor's choice, in order.
        card: drawn where there is none.
        root: the workspace: its templates/cards/ wins, and brand.logo is relative to it.
        most: pictures of one post.

    Raises:
        ContentError: an original cannot be used, or there are more than `most`.
        RenderError: the card cannot be drawn (colours too close, font or logo unreadable).
    """
    if not images:
        return (_picture(_jpeg(cards.draw(card, brand, root=root)), alt=card.title),)
    chosen = [originals.look(image.path, root) for image in images]
    if len(images) > most:
        originals.refuse(
            chosen[most].shown,
            "too-many-pictures",
            _("Instagram shows at most {limit} pictures, and there are {count}").format(limit=most, count=len(images)),
            _("choose {limit} of them under instagram: images").format(limit=most),
        )
    ground = brand.light.ground
    first = originals.decoded(chosen[0], ground)
    ratio = min(max(first.width / first.height, 0.8), 1.91)
    return tuple(
        replace(_cropped(original, image.focus, ratio, ground), alt=image.alt, credit=image.credit)
        for original, image in zip(chosen, images, strict=True)
    )


def link_card(card: Card, *, brand: Brand, root: Path | None = None) -> Picture:
    """What Facebook and others show beside a link to a post without pictures: 1200 x 630 pixels, drawn from its title.

    Source: Meta, "Images in link shares" (developers.facebook.com/docs/sharing/webmasters/images, read 2026-09-11).

    Args:
        root: as in `instagram`.

    Raises:
        RenderError: the card cannot be drawn.
    """
    return _picture(_jpeg(cards.draw(card, brand, layout=cards.WIDE, root=root)), alt=card.title)


def check(image: Image, *, root: Path | None = None) -> Finding | None:
    """What is wrong with a picture, from its header alone: cheap enough for every `veille check`."""
    try:
        original = originals.look(image.path, root)
        with originals.opened(original) as picture:
            width = picture.size[originals.orientation(picture) >= 5]
            animated = picture.format != "MPO" and getattr(picture, "is_animated", False)
    except ContentError as error:
        return error.findings[0]
    if animated:
        return _warning(original, "picture-animated", _("only the first image of this animation is shown"),
                        _("put in a still picture if the first one does not say enough"))  # fmt: skip
    if width < MIN_WIDTH:
        return _warning(
            original,
            "picture-small",
            _("this picture is {width} pixels wide and will look blurred").format(width=width),
            _("use the original photo, at least {width} pixels wide").format(width=MIN_WIDTH),
        )
    return None


@lru_cache(maxsize=256)
def _web(original: originals.Original, width: int, ground: str) -> Picture:
    picture = originals.decoded(original, ground)
    if picture.width > width:
        height = max(1, round(picture.height * width / picture.width))
        picture = picture.resize((width, height), Pillow.Resampling.LANCZOS, reducing_gap=3)
    return _picture(_jpeg(picture))


@lru_cache(maxsize=256)
def _cropped(original: originals.Original, focus: tuple[float, float], ratio: float, ground: str) -> Picture:
    picture = originals.decoded(original, ground)
    box = crop_box(picture.size, focus, ratio)
    width = max(MIN_WIDTH, min(INSTAGRAM_WIDTH, int(box[2] - box[0])))  # Instagram would enlarge it by its own means
    while True:
        size = frame(width, ratio)
        content = _jpeg(picture.resize(size, Pillow.Resampling.LANCZOS, box=box, reducing_gap=3))
        if len(content) <= INSTAGRAM_AIM or width == MIN_WIDTH:
            return _picture(content)
        width = max(MIN_WIDTH, width * 4 // 5)  # noise alone comes here


def frame(width: int, ratio: float) -> tuple[int, int]:
    """Whole pixels of a ratio that rounding does not carry out of 4:5 .. 1.91:1."""
    width = max(1, width)
    return width, min(max(round(width / ratio), math.ceil(width * 100 / 191)), max(1, width * 5 // 4))


def crop_box(size: tuple[int, int], focus: tuple[float, float], ratio: float) -> tuple[float, float, float, float]:
    """The largest rectangle of `ratio` (width / height) in a picture, centred on `focus` as far as it fits.

    Args:
        size: width and height, pixels.
        focus: fractions of width and height from the top left corner.

    Returns:
        left, top, right, bottom in pixels.
    """
    width, height = min(size[0], size[1] * ratio), min(size[1], size[0] / ratio)
    left = min(max(focus[0] * size[0] - width / 2, 0), size[0] - width)
    top = min(max(focus[1] * size[1] - height / 2, 0), size[1] - height)
    return left, top, left + width, top + height


def _jpeg(picture: Pillow.Image) -> bytes:
    """JPEG bytes of 1 MB at most, unless it is all noise: fine grain gives way first."""
    for quality in _QUALITIES:
        content = _encoded(picture, quality)
        if len(content) <= INSTAGRAM_AIM:
            break
    return content


def _encoded(picture: Pillow.Image, quality: int) -> bytes:
    clean = picture.copy()
    clean.info = {}  # Pillow would write comment, XMP and resolution again
    out = io.BytesIO()
    clean.save(out, "JPEG", quality=quality, progressive=True, optimize=True)
    return out.getvalue()


def _picture(content: bytes, alt: str = "") -> Picture:
    with Pillow.open(io.BytesIO(content)) as made:
        width, height = made.size
    name = hashlib.sha256(content).hexdigest()[:20] + ".jpg"
    return Picture(name=name, width=width, height=height, alt=alt, content=content)


def _warning(original: originals.Original, code: str, message: str, hint: str) -> Finding:
    return Finding(original.shown, None, None, message, hint, code, Severity.WARNING)
