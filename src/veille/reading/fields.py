"""The kinds of value that front matter and contact files hold, and what a person may write for each."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainValidator,
    ValidationInfo,
    model_validator,
)
from pydantic_core import PydanticCustomError
from slugify import slugify

from veille.i18n import gettext as _
from veille.reading.wording import did_you_mean, squeezed, trouble
from veille.timetable import exact

PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".gif")
MEDIA = Path("content", "media")
_YEARS = range(1970, 2101)

E = TypeVar("E", bound=Enum)


@dataclass(frozen=True)
class Surroundings:
    """What a file is read against; pydantic's validation context.

    Args:
        root: the workspace, absolute and without symbolic links.
        folder: the file's own folder.
        towns: slug to name.
    """

    root: Path
    folder: Path
    zone: ZoneInfo
    towns: Mapping[str, str]


class Fields(BaseModel):
    """The base of every model of a content file: unknown keys refused, empty values and `x-*` left out."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _leave_out(cls, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        return {k: v for k, v in values.items() if v is not None and not k.lower().startswith("x-")}


# ---- text


def _one_line(value: str) -> str:
    return re.sub(r"\s*\n\s*", " ", value).strip()


def present(value: str) -> str:
    """Refuse a text that holds nothing.

    Raises:
        PydanticCustomError: it is empty.
    """
    if not value.strip():
        raise trouble("missing", _("this is empty"), _("write something between the quotation marks"))
    return value


def _web_address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or "." not in (parts.hostname or "") or re.search(r"\s", value):
        raise trouble("url", _("this is not a web address"), _("write it in full: https://example.org/page"))
    return value


Line = Annotated[str, AfterValidator(_one_line)]
Needed = Annotated[Line, AfterValidator(present)]
WebAddress = Annotated[Line, AfterValidator(_web_address)]


# ---- lists


def _items(value: object) -> object:
    """`Bagneux, Antony` is a list too; a single word is a list of one."""
    if isinstance(value, str):
        return [item.strip() for item in re.split(r"[,;]", value) if item.strip()]
    return value


def _unique(values: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(values))


Several = [BeforeValidator(_items), AfterValidator(_unique)]
Words = Annotated[tuple[Needed, ...], *Several]


def hashtag(value: str) -> str:
    """One hashtag without its sign.

    Raises:
        PydanticCustomError: a service would end the tag early (letters, digits and underscores only).
    """
    tag = value.strip().lstrip("#")
    if not re.fullmatch(r"\w+", tag) or tag.isdigit():
        better = "".join(part[:1].upper() + part[1:] for part in re.split(r"\W+", tag))
        hint = _("write: {tag}").format(tag=better) if better and not better.isdigit() else None
        raise trouble("hashtag", _("a hashtag holds only letters, digits and underscores"), hint)
    return tag


def _tags(value: object) -> object:
    return re.split(r"[\s,;]+", value.strip()) if isinstance(value, str) else value


Hashtags = Annotated[
    tuple[Annotated[str, AfterValidator(hashtag)], ...], BeforeValidator(_tags), AfterValidator(_unique)
]


def choice(kind: type[E], synonyms: Mapping[str, E]) -> Any:
    """A validator for a word out of an enum, in English or French.

    Args:
        synonyms: French words to members; case, accents and hyphens do not matter.
    """
    words = {squeezed(str(member.value)): member for member in kind} | {squeezed(w): m for w, m in synonyms.items()}

    def read(value: object) -> E:
        if isinstance(value, str) and (member := words.get(squeezed(value))):
            return member
        names = [str(member.value) for member in kind]
        known = _("one of: {names}").format(names=", ".join(names))
        hint = did_you_mean(str(value), [*names, *synonyms]) if isinstance(value, str) else None
        raise trouble("unknown-word", known, hint)

    return PlainValidator(read)


def _town(value: str, info: ValidationInfo) -> str:
    towns = surroundings(info).towns
    if (slug := slugify(value)) in towns:
        return str(slug)
    if not towns:
        raise trouble("town", _("no town is known"), _('add towns = ["{name}"] to [workspace]').format(name=value))
    known = _("the towns are: {names}").format(names=", ".join(towns.values()))
    raise trouble("town", _("unknown town"), did_you_mean(value, towns.values()) or known)


Towns = Annotated[tuple[Annotated[Needed, AfterValidator(_town)], ...], *Several]


def _line_number(value: str) -> str:
    return re.sub(r"[\s.\u00a0\u202f-]", "", value)


HelpLineNumbers = Annotated[tuple[Annotated[Needed, AfterValidator(_line_number)], ...], *Several]


# ---- moments

_ISO = r"(?P<y>\d{4})-(?P<m>\d{1,2})-(?P<d>\d{1,2})"
_FRENCH = r"(?P<d>\d{1,2})/(?P<m>\d{1,2})/(?P<y>\d{4})"
_TIME = (
    r"(?:(?:[Tt]|[,\s]+(?:à\s+)?)(?P<h>\d{1,2})\s*(?::|[hH])\s*(?P<min>\d{2})?(?::(?P<s>\d{2})(?:\.\d+)?)?"
    r"\s*(?P<zone>[Zz]|[+-]\d{2}:?\d{2})?)?"
)
_FORMS = [re.compile(form + _TIME) for form in (_ISO, _FRENCH)]


