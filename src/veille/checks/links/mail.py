"""Mail addresses: cut in two, mistyped, in no record, or another one than is shown."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import replace
from email.utils import parseaddr
from functools import cache, lru_cache
from urllib.parse import unquote

from veille.checks.links import rules
from veille.checks.links.ground import at, is_rehearsal, is_reserved, is_shown, linked
from veille.checks.lists import lines
from veille.checks.rules import Context
from veille.checks.subjects import Link, Subject, Text
from veille.errors import Finding, Severity
from veille.i18n import gettext as _
from veille.partners import HelpLine, Partner

_NAME = r"[\w.+%'-]{0,64}[\w+]"  # RFC 5321, 4.5.3.1.1; without an end, a long row of dots takes for ever
_DOMAIN = r"[\w-]+(?:\.[\w-]+)*\.[a-z]{2,24}"
_WHOLE = re.compile(rf"(?<![\w.+%@/-]){_NAME}@{_DOMAIN}(?![\w@-])", re.I)
_ENDS = r"(?:fr|com|org|net|eu|info)"
_BROKEN = (
    re.compile(rf"\b{_NAME}[ \u00a0\n]+@[ \u00a0\n]?[\w-]+(?:\.[\w-]+)*\.{_ENDS}\b", re.I),  # contact @ville.fr
    re.compile(rf"\b{_NAME}@[ \u00a0\n]+[\w-]+(?:\.[\w-]+)*\.{_ENDS}\b", re.I),  # contact@ ville.fr
    re.compile(
        rf"\b{_NAME}@[\w-]+(?:\.[\w-]+)*(?:[ \u00a0\n]+\.|,|\.\.+|[ \u00a0\n]+\. ?){_ENDS}\b", re.I
    ),  # @ville,fr
    re.compile(rf"\b{_NAME}@(?:[\w-]+\.)*[\w-]+-\n[\w-]+(?:\.[\w-]+)*\.{_ENDS}\b", re.I),  # @hauts-de-\nseine.fr
    re.compile(rf"\b{_NAME}@\.?(?=[\s,;:!?)\ufffc]|\.?$)", re.I),  # contact@
    re.compile(rf"\b{_NAME}@@+[\w.-]+", re.I),
    re.compile(r"\b[\w.+-]{1,64}@[\w-]{3,}(?![\w.@-]|,\w)", re.I),  # contact@ville
)
_HIDDEN = re.compile(
    rf"\b{_NAME} ?[(\[{{] ?(?:at|arr?obase|chez|a|à|@) ?[)\]}}] ?"  # contact (at)
    r"[\w-]+(?:(?:\.| ?[(\[](?:dot|point)[)\]] ?)[\w-]+)+",  # ville [point] fr
    re.I,
)
_PERSON = re.compile(r"[a-zà-ÿ-]+\.[a-zà-ÿ-]+@", re.I)  # given name and family name
_ENDING_SLIPS = {
    "con": "com",
    "cmo": "com",
    "ocm": "com",
    "comm": "com",
    "vom": "com",
    "rf": "fr",
    "frr": "fr",
    "ffr": "fr",
}


def mail_addresses(subject: Subject, context: Context) -> Iterator[Finding]:
    """Everything that can be said of mail addresses without writing to one."""
    for finding in _looked_at(subject, context):
        yield replace(finding, excerpt="")  # it would hold the whole address


def _looked_at(subject: Subject, context: Context) -> Iterator[Finding]:
    rehearsal = is_rehearsal(context)
    texts = [text for text in subject.texts if "@" in text.content or "(" in text.content or "[" in text.content]
    links = [link for link in subject.links if link.href.lower().startswith("mailto:")]
    if texts or links:
        known, words = _recorded(context), linked(subject)
        for text in texts:
            yield from _in_text(text, known, words, rehearsal=rehearsal)
        for link in links:
            yield from _of_link(link, known, rehearsal=rehearsal)
    if isinstance(subject.source, Partner) and subject.source.email:
        yield from _of_record(subject, subject.source.email, rehearsal=rehearsal)


def _veiled(address: str) -> str:
    """As findings show it: what they hold goes into logs, and the address may be somebody's own."""
    shown = " ".join(address.split())
    return re.sub(r"^[^@(\[{]+?(?= ?[@(\[{])", lambda match: match[0][0] + "…", shown)


def _in_text(
    text: Text, known: frozenset[str], words: list[tuple[Text | None, int, int]], *, rehearsal: bool
) -> Iterator[Finding]:
    content = text.content
    if "@" not in content:
        yield from _hidden(text)
        return
    whole = [(match.start(), match.end()) for match in _WHOLE.finditer(content)]
    for start, end in whole:
        inside = any(text is piece and first <= start < last for piece, first, last in words)
        yield from _complete(text, start, end, known, inside=inside, rehearsal=rehearsal)
    taken = list(whole)
    for shape in _BROKEN:
        for match in shape.finditer(content):
            span = match.span()
            if all(span[1] <= first or span[0] >= last for first, last in taken):
                taken.append(span)
                message = _("this mail address is not complete: {address}").format(address=_veiled(match[0]))
                hint = _("write it whole and in one piece: <contact@ville.fr>")
                yield rules.MAIL_BROKEN.at(text, *span, message, hint)
    yield from _hidden(text)


