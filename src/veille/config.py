"""Settings: `veille.toml`, environment variables and secrets, read once into frozen values."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, ValidationError
from slugify import slugify

from veille import credentials
from veille.brand import DARK, LIGHT, Brand, Palette
from veille.errors import ConfigError, Finding
from veille.i18n import gettext as _
from veille.i18n import why
from veille.posts import CHANNELS
from veille.settings import Settings

FILE_NAME = "veille.toml"
_STORES = (credentials.FileStore.where, credentials.KeyringStore.where)

# Never in veille.toml, which is shared and kept in version control.
SECRETS = {
    ("workspace", "secret_key"),
    ("newsletter", "smtp_url"),  # only when it carries a password
    ("newsletter", "bounces_url"),  # likewise
    ("newsletter", "dkim_key"),
    ("outbox", "url"),  # likewise
    *((section, key) for section in credentials.SECTIONS for key in credentials.KEYS),
}


@lru_cache(maxsize=1024)  # asked for each post
def _slug(name: str) -> str:
    return str(slugify(name))


class Config(BaseModel):
    """The settings of one workspace, with its folder."""

    model_config = ConfigDict(frozen=True)

    root: Path  # absolute
    settings: Settings
    channels: tuple[str, ...] = CHANNELS
    from_store: frozenset[tuple[str, str]] = frozenset()  # section and key of what `veille connect` keeps

    @property
    def zone(self) -> ZoneInfo:
        """The workspace's time zone."""
        return ZoneInfo(self.settings.workspace.timezone)

    @property
    def towns(self) -> dict[str, str]:
        """Slug to name: {"bourg-la-reine": "Bourg-la-Reine"}."""
        return {_slug(name): name for name in self.settings.workspace.towns}

    @property
    def outbox_dir(self) -> Path:
        """The folder `outbox/`."""
        return self.root / "outbox"

    @property
    def brand(self) -> Brand:
        """The newsroom's identity, tokens resolved."""
        chosen = self.settings.brand
        return Brand(
            name=chosen.name or self.settings.workspace.name,
            tagline=chosen.tagline,
            logo=chosen.logo,
            light=Palette(**{**vars(LIGHT), **chosen.colours}),
            dark=Palette(**{**vars(DARK), **chosen.dark_colours}),
        )

    def channel(self, name: str) -> Any:
        """The settings section of a channel."""
        return getattr(self.settings, name)

    def live(self, name: str) -> bool:
        """Whether this channel reaches people: any transport but `file`."""
        return bool(self.channel(name).transport != "file")


def find_root(start: Path) -> Path:
    """The nearest folder upward that holds veille.toml.

    Raises:
        ConfigError: there is none.
    """
    for folder in (start, *start.parents):
        if (folder / FILE_NAME).is_file():
            return folder
    raise ConfigError(
        _("no veille.toml in {folder} or above it").format(folder=start),
        hint=_("make a newsroom with `veille init my-newsroom`, or name its folder with -C FOLDER"),
    )


def load(root: Path, environ: Mapping[str, str] = os.environ) -> Config:
    """Read veille.toml, the environment and secrets.

    Args:
        root: the workspace folder.
        environ: VEILLE_<SECTION>__<KEY>, and the same with _FILE for a file that holds the value.

    Raises:
        ConfigError: every wrong setting at once, each with file, line and remedy.
    """
    root = root.resolve()
    path = root / FILE_NAME
    try:
        text = path.read_text(encoding="utf-8-sig")
        values: dict[str, Any] = tomllib.loads(text)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        reason = _unreadable(error)
        raise ConfigError(_("{file} cannot be read: {error}").format(file=FILE_NAME, error=reason)) from error
    refuse_secrets(values, text)
    named = [channel for channel in CHANNELS if channel in values]
    origin = _merge(values, environ, root)
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        findings = tuple(_finding(detail, text, origin) for detail in error.errors())
        raise ConfigError("\n".join(map(str, findings)), findings=findings) from None
    kept = frozenset(place for place, where in origin.items() if where in _STORES)
    return Config(root=root, settings=settings, channels=tuple(named) or CHANNELS, from_store=kept)


def _unreadable(error: Exception) -> str:
    if isinstance(error, OSError):
        return why(error)
    if isinstance(error, UnicodeDecodeError):
        return _("it is not UTF-8")
    if line := re.search(r"line (\d+)", str(error)):
        return _("line {line} is not understood; is a quotation mark or a bracket missing?").format(line=line[1])
    return _("its last line is not finished; is a quotation mark or a bracket missing?")


def refuse_secrets(values: Mapping[str, Any], text: str) -> None:
    """Stop when veille.toml holds secrets, naming every one and repeating none.

    Raises:
        ConfigError: one finding for each of them.
    """
    if found := [_secret_in(text, *place) for place in sorted(SECRETS) if _holds_secret(values, *place)]:
        found.sort(key=lambda finding: (finding.line or 0, finding.field or ""))
        raise ConfigError("\n".join(map(str, found)), findings=found)


def _holds_secret(values: Mapping[str, Any], section: str, key: str) -> bool:
    table = values.get(section)
    value = table.get(key) if isinstance(table, dict) else None
    return bool(value) and (key not in ("smtp_url", "bounces_url", "url") or _has_password(str(value)))


