"""The story of the boot, one line a step."""

from collections.abc import Mapping
from typing import Any

import pytest

from ringfence.lab.story import STEPS, ending, line, of_acs, ranges, words

TOLD: Mapping[str, tuple[Mapping[str, Any], str]] = {
    "network": (
        {"nodes": ["phone", "switch", "pc"], "networks": ["10.99.1.0/24", "fd00:99:1::/64"]},
        "phone, switch and pc wired on 10.99.1.0/24 and fd00:99:1::/64",
    ),
    "certificates": (
        {"servers": ["pv.telco.test"], "product": "CP-8841-3PCC", "mac": "000e08abcdef"},
        "provider's roots; servers pv.telco.test; device CP-8841-3PCC 000e08abcdef",
    ),
    "servers": (
        {"versions": ["dnsmasq 2.90", "kamailio 5.6.3"]},
        "dnsmasq 2.90 and kamailio 5.6.3 answer",
    ),
    "phone": (
        {"capabilities": ["NET_ADMIN", "NET_RAW"], "user": 64000, "root_because": ""},
        "runs as user 64000, with NET_ADMIN, NET_RAW and no other capability",
    ),
    "lease": (
        {
            "address": "10.99.1.125",
            "prefix": 24,
            "server": "10.99.1.10",
            "option": 160,
            "text": "https://pv.telco.test/$MA.xml",
        },
        "10.99.1.125/24 from 10.99.1.10, as its log says;"
        " option 160 names https://pv.telco.test/$MA.xml",
    ),
    "firewall": (
        {"udp": [[68, 68], [16384, 16483]], "tcp": [[80, 80]]},
        "kernel holds UDP 68, 16384-16483; TCP 80",
    ),
    "vpn": (
        {
            "user": "phone",
            "group": "phones",
            "address": "10.99.9.59",
            "server": "vpn.telco.test",
            "cipher": "(DTLS1.2)-(PSK)-(AES-256-GCM)",
        },
        "ocserv at vpn.telco.test holds phone of group phones at 10.99.9.59,"
        " (DTLS1.2)-(PSK)-(AES-256-GCM); the kernel sends everything into the tunnel",
    ),
    "directory": (
        {
            "server": "ldap.telco.test",
            "security": "StartTLS: TLSv1.3, TLS_AES_256_GCM_SHA384, matches ldap.telco.test",
            "who": "uid=phone,ou=people,dc=telco,dc=test",
            "filter": "(sn=love*)",
            "found": ["Ada Lovelace"],
        },
        "ldap.telco.test, StartTLS: TLSv1.3, TLS_AES_256_GCM_SHA384, matches ldap.telco.test: slapd"
        " saw uid=phone,ou=people,dc=telco,dc=test sign in and ask for (sn=love*); found Ada"
        " Lovelace",
    ),
    "acs": (
        {
            "url": "https://acs.telco.test:7547/",
            "device": "000E08-8801",
            "events": "0 BOOTSTRAP, 1 BOOT",
            "login": "certificate 000e08abcdef Digest phone",
            "request_port": 8508,
            "path": "Device.A",
            "value": "",
        },
        "https://acs.telco.test:7547/ by DHCP option 125: heard 000E08-8801,"
        " certificate 000e08abcdef Digest phone: 0 BOOTSTRAP, 1 BOOT;"
        " asked for a session at TCP 8508 and read Device.A: empty",
    ),
    "activation": (
        {
            "device": "000e08abcdef",
            "rule": "https://pv.telco.test/$MA.xml",
            "names": ["pv.telco.test"],
        },
        "virgin phone, and DHCP names nobody: it asked its activation server, which knew"
        " 000e08abcdef by its certificate and told it https://pv.telco.test/$MA.xml;"
        " DNS was asked for pv.telco.test, and for nothing else",
    ),
    "provisioning": (
        {
            "name": "pv.telco.test",
            "dead": ["10.99.1.11"],
            "used": "10.99.1.12",
            "device": "000e08abcdef",
        },
        "pv.telco.test: 10.99.1.11 dead, 10.99.1.12 used; its certificate is the provider's and"
        " names it; it saw the phone's, 000e08abcdef",
    ),
    "proxy": (
        {
            "by": "PROXY proxy.telco.test:3128",
            "pac": "http://wpad.telco.test:80/wpad.dat by DHCP option 252",
            "url": "pv.telco.test:443",
            "user": "phone",
            "address": "10.99.1.14",
            "barred": 0,
        },
        "PROXY proxy.telco.test:3128 (says http://wpad.telco.test:80/wpad.dat by DHCP option 252):"
        " Squid let the phone through to pv.telco.test:443 as user phone; the provisioning server"
        " was asked from 10.99.1.14, and the switch saw the phone try to go there itself 0 times",
    ),
    "port": (
        {
            "port": "p1",
            "open": ["00:0e:08:ab:cd:ef"],
            "server": "FreeRADIUS",
            "user": "CP-8841-3PCC-SEP000E08ABCDEF",
            "method": "EAP-TLS",
            "blocked_in": 3,
            "blocked_out": 12,
        },
        "p1 shut for all but 00:0e:08:ab:cd:ef; FreeRADIUS knows the phone as"
        " CP-8841-3PCC-SEP000E08ABCDEF by EAP-TLS; the kernel had stopped 3 frames from there and"
        " 12 for it",
    ),
    "computer": (
        {"address": "02:00:00:00:00:50", "kept": 13},
        "02:00:00:00:00:50 behind the phone let in by its own supplicant; of either supplicant's"
        " frames the other never heard 13",
    ),
    "profile": (
        {
            "named_by": "DHCP option 160",
            "url": "https://pv.telco.test/000e08abcdef.xml",
            "address": "10.99.1.12",
            "changed": 31,
            "syslog": "<134>phone: done",
        },
        "DHCP option 160 names https://pv.telco.test/000e08abcdef.xml; the file from 10.99.1.12 set"
        " 31 values; rsyslog received: <134>phone: done",
    ),
    "registration": (
        {
            "lines": [
                {
                    "user": "1001",
                    "transport": "tls",
                    "version": "TLSv1.2",
                    "suite": "ECDHE-RSA-AES256-GCM-SHA384",
                    "mediasec": True,
                },
                {"user": "1002", "transport": "udp", "version": "", "suite": "", "mediasec": False},
            ]
        },
        "Kamailio holds 1001 over TLS (TLSv1.2, ECDHE-RSA-AES256-GCM-SHA384, SRTP agreed on) and"
        " 1002 over UDP",
    ),
    "stranger": (
        {
            "user": "1002",
            "status": 401,
            "reason": "Unauthorized",
            "knocks": {"tcp:80": "open", "tcp:81": "silent"},
        },
        "INVITE to 1002 answered 401 Unauthorized; open to it: tcp:80; shut: tcp:81",
    ),
}


