"""Which addresses are public, and which hosts are addresses in disguise."""

from __future__ import annotations

import ipaddress
import re
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Address = IPv4Address | IPv6Address

_SPECIAL_V4 = tuple(
    IPv4Network(block)
    for block in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
        "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15",
        "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "168.63.129.16/32",
    )
)  # fmt: skip
"""IANA's IPv4 special-purpose registry, multicast, the reserved end of the space, and 168.63.129.16, which
looks public but is the host of a virtual machine in one large cloud."""

_GLOBAL_V6 = IPv6Network("2000::/3")
_SPECIAL_V6 = tuple(IPv6Network(block) for block in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"))
"""Inside 2000::/3: protocol assignments with Teredo and ORCHID, documentation, 6to4 (IANA's IPv6
special-purpose registry). All that lies outside 2000::/3 is not public anyway."""
_NAT64 = IPv6Network("64:ff9b::/96")


def is_public(address: Address) -> bool:
    """Whether ``address`` belongs to the public internet.

    An IPv4 address inside an IPv6 one (``::ffff:0:0/96``, and the NAT64 prefix of RFC 6052, which is how
    IPv6-only networks reach IPv4) is judged as that IPv4 address.
    """
    if isinstance(address, IPv6Address):
        embedded = _embedded_v4(address)
        if embedded is None:
            return address in _GLOBAL_V6 and not any(address in block for block in _SPECIAL_V6)
        address = embedded
    return not any(address in block for block in _SPECIAL_V4)


def is_any(address: Address) -> bool:
    """True: the predicate for intranets and tests, where private addresses are wanted."""
    return True


def parse_address(host: str) -> Address | None:
    """The address that ``host`` writes, in any notation that a browser takes; None for a name.

    Besides dotted decimal, IPv4 may be written with one to four numbers, each decimal, octal (``0177``) or
    hexadecimal (``0x7f``), the last of which fills the rest (WHATWG URL, "IPv4 parser").

    Args:
        host: without brackets, lower case, a trailing dot allowed.

    Raises:
        ValueError: if it can only be an address, and is not a valid one.
    """
    if ":" in host:
        return ipaddress.IPv6Address(host)
    labels = host.removesuffix(".").split(".")
    if not re.fullmatch(r"\d+|0x[0-9a-f]*", labels[-1]):
        return None
    if len(labels) > 4:
        raise ValueError("an IPv4 address has at most four numbers")
    *head, last = [_number(label) for label in labels]
    if any(number > 255 for number in head) or last >= 256 ** (4 - len(head)):
        raise ValueError("a number of the IPv4 address is too large")
    return IPv4Address(sum(number << (8 * (3 - place)) for place, number in enumerate(head)) + last)


def _embedded_v4(address: IPv6Address) -> IPv4Address | None:
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def _number(label: str) -> int:
    if not label:
        raise ValueError("a number of the IPv4 address is missing")
    if label.startswith("0x"):
        return int(label[2:] or "0", 16)
    if len(label) > 1 and label.startswith("0"):
        return int(label, 8)
    return int(label)
