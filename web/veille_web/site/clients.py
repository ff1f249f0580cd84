"""Who asks: behind proxies that we trust, what the nearest of them saw; otherwise the other end of the line."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

from veille.errors import ConfigError
from veille.i18n import gettext as _

Network = IPv4Network | IPv6Network


class Proxies:
    """The proxies of `[serve] trusted_proxies`.

    Raises:
        ConfigError: one of them is neither an address nor a network.
    """

    def __init__(self, trusted: Sequence[str]) -> None:
        self._networks: tuple[Network, ...] = tuple(map(_network, trusted))

    def trusts(self, address: str) -> bool:
        """Whether this is one of them."""
        try:
            found = ip_address(address.partition("%")[0])
        except ValueError:
            return False
        mapped = getattr(found, "ipv4_mapped", None) or found
        return any(mapped in network for network in self._networks)

    def client(self, peer: str, forwarded: Sequence[str]) -> str:
        """The address that a request comes from.

        From the right, because everything to the left of the last untrusted address is only a claim of the client.

        Args:
            peer: the other end of the line.
            forwarded: the values of X-Forwarded-For, as they came.
        """
        found = peer
        hops = [hop.strip() for value in forwarded for hop in value.split(",")]
        while self.trusts(found) and hops:
            found = _without_port(hops.pop())
        return found

    def secure(self, peer: str, forwarded: str) -> bool:
        """Whether a trusted proxy says that the reader came by TLS (X-Forwarded-Proto)."""
        return self.trusts(peer) and forwarded.rpartition(",")[2].strip().lower() == "https"


def _network(name: str) -> Network:
    try:
        return ip_network(name, strict=False)
    except ValueError:
        raise ConfigError(
            _("serve.trusted_proxies: “{name}” is neither an address nor a network").format(name=name),
            hint=_('write addresses or networks: ["127.0.0.1", "10.0.0.0/8"]'),
        ) from None


def _without_port(hop: str) -> str:
    """ "192.0.2.1:4711" and "[2001:db8::1]:4711" as some proxies write them."""
    if hop.startswith("["):
        return hop[1:].partition("]")[0]
    return hop.partition(":")[0] if hop.count(":") == 1 else hop
