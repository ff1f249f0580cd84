"""A real mail server on loopback that keeps every message, in the clear or with STARTTLS, implicit TLS and login."""

from __future__ import annotations

import asyncio
import datetime as dt
import ssl
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "letter@example.org", "sesame street/42:?@#%"


@dataclass(frozen=True)
class Mail:
    """One message as it was accepted, for one recipient."""

    sender: str
    recipient: str
    content: bytes
    encrypted: bool
    user: str

    @property
    def message(self) -> EmailMessage:
        """The message, parsed."""
        message = message_from_bytes(self.content, policy=default)
        assert isinstance(message, EmailMessage)
        return message

    def header(self, name: str) -> bytes:
        """One header as its bytes came over the wire, folds included."""
        head = self.content.partition(b"\r\n\r\n")[0] + b"\r\n"
        lines = head.replace(b"\r\n ", b"\x00 ").replace(b"\r\n\t", b"\x00\t").split(b"\r\n")
        (found,) = [line for line in lines if line.lower().startswith(name.lower().encode() + b":")]
        return found.partition(b":")[2].strip().replace(b"\x00", b"\r\n")


@dataclass
class MailServer:
    """What the server took, and how it behaves."""

    port: int = 0
    mails: list[Mail] = field(default_factory=list)
    delay: float = 0.0  # seconds before each message is accepted
    without_logins: set[str] = field(default_factory=set)  # ways to log in that are not offered

    @property
    def copies(self) -> Counter[str]:
        """How many messages each recipient got."""
        return Counter(mail.recipient for mail in self.mails)

    def url(self, rest: str = "tls=none", login: str = "") -> str:
        """`smtp_url` for this server."""
        return f"smtp://{login}127.0.0.1:{self.port}?{rest}"

    # what aiosmtpd asks

    async def handle_EHLO(self, _server: Any, session: Any, _envelope: Any, hostname: str, words: list[str]) -> Any:
        """Announce what is offered."""
        session.host_name = hostname
        return [_without(line, self.without_logins) for line in words]

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        """Take a message."""
        await asyncio.sleep(self.delay)
        for recipient in envelope.rcpt_tos:
            self.mails.append(
                Mail(
                    envelope.mail_from,
                    recipient,
                    bytes(envelope.original_content),
                    server.transport.get_extra_info("sslcontext") is not None,
                    session.auth_data.login.decode() if session.authenticated else "",
                )
            )
        return "250 OK"

    def authenticate(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        """Compare user and password."""
        good = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=good, handled=good, auth_data=data)


@contextmanager
def mail_server(*, tls: ssl.SSLContext | None = None, implicit: bool = False, port: int = 0) -> Iterator[MailServer]:
    """Start a server; with `tls` it wants encryption and a login.

    Args:
        implicit: TLS from the first byte instead of STARTTLS.
    """
    server = MailServer()
    options: dict[str, Any] = {"hostname": "mail.example.org", "loop": None}
    if tls is not None:
        # With TLS from the first byte, aiosmtpd does not know that it is there, and warns when a login is required.
        options |= {
            "authenticator": server.authenticate,
            "auth_required": not implicit,
            "auth_require_tls": not implicit,
        }
        options |= {} if implicit else {"tls_context": tls, "require_starttls": True}
    loop = asyncio.new_event_loop()
    options["loop"] = loop
    made = loop.create_server(partial(SMTP, server, **options), "127.0.0.1", port, ssl=tls if implicit else None)
    listening = loop.run_until_complete(made)
    server.port = listening.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(_end(listening), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def _without(line: str, logins: set[str]) -> str:
    head, _sep, ways = line.partition("AUTH ")
    return f"{head}AUTH {' '.join(way for way in ways.split() if way not in logins)}" if ways else line


async def _end(listening: asyncio.Server) -> None:
    listening.close()
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """A certificate authority of our own and a server certificate for 127.0.0.1.

    Returns:
        The file that a client trusts (SSL_CERT_FILE), and the server's TLS context.
    """
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _n in range(2))
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Authority of the tests")])
    authority = _sign(name, name, authority_key.public_key(), authority_key, [])
    names = x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1")), x509.DNSName("localhost")])
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    leaf = _sign(subject, name, key.public_key(), authority_key, [names])
    trusted, chain, private = (folder / part for part in ("authority.pem", "server.pem", "server.key"))
    trusted.write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    chain.write_bytes(leaf.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(chain, private)
    return trusted, context


def _sign(
    subject: x509.Name,
    issuer: x509.Name,
    public: ec.EllipticCurvePublicKey,
    signer: ec.EllipticCurvePrivateKey,
    extra: list[x509.ExtensionType],
) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    authority = subject == issuer
    use = dict.fromkeys(
        (
            "content_commitment",
            "key_encipherment",
            "data_encipherment",
            "key_agreement",
            "encipher_only",
            "decipher_only",
        ),
        False,
    )
    usage = x509.KeyUsage(digital_signature=not authority, key_cert_sign=authority, crl_sign=authority, **use)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=2))
        .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    for extension in extra:
        builder = builder.add_extension(extension, critical=False)
    return builder.sign(signer, hashes.SHA256())
