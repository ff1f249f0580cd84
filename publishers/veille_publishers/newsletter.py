"""The letter, to every reader by mail: personal only in its links, never in its text."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit

from veille import tokens
from veille.bounces import return_path
from veille.errors import ConfigError, LedgerError, PublishError, Rejected, Unavailable
from veille.i18n import gettext as _
from veille.publishing import (
    Delivery,
    File,
    Journal,
    OnUnknown,
    Proof,
    Publication,
    ReadBack,
    Recipient,
    Rendition,
    Seen,
    Source,
)
from veille.rendering import RenderedEdition
from veille.tokens import Purpose
from veille_publishers import files, letter_files, sender
from veille_publishers.dkim_signature import load_signer
from veille_publishers.letter import (
    PREFERENCES_SLOT,
    SLOTS,
    UNSUBSCRIBE_SLOT,
    letter_of_variant,
    letter_payload,
    variant,
    whole,
    wholes,
)
from veille_publishers.mime import Draft, Heading, Personal, Template
from veille_publishers.pool import Mail, Pool
from veille_publishers.registry import Context
from veille_publishers.signing_process import SigningProcess, signature

TEMPLATES = 64  # letters kept ready to be filled in, of about 80 KB each
SIGNING_THREADS = 2  # they only wait for the signing process: one for each of two batches

_LONGEST_BASE = 300  # characters: a line of a header holds 998, and is not folded inside a link (RFC 5322, 2.1.1)
_LONGEST_TOKEN = 30  # characters (`tokens`): key, purpose, up to seven digits of the reader's number, hyphen and MAC


@dataclass(frozen=True)
class _Drafted:
    """A letter in its envelope, to be signed."""

    sender: str
    recipient: str = field(repr=False)
    draft: Draft = field(repr=False)

    def mail(self, made: bytes) -> Mail:
        """With its signature, if it gets one."""
        foreign = not self.recipient.isascii()
        return Mail(self.sender, self.recipient, self.draft.message(made), smtputf8=foreign, dotless=True)


class Newsletter:
    """Publisher of the `newsletter` channel."""

    kind: ClassVar[str] = "newsletter"
    on_unknown: ClassVar[OnUnknown] = OnUnknown.RESEND

    def __init__(self, context: Context) -> None:
        self._context = context
        self._settings = context.config.settings.newsletter
        self._base_url = context.config.settings.workspace.base_url
        self.live = self._settings.transport != "file"
        self._check_base_url()
        self._sender = sender.sender(context.config)
        self._reply_to = sender.reply_to(context.config)
        # Where `veille bounces` reads the wish; without such a mailbox a person does.
        answers_to = quote(self._settings.bounce_address or (self._reply_to or self._sender).addr_spec, safe="@+")
        self._mailto = f"mailto:{answers_to}?subject=unsubscribe%20"
        self._list_id = self._checked_list_id()
        self._signer = load_signer(self._settings, self._sender.domain)
        self._envelope("d0")
        self._folder = context.config.outbox_dir / "newsletter"
        self._server = sender.server(self._settings) if self.live else None
        self._pool: Pool | None = None
        self._signing = SigningProcess(self._signer.key) if self._signer else None
        self._templates: OrderedDict[Hashable, Template] = OrderedDict()  # the one used last at the end
        self._lock = threading.Lock()

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
        for name, part in (("letter.html", html), ("letter.txt", letter.text)):
            shown = part.replace(UNSUBSCRIBE_SLOT, "…").replace(PREFERENCES_SLOT, "…")
            files.write(folder / name, shown.encode())
        for file in publication.rendition.files:
            files.write(folder / "media" / file.name, file.content)

    def proof(self, rendition: Rendition) -> Proof:
        """The whole letter in the newsroom's language; as heavy as the reader with the longest one gets it."""
        payload = rendition.payload
        letter = letter_of_variant(payload, whole(payload))
        return Proof(
            heading=letter.subject,
            preheader=letter.preheader,
            html=_leading_nowhere(letter.html),
            text=_leading_nowhere(letter.text),
            weight=max(self._weight(letter_of_variant(payload, one).html) for one in wholes(payload)),
        )

    def _weight(self, html: str) -> int:
        """Bytes, with links of the length that a reader's have."""
        link = len(self._base_url) + len("/u/") + _LONGEST_TOKEN
        return len(html.encode()) + sum(link - len(slot) for slot in SLOTS)

    def deliver(self, deliveries: Sequence[Delivery], journal: Journal) -> None:
        """Send or write one message for each reader of the batch, and of further ones that the journal gives."""
        # Erased since the claim: asking for the last word records that nothing is to be sent.
        wanted = [d for d in deliveries if d.recipient is not None or journal.intent(d)]
        if self.live:
            threads = SIGNING_THREADS if self._signer else 0
            self._connections().deliver(wanted, self.compose_all, journal, threads=threads)
        else:
            letter_files.write_all(self._folder, wanted, self.compose, journal)

    def rest(self) -> None:
        """Close the connections that were kept."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None
        if self._signing is not None:
            self._signing.close()

    def read_back(self, delivery: Delivery) -> ReadBack:  # noqa: ARG002
        """A mailbox cannot be looked into."""
        return ReadBack(Seen.UNREADABLE)

    def read_back_delays(self) -> Sequence[timedelta]:
        """The one wait before the one resend."""
        return (self._settings.resend_after,)

    def compose(self, delivery: Delivery) -> Mail:
        """The letter as this reader gets it, in its envelope. For several threads at once.

        Raises:
            Rejected: no header can carry this reader's address.
            LedgerError: the delivery carries no reader, or there is no key to sign links with.
        """
        (mail,) = self.compose_all([delivery])()
        if isinstance(mail, PublishError):
            raise mail
        return mail

    def compose_all(self, deliveries: Sequence[Delivery]) -> Callable[[], list[Mail | PublishError]]:
        """`compose` for several; what it returns signs them together, and gives them. An error stands in its place."""
        drafts = [self._draft(delivery, self._template) for delivery in deliveries]
        return lambda: self._finished(drafts)

    def _finished(self, drafts: Sequence[_Drafted | PublishError]) -> list[Mail | PublishError]:
        texts = [one.draft.to_sign for one in drafts if isinstance(one, _Drafted)]
        signatures = iter(self._signing.sign(texts) if self._signing and texts else [b""] * len(texts))
        return [one.mail(next(signatures)) if isinstance(one, _Drafted) else one for one in drafts]

    def _draft(
        self, delivery: Delivery, template: Callable[[Publication, Recipient], Template]
    ) -> _Drafted | PublishError:
        reader, keys = delivery.recipient, self._context.keys
        if reader is None or keys is None:
            raise LedgerError(_("{id} names no reader").format(id=delivery.id))
        if not sender.ADDRESS.fullmatch(reader.address):
            return Rejected(
                _("this reader's address cannot be written into a letter"),
                hint=_("remove it, and add it again as contact@example.org"),
            )
        token = tokens.make(keys, Purpose.UNSUBSCRIBE, reader.id)
        personal = Personal(
            address=reader.address,
            date=delivery.date.astimezone(self._context.config.zone),
            message_id=delivery.message_id,
            unsubscribe=f"{self._base_url}/u/{token}",
            preferences=f"{self._base_url}/p/{tokens.make(keys, Purpose.PREFERENCES, reader.id)}",
            mailto=f"{self._mailto}{token}",
        )
        draft = template(delivery.publication, reader).draft(personal)
        return _Drafted(self._envelope(delivery.id), reader.address, draft)

    def send_test(self, delivery: Delivery) -> str:
        """Send one letter outside the outbox, to whoever made it. Returns what to tell them.

        Raises:
            PublishError: the mail server did not take it.
        """
        drafted = self._draft(delivery, self._made)  # not kept: the next test has the same id and other words
        if isinstance(drafted, PublishError):
            raise drafted
        mail = drafted.mail(signature(self._signer.key, drafted.draft.to_sign) if self._signer else b"")
        if not self.live:
            path = self._folder / delivery.publication.slug / "test.eml"
            files.write(path, mail.content, mode=letter_files.PRIVATE)
            self.show(delivery.publication)
            relative = path.relative_to(self._context.config.root).as_posix()
            return _("Sandbox: the letter was written to {path}.").format(path=relative)
        try:
            self._connections().send(mail)
        except Unavailable as error:  # no later try comes: nothing of a test is queued
            raise Unavailable(error.message, hint=_("mend this, then send the test again")) from None
        finally:
            self.rest()
        return _("Sent.")

    # ---- the letter that several readers share

    def _template(self, publication: Publication, reader: Recipient) -> Template:
        """The letter of this reader's variant, made at first need and kept while others need it too."""
        which = variant(publication.rendition.payload, reader)
        key = (publication.id, publication.generation, which, reader.text_only)
        with self._lock:
            if key in self._templates:
                self._templates.move_to_end(key)
                return self._templates[key]
        made = self._made(publication, reader)
        with self._lock:
            self._templates[key] = made
            while len(self._templates) > TEMPLATES:
                self._templates.popitem(last=False)
        return made

    def _made(self, publication: Publication, reader: Recipient) -> Template:
        payload = publication.rendition.payload
        letter = letter_of_variant(payload, variant(payload, reader))
        heading = Heading(
            sender=self._sender,
            reply_to=self._reply_to,
            subject=letter.subject,
            list_id=self._list_id,
            feedback_id=self._feedback_id(publication.slug),
            language=letter.lang,
        )
        return Template(heading, letter.text, None if reader.text_only else letter.html, self._signer)

    def _feedback_id(self, slug: str) -> str:
        """Edition, list and sender; no reader (Gmail: four fields, the last one of 5 to 15 characters)."""
        edition = re.sub(r"[^A-Za-z0-9._-]+", "-", slug)[:60]
        sender = re.sub(r"[^a-z0-9]", "", self._sender.domain.lower())
        name = self._list_id.rpartition("<")[2].rstrip(">")
        return f"{edition}:{name}::{f'{sender}-list'[:15]}"

    def _envelope(self, delivery_id: str) -> str:
        """The envelope sender: where bounces go (RFC 5321, 4.4), marked for each letter where that is asked for."""
        bounces, keys = self._settings.bounce_address, self._context.keys
        return return_path(keys, bounces, delivery_id) if bounces and keys else self._sender.addr_spec

    # ---- where it goes

    def _connections(self) -> Pool:
        assert self._server is not None  # only the live transport connects
        if self._pool is None:
            self._pool = Pool(self._server)
        return self._pool

    # ---- settings

    def _check_base_url(self) -> None:
        """Whether the links of the headers can be what RFC 8058 and RFC 5322 ask for."""
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
        if len(self._base_url) > _LONGEST_BASE:
            raise ConfigError(
                _("workspace.base_url is too long for the headers of a mail"),
                hint=_("the link that leaves the letter must fit on one line"),
            )

    def _checked_list_id(self) -> str:
        """List-Id with its angle brackets (RFC 2919, section 3)."""
        value = self._settings.list_id or f"newsletter.{urlsplit(self._base_url).hostname}"
        if not re.fullmatch(r"[ -~]*<[^<>\s]+>|[^<>\s]+", value) or not value.isascii():
            raise ConfigError(
                _("newsletter.list_id is not understood"),
                hint=_('write list_id = "letter.example.org", without accents and spaces'),
            )
        return value if value.endswith(">") else f"<{value}>"


def _leading_nowhere(part: str) -> str:
    for slot in SLOTS:
        part = part.replace(slot, "#")
    return part
