"""Asking whoever is behind a contact whether it is still right, and writing the answer down.

The record is edited line by line: comments, order and layout stay as their author left them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

from veille.config import Config
from veille.errors import ContentError, VeilleError
from veille.i18n import gettext as _
from veille.library import HELPLINES, Library
from veille.partners import HelpLine, Partner
from veille.reading import file_name, frontmatter
from veille.reading.contact import read_helplines, read_partner
from veille.reading.wording import did_you_mean, squeezed
from veille.reading.yamltraps import quote

SOON = timedelta(days=14)  # before a record ends, its partner is asked how it goes on

_ON = {"verifiedon"}  # folded keys
_BY = {"verifiedby", "verifiepar", "verifieepar"}
_DAY = re.compile(r"(?P<quote>[\"']?)(?P<day>\d{4}-\d{1,2}-\d{1,2}|\d{1,2}/\d{1,2}/\d{4})(?P=quote)\s*$")
_LINE_ENDS = re.compile(r"(\r\n|\r|\n)")


@dataclass(frozen=True)
class Due:
    """A record that must be asked about again.

    Args:
        age: days since it was confirmed; negative when its date lies in the future.
        left: days on which it still holds; negative when it is over, None when it has no end.
    """

    record: Partner | HelpLine
    age: int
    left: int | None

    @property
    def id(self) -> str:
        """What `veille partners confirm` takes."""
        return identity(self.record)


def identity(record: Partner | HelpLine) -> str:
    """ "ccas-bagneux", "3919"."""
    return record.id if isinstance(record, Partner) else record.number


def due(library: Library, today: date, every: timedelta) -> list[Due]:
    """Partners and help lines to ask again, the one that waits longest first.

    Uncertain help lines are not among them: nobody sees them.

    Args:
        every: a record that was confirmed longer ago than this is due, and one that ends within 14 days.
    """
    records: list[Partner | HelpLine] = [*library.partners.values()]
    records += [line for line in library.helplines.values() if line.sure]
    found = [_due(record, today) for record in records]
    late = [d for d in found if d.age > every.days or d.age < 0 or (d.left is not None and d.left <= SOON.days)]
    return sorted(late, key=lambda d: (d.left is None or d.left >= 0, -d.age, d.id))


def _due(record: Partner | HelpLine, today: date) -> Due:
    ends = record.valid_until
    return Due(record, (today - record.verified_on).days, (ends - today).days if ends else None)


def find(library: Library, wanted: str) -> Partner | HelpLine:
    """The record that a person means: id of a partner, number of a help line.

    Raises:
        VeilleError: there is none.
    """
    name = wanted.removeprefix("partner:").removeprefix("helpline:").strip()
    number = re.sub(r"[\s.\u00a0\u202f-]", "", name)
    if found := library.partners.get(Path(name).stem) or library.partners.get(name) or library.helplines.get(number):
        return found
    hint = did_you_mean(name, library.partners) or _("`veille partners list` shows them")
    raise VeilleError(_("there is no partner or help line {name}").format(name=wanted), hint=hint)


@dataclass(frozen=True)
class Confirmed:
    """A record after somebody confirmed it; `content`: its file, not yet written."""

    record: Partner | HelpLine
    path: Path
    content: bytes


def confirmed(record: Partner | HelpLine, config: Config, today: date, by: str = "") -> Confirmed:
    """What the record's file holds once its date, and who confirmed it, are written in.

    Args:
        by: a function, not a private person: "accueil du CCAS"; "" leaves what is there.

    Raises:
        ContentError: the file cannot be read (any more).
        VeilleError: it is laid out in a way that only a person should edit.
    """
    path = config.root / (record.file if isinstance(record, Partner) else f"content/{HELPLINES}")
    lines = _lines(path)
    keys = _keys(record, frontmatter.parse_yaml("".join(lines).removeprefix("\ufeff"), file_name(path, config.root)))
    by = " ".join(by.split())
    edited = _edited(lines, keys, today, by)
    expected = replace(record, verified_on=today, verified_by=by or record.verified_by)
    text = "".join(edited) if edited else ""
    if not edited or _again(record, path, config, text.removeprefix("\ufeff")) != _without_places(expected):
        message = _("{file} is laid out in a way that we do not edit").format(file=file_name(path, config.root))
        hint = _("write it yourself: verified_on: {day}").format(day=today.isoformat())
        raise VeilleError(message, hint=hint)
    return Confirmed(expected, path, text.encode("utf-8"))


def _lines(path: Path) -> list[str]:
    """The lines with their ends, numbered as the reader numbers them."""
    try:
        parts = _LINE_ENDS.split(path.read_bytes().decode("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise VeilleError(_("{file} cannot be read").format(file=path.name)) from error
    return ["".join(parts[at : at + 2]) for at in range(0, len(parts), 2)]


def _keys(record: Partner | HelpLine, document: frontmatter.Document) -> Mapping[str, tuple[str, int]]:
    """Of the keys "on" and "by": how they are typed, and on which line."""
    prefix = ""
    if isinstance(record, HelpLine):
        entries = (n for n in range(len(document.lines)) if document.lines.get(f"helplines.{n}") == record.line)
        prefix = f"helplines.{next(entries, -1)}."
    mine = {path.removeprefix(prefix): line for path, line in document.lines.items() if path.startswith(prefix)}
    found: dict[str, tuple[str, int]] = {}
    for name, known in (("on", _ON), ("by", _BY)):
        if typed := next((key for key in mine if squeezed(key) in known), None):
            found[name] = typed, mine[typed]
    return found


def _edited(lines: Sequence[str], keys: Mapping[str, tuple[str, int]], today: date, by: str) -> list[str] | None:
    """None: a key does not stand on a line of its own."""
    made = list(lines)
    if "on" not in keys or (head := _head(made, *keys["on"])) is None:
        return None
    at = keys["on"][1] - 1
    value, rest = _value(made[at][len(head) :])
    if (written := _DAY.match(value)) is None:
        return None
    day = f"{today:%d/%m/%Y}" if "/" in written["day"] else today.isoformat()
    made[at] = f"{head}{written['quote']}{day}{written['quote']}{rest}"
    if by and "by" in keys:
        if (before := _head(made, *keys["by"])) is None:
            return None
        place = keys["by"][1] - 1
        made[place] = f"{before}{quote(by)}{_value(made[place][len(before) :])[1]}"
    elif by:
        indent = re.sub(r"[^\s\ufeff]", " ", head[: head.index(keys["on"][0])]).replace("\ufeff", "")
        end = next((found[0] for line in lines if (found := _LINE_ENDS.search(line))), "\n")
        made[at] = made[at] if _LINE_ENDS.search(made[at]) else made[at] + end
        made.insert(at + 1, f"{indent}verified_by: {quote(by)}{end}")
    return made


def _head(lines: Sequence[str], key: str, number: int) -> str | None:
    """Everything up to the value of a key that begins its line."""
    found = re.match(rf"\ufeff?\s*(?:-\s+)*{re.escape(key)}\s*:[ \t]+", lines[number - 1])
    return found[0] if found else None


def _value(rest: str) -> tuple[str, str]:
    """The value of a line, and what follows it: blanks, a comment, the line end."""
    found = re.match(r"(\"[^\"]*\"|'(?:[^']|'')*'|[^\r\n]*?)(?=\s+#|\s*$)", rest)
    assert found is not None
    return found[0], rest[found.end() :]


def _again(record: Partner | HelpLine, path: Path, config: Config, text: str) -> Partner | HelpLine | None:
    try:
        if isinstance(record, Partner):
            return _without_places(read_partner(path, config, text=text))
        lines, _findings = read_helplines(path, config, text=text)
    except ContentError:
        return None
    found = next((line for line in lines if line.number == record.number), None)
    return _without_places(found) if found else None


def _without_places(record: Partner | HelpLine) -> Partner | HelpLine:
    return record if isinstance(record, Partner) else replace(record, line=0)


def facts(record: Partner) -> Iterator[tuple[str, str]]:
    """The record as it stands, line by line, for whoever must say whether it is right."""
    from veille.rendering.contacts import language_name

    yield _("Name"), record.name
    yield _("What you do"), record.description
    yield _("Phone"), record.phone
    yield _("Text message"), record.sms
    yield _("E-mail"), record.email
    yield _("Website"), record.url
    yield _("Address"), record.address
    yield _("Hours"), record.hours
    yield _("Languages"), ", ".join(language_name(code) for code in record.languages)
    known = {True: _("yes"), False: _("no"), None: ""}
    yield _("Accessible by wheelchair"), known[record.accessible]
