"""Mails to colleagues and partners: one person, one reason, no list. Never to readers, who get letters."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import parseaddr
from pathlib import Path

from veille import i18n
from veille.config import Config
from veille.errors import NotAuthorised, PublishError, Unavailable, VeilleError
from veille.i18n import gettext as _
from veille.publishing import File
from veille.subscribers import normalise
from veille.timetable import Clock
from veille_publishers import files, sender
from veille_publishers.dkim_signature import SIGNED, Signer, header, load_signer, relaxed, text_to_sign
from veille_publishers.header_values import date, mailbox, unstructured
from veille_publishers.letter_files import PRIVATE
from veille_publishers.pool import Mail, Pool
from veille_publishers.signing_process import signature

_EOL = b"\r\n"
_LONGEST_NAME = 80  # characters of a file name


@dataclass(frozen=True)
class Notice:
    """One mail to one person.

    Args:
        name: of its file in the sandbox, different for each recipient: "approval-repas-1".
        to: "Camille Exemple <camille@example.org>", or the address alone.
        text: complete without `html`.
        html: a whole document; its pictures are files that it names as `cid_of` says.
        files: shown in the HTML, or attached.
    """

    name: str
    to: str = field(repr=False)
    subject: str = ""
    text: str = field(default="", repr=False)
    html: str = field(default="", repr=False)
    files: tuple[File, ...] = ()


def cid_of(name: str) -> str:
    """The address of a file of the same mail: `<img src="cid:…">` (RFC 2392)."""
    return f"cid:{name}@notice"


def tellable(error: VeilleError) -> str:
    """What may be said of a mail that did not leave: a refusal may repeat the address, our own set-up never does."""
    ours = not isinstance(error, PublishError) or isinstance(error, Unavailable | NotAuthorised)
    return error.message if ours else _("the mail server refused an address")


class Notices:
    """Sends them the way that letters go: into `outbox/notices/` in a sandbox, else through the same mail server."""

    def __init__(self, config: Config, clock: Clock) -> None:
        self._config = config
        self._clock = clock

    @property
    def live(self) -> bool:
        """Whether they reach people."""
        return self._config.settings.newsletter.transport != "file"

    def send(self, notice: Notice) -> str:
        """Send one now. Nothing is queued: whoever calls learns at once what became of it.

        Returns:
            What to tell the person who asked for it.

        Raises:
            ConfigError: sender, mail server or signature are not set up.
            VeilleError: the address is none; the mail server did not take it (PublishError).
        """
        mail = self._mail(notice, _recipient(notice.to))
        if not self.live:
            return self._written(notice, mail)
        with closing(self._pool()) as pool:
            try:
                pool.send(mail)
            except Unavailable as error:  # no later try comes: nothing of it is queued
                raise Unavailable(error.message, hint=_("mend this, then run the same command again")) from None
        return _("Sent.")

    def rehearse(self, notice: Notice) -> None:
        """Do all that `send` does but the last step: nothing leaves, nothing stays, and nobody can tell by the time.

        Args:
            notice: its recipient does not count.

        Raises:
            ConfigError, PublishError: as `send`.
        """
        mail = self._mail(notice, sender.sender(self._config))
        if self.live:
            with closing(self._pool()) as pool:
                pool.rehearse(mail)
            return
        path = self._folder / ".not-sent"
        files.write(path, mail.content, mode=PRIVATE)
        path.unlink(missing_ok=True)

    def sweep(self) -> None:
        """Remove what a process that was killed left half-written in the sandbox: it names somebody."""
        files.sweep(self._folder)

    @property
    def _folder(self) -> Path:
        return self._config.outbox_dir / "notices"

    def _pool(self) -> Pool:
        return Pool(sender.server(self._config.settings.newsletter))

    def _mail(self, notice: Notice, recipient: Address) -> Mail:
        writer = sender.sender(self._config).addr_spec
        return Mail(writer, recipient.addr_spec, self._message(notice, recipient))

    def _written(self, notice: Notice, mail: Mail) -> str:
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", notice.name).strip(".-")[:_LONGEST_NAME] or "notice"
        path = self._folder / f"{name}.eml"
        files.write(path, mail.content, mode=PRIVATE)
        relative = path.relative_to(self._config.root).as_posix()
        return _("Sandbox: the mail was written to {path}.").format(path=relative)

    def _message(self, notice: Notice, recipient: Address) -> bytes:
        """The whole message with CRLF line ends, signed when letters are.

        Auto-Submitted keeps absence notices from answering (RFC 3834, 5); there is no list, so no List-* header.
        """
        writer, moment = sender.sender(self._config), self._clock().astimezone(self._config.zone)
        structure, body = _body(notice)
        name = hashlib.sha256("\0".join((notice.to, notice.name, notice.text, moment.isoformat())).encode())
        answers = sender.reply_to(self._config)
        fields = [
            ("From", mailbox(writer)),
            ("To", mailbox(recipient)),
            ("Subject", unstructured(notice.subject)),
            ("Date", date(moment, moment.utcoffset())),
            ("Message-ID", f"<notice.{name.hexdigest()[:32]}@{writer.domain}>".encode()),
            *([("Reply-To", mailbox(answers))] if answers else []),
            ("Auto-Submitted", b"auto-generated"),
            ("Content-Language", i18n.active().encode("ascii")),
            *structure,
        ]
        signer = load_signer(self._config.settings.newsletter, writer.domain)
        unsigned = signer.unsigned(hashlib.sha256(body).digest(), moment) if signer else b""
        signed = _signed(signer, fields, unsigned) if signer else b""
        return signed + b"".join(key.encode() + b": " + value + _EOL for key, value in fields) + _EOL + body


def _recipient(to: str) -> Address:
    name, spec = parseaddr(to)
    try:
        address = normalise(spec)
        if not address.isascii():
            raise ValueError(_("write an address without accents"))
        return Address(name, addr_spec=address)
    except (ValueError, IndexError) as error:
        raise VeilleError(
            _("a mail cannot be sent: the address of {name} is not an e-mail address").format(name=name or "?"),
            hint=str(error),
        ) from None


def _body(notice: Notice) -> tuple[list[tuple[str, bytes]], bytes]:
    """The headers that say how it is made up, and its bytes, which end with exactly one line end (RFC 6376, 3.4.3)."""
    message = EmailMessage(policy=SMTP)
    message.set_content(notice.text.rstrip() + "\n", cte="quoted-printable")
    if notice.html:
        message.add_alternative(notice.html.rstrip() + "\n", subtype="html", cte="quoted-printable")
    page = message.get_body(("html",))
    for file in notice.files:
        kind, _slash, subtype = file.media_type.partition("/")
        if isinstance(page, EmailMessage) and cid_of(file.name) in notice.html:
            name = f"<{cid_of(file.name).removeprefix('cid:')}>"
            page.add_related(file.content, kind, subtype, cid=name, filename=file.name, disposition="inline")
        else:
            message.add_attachment(file.content, kind, subtype, filename=file.name)
    for number, part in enumerate(p for p in message.walk() if p.is_multipart()):
        part.set_boundary(f"=_{number}_{hashlib.sha256(notice.text.encode()).hexdigest()[:24]}")
    head, _empty, body = message.as_bytes().partition(_EOL + _EOL)
    return list(_unfolded(head)), body.rstrip(_EOL) + _EOL


def _unfolded(head: bytes) -> Iterator[tuple[str, bytes]]:
    for line in re.sub(rb"\r\n[ \t]+", b" ", head).split(_EOL):
        name, _colon, value = line.partition(b": ")
        yield name.decode("ascii"), value


def _signed(signer: Signer, fields: list[tuple[str, bytes]], unsigned: bytes) -> bytes:
    """Its DKIM header; names that a notice does not have cannot be added on the way."""
    known = dict(fields)
    canonical = b"".join(relaxed(name, known[name]) for name in dict.fromkeys(SIGNED) if name in known)
    return header(unsigned, signature(signer.key, text_to_sign(canonical, unsigned)))
