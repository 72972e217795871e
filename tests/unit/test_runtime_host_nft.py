"""The packet filter's library, where there is none."""

import pytest

from ringfence.errors import ComponentError
from ringfence.runtime import host_nft


def test_a_missing_library_is_named_with_the_package_that_has_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(host_nft, "LIBRARY", "libnone.so.1")
    with pytest.raises(ComponentError, match=r"libnone\.so\.1 .* install libnftables1"):
        host_nft.Nft()


def test_what_packets_put_into_a_set_is_no_part_of_a_listing() -> None:
    kept = "\tset a {\n\t\ttype ipv4_addr\n\t\telements = { 10.0.0.1 }\n\t}\n"
    head = "\tset b {\n\t\ttype ipv4_addr\n\t\tsize 9\n\t\tflags dynamic,timeout\n\t\ttimeout 1m\n"
    learnt = "\t\telements = { 10.0.0.2 limit rate over 1/second,\n\t\t\t     10.0.0.3 }\n"
    shown = host_nft.written(kept + head + learnt + "\t}\n" + kept)
    assert shown == kept + head + "\t}\n" + kept


def test_udp_has_its_name_where_the_machine_has_none_for_it() -> None:
    assert host_nft.written("meta l4proto 17 drop") == "meta l4proto udp drop"
