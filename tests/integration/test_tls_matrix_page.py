"""The page among the TLS applications, and where each of them is explained, shown and probed."""

import json
from pathlib import Path

import pytest

from ringfence.policy.applications import APPLICATIONS
from tests.support.certificates import authority
from tests.support.phone import RINGFENCE, ringfence
from tests.support.provider_fixtures import dnsmasq, net
from tests.support.provider_net import DNS, FIRST, PHONE, Net, profile, submit
from tests.support.tls_front import versions
from tests.support.tls_matrix import LISTS, ROWS, serve
from tests.support.tls_page import FIVE, Met, Visitor, table
from tests.support.tls_servers import version
from tests.support.tls_table import CERTIFICATES, RIGHT, WEB, show

__all__ = ["dnsmasq", "net"]

HTTPS = {
    **{"Resync_On_Reset": "No", "Enable_Web_Server": "Yes", "Enable_Protocol": "Https"},
    **{"Web_Server_Port": "443", "Admin_Password": "Correct-horse-1"},
}
SERVED = {"valid": 2, "blank": 3, "invalid": 3, "nothing in common": 4}
"""How often the page has begun to be served: anew with every other list in force."""
TAKEN = {
    "valid": ["ECDHE-RSA-AES256-GCM-SHA384", "AES128-SHA"],
    "blank": [name for name in FIVE if name != "DES-CBC3-SHA"],
    "invalid": [name for name in FIVE if name != "DES-CBC3-SHA"],
    "nothing in common": ["ECDHE-ARIA256-GCM-SHA384"],
}
"""Suites that the page takes; no library of today has the one that is left out."""
MINDS = {
    "its name": ("hostname mismatch", "bad certificate"),
    "its root": ("self-signed certificate", "unknown ca"),
    "its date": ("certificate is not yet valid", "bad certificate"),
}
"""`{what a client minds: (what it says, the alert that it sends)}`."""


@pytest.mark.proves("APP-09", "TLS-01")
def test_the_page_obeys_the_list_and_tells_whom_it_meets(net: Net, component: list[str]) -> None:
    component.append(" ".join(version("openssl", "version").split()[:2]))
    for file in ("device.crt", "device.key"):
        (net.state / file).unlink()  # the page makes a certificate of its own
    other, _ = authority("Another Root").save(net.folder, "other")
    phone = net.boot(**HTTPS)
    visitor = Visitor(net.servers, phone, net.state / "web.crt", Path(other))
    phone.wait_for("web.serving")
    seen: dict[str, tuple[list[str], dict[str, Met]]] = {}
    for case, text in LISTS.items():
        submit(phone, TLS_Cipher_List=text)
        phone.wait_for("web.serving", SERVED[case])
        met = {minds: visitor.visit(minds) for minds in ("", *MINDS)}
        assert met == agreed(case)
        seen[case] = (visitor.accepted(), met)
        assert seen[case][0] == TAKEN[case]
    row = dict(phone.status()["features"]["tls"]["rows"])["Web Server (HTTPS)"]
    assert row.startswith("TLS 1.2, 1 suite by list; ")
    assert row.endswith(f" {DNS} refused: TLS: no shared cipher")
    show(WEB, table(WEB, seen))


def agreed(case: str) -> dict[str, Met]:
    """Return what must come of a visit of each kind."""
    if case == "nothing in common":
        return dict.fromkeys(("", *MINDS), Met("", "TLS: no shared cipher"))
    listed = Met("TLSv1.2 ECDHE-RSA-AES256-GCM-SHA384", "TLSv1.2")
    agrees = listed if case == "valid" else Met("TLSv1.3 TLS_AES_256_GCM_SHA384", "TLSv1.3")
    minding = {
        minds: Met(said, f"TLS refused by the peer: {alert}")
        for minds, (said, alert) in MINDS.items()
    }
    return {"": agrees, **minding}


def probed(net: Net, at: str, name: str) -> tuple[int, str]:
    """Probe a server as an application; return the exit code and what came of it."""
    words = ("probe", "tls", at, "--app", name, "--connect", FIRST, "--json")
    root = ("--ca", str(net.folder / "root.pem"))
    done = net.phone_space.run(*RINGFENCE, *words, *root, check=False)
    return done.returncode, str(json.loads(done.stdout)["reason"])


@pytest.mark.proves("APP-09")
def test_each_application_is_explained_and_probed_by_its_name(
    net: Net, component: list[str]
) -> None:
    component += versions()
    (net.folder / "root.pem").write_text(net.trust.servers.pem)
    file = net.folder / "cfg.xml"
    file.write_text(profile(TLS_Cipher_List=LISTS["valid"]))
    explained = ringfence("explain", str(file)).stdout
    serve(net, CERTIFICATES[RIGHT](net.trust))
    net.phone_space.address("eth0", f"{PHONE}/24")
    assert {row.name for row in ROWS} == set(APPLICATIONS) - {"web-server"}
    for row in ROWS:
        assert f"\n    {row.name}: TLS 1.2, 2 suites by list\n" in explained
        name, _, port = row.at(0).partition(":")
        assert probed(net, f"{name}:{port}", row.name) == (0, f"matches {name}")
    assert "\n    web-server: TLS 1.2, 2 suites by list\n" in explained
