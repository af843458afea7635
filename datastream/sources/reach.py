"""Judges where an API may be: at public addresses, and at those inside that its block names.

Who may write a stream could else read what only this machine can reach: a cloud's metadata, the services beside it.
"""

import socket
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from datastream.errors import Permanent

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolve = Callable[[str, int], Sequence[str]]
"""From a host and a port to the addresses of the host. Raises OSError."""

_UNICAST = IPv6Network("2000::/3")  # all that IANA gives out; what lies outside is of some special kind, or unknown
_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address
_INSIDE = (
    IPv4Network("192.0.0.0/24"),  # RFC 6890; a metadata service at .192; older ipaddress has it global (CVE-2024-4032)
    IPv4Network("168.63.129.16/32"),  # the platform's own service within Azure, though the address is a public one
)


class AddressRefused(Permanent):
    """A host has an address inside, and its API block does not name it."""


class Reach:
    """What connections of one API may go to."""

    def __init__(self, inside: Sequence[Network], resolve: Resolve) -> None:
        self._inside, self._resolve = inside, resolve

    def addresses(self, host: str, port: int) -> list[str]:
        """Return the addresses of a host, all of which may be called. Raises AddressRefused, and what `resolve` does.

        One that may not refuses them all: which of them is called would be chance.
        """
        found = self._resolve(host.strip("[]"), port)
        for text in found:
            address = _plain(ip_address(text))
            if not is_public(address) and not any(address in network for network in self._inside):
                raise AddressRefused(
                    f"{host} is at {text}, which is not a public address, so nothing was sent there. If the API is "
                    f'inside, name its network in its block, as private_networks: ["{address}"].'
                )
        return list(found)


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host in the system's order: whatever way a host is written, as the system reads it."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(where[0]) for *_, where in found))


def is_public(address: Address) -> bool:
    """Tell whether an address is one of the internet, by IANA's special-purpose registries (RFC 6890).

    `is_global` alone says so of multicast, of site-local addresses, and of IPv6 that leads to private IPv4.
    """
    if isinstance(address, IPv4Address):
        return address.is_global and not address.is_multicast and not any(address in each for each in _INSIDE)
    inner = address.ipv4_mapped or address.sixtofour
    if address in _NAT64:
        inner = IPv4Address(address.packed[-4:])
    return is_public(inner) if inner is not None else address in _UNICAST and address.is_global


def _plain(address: Address) -> Address:
    """Return what is called: `::ffff:127.0.0.1` is 127.0.0.1."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
