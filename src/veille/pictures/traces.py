"""What a camera wrote into a picture file: where it was taken, and whose camera it was.

None of it leaves (renditions are made from pixels alone); the file itself still has it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from PIL import Image as Pillow

from veille.pictures.originals import Original, opened

# EXIF 3.0: IFD pointers, then the tags that name somebody (EXIF 2.3, section 4.6).
_EXIF, _GPS = 0x8769, 0x8825
_OWNER, _BODY, _LENS = 0xA430, 0xA431, 0xA435
_XP_AUTHOR = 0x9C9D  # as Windows writes the name of the account
_PLACE = (2, 4)  # latitude and longitude


@dataclass(frozen=True)
class Traces:
    """Args:
    place: it says where it was taken.
    owner: it names the owner of the camera, or the camera itself.
    """

    place: bool = False
    owner: bool = False


@lru_cache(maxsize=4096)
def traces(original: Original) -> Traces:
    """Read the EXIF and XMP blocks of a file; a damaged block tells nothing.

    Raises:
        ContentError: the picture cannot be opened.
    """
    with opened(original) as picture:
        try:
            return _read(picture)
        except Exception:  # EXIF is written by anybody, and Pillow raises nearly anything
            return Traces()


def _read(picture: Pillow.Image) -> Traces:
    exif = picture.getexif()
    gps, camera = exif.get_ifd(_GPS), exif.get_ifd(_EXIF)
    packet = picture.info.get("xmp") or picture.info.get("XML:com.adobe.xmp") or b""
    xmp = packet.encode(errors="replace") if isinstance(packet, str) else packet
    place = all(gps.get(tag) for tag in _PLACE) or b"GPSLatitude" in xmp
    owner = any(camera.get(tag) for tag in (_OWNER, _BODY, _LENS)) or bool(exif.get(_XP_AUTHOR))
    return Traces(place, owner or b"SerialNumber" in xmp or b"OwnerName" in xmp)
