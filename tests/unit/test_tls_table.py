"""docs/tls-applications.md shows every application that speaks TLS, and every case."""

from ringfence.policy.applications import APPLICATIONS
from tests.support.tls_matrix import DIRECT, LISTS, PROXY, ROWS
from tests.support.tls_table import CERTIFICATES, HEAD, PAGE, WEB, page

CHAPTER = {
    *("Customer CA Provisioning", "E911 Geolocation", "Firmware/Cisco Headset Upgrade", "LDAPS"),
    *("LDAP (StartTLS)", "Picture Download", "Logo Download", "Dictionary Download"),
    *("Provisioning", "Report Upload", "PRT Upload", "SIP over TLS", "TR-069", "WebSocket API"),
    *("XML Services", "XSI Services"),
}
"""The chapter's list."""


def test_the_page_has_every_application_with_every_certificate() -> None:
    text = PAGE.read_text()
    assert text.startswith(HEAD)
    sections = dict(part.split("\n", 1) for part in text.removeprefix(HEAD)[3:].split("\n## "))
    assert list(sections) == [*CERTIFICATES, WEB]
    for title in CERTIFICATES:
        rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in _rows(sections[title])]
        wanted = [
            [row.title, row.by, way]
            for row in ROWS
            for way in ((DIRECT, PROXY) if row.proxied else (DIRECT,))
        ]
        assert [row[:3] for row in rows] == wanted
        assert all(len(row) == 3 + len(LISTS) and "?" not in "".join(row) for row in rows)
    assert len(_rows(sections[WEB])) == len(LISTS)


def _rows(section: str) -> list[str]:
    return [line for line in section.splitlines() if line.startswith("| ")][1:]


def test_every_application_is_set_off() -> None:
    titles = {row.title for row in ROWS}
    assert titles - CHAPTER == {"XMPP", "Custom Device Certificate (SCEP)", "PAC File"}
    assert titles > CHAPTER
    assert {row.name for row in ROWS} == set(APPLICATIONS) - {"web-server"}
    assert {row.title for row in ROWS} == {APPLICATIONS[row.name].title for row in ROWS}


def test_a_case_that_was_not_seen_is_not_shown() -> None:
    assert page([]) == HEAD
    assert page([{"section": WEB, "text": "## x\n"}]) == HEAD + "## x\n"
