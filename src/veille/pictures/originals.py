"""Originals: the picture files that people put in, read without trusting them.

The header is read first, nothing is decoded that is too large, and a symbolic link is never followed.
"""

from __future__ import annotations

import io
import math
import os
import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, NoReturn

from PIL import Image as Pillow
from PIL import ImageCms

from veille.errors import ContentError, Finding
from veille.i18n import gettext as _
from veille.i18n import why

FORMATS = ("JPEG", "PNG", "WEBP", "GIF")
MAX_PIXELS = 40_000_000  # from here on it is refused: 160 MB once decoded
MAX_BYTES = 25 * 1024 * 1024
WORK = 1440  # px of the short side that any crop needs at most

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
class Original:
    """A file as it was when looked at: the key under which results are kept."""

    path: Path
    mtime_ns: int
    size: int
    shown: str  # as the person types it


@lru_cache(maxsize=2)
def decoded(original: Original, ground: str) -> Pillow.Image:
    """Upright sRGB pixels without transparency, reduced to what the largest crop needs.

    Raises:
        ContentError: the picture is damaged, too large or not one.
    """
    with opened(original) as picture, _damage_named(original):
        scale = min(1.0, WORK / min(picture.size))
        wanted = (math.ceil(picture.width * scale), math.ceil(picture.height * scale))
        picture.draft(None, wanted)  # JPEG: decode at a half, quarter or eighth where this is enough
        picture.load()
        upright = _turned(_srgb(_reduced(picture), ground), orientation(picture))
        if min(upright.size) <= WORK:
            return upright
        scale = WORK / min(upright.size)
        smaller = (round(upright.width * scale), round(upright.height * scale))
        return upright.resize(smaller, Pillow.Resampling.LANCZOS, reducing_gap=3)


def transparent(original: Original) -> Pillow.Image:
    """A drawn mark with its transparency kept.

    Raises:
        ContentError: as `decoded`.
    """
    with opened(original) as picture, _damage_named(original):
        return picture.convert("RGBA")


@contextmanager
def _damage_named(original: Original) -> Iterator[None]:
    """A damaged file makes decoders raise nearly anything; people are told one thing."""
    try:
        yield
    except Exception:
        refuse(
            original.shown,
            "picture-damaged",
            _("this picture is damaged or cut off"),
            _("copy the original again, or open it and save it anew as JPEG"),
        )


def _reduced(picture: Pillow.Image) -> Pillow.Image:
    """A large PNG or WebP, shrunk before anything makes copies of its pixels."""
    factor = min(picture.size) // WORK
    return picture.reduce(factor) if factor > 1 and picture.mode in ("L", "RGB", "RGBA", "CMYK") else picture


def _srgb(picture: Pillow.Image, ground: str) -> Pillow.Image:
    """RGB in sRGB over `ground`."""
    profile, alpha = picture.info.get("icc_profile"), None
    if picture.mode.startswith("I"):  # 16 bits of grey: a plain conversion makes all but the darkest white
        picture = picture.point(lambda grey: grey * (1 / 256)).convert("L")
    if picture.has_transparency_data:
        alpha = picture.convert("RGBA").getchannel("A")
        picture = picture.convert("RGB")
    if picture.mode not in ("RGB", "L", "CMYK"):
        picture = picture.convert("RGB")
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


def orientation(picture: Pillow.Image) -> int:
    """How the camera was held (EXIF 2.32, tag 0x0112): 1 to 8. A damaged EXIF block means upright."""
    try:
        value = picture.getexif().get(0x0112, 1)
    except Exception:  # EXIF is written by anybody, and read for this one number
        return 1
    return value if value in range(1, 9) else 1


def _turned(picture: Pillow.Image, orientation: int) -> Pillow.Image:
    step = _TURNS.get(orientation)
    return picture if step is None else picture.transpose(step)


def look(path: Path, root: Path | None) -> Original:
    """Look at the file without opening it: exists, inside the workspace, no link, not too large."""
    shown = _shown(path, root)
    try:
        status = path.lstat()
    except OSError:
        refuse(shown, "picture-missing", _("there is no such picture"),
                _("check the name, or copy the picture there (content/media/ is a good place)"))  # fmt: skip
    if stat.S_ISLNK(status.st_mode) or (root and not path.resolve().is_relative_to(root.resolve())):
        refuse(shown, "picture-link", _("this is a link, or lies outside the workspace"),
                _("copy the picture itself into the workspace"))  # fmt: skip
    if not stat.S_ISREG(status.st_mode):
        refuse(shown, "picture-format", _("this is not a picture file"), _("name a JPEG, PNG, WebP or GIF file"))
    if status.st_size > MAX_BYTES:
        refuse(
            shown,
            "picture-too-large",
            _("this picture file is larger than {limit} MB").format(limit=MAX_BYTES // 1024**2),
            _("save a smaller copy, about 2000 pixels wide, as JPEG"),
        )
    return Original(path, status.st_mtime_ns, status.st_size, shown)


@contextmanager
def opened(original: Original) -> Iterator[Pillow.Image]:
    """The header read and judged; no pixel decoded."""
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
    try:  # no link is followed that was put there since the file was looked at
        descriptor = os.open(original.path, flags)
    except OSError as error:
        refuse(
            original.shown,
            "picture-unreadable",
            _("this picture cannot be opened: {reason}").format(reason=why(error)),
            _("check who may read it"),
        )
    with (
        warnings.catch_warnings(),
        open(descriptor, "rb") as file,  # noqa: PTH123 - Path.open takes no descriptor
    ):
        warnings.simplefilter("ignore")  # Pillow talks of damaged EXIF, which we drop anyway
        warnings.simplefilter("error", Pillow.DecompressionBombWarning)
        yield _header(file, original)


def _header(file: BinaryIO, original: Original) -> Pillow.Image:
    try:
        picture = Pillow.open(file, formats=FORMATS)
    except (Pillow.DecompressionBombError, Pillow.DecompressionBombWarning):
        _too_many_pixels(original)
    except Exception:  # a damaged header makes decoders raise nearly anything
        refuse(
            original.shown,
            "picture-format",
            _("this is not a picture that can be read"),
            _("save it as JPEG, PNG, WebP or GIF (a photo from a phone: share it as JPEG)"),
        )
    if picture.width * picture.height >= MAX_PIXELS:
        _too_many_pixels(original)
    return picture


def _too_many_pixels(original: Original) -> NoReturn:
    refuse(
        original.shown,
        "picture-too-large",
        _("this picture has {limit} megapixels or more").format(limit=MAX_PIXELS // 10**6),
        _("save a smaller copy, about 2000 pixels wide, as JPEG"),
    )


def _shown(path: Path, root: Path | None) -> str:
    if root and path.is_relative_to(root):
        return path.relative_to(root).as_posix()
    return path.name


def refuse(shown: str, code: str, message: str, hint: str) -> NoReturn:
    raise ContentError([Finding(shown, None, None, message, hint, code)])