@pytest.mark.parametrize("step", STEPS)
def test_a_step_says_what_it_proved(step: str) -> None:
    data, expected = TOLD[step]
    assert words(step, data) == expected


def test_a_failed_step_says_why() -> None:
    told = {"step": "lease", "ok": False, "seconds": 25.1, "data": {}, "reason": "nothing came"}
    assert line(told) == "  25.10 s  lease         FAILED: nothing came"


def test_ranges_of_one_port_are_one_number() -> None:
    assert ranges([[68, 68], [5060, 5061]]) == "68, 5060-5061"
    assert ranges([]) == "none"


def test_the_ending_repeats_the_name_of_another_lab() -> None:
    page, login = "http://127.0.0.1:4080/", "user admin, password secret"
    lines = ending(".venv/bin/ringfence", "second", page, login, "10.99.1.125")
    assert "  .venv/bin/ringfence lab down --name second" in lines
    assert "  .venv/bin/ringfence lab break --name second server-name" in lines
    assert any(f"{page}admin/advanced" in one and login in one for one in lines)


def test_a_newcomer_is_told_how_to_manage_the_phone_as_its_acs() -> None:
    asked = of_acs("ringfence", "two", "/run/lab/acs")
    assert asked[2] == (
        "  ringfence lab shell --name two servers -- "
        "ringfence provider acs informs --dir /run/lab/acs"
    )
