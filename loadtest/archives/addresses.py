"""Where a name leads: one resolution, and the kind of network it lies in (rule S6)."""

import ipaddress

from loadtest.wire.resolve import addresses

WITHIN_S = 10.0  # for a name server to answer
KINDS = ("loopback", "private", "link-local", "multicast", "unspecified", "public")


def resolve(host: str) -> str:
    """The one IP address used for `host` from now on; loopback names never ask a name server. Raises OSError."""
    if host.lower() == "localhost":
        return "127.0.0.1"
    try:
        return str(ipaddress.ip_address(host.strip("[]")))
    except ValueError:
        return str(addresses(host, 0, WITHIN_S)[0][1][0])


def kind(address: str) -> str:
    """The kind of network of an IP address, one of KINDS."""
    ip = ipaddress.ip_address(address)
    mapped = getattr(ip, "ipv4_mapped", None)
    if mapped is not None:
        return kind(str(mapped))
    tests = (ip.is_loopback, ip.is_unspecified, ip.is_multicast, ip.is_link_local, ip.is_private)
    names = ("loopback", "unspecified", "multicast", "link-local", "private")
    return next((name for name, holds in zip(names, tests, strict=True) if holds), "public")


def is_loopback(host: str) -> bool:
    """Whether `host` is written as a loopback address or as localhost; other names are not resolved here."""
    if host.lower() == "localhost":
        return True
    try:
        return kind(host.strip("[]")) == "loopback"
    except ValueError:
        return False
