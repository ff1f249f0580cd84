"""Who writes the newsroom's mails, and which server takes them: the settings of [newsletter], read once and checked."""

from __future__ import annotations

import re
from email.headerregistry import Address
from email.utils import parseaddr
from urllib.parse import urlsplit

from veille.config import Config
from veille.errors import ConfigError
from veille.i18n import gettext as _
from veille.settings import NewsletterSettings
from veille_publishers.smtp import SmtpUrl, parse_url

ADDRESS = re.compile(r'[^\x00-\x20\x7f-\xa0<>(),;:\\"\[\]@]+@[A-Za-z0-9.-]+')  # what cannot end a header or a command

_LONGEST = 254  # characters (RFC 5321, 4.5.3.1.3)


def sender(config: Config) -> Address:
    """The From address; a sandbox needs none.

    Raises:
        ConfigError: newsletter.from is not an address.
    """
    settings = config.settings
    if not settings.newsletter.sender and not config.live("newsletter"):
        host = urlsplit(settings.workspace.base_url).hostname
        return _address("from", f"newsletter@{host}", config.brand.name)
    return _address("from", settings.newsletter.sender, config.brand.name)


def reply_to(config: Config) -> Address | None:
    """The Reply-To address; None: answers go to the sender.

    Raises:
        ConfigError: newsletter.reply_to is not an address.
    """
    value = config.settings.newsletter.reply_to
    return _address("reply_to", value, config.brand.name) if value else None


def server(settings: NewsletterSettings) -> SmtpUrl:
    """The mail server of the smtp transport.

    Raises:
        ConfigError: newsletter.smtp_url is missing or wrong.
    """
    if settings.smtp_url is None:
        raise ConfigError(
            _("newsletter.transport is smtp, but newsletter.smtp_url is not set"),
            hint=_('set VEILLE_NEWSLETTER__SMTP_URL="smtp://user:password@host:587?tls=starttls"'),
        )
    return parse_url(settings.smtp_url.get_secret_value())


def _address(key: str, value: str, name: str) -> Address:
    own, spec = parseaddr(value)
    try:
        if not spec.isascii() or not ADDRESS.fullmatch(spec) or len(spec) > _LONGEST:
            raise ValueError
        return Address(own or name, addr_spec=spec)
    except (ValueError, IndexError):
        raise ConfigError(
            _("newsletter.{key} is not an address").format(key=key),
            hint=_('write {key} = "Name <letter@example.org>"').format(key=key),
        ) from None
