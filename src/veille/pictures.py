"""Pictures made ready for a channel: upright, sRGB, without metadata, never larger than needed.

An original is untrusted: its header is read first, nothing is decoded that is too large, and a symbolic link
is never followed. The same original with the same wish gives the same bytes, named by their hash.
What was made is kept for the length of a run, so that five channels decode a photo once.

Imports Pillow: import this module where pictures are made, not where commands are listed.
"""

from __future__ import annotations

import hashlib
import io
import math
import os
import stat
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, NoReturn

from PIL import Image as Pillow
from PIL import ImageCms

from veille import cards
from veille.brand import LIGHT, Brand
from veille.errors import ContentError, Finding, Severity
from veille.i18n import gettext as _
from veille.posts import Image
from veille.rendering import Picture

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
MAX_PIXELS = 40_000_000  # from here on it is refused: 160 MB once decoded
MAX_BYTES = 25 * 1024 * 1024
MIN_WIDTH = 320  # px; Instagram enlarges anything smaller (Meta, Instagram Platform, IG User Media, 2026-11)
INSTAGRAM_WIDTH = 1440  # px; Instagram shrinks anything larger (same page)
INSTAGRAM_MAX = 10  # pictures in a carousel (same page)
INSTAGRAM_AIM = 1_000_000  # bytes; Meta's limit is 8 MB
_WORK = 1440  # px of the short side that any crop needs at most
_QUALITIES = (85, 78, 70, 60, 50, 40)
_TURNS = dict(
    zip(
        range(2, 9),
        (
            Pillow.Transpose.FLIP_LEFT_RIGHT,
            Pillow.Transpose.ROTATE_180,
            Pillow.Transpose.FLIP_TOP_BOTTOM,
            Pillow.Transpose.TRANSPOSE,
            Pillow.Transpose.ROTATE_270,
            Pillow.Transpose.TRANSVERSE,
            Pillow.Transpose.ROTATE_90,
        ),
        strict=True,
    )
)


@dataclass(frozen=True)
class _Original:
    """A file as it was when looked at: the key under which results are kept."""

    path: Path
    mtime_ns: int
    size: int
    shown: str  # as the person types it


def web(image: Image, *, width: int = 1200, ground: str = LIGHT.ground, root: Path | None = None) -> Picture:
    """The picture for letter, feed, pages and Facebook: progressive JPEG.

    Args:
        width: largest width in pixels; never enlarged.
        ground: #rrggbb behind transparent parts.
        root: the workspace; the picture must lie in it, and messages name the file relative to it.

    Raises:
        ContentError: the file is missing, a link, too large, cut off or not a picture.
    """
    made = _web(_original(image.path, root), width, ground)
    return replace(made, alt=image.alt, credit=image.credit)


def instagram(
    images: Sequence[Image],
    *,
    title: str,
    kind_label: str,
    town: str,
    brand: Brand,
    kind: str = "",
    root: Path | None = None,
) -> tuple[Picture, ...]:
    """The pictures of an Instagram post: 1-10 JPEG between 4:5 and 1.91:1, all in the ratio of the first.

    Rules: Meta, Instagram Platform, "IG User Media" (2026-11). Without images, one card shows the title.

    Args:
        images: the editor's choice, in order.
        title, kind_label, town: words of the card; `town` may be empty.
        kind: `Kind` value; it varies the drawing of the card.
        root: the workspace: its templates/cards/ wins, and brand.logo is relative to it.

    Raises:
        ContentError: an original cannot be used, or there are more than 10.
        RenderError: the card cannot be drawn (colours too close, font or logo unreadable).
    """
    if not images:
        card = cards.Card(title=title, kind_label=kind_label, town=town, kind=kind)
        return (_picture(_jpeg(cards.draw(card, brand, root=root)), alt=title),)
    originals = [_original(image.path, root) for image in images]
    if len(images) > INSTAGRAM_MAX:
        _refuse(
            originals[INSTAGRAM_MAX].shown,
            "too-many-pictures",
            _("Instagram shows at most {limit} pictures, and there are {count}").format(
                limit=INSTAGRAM_MAX, count=len(images)
            ),
            _("choose {limit} of them under instagram: images").format(limit=INSTAGRAM_MAX),
        )
    ground = brand.light.ground
    first = _decoded(originals[0], ground)
    ratio = min(max(first.width / first.height, 0.8), 1.91)
    return tuple(
        replace(_cropped(original, image.focus, ratio, ground), alt=image.alt, credit=image.credit)
        for original, image in zip(originals, images, strict=True)
    )


