"""`[newsletter] bounces_url` for a mailbox on a server, taken apart."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from veille.errors import ConfigError
from veille.i18n import gettext as _

_PORTS = {"imaps": 993, "imap": 143, "pops": 995, "pop": 110}


@dataclass(frozen=True)
class ServerUrl:
    """`imaps://user:password@host:port/FOLDER`, taken apart."""

    scheme: str
    host: str
    port: int
    user: str
    password: str = field(repr=False)
    folder: str = "INBOX"

    @property
    def loopback(self) -> bool:
        """Whether nobody can listen in between."""
        return self.host in ("127.0.0.1", "::1", "localhost")


def parse_server(url: str) -> ServerUrl:
    """Read the URL of a mailbox on a server.

    Raises:
        ConfigError: it is not understood. The message does not repeat it: it holds a password.
    """
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").encode("idna").decode(), parts.port
    except ValueError:
        raise _not_understood() from None
    folder = unquote(parts.path.strip("/"))
    complete = parts.scheme in _PORTS and host and parts.username and parts.password
    control = any(ord(letter) < 0x20 for letter in unquote(url))
    if not complete or parts.query or parts.fragment or control or (folder and parts.scheme.startswith("pop")):
        raise _not_understood()
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    return ServerUrl(parts.scheme, host, port or _PORTS[parts.scheme], user, password, folder or "INBOX")


def _not_understood() -> ConfigError:
    return ConfigError(
        _("newsletter.bounces_url is not understood"),
        hint=_(
            'write "imaps://user:password@host/INBOX", "pops://user:password@host", "maildir:PATH" or "mbox:PATH"; '
            "in the user name and the password, write @ as %40, / as %2F, # as %23, ? as %3F and % as %25"
        ),
    )
