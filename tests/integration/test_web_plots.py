"""Plots of a phone in the lab, held against the kernel and against Kamailio."""

import json
import re
import sys
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from ringfence.lab.machine import COMPONENTS, version
from tests.support.administrator import Administrator, Office, offices
from tests.support.axe import judged
from tests.support.lab import Command

DROPPED = {"closed_udp", "closed_tcp", "ping", "multicast_ping", "invalid", "other", "flood"}
KNOCK = """import socket, sys
for port in range(4000, 4007):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        one.sendto(b"x", (sys.argv[1], port))
"""


@pytest.fixture(scope="module")
def lab_office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    yield from offices(Command(tmp_path_factory.mktemp("lab")))


@pytest.fixture
def office(lab_office: Office, component: list[str]) -> Office:
    lab_office.component = component
    component += [f"{c.name} {version(c.version)}" for c in COMPONENTS if c.name == "kamailio"]
    return lab_office


def table(page: Page, title: str) -> list[list[str]]:
    """Return the rows beside a plot."""
    card = page.get_by_role("region", name=title, exact=True)
    return [row.locator("td").all_text_contents() for row in card.locator("tbody tr").all()]


def watch(administrator: Administrator, office: Office, count: int) -> dict[str, object]:
    """Open the table, knock, and wait until it tells of so many packets, without loading anew."""
    page = administrator.page
    administrator.select("Info > Status")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    card = page.get_by_role("region", name="Packets Dropped", exact=True)
    card.get_by_text("The same as a table").click()
    assert office.at("stranger", sys.executable, "-c", KNOCK, office.address).returncode == 0
    page.wait_for_function(
        """count => [...document.querySelectorAll("#t-dropped tbody tr td:last-child")]
           .reduce((sum, one) => sum + Number(one.textContent), 0) >= count""",
        arg=count,
    )
    return {
        "rows": table(page, "Packets Dropped"),
        "drawn": card.locator("rect.bad").count(),
        "open": card.locator("details").get_attribute("open"),
        "name": card.get_by_role("img").get_attribute("aria-label"),
        "loads": page.evaluate("performance.getEntriesByType('navigation').length"),
    }


def dropped(office: Office) -> int:
    """Return what the kernel has dropped."""
    told = office.at("phone", "nft", "-j", "list", "counters", "table", "inet", "ringfence").stdout
    held = (one["counter"] for one in json.loads(told)["nftables"] if "counter" in one)
    return sum(one["packets"] for one in held if one["name"] in DROPPED)


def test_what_the_kernel_drops_is_plotted_while_it_happens(office: Office) -> None:
    office.component.append(office.at("phone", "nft", "--version").stdout.split(" (")[0])
    before = dropped(office)
    seen = office.follow(watch, office, before + 7)
    assert before + 7 <= sum(int(count) for _, count in seen["rows"]) <= dropped(office)
    assert all(re.fullmatch(r"\d\d/\d\d/\d{4} \d\d:\d\d:\d\d", when) for when, _ in seen["rows"])
    assert seen["drawn"] == len(seen["rows"])
    assert (seen["open"], seen["loads"]) == ("", 1)
    assert seen["name"].startswith("Packets Dropped: ")


def registered(administrator: Administrator) -> list[list[str]]:
    administrator.select("Info > Status")
    return table(administrator.page, "Registration")


def reason(office: Office) -> str:
    return str(office.line(2)["reason"])


def everybody(administrator: Administrator) -> dict[str, object]:
    """Return what axe-core finds on both pages, and how wide they are on a small screen."""
    page, found, widths = administrator.page, list[str](), set[int]()
    for name in ("Status", "Download Status"):
        page.set_viewport_size({"width": 1280, "height": 800})
        administrator.select(f"Info > {name}")
        page.locator(".plot summary").first.click()
        found += judged(page)
        widths.add(page.evaluate("document.documentElement.scrollWidth"))
    return {"found": found, "widths": widths}


def test_a_registration_that_is_lost_and_comes_back_is_plotted_for_everybody(
    office: Office,
) -> None:
    proxy = office.phone("get", "Proxy_2_").strip()
    office.phone("set", "Proxy_2_=gone.sip.telco.test")
    office.until(
        lambda: "registering" not in (why := reason(office)) and "gone.sip.telco.test" in why
    )
    office.phone("set", f"Proxy_2_={proxy}")
    office.until(lambda: office.line(2)["registered"])
    rows = office.follow(registered)
    second = [row[2:] for row in rows if row[1] == "Ext 2"]
    assert [state for state, _ in second][:3] == ["good", "bad", "good"]
    assert (second[0][1], "gone.sip.telco.test" in second[1][1]) == ("UDP", True)
    assert next(row[2] for row in rows if row[1] == "Ext 1") == "good"
    seen = office.follow(everybody)
    assert seen == {"found": [], "widths": {360}}
