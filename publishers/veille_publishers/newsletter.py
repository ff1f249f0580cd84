"""The letter, to every reader by mail: personal only in its links, never in its text."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import EmailPolicy
from email.utils import format_datetime, parseaddr
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit

from veille import tokens
from veille.errors import ConfigError, LedgerError, PublishError, Unavailable
from veille.failpoints import failpoint
from veille.i18n import gettext as _
from veille.publishing import (
    Delivery,
    File,
    Journal,
    OnUnknown,
    Publication,
    ReadBack,
    Receipt,
    Rendition,
    Seen,
    Source,
)
from veille.rendering import RenderedEdition
from veille.tokens import Keys, Purpose
from veille_publishers import files
from veille_publishers.letter import (
    PREFERENCES_SLOT,
    UNSUBSCRIBE_SLOT,
    letter_of_variant,
    letter_payload,
    variant,
    whole,
)
from veille_publishers.registry import Context
from veille_publishers.smtp import Connection, SmtpUrl, parse_url


class LetterPolicy(EmailPolicy):
    """SMTP line ends; List-* and id headers stay as they are.

    The standard policy rewrites a URL of 78 characters or more as encoded words, which is not valid in these headers
    (RFC 2369, RFC 8058) and makes the unsubscribe button vanish.
    """

    _VERBATIM = ("list-", "feedback-id", "message-id")

    def fold(self, name: str, value: Any) -> str:
        """See `email.policy`."""
        if name.lower().startswith(self._VERBATIM):
            return f"{name}: {value}{self.linesep}"
        return str(super().fold(name, value))

    def fold_binary(self, name: str, value: Any) -> bytes:
        """See `email.policy`."""
        if name.lower().startswith(self._VERBATIM):
            return f"{name}: {value}{self.linesep}".encode("ascii")
        return bytes(super().fold_binary(name, value))


POLICY = LetterPolicy(linesep="\r\n")
_PRIVATE = 0o600  # a letter names its reader


class Newsletter:
    """Publisher of the `newsletter` channel."""

    kind: ClassVar[str] = "newsletter"
    on_unknown: ClassVar[OnUnknown] = OnUnknown.RESEND

    def __init__(self, context: Context) -> None:
        self._context = context
        self._settings = context.config.settings.newsletter
        self._base_url = context.config.settings.workspace.base_url
        self.live = self._settings.transport != "file"
        if not self._base_url.isascii():
            raise ConfigError(
                _("workspace.base_url holds letters that mail headers cannot carry"),
                hint=_('write the name of the host in its other form, which begins with "xn--"'),
            )
        if self.live and not self._base_url.startswith("https://"):
            raise ConfigError(
                _("workspace.base_url must begin with https:// before letters leave"),
                hint=_("leaving the letter in one click works over https only (RFC 8058)"),
            )
        self._sender = self._address("from", self._settings.sender)
        self._reply_to = self._address("reply_to", self._settings.reply_to) if self._settings.reply_to else None
        self._list_id = self._checked_list_id()
        self._folder = context.config.outbox_dir / "newsletter"
        self._server = self._parsed_url() if self.live else None

    def render(self, source: Source) -> Rendition | None:
        """The letter with slots for the personal links. Posts reach readers inside an edition only."""
        if not isinstance(source, RenderedEdition):
            return None
        pictures = {p.name: p for post in source.posts for p in post.pictures}
        if source.picture:
            pictures[source.picture.name] = source.picture
        return Rendition(
            channel=self.kind,
            payload=letter_payload(source, self._context.templates),
            files=tuple(File(p.name, "image/jpeg", p.content) for p in pictures.values()),
        )

    def targets(self) -> Sequence[str]:
        """None yet: the audience is frozen when the letter is due."""
        return ()

    def requests(self, rendition: Rendition) -> Sequence[Mapping[str, Any]]:  # noqa: ARG002
        """Mail has no requests to show."""
        return ()

    def show(self, publication: Publication) -> None:
        """letter.html with its pictures beside it, and letter.txt."""
        folder = self._folder / publication.slug
        letter = letter_of_variant(publication.rendition.payload, whole(publication.rendition.payload))
        html = letter.html.replace(f"{self._base_url}/media/", "media/")
        files.write(folder / "letter.html", self._filled(html, "…").encode())
        files.write(folder / "letter.txt", self._filled(letter.text, "…").encode())
        for file in publication.rendition.files:
            files.write(folder / "media" / file.name, file.content)

    def deliver(self, deliveries: Sequence[Delivery], journal: Journal) -> None:
        """Send or write one message for each reader of the batch."""
        # Erased since the claim: asking for the last word records that nothing is to be sent.
        wanted = [d for d in deliveries if d.recipient is not None or journal.intent(d)]
        if not self.live:
            for delivery in wanted:
                if not self._write(delivery, journal):
                    return
            return
        connection = self._connection()
        try:
            for delivery in wanted:
                if not self._send(connection, delivery, journal):
                    return
        finally:
            connection.close()

    def rest(self) -> None:
        """Nothing is kept open."""

    def read_back(self, delivery: Delivery) -> ReadBack:  # noqa: ARG002
        """A mailbox cannot be looked into."""
        return ReadBack(Seen.UNREADABLE)

    def read_back_delays(self) -> Sequence[timedelta]:
        """The one wait before the one resend."""
        return (self._settings.resend_after,)

    def message(self, delivery: Delivery) -> EmailMessage:
        """The letter as this reader gets it (RFC 5322, RFC 2369, RFC 8058, RFC 2919).

        Raises:
            LedgerError: the delivery carries no reader, or there is no key to sign links with.
        """
        if delivery.recipient is None or self._context.keys is None:
            raise LedgerError(_("{id} names no reader").format(id=delivery.id))
        payload = delivery.publication.rendition.payload
        letter = letter_of_variant(payload, variant(payload, delivery.recipient))
        links = _Links(self._base_url, self._context.keys, delivery.recipient.id)
        message = EmailMessage(policy=POLICY)
        message["From"] = self._sender
        message["To"] = Address(addr_spec=delivery.recipient.address)
        message["Subject"] = letter.subject
        message["Date"] = format_datetime(delivery.date.astimezone(self._context.config.zone))
        message["Message-ID"] = delivery.message_id
        if self._reply_to:
            message["Reply-To"] = self._reply_to
        message["List-Id"] = self._list_id
        message["List-Unsubscribe"] = f"<{links.unsubscribe}>, <{self._unsubscribe_mail(links)}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
        message["Precedence"] = "bulk"
        message.set_content(self._filled(letter.text, links), charset="utf-8", cte="quoted-printable")
        if not delivery.recipient.text_only:
            message.add_alternative(
                self._filled(letter.html, links), subtype="html", charset="utf-8", cte="quoted-printable"
            )
            # The same for every copy of this letter; "=_" cannot stand in quoted-printable text (RFC 2045, 6.7).
            message.set_boundary(f"=_{hashlib.sha256(delivery.message_id.encode()).hexdigest()[:24]}")
        message["Content-Language"] = letter.lang  # last: filling in the parts takes Content-* away
        return message

    def send_test(self, delivery: Delivery) -> str:
        """Send one letter outside the outbox, to whoever made it. Returns what to tell them.

        Raises:
            PublishError: the mail server did not take it.
        """
        assert delivery.recipient is not None
        content = self.message(delivery).as_bytes()
        if not self.live:
            path = self._folder / delivery.publication.slug / "test.eml"
            files.write(path, content, mode=_PRIVATE)
            self.show(delivery.publication)
            relative = path.relative_to(self._context.config.root).as_posix()
            return _("Sandbox: the letter was written to {path}.").format(path=relative)
        connection = self._connection()
        try:
            connection.send(self._sender.addr_spec, delivery.recipient.address, lambda: content, lambda: True)
        except Unavailable as error:  # no later try comes: nothing of a test is queued
            raise Unavailable(error.message, hint=_("mend this, then send the test again")) from None
        finally:
            connection.close()
        return _("Sent.")

    def _connection(self) -> Connection:
        assert self._server is not None  # only the live transport connects
        return Connection(self._server)

    def _parsed_url(self) -> SmtpUrl:
        if self._settings.smtp_url is None:
            raise ConfigError(
                _("newsletter.transport is smtp, but newsletter.smtp_url is not set"),
                hint=_('set VEILLE_NEWSLETTER__SMTP_URL="smtp://user:password@host:587?tls=starttls"'),
            )
        return parse_url(self._settings.smtp_url.get_secret_value())

    def _write(self, delivery: Delivery, journal: Journal) -> bool:
        """One file. False: nothing can be written now, so leave the rest of the batch."""
        content = self.message(delivery).as_bytes()
        if not journal.intent(delivery):
            return True
        path = self._folder / delivery.publication.slug / f"{delivery.id}.eml"
        try:
            files.write(path, content, mode=_PRIVATE)
            failpoint("mail-file.after-write")
        except PublishError as error:
            journal.settle(delivery, error)
            return False
        journal.settle(delivery, Receipt(detail=path.name))
        return True

    def _send(self, connection: Connection, delivery: Delivery, journal: Journal) -> bool:
        """One letter. False: the server does not take letters from us now, so leave the rest of the batch."""
        assert delivery.recipient is not None
        try:
            words = connection.send(
                self._sender.addr_spec,
                delivery.recipient.address,
                lambda: self.message(delivery).as_bytes(),
                lambda: journal.intent(delivery),
            )
        except PublishError as error:
            journal.settle(delivery, error)
            return not getattr(error, "about_us", error.code == "not-authorised")
        if words is not None:
            journal.settle(delivery, Receipt(detail=words))
        return True

    def _filled(self, text: str, links: _Links | str) -> str:
        unsubscribe = links if isinstance(links, str) else links.unsubscribe
        preferences = links if isinstance(links, str) else links.preferences
        return text.replace(UNSUBSCRIBE_SLOT, unsubscribe).replace(PREFERENCES_SLOT, preferences)

    def _address(self, key: str, value: str) -> Address:
        name, spec = parseaddr(value)
        if not value and key == "from" and not self.live:
            name, spec = self._context.config.brand.name, f"newsletter@{urlsplit(self._base_url).hostname}"
        try:
            return Address(name or self._context.config.brand.name, addr_spec=spec)
        except (ValueError, IndexError):
            raise ConfigError(
                _("newsletter.{key} is not an address").format(key=key),
                hint=_('write {key} = "Name <letter@example.org>"').format(key=key),
            ) from None

    def _checked_list_id(self) -> str:
        """List-Id with its angle brackets (RFC 2919, section 3)."""
        value = self._settings.list_id or f"newsletter.{urlsplit(self._base_url).hostname}"
        if not re.fullmatch(r"[ -~]*<[^<>\s]+>|[^<>\s]+", value) or not value.isascii():
            raise ConfigError(
                _("newsletter.list_id is not understood"),
                hint=_('write list_id = "letter.example.org", without accents and spaces'),
            )
        return value if value.endswith(">") else f"<{value}>"

    def _unsubscribe_mail(self, links: _Links) -> str:
        to = quote((self._reply_to or self._sender).addr_spec, safe="@+")
        return f"mailto:{to}?subject={quote(f'unsubscribe {links.token}')}"


class _Links:
    """The personal links of one reader."""

    def __init__(self, base_url: str, keys: Keys, subscriber: int) -> None:
        self.token = tokens.make(keys, Purpose.UNSUBSCRIBE, subscriber)
        self.unsubscribe = f"{base_url}/u/{self.token}"
        self.preferences = f"{base_url}/p/{tokens.make(keys, Purpose.PREFERENCES, subscriber)}"
