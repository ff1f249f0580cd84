"""DKIM: our domain's signature on a letter (RFC 6376), over bytes that are ready to leave.

RSA with SHA-256, headers "relaxed" (a relay may fold them anew), body "simple" (its bytes as they are): receivers that
ask for one-click unsubscribing want both of its headers signed (RFC 8058, 4).
"""

from __future__ import annotations

import base64
import re
from datetime import datetime
from typing import TYPE_CHECKING

from veille.errors import ConfigError
from veille.i18n import gettext as _
from veille.settings import NewsletterSettings

if TYPE_CHECKING:  # loading it takes a while, and most newsrooms let their mail server sign
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

# From twice: so a second one, which mail programs might show instead, breaks the signature (RFC 6376, 8.15).
# One that a letter does not have cannot be added on the way either.
SIGNED = (
    "From",
    "From",
    "To",
    "Subject",
    "Date",
    "Message-ID",
    "Reply-To",
    "MIME-Version",
    "Content-Type",
    "Content-Language",
    "List-Id",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "Feedback-ID",
)
SHORTEST_KEY = 1024  # bits; receivers ignore shorter ones (RFC 8301, 3.2)

_NAMES_PER_LINE = 5
_LINE = 72  # characters of the signature on one line
_DOMAIN = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z0-9-]*[a-z][a-z0-9-]*")
_SELECTOR = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*")


def relaxed(name: str, value: bytes) -> bytes:
    """One header as DKIM hashes it (RFC 6376, 3.4.2)."""
    return name.lower().encode() + b":" + re.sub(rb"[ \t\r\n]+", b" ", value).strip() + b"\r\n"


class Signer:
    """Signs letters in the name of one domain.

    Args:
        domain: ASCII.
        selector: names the public key in the DNS: `<selector>._domainkey.<domain>`.
    """

    def __init__(self, domain: str, selector: str, key: RSAPrivateKey) -> None:
        names = [":".join(SIGNED[n : n + _NAMES_PER_LINE]).lower() for n in range(0, len(SIGNED), _NAMES_PER_LINE)]
        self._head = f"v=1; a=rsa-sha256; c=relaxed/simple; d={domain};\r\n s={selector}; t=".encode()
        self._names = (";\r\n h=" + ":\r\n ".join(names)).encode()
        self.key = key

    def unsigned(self, body: bytes, moment: datetime) -> bytes:
        """The value of the `DKIM-Signature` header up to the signature.

        Args:
            body: SHA-256 of the body.
            moment: aware; the same for every copy of a delivery, so that copies are the same bytes.
        """
        digest = base64.b64encode(body)
        return b"%b%d%b;\r\n bh=%b;\r\n b=" % (self._head, moment.timestamp(), self._names, digest)


def text_to_sign(fields: bytes, unsigned: bytes) -> bytes:
    """What the signature is of: the headers of `SIGNED` as `relaxed` writes them, and our own up to the signature."""
    return fields + b"dkim-signature:" + unsigned.replace(b"\r\n", b"")


def header(unsigned: bytes, signature: bytes) -> bytes:
    """The whole `DKIM-Signature` header, which stands before all others."""
    words = base64.b64encode(signature)
    lines = b"\r\n ".join(words[n : n + _LINE] for n in range(0, len(words), _LINE))
    return b"DKIM-Signature: " + unsigned + lines + b"\r\n"


def load_signer(settings: NewsletterSettings, sender_domain: str) -> Signer | None:
    """The signer that `[newsletter] dkim_*` asks for; None: none of the three is set.

    Args:
        sender_domain: of the From address; receivers want the signing domain to be it or above it (DMARC, RFC 9989).

    Raises:
        ConfigError: a part is missing or wrong. The message never repeats the key.
    """
    pem = settings.dkim_key.get_secret_value() if settings.dkim_key else ""
    domain, selector = settings.dkim_domain.lower(), settings.dkim_selector.lower()
    given = {"dkim_domain": domain, "dkim_selector": selector, "dkim_key": pem}
    if not any(given.values()):
        return None
    if missing := [name for name, value in given.items() if not value]:
        raise ConfigError(
            _("letters cannot be signed: newsletter.{name} is not set").format(name=missing[0]),
            hint=_(
                "set newsletter.dkim_domain, newsletter.dkim_selector and VEILLE_NEWSLETTER__DKIM_KEY_FILE "
                "(a file with the private key), or none of them"
            ),
        )
    _check_names(domain, selector, sender_domain.lower())
    return Signer(domain, selector, _load_key(pem))


def _check_names(domain: str, selector: str, sender_domain: str) -> None:
    if not _DOMAIN.fullmatch(domain):
        raise ConfigError(
            _("newsletter.dkim_domain is not the name of a domain"), hint=_('for example "letter.example.org"')
        )
    if not _SELECTOR.fullmatch(selector):
        raise ConfigError(
            _("newsletter.dkim_selector is not understood"),
            hint=_('the word before "._domainkey" in your DNS, for example "s2026"'),
        )
    if sender_domain != domain and not sender_domain.endswith(f".{domain}"):
        raise ConfigError(
            _("newsletter.dkim_domain {domain} does not cover the address in newsletter.from").format(domain=domain),
            hint=_("set it to {domain} or a domain above it: receivers distrust any other signature").format(
                domain=sender_domain
            ),
        )


def _load_key(pem: str) -> RSAPrivateKey:
    """PKCS#1 or PKCS#8. Some files of environment variables write line ends as `\\n`."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(pem.replace("\\n", "\n").encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):  # TypeError: it wants a password
        key = None
    if not isinstance(key, RSAPrivateKey) or key.key_size < SHORTEST_KEY:
        raise ConfigError(
            _("newsletter.dkim_key is not a private key that letters can be signed with"),
            hint=_("make one with `openssl genrsa -out dkim.pem 2048`: an RSA key in PEM form, without a password"),
        )
    return key
