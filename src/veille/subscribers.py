"""Who receives the letter: CSV in and out, consent, removal, and the memory that keeps removed people removed.

We keep an address, a language, chosen towns and audience, and the consent; no name, no age, no situation
(RGPD article 5.1.c, minimisation).
"""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from email_validator import EmailNotValidError, validate_email
from slugify import slugify

from veille.errors import ContentError, Finding, VeilleError
from veille.i18n import gettext as _
from veille.i18n import why
from veille.outbox import schema
from veille.outbox.database import Database
from veille.outbox.renditions import insert_once
from veille.posts import Audience

COLUMNS = ("email", "language", "towns", "audience", "text_only")
EMAIL_COLUMNS = {"email", "e-mail", "mail", "courriel"} | {
    f"adresse-{name}" for name in ("email", "e-mail", "mail", "electronique", "courriel")
}
CSV_LIMIT = 200 * 1024 * 1024  # bytes
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_s = schema.subscriber
_d = schema.delivery


@dataclass(frozen=True)
class Row:
    """One line of a CSV file, valid."""

    email: str = field(repr=False)
    language: str
    towns: str
    audience: str
    text_only: bool


@dataclass(frozen=True)
class Imported:
    """What an import did."""

    added: int
    known: int
    suppressed: int  # unsubscribed or removed before: they do not come back by CSV
    refused: tuple[Finding, ...]


def normalise(address: str) -> str:
    """The one form of an address that we store: what it parses to must be what was written.

    Raises:
        ValueError: it is not an address that a letter can be sent to.
    """
    typed = address.strip()
    try:
        result = validate_email(typed, check_deliverability=False, allow_smtputf8=False, test_environment=True)
    except EmailNotValidError:
        raise ValueError(_("write the address as contact@example.org")) from None
    return f"{result.ascii_local_part}@{result.ascii_domain}".lower()


def read_csv(path: Path, file: str, towns: Mapping[str, str]) -> tuple[list[Row], list[Finding]]:
    """Read a CSV as spreadsheets write it: BOM, commas or semicolons, UTF-8 or Windows-1252.

    Args:
        file: the path as the person typed it, for messages.
        towns: known towns, slug to name.

    Raises:
        ContentError: the file cannot be read as such a table at all.
    """
    text = _decode(path, file)
    lines = text.splitlines()
    delimiter = ";" if lines and lines[0].count(";") > lines[0].count(",") else ","
    reader = csv.DictReader(io.StringIO(text), delimiter=delimiter)
    header = ["email" if slugify(name) in EMAIL_COLUMNS else name.strip().lower() for name in reader.fieldnames or ()]
    if "email" not in header:
        raise ContentError(
            [
                Finding(
                    file=file,
                    line=1,
                    field=None,
                    message=_("no column is called email"),
                    hint=_("the first line names the columns: {columns}").format(columns=",".join(COLUMNS)),
                    code="csv-header",
                )
            ]
        )
    reader.fieldnames = header
    rows: list[Row] = []
    findings: list[Finding] = []
    try:
        for values in reader:
            try:
                rows.append(_row(values, towns))
            except ValueError as error:
                message, hint = _("this line was refused"), str(error)
                findings.append(Finding(file, reader.line_num, None, message, hint, "csv-row"))
    except csv.Error:  # a quote that is opened and never closed swallows the rest of the file
        message, hint = _("the table ends in the middle of a cell"), _("look for a quotation mark too many")
        raise ContentError([Finding(file, reader.line_num, None, message, hint, "csv-form")]) from None
    return rows, findings


def _decode(path: Path, file: str) -> str:
    try:
        if path.stat().st_size > CSV_LIMIT:
            raise OSError(0, _("the file is larger than 200 MB"))
        content = path.read_bytes()
    except OSError as error:
        raise ContentError(
            [Finding(file=file, line=None, field=None, message=why(error), code="csv-unreadable")]
        ) from None
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise ContentError(
        [
            Finding(
                file=file,
                line=None,
                field=None,
                message=_("the file is neither UTF-8 nor Windows-1252 text"),
                hint=_("export it again as CSV UTF-8"),
                code="csv-encoding",
            )
        ]
    )


