from __future__ import annotations

from ipaddress import ip_address

import pytest

from humanverse.fetch.addresses import is_public, parse_address

PRIVATE = [
    "127.0.0.1", "127.255.255.254", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1",
    "017700000001", "0x7f.0x0.0x0.0x1", "127.0.0.1.", "0", "0.0.0.0", "0.1.2.3", "10.0.0.1", "012.0.0.1", "172.16.0.1",
    "172.31.255.255", "192.168.1.1", "3232235777", "169.254.169.254", "0xa9fea9fe", "100.64.0.1", "100.100.100.200",
    "192.0.0.192", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.9",
    "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255", "168.63.129.16",
    "::", "::1", "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1", "::ffff:7f00:1", "::ffff:10.1.2.3", "::127.0.0.1",
    "fe80::1", "febf::1", "fec0::1", "fc00::1", "fd00:ec2::254", "ff02::1", "64:ff9b::127.0.0.1", "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::1", "2002:7f00:1::", "2002:808:808::1", "2001::1", "2001:10::1", "2001:db8::1", "3fff::1", "100::1",
    "5f00::1", "::ffff:0:8.8.8.8", "4000::1",
]  # fmt: skip
PUBLIC = [
    "8.8.8.8", "1.1.1.1", "134744072", "0x08080808", "010.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255",
    "100.128.0.0", "172.15.255.255", "172.32.0.0", "169.253.255.255", "192.167.255.255", "192.169.0.0", "198.17.255.255",
    "198.20.0.0", "223.255.255.255", "126.255.255.255", "128.0.0.0",
    "2606:4700:4700::1111", "2a00:1450:4001::1", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2001:200::1",
]  # fmt: skip
NAMES = ["example.com", "1.example.com", "0x7f.com", "localhost", "a1", "127.0.0.1.example.com", "0xg", "1e3"]
NEITHER = [
    "256.1.1.1",
    "1.2.3.4.5",
    "1.2.3.256",
    "4294967296",
    "127.0.0.08",
    "1..2",
    "1.2.65536",
    ":::",
    "1::2::3",
    "a.0x7f.1",
]


@pytest.mark.parametrize("text", PRIVATE)
def test_addresses_that_are_not_public(text: str) -> None:
    address = parse_address(text)
    assert address is not None
    assert not is_public(address)


@pytest.mark.parametrize("text", PUBLIC)
def test_public_addresses(text: str) -> None:
    address = parse_address(text)
    assert address is not None
    assert is_public(address)


@pytest.mark.parametrize("text", NAMES)
def test_names_are_not_addresses(text: str) -> None:
    assert parse_address(text) is None


@pytest.mark.parametrize("text", NEITHER)
def test_what_can_only_be_an_address_must_be_a_valid_one(text: str) -> None:
    with pytest.raises(ValueError):
        parse_address(text)


def test_zones_do_not_hide_a_link_local_address() -> None:
    assert not is_public(ip_address("fe80::1%eth0"))


def test_short_notations_fill_the_rest() -> None:
    assert str(parse_address("1.2.3")) == "1.2.0.3"
    assert str(parse_address("1.65538")) == "1.1.0.2"
