"""Where the mail server is, and how its words are repeated."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

from veille.errors import ConfigError
from veille.i18n import gettext as _

CONNECTIONS = 4  # at the same time, when the URL names none
MOST_CONNECTIONS = 500

_ADDRESS = re.compile(r"[^\s<>:;,]+@[^\s<>:;,]+")


@dataclass(frozen=True)
class SmtpUrl:
    """`smtp://user:pass@host:port?tls=starttls|implicit|none&connections=4`, taken apart."""

    host: str
    port: int
    tls: str
    user: str = ""
    password: str = field(default="", repr=False)
    connections: int = CONNECTIONS  # at the same time


def parse_url(url: str) -> SmtpUrl:
    """Read `[newsletter] smtp_url`.

    Raises:
        ConfigError: it is not of that form. The message does not repeat it: it holds a password.
    """
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").encode("idna").decode(), parts.port
        options = parse_qs(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        raise _not_understood() from None
    tls = options.pop("tls", ["implicit" if port == 465 else "starttls"])[-1]
    connections = options.pop("connections", [str(CONNECTIONS)])[-1]
    good = parts.scheme == "smtp" and host and not parts.fragment and parts.path in ("", "/")
    many = int(connections) if re.fullmatch(r"[0-9]{1,3}", connections) else 0
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    if not good or options or tls not in _PORTS or not 1 <= many <= MOST_CONNECTIONS or "\0" in user + password:
        raise _not_understood()
    return SmtpUrl(host, port or _PORTS[tls], tls, user, password, many)


_PORTS = {"implicit": 465, "starttls": 587, "none": 25}


def _not_understood() -> ConfigError:
    return ConfigError(
        _("newsletter.smtp_url is not understood"),
        hint=_(
            'write "smtp://user:password@host:587?tls=starttls" (or tls=implicit, tls=none); '
            "in the password, write @ as %40, / as %2F, # as %23, ? as %3F and % as %25"
        ),
    )


def redact(words: str) -> str:
    """The server's words on one line, without any address."""
    return _ADDRESS.sub("<address>", " ".join(words.split()))[:300]