def moment(text: str, zone: ZoneInfo) -> datetime | date:
    """Read `2026-12-01`, `2026-12-01 09:00`, RFC 3339, `01/12/2026` or `01/12/2026 18:30`.

    Returns:
        a date when no time was given, else an aware datetime in `zone`.

    Raises:
        PydanticCustomError: another form, a day or time that does not exist, or one that comes twice.
    """
    match = next((found for form in _FORMS if (found := form.fullmatch(text.strip()))), None)
    if match is None or (match["h"] and not match["min"] and ":" in text):
        raise _not_a_moment()
    try:
        day = date(int(match["y"]), int(match["m"]), int(match["d"]))
    except ValueError:
        raise trouble("date", _("there is no such day: {text}").format(text=text)) from None
    if day.year not in _YEARS:
        raise trouble("date", _("is the year right? {year}").format(year=day.year))
    return _at(day, match, zone) if match["h"] else day


def _at(day: date, match: re.Match[str], zone: ZoneInfo) -> datetime:
    try:
        clock = time(int(match["h"]), int(match["min"] or 0), int(match["s"] or 0))
        offset = _offset(match["zone"])
    except ValueError:
        raise trouble("date", _("there is no such time of day: {text}").format(text=match[0])) from None
    naive = datetime.combine(day, clock)
    if offset is not None:
        return naive.replace(tzinfo=offset).astimezone(zone)
    try:
        return exact(naive, zone)
    except ValueError as error:
        raise trouble("date", _("this time cannot be used"), str(error)) from None


def _offset(text: str | None) -> timezone | None:
    if not text:
        return None
    if text in "Zz":
        return UTC
    sign = -1 if text[0] == "-" else 1
    return timezone(sign * timedelta(hours=int(text[1:3]), minutes=int(text[-2:])))


def _not_a_moment() -> PydanticCustomError:
    hint = _("for example 2026-12-01, 2026-12-01 09:00 or 01/12/2026 18:30")
    return trouble("date", _("this is not a date"), hint)


def _moment(value: object, info: ValidationInfo) -> datetime | date:
    if not isinstance(value, str):
        raise _not_a_moment()
    return moment(value, surroundings(info).zone)


def _day(value: datetime | date) -> date:
    if isinstance(value, datetime):
        raise trouble("date", _("a day without a time is expected here"), f"{value:%Y-%m-%d}")
    return value


Moment = Annotated[datetime | date, PlainValidator(_moment)]
Day = Annotated[Moment, AfterValidator(_day)]


def surroundings(info: ValidationInfo) -> Surroundings:
    """The context that a model is validated with."""
    assert isinstance(info.context, Surroundings)
    return info.context


# ---- pictures


def _picture(value: object, info: ValidationInfo) -> Path:
    if not isinstance(value, str) or not value.strip():
        raise trouble("picture", _("the name of a picture is expected here"), "src: photo.jpg")
    return picture_path(value.strip(), surroundings(info))


PicturePath = Annotated[Path, PlainValidator(_picture)]


def picture_path(name: str, around: Surroundings) -> Path:
    """The file that a post means, beside the post or in content/media.

    Args:
        name: as typed, relative.

    Raises:
        PydanticCustomError: outside the workspace, missing, behind a symbolic link, or no picture.
    """
    if re.match(r"[a-zA-Z][a-zA-Z+.-]+:|//", name):
        hint = _("download it into content/media and write its file name; we never fetch pictures")
        raise trouble("picture", _("a picture must be a file of this newsroom, not a web address"), hint)
    if "\\" in name:
        raise trouble("picture", _("a \\ in the name"), _("write: {name}").format(name=name.replace("\\", "/")))
    if name.startswith(("/", "~")) or re.match(r"[a-zA-Z]:", name):
        raise trouble("picture-outside", _("only pictures inside the newsroom's folder can be used"), _media_hint())
    places = [Path(os.path.normpath(folder / name)) for folder in (around.folder, around.root / MEDIA)]
    inside = [place for place in places if place.is_relative_to(around.root)]
    if not inside:
        raise trouble("picture-outside", _("this picture is outside the newsroom's folder"), _media_hint())
    found = next((place for place in inside if os.path.lexists(place)), None)
    if found is None:
        raise trouble("picture-missing", _("there is no such picture"), _nearest(name, inside))
    _refuse_unsafe(found, around.root)
    return found


def _refuse_unsafe(path: Path, root: Path) -> None:
    way = [path, *(folder for folder in path.parents if folder != root and folder.is_relative_to(root))]
    if any(step.is_symlink() for step in way):
        raise trouble("picture-link", _("this picture lies behind a symbolic link"), _media_hint())
    if not stat.S_ISREG(path.lstat().st_mode):
        raise trouble("picture", _("this is not a file"), _("write the name of the picture itself"))
    if path.suffix.lower() not in PICTURE_SUFFIXES:
        known = ", ".join(suffix[1:] for suffix in PICTURE_SUFFIXES)
        hint = _("save it as {kinds}").format(kinds=known)
        raise trouble("picture-kind", _("this kind of picture cannot be used"), hint)


def _media_hint() -> str:
    return _("copy it into content/media and write its file name")


def _nearest(name: str, places: list[Path]) -> str:
    names = [f.name for place in places if place.parent.is_dir() for f in place.parent.iterdir() if f.is_file()]
    pictures = [n for n in names if n.lower().endswith(PICTURE_SUFFIXES)]
    return did_you_mean(Path(name).name, pictures) or _media_hint()
