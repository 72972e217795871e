"""The lab's wires and addresses, before anything is built."""

from ipaddress import ip_address, ip_interface, ip_network

from ringfence.lab.topology import (
    DEAD,
    INFRASTRUCTURE,
    LEASES,
    NODES,
    PC,
    PHONE,
    PROVIDER,
    STRANGER,
    SWITCH,
    global_commands,
    hardware,
    node_commands,
)


def test_the_two_ends_of_a_wire_have_different_indexes() -> None:
    wires = [line.split() for line in global_commands() if line.startswith("link add")]
    assert len(wires) == 4
    for words in wires:
        near, far = (int(words[i + 1]) for i, word in enumerate(words) if word == "index")
        assert near != far


def test_every_node_gets_a_namespace() -> None:
    made = [line for line in global_commands() if line.startswith("netns add")]
    assert made == [
        "netns add phone",
        "netns add switch",
        "netns add servers",
        "netns add pc",
        "netns add stranger",
    ]


def test_the_phones_bridge_keeps_the_phones_address_and_passes_eapol() -> None:
    assert node_commands(PHONE, "000e08abcdef") == [
        "link set lo up",
        "link add br0 address 00:0e:08:ab:cd:ef type bridge stp_state 0 forward_delay 0"
        " group_fwd_mask 8 mcast_snooping 0",
        "link set net master br0 up",
        "link set pcp master br0 up",
        "link set br0 up",
    ]


def test_the_switch_forwards_no_link_local_frames() -> None:
    assert not any("group_fwd_mask" in line for line in node_commands(SWITCH))


def test_addresses_of_the_stranger() -> None:
    assert node_commands(STRANGER) == [
        "link set lo up",
        "address add 10.99.1.66/24 dev eth0",
        "address add fd00:99:1::66/64 dev eth0 nodad",
        "link set eth0 up",
    ]


def test_no_address_is_given_twice_or_lent() -> None:
    given = [ip_interface(text) for node in NODES for text in node.addresses]
    assert len({interface.ip for interface in given}) == len(given)
    first, last = (int(ip_address(text)) for text in LEASES)
    assert not any(
        first <= int(interface.ip) <= last for interface in given if interface.version == 4
    )
    assert all(interface.ip in ip_network("10.99.1.0/24") for interface in given[:3])
    assert {INFRASTRUCTURE, DEAD, PROVIDER} == {"10.99.1.10", "10.99.1.11", "10.99.1.12"}


def test_the_pc_hangs_behind_the_phone() -> None:
    (wire,) = [line for line in global_commands() if f"netns {PC.name}" in line and "veth" in line]
    assert f"netns {PHONE.name}" in wire


def test_a_hardware_address_is_written_with_colons() -> None:
    assert hardware("000e08abcdef") == "00:0e:08:ab:cd:ef"