def _secret_in(text: str, section: str, key: str) -> Finding:
    return Finding(
        file=FILE_NAME,
        line=_line_of(text, (section, key)),
        field=f"{section}.{key}",
        message=_("a secret does not belong in veille.toml, which is shared"),
        hint=_("delete it here and set the environment variable {name} (or {name}_FILE)").format(
            name=_variable(section, key)
        ),
        code="secret-in-file",
    )


def _has_password(url: str) -> bool:
    try:
        return bool(urlsplit(url).password)
    except ValueError:  # not a URL at all: nobody can say what is in it
        return True


def _variable(section: str, key: str) -> str:
    return f"VEILLE_{section}__{key}".upper()


def _merge(values: dict[str, Any], environ: Mapping[str, str], root: Path) -> dict[tuple[str, str], str]:
    """Put the environment's settings over those of the file; returns where each came from."""
    origin: dict[tuple[str, str], str] = {}
    for section, key, value, name in (*_kept(values, environ, root), *_from_environment(environ, root)):
        if isinstance(values.setdefault(section, {}), dict):  # else the wrong form of the section is said
            values[section][key] = value
        origin[section, key] = name
    return origin


def _kept(values: Mapping[str, Any], environ: Mapping[str, str], root: Path) -> Iterator[tuple[str, str, str, str]]:
    """What `veille connect` keeps. It comes first, so that what a person sets now wins."""
    workspace = values.get("workspace")
    chosen = workspace.get("token_store") if isinstance(workspace, dict) else None
    chosen = environ.get(_variable("workspace", "token_store"), chosen)
    store = credentials.opened(root, "keyring" if chosen == "keyring" else "file")
    for name, value in store.load().items():
        yield *_split(name), value, store.where


def _from_environment(environ: Mapping[str, str], root: Path) -> Iterator[tuple[str, str, str, str]]:
    """(section, key, value, where from)."""
    if folder := environ.get("CREDENTIALS_DIRECTORY"):
        for file in sorted(Path(folder).glob("VEILLE_*__*")):
            yield *_split(file.name), _read_secret(file.name, file), file.name
    for name in sorted(environ, key=lambda n: not n.endswith("_FILE")):
        if name.startswith("VEILLE_") and "__" in name:
            value = environ[name]
            if name.endswith("_FILE"):
                value = _read_secret(name, root / value)
            yield *_split(name.removesuffix("_FILE")), value, name


def _split(name: str) -> tuple[str, str]:
    section, _sep, key = name.removeprefix("VEILLE_").lower().partition("__")
    return section, key


def _read_secret(name: str, path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = why(error) if isinstance(error, OSError) else _("it is not UTF-8 text")
        raise ConfigError(
            _("{name} names a file that cannot be read: {error}").format(name=name, error=reason),
            hint=_("check the path and its permissions"),
        ) from None


def _finding(detail: Any, text: str, origin: Mapping[tuple[str, str], str]) -> Finding:
    location = tuple(str(part) for part in detail["loc"] if part != "function-before")
    where = origin.get(location[:2]) if len(location) > 1 else None  # type: ignore[arg-type]
    message, hint = _words(detail, location)
    return Finding(
        file=where or FILE_NAME,
        line=None if where else _line_of(text, location),
        field=".".join(location),
        message=message,
        hint=hint,
        code="setting",
    )


def _words(detail: Any, location: tuple[str, ...]) -> tuple[str, str | None]:
    match detail["type"]:
        case "extra_forbidden":
            close = difflib.get_close_matches(location[-1], _known(location[:-1]), n=1)
            hint = _('did you mean "{name}"?').format(name=close[0]) if close else None
            return _("unknown setting"), hint
        case "value_error":
            return _("this value is not understood"), str(detail["ctx"]["error"])
        case "literal_error":
            return _("this value is not one of {expected}").format(
                expected=detail["ctx"]["expected"].replace("'", '"').replace(" or ", ", ")
            ), None
        case "string_pattern_mismatch":
            examples = {"#": "#c2372b", "v": "v26.0"}
            example = examples.get(detail["ctx"]["pattern"].lstrip("^")[:1], "1234567890")
            return _("this value has the wrong form"), _("for example {example}").format(example=example)
        case _:
            return _("this value has the wrong type or size"), _("see the settings in README.md")


def _known(location: tuple[str, ...]) -> list[str]:
    model: type[BaseModel] = Settings
    for name in location:
        annotation = model.model_fields[name].annotation if name in model.model_fields else None
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            return []
        model = annotation
    return [spec.alias or name for name, spec in model.model_fields.items()]


def _line_of(text: str, location: tuple[str, ...]) -> int | None:
    """The line of a section's key in veille.toml: tomllib keeps no lines."""
    section = ""
    found = None
    for number, line in enumerate(text.splitlines(), 1):
        if header := re.match(r"\s*\[([^\[\]]+)\]", line):
            section = header[1].strip()
            if location[:1] == (section,) and found is None:
                found = number
        elif len(location) > 1 and section == location[0] and re.match(rf"\s*{re.escape(location[1])}\s*=", line):
            return number
    return found