def _row(values: Mapping[str, Any], towns: Mapping[str, str]) -> Row:
    def cell(name: str) -> str:
        return _armed((values.get(name) or "").strip())

    if any("@" in cell(name) for name in COLUMNS if name != "email"):  # and no message repeats whose address
        raise ValueError(_("an address stands in the wrong column"))
    audience = cell("audience").lower()
    if audience and audience not in set(Audience):
        raise ValueError(
            _("unknown audience {audience}; there are {known}").format(audience=audience, known=", ".join(Audience))
        )
    text_only = cell("text_only").lower()
    if text_only not in ("", "0", "1", "true", "false", "yes", "no", "oui", "non"):
        raise ValueError(_("text_only is true or false"))
    language = cell("language").lower() or "fr"
    if not re.fullmatch("[a-z]{2,3}(-[a-z0-9]{2,8})*", language):
        raise ValueError(_('language is a code like "fr"'))
    return Row(
        email=normalise(cell("email")),
        language=language,
        towns=",".join(_towns(cell("towns"), towns)),
        audience=audience,
        text_only=text_only in ("1", "true", "yes", "oui"),
    )


def _towns(typed: str, towns: Mapping[str, str]) -> list[str]:
    """Slugs, each once; a person may write the names."""
    chosen = dict.fromkeys(slugify(town) for town in typed.replace(",", ";").split(";") if town.strip())
    if unknown := [town for town in chosen if town not in towns]:
        raise ValueError(
            _("unknown town {town}; there are {known}").format(town=unknown[0], known=", ".join(towns) or "-")
        )
    return list(chosen)