def _hidden(text: Text) -> Iterator[Finding]:
    """Written so that programmes do not find it: people do not, either."""
    for match in _HIDDEN.finditer(text.content):
        message = _("nobody can click on a mail address that is written like this: {address}")
        hint = _("write it with its @: <contact@ville.fr>")
        found = rules.MAIL_BROKEN.at(text, *match.span(), message.format(address=_veiled(match[0])), hint)
        yield replace(found, severity=Severity.WARNING)


def _complete(
    text: Text, start: int, end: int, known: frozenset[str], *, inside: bool, rehearsal: bool
) -> Iterator[Finding]:
    address = text.content[start:end]
    if not inside:
        if problem := _mistyped(address):
            yield rules.MAIL_TYPO.at(text, start, end, *problem)
        elif problem := _invented(address, rehearsal=rehearsal):
            yield rules.EXAMPLE.at(text, start, end, *problem)
        elif problem := _unrecorded(address, known):
            yield rules.MAIL_UNKNOWN.at(text, start, end, *problem)
        if is_shown(text):
            message = _("readers cannot click on this address: {address}").format(address=_veiled(address))
            yield rules.BARE.at(text, start, end, message, _("put it between < and >"))


def _of_link(link: Link, known: frozenset[str], *, rehearsal: bool) -> Iterator[Finding]:
    address = unquote(link.href[len("mailto:") :].partition("?")[0])
    if not _WHOLE.fullmatch(address):
        message = _("this mail address is not complete: {address}").format(address=_veiled(address))
        yield at(rules.MAIL_BROKEN, link, message, _("write it whole and in one piece: <contact@ville.fr>"))
        return
    shown = _WHOLE.search(link.words)
    if shown and shown[0].casefold() != address.casefold():
        message = _("this link shows one mail address and writes to another")
        yield at(rules.MISMATCH, link, message, _("let both be the same address"))
    if problem := _mistyped(address):
        yield at(rules.MAIL_TYPO, link, *problem)
    elif problem := _invented(address, rehearsal=rehearsal):
        yield at(rules.EXAMPLE, link, *problem)
    elif problem := _unrecorded(address, known):
        yield at(rules.MAIL_UNKNOWN, link, *problem)


def _of_record(subject: Subject, address: str, *, rehearsal: bool) -> Iterator[Finding]:
    if problem := _mistyped(address):
        yield rules.MAIL_TYPO.of(subject, "email", *problem)
    elif problem := _invented(address, rehearsal=rehearsal):
        yield rules.EXAMPLE.of(subject, "email", *problem)


# What may be wrong with a complete address ----


@cache
def _slips() -> dict[str, str]:
    return dict(line.split(maxsplit=1) for line in lines("mail_typos.txt"))


def _mistyped(address: str) -> tuple[str, str] | None:
    domain = address.rpartition("@")[2].lower()
    meant = _slips().get(domain)
    stem, _dot, ending = domain.rpartition(".")
    if meant is None and ending in _ENDING_SLIPS:
        meant = f"{stem}.{_ENDING_SLIPS[ending]}"
    if meant is None:
        return None
    message = _("{domain} looks like a slip").format(domain=domain)
    return message, _("did you mean {domain}? Ask the person whose address it is").format(domain=meant)


def _invented(address: str, *, rehearsal: bool) -> tuple[str, str] | None:
    domain = address.rpartition("@")[2].lower()
    if rehearsal or not is_reserved(domain):
        return None
    message = _("{host} is an invented address: nobody answers there").format(host=domain)
    return message, _("write the real address, or take it out")


def _unrecorded(address: str, known: frozenset[str]) -> tuple[str, str] | None:
    if address.casefold() in known:
        return None
    message = _("this mail address stands in no contact record: {address}").format(address=_veiled(address))
    if close := _nearest(address.casefold(), known):
        return message, _("the records have {address}: did you mean that one?").format(address=close)
    if _PERSON.match(address):
        return None  # `checks.privacy` has more to say of it
    return message, _("put it into content/partners/ and refer to it: {{{{ partner: name }}}}").format()


@lru_cache(1024)
def _nearest(address: str, known: frozenset[str]) -> str:
    """A recorded address at the same host, or of the same name, that differs in a letter or two."""
    name, _at, domain = address.partition("@")
    alike = sorted(other for other in known if other.endswith("@" + domain) or other.startswith(name + "@"))
    return next(iter(difflib.get_close_matches(address, alike, n=1, cutoff=0.9)), "")


def _recorded(context: Context) -> frozenset[str]:
    """Every address that somebody answers for: of the records, and of the newsroom itself."""
    library, letter = context.library, context.config.settings.newsletter
    records: list[Partner | HelpLine] = [*library.partners.values(), *library.helplines.values()]
    own = [parseaddr(letter.sender)[1], letter.reply_to, letter.bounce_address]
    found = [*own, *(address for record in records for address in _mails(record))]
    return frozenset(address.casefold() for address in found if address)


def _mails(record: Partner | HelpLine) -> list[str]:
    if isinstance(record, Partner):
        return [record.email]
    return _WHOLE.findall(" ".join((record.name, record.for_whom, record.hours)))