def check(image: Image, *, root: Path | None = None) -> Finding | None:
    """What is wrong with a picture, from its header alone: cheap enough for every `veille check`."""
    try:
        original = _original(image.path, root)
        with _opened(original) as picture:
            width = picture.size[_orientation(picture) >= 5]
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
def _web(original: _Original, width: int, ground: str) -> Picture:
    picture = _decoded(original, ground)
    if picture.width > width:
        height = max(1, round(picture.height * width / picture.width))
        picture = picture.resize((width, height), Pillow.Resampling.LANCZOS, reducing_gap=3)
    return _picture(_encoded(picture, _QUALITIES[0]))


@lru_cache(maxsize=256)
def _cropped(original: _Original, focus: tuple[float, float], ratio: float, ground: str) -> Picture:
    picture = _decoded(original, ground)
    box = crop_box(picture.size, focus, ratio)
    width = max(1, min(INSTAGRAM_WIDTH, int(box[2] - box[0])))
    height = min(max(round(width / ratio), math.ceil(width * 100 / 191)), max(1, width * 5 // 4))
    return _picture(
        _jpeg(picture.resize((width, height), Pillow.Resampling.LANCZOS, box=box, reducing_gap=3))
    )


def crop_box(
    size: tuple[int, int], focus: tuple[float, float], ratio: float
) -> tuple[float, float, float, float]:
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


@lru_cache(maxsize=2)
def _decoded(original: _Original, ground: str) -> Pillow.Image:
    """Upright sRGB pixels without transparency, reduced to what the largest crop needs."""
    try:
        with _opened(original) as picture:
            scale = min(1.0, _WORK / min(picture.size))
            wanted = (math.ceil(picture.width * scale), math.ceil(picture.height * scale))
            picture.draft(None, wanted)  # JPEG: decode at a half, quarter or eighth where this is enough
            picture.load()
            upright = _turned(_srgb(picture, ground), _orientation(picture))
            if min(upright.size) <= _WORK:
                return upright
            scale = _WORK / min(upright.size)
            smaller = (round(upright.width * scale), round(upright.height * scale))
            return upright.resize(smaller, Pillow.Resampling.LANCZOS, reducing_gap=3)
    except ContentError:
        raise
    except Exception:  # a damaged file makes decoders raise nearly anything
        _refuse(
            original.shown,
            "picture-damaged",
            _("this picture is damaged or cut off"),
            _("copy the original again, or open it and save it anew as JPEG"),
        )


def _srgb(picture: Pillow.Image, ground: str) -> Pillow.Image:
    """RGB in sRGB over `ground`."""
    profile, alpha = picture.info.get("icc_profile"), None
    if picture.has_transparency_data:
        alpha = picture.convert("RGBA").getchannel("A")
        picture = picture.convert("RGB")
    if picture.mode not in ("RGB", "L", "CMYK"):
        picture = picture.convert("L" if picture.mode.startswith("I") else "RGB")
    result = _converted(picture, profile) if profile else picture.convert("RGB")
    if alpha is None:
        return result
    return Pillow.composite(result, Pillow.new("RGB", result.size, ground), alpha)


def _converted(picture: Pillow.Image, profile: bytes) -> Pillow.Image:
    """From an embedded profile to sRGB; a profile that does not fit the pixels is left out."""
    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        result = ImageCms.profileToProfile(picture, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return picture.convert("RGB")
    return result or picture.convert("RGB")


def _jpeg(picture: Pillow.Image) -> bytes:
    """JPEG bytes of at most about 1 MB: detail gives way before size does."""
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


def _orientation(picture: Pillow.Image) -> int:
    """How the camera was held (EXIF 2.32, tag 0x0112): 1 to 8. A damaged EXIF block means upright."""
    try:
        value = picture.getexif().get(0x0112, 1)
    except Exception:  # EXIF is written by anybody, and read for this one number
        return 1
    return value if value in range(1, 9) else 1


def _turned(picture: Pillow.Image, orientation: int) -> Pillow.Image:
    step = _TURNS.get(orientation)
    return picture if step is None else picture.transpose(step)


def _original(path: Path, root: Path | None) -> _Original:
    """Look at the file without opening it: exists, inside the workspace, no link, not too large."""
    shown = _shown(path, root)
    try:
        status = path.lstat()
    except OSError:
        _refuse(shown, "picture-missing", _("there is no such picture"),
                _("check the name, or copy the picture there (content/media/ is a good place)"))  # fmt: skip
    if stat.S_ISLNK(status.st_mode) or (root and not path.resolve().is_relative_to(root.resolve())):
        _refuse(shown, "picture-link", _("this is a link, or lies outside the workspace"),
                _("copy the picture itself into the workspace"))  # fmt: skip
    if not stat.S_ISREG(status.st_mode):
        _refuse(
            shown, "picture-format", _("this is not a picture file"), _("name a JPEG, PNG, WebP or GIF file")
        )
    if status.st_size > MAX_BYTES:
        _refuse(
            shown,
            "picture-too-large",
            _("this picture file is larger than {limit} MB").format(limit=MAX_BYTES // 1024**2),
            _("save a smaller copy, about 2000 pixels wide, as JPEG"),
        )
    return _Original(path, status.st_mtime_ns, status.st_size, shown)


@contextmanager
def _opened(original: _Original) -> Iterator[Pillow.Image]:
    """The header read and judged; no pixel decoded."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    try:  # no link is followed that was put there since the file was looked at
        descriptor = os.open(original.path, flags)
    except OSError as error:
        _refuse(
            original.shown,
            "picture-unreadable",
            _("this picture cannot be opened: {reason}").format(reason=error.strerror),
            _("check who may read it"),
        )
    with open(descriptor, "rb") as file:  # noqa: PTH123 - Path.open takes no descriptor
        yield _header(file, original)


def _header(file: BinaryIO, original: _Original) -> Pillow.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Pillow.DecompressionBombWarning)
            picture = Pillow.open(file, formats=FORMATS)
    except (Pillow.DecompressionBombError, Pillow.DecompressionBombWarning):
        _too_many_pixels(original)
    except Exception:  # a damaged header makes decoders raise nearly anything
        _refuse(
            original.shown,
            "picture-format",
            _("this is not a picture that can be read"),
            _("save it as JPEG, PNG, WebP or GIF (a photo from a phone: share it as JPEG)"),
        )
    if picture.width * picture.height >= MAX_PIXELS:
        _too_many_pixels(original)
    return picture


def _too_many_pixels(original: _Original) -> NoReturn:
    _refuse(
        original.shown,
        "picture-too-large",
        _("this picture has {limit} megapixels or more").format(limit=MAX_PIXELS // 10**6),
        _("save a smaller copy, about 2000 pixels wide, as JPEG"),
    )


def _shown(path: Path, root: Path | None) -> str:
    if root and path.is_relative_to(root):
        return path.relative_to(root).as_posix()
    return path.name


def _refuse(shown: str, code: str, message: str, hint: str) -> NoReturn:
    raise ContentError([Finding(shown, None, None, message, hint, code)])


def _warning(original: _Original, code: str, message: str, hint: str) -> Finding:
    return Finding(original.shown, None, None, message, hint, code, Severity.WARNING)