class Subscribers:
    """The table of readers."""

    def __init__(self, database: Database, key: bytes) -> None:
        self._db = database
        self._key = key

    def add(self, rows: list[Row], *, how: str, now: datetime, refused: tuple[Finding, ...] = ()) -> Imported:
        """Add readers; whoever is known stays as they are, whoever left stays away.

        Args:
            how: how consent was given, kept as its proof (RGPD article 7.1).
        """
        tally: Counter[str] = Counter()
        with self._db.write() as connection:
            for row in rows:
                tally[self._add_one(connection, row, how, now)] += 1
        return Imported(tally["added"], tally["known"], tally["suppressed"], refused)

    def _add_one(self, connection: sa.Connection, row: Row, how: str, now: datetime) -> str:
        suppressed = sa.select(schema.suppression.c.hash).where(schema.suppression.c.hash == self._hash(row.email))
        if connection.execute(suppressed).first():
            return "suppressed"
        known = connection.execute(sa.select(_s.c.state).where(_s.c.email == row.email)).one_or_none()
        if known:
            return "known" if known.state == "subscribed" else "suppressed"
        connection.execute(
            insert_once(connection, _s).values(
                email=row.email,
                domain=row.email.rpartition("@")[2],
                state="subscribed",
                language=row.language,
                towns=row.towns,
                audience=row.audience,
                text_only=int(row.text_only),
                consent_at=now,
                consent_how=how,
            )
        )
        return "added"

    def welcome_back(self, row: Row, *, how: str, now: datetime) -> Imported:
        """Add one reader who asks for the letter again after leaving it; the new consent is kept as its proof."""
        with self._db.write() as connection:
            connection.execute(sa.delete(schema.suppression).where(schema.suppression.c.hash == self._hash(row.email)))
            back = connection.execute(
                sa.update(_s)
                .where(_s.c.email == row.email, _s.c.state == "unsubscribed")
                .values(state="subscribed", consent_at=now, consent_how=how, left_at=None)
            ).rowcount
            outcome = "added" if back else self._add_one(connection, row, how, now)
        return Imported(int(outcome == "added"), int(outcome == "known"), 0, ())

    def leave(self, subscriber_id: int, now: datetime) -> bool:
        """Unsubscribe: at once, also from a letter that is on its way to being sent. Harmless twice."""
        with self._db.write() as connection:
            email = connection.execute(
                sa.update(_s)
                .where(_s.c.id == subscriber_id, _s.c.state == "subscribed")
                .values(state="unsubscribed", left_at=now)
                .returning(_s.c.email)
            ).scalar()
            if email is None:
                return False
            self._forget(connection, subscriber_id, email, "unsubscribed", now)
        return True

    def remove(self, address: str, now: datetime) -> None:
        """Unsubscribe somebody by address.

        Raises:
            VeilleError: this address does not receive the letter.
        """
        with self._db.read() as connection:
            found = connection.execute(
                sa.select(_s.c.id).where(_s.c.email == _normalised(address), _s.c.state == "subscribed")
            ).scalar()
        if found is None:
            raise VeilleError(
                _("this address does not receive the letter"),
                hint=_("`veille subscribers list` counts the readers; `export` writes their addresses to a file"),
            )
        self.leave(found, now)

    def _forget(self, connection: sa.Connection, subscriber_id: int, email: str, reason: str, now: datetime) -> None:
        connection.execute(
            insert_once(connection, schema.suppression).values(hash=self._hash(email), reason=reason, at=now)
        )
        connection.execute(
            sa.update(_d)
            .where(
                _d.c.channel == "newsletter",
                _d.c.target == str(subscriber_id),
                _d.c.state.in_(("ready", "claimed", "held")),
            )
            .values(state="cancelled", owner=None, last_code="unsubscribed", updated_at=now)
        )

    def counts(self) -> dict[str, Any]:
        """How many read the letter, in all and by town, audience and language. No address."""
        with self._db.read() as connection:
            rows = connection.execute(
                sa.select(_s.c.towns, _s.c.audience, _s.c.language, _s.c.text_only).where(_s.c.state == "subscribed")
            ).all()
            left = connection.execute(
                sa.select(sa.func.count()).select_from(_s).where(_s.c.state == "unsubscribed")
            ).scalar_one()
        towns: Counter[str] = Counter(town for row in rows for town in row.towns.split(",") if town)
        return {
            "subscribed": len(rows),
            "unsubscribed": left,
            "towns": dict(sorted(towns.items())),
            "audience": dict(sorted(Counter(row.audience for row in rows if row.audience).items())),
            "language": dict(sorted(Counter(row.language for row in rows).items())),
            "text_only": sum(row.text_only for row in rows),
        }

    def export(self) -> Iterator[dict[str, str]]:
        """Every reader as a row of the same CSV, safe to open in a spreadsheet."""
        with self._db.read() as connection:
            for row in connection.execute(sa.select(_s).where(_s.c.state == "subscribed").order_by(_s.c.id)):
                values = {
                    "email": row.email,
                    "language": row.language,
                    "towns": row.towns.replace(",", ";"),
                    "audience": row.audience,
                    "text_only": "true" if row.text_only else "false",
                }
                yield {name: _defused(value) for name, value in values.items()}

    def _hash(self, email: str) -> str:
        return hmac.new(self._key, email.encode(), hashlib.sha256).hexdigest()


def _defused(value: str) -> str:
    """A cell that a spreadsheet does not run as a formula (OWASP, CSV injection)."""
    return f"'{value}" if value.startswith(_FORMULA) else value


def _armed(value: str) -> str:
    """The cell as it was before `_defused`: an export comes back as it went."""
    return value[1:] if value.startswith("'") and value[1:].startswith(_FORMULA) else value


def _normalised(address: str) -> str:
    try:
        return normalise(address)
    except ValueError as error:
        raise VeilleError(_("this is not an e-mail address"), hint=str(error)) from None
