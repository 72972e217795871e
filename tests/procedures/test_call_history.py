"""The tab Call History: what it says of calls, by kind, and that it forgets them."""

from collections.abc import Mapping

from playwright.sync_api import expect

from tests.procedures.conftest import judged
from tests.support.administrator import Administrator, Office


def look(page: Administrator) -> Mapping[str, list[str]]:
    """Return the calls of each kind."""
    page.select("More > Call History")
    main = page.page.get_by_role("main")
    found = {}
    for kind in ("All", "Placed", "Received", "Missed"):
        main.get_by_role("link", name=kind, exact=True).click()
        expect(main.locator("[aria-current]")).to_have_text(kind)
        found[kind] = main.locator("ul.found li").all_inner_texts()
    return found


def forget(page: Administrator) -> str:
    page.select("More > Call History")
    page.page.get_by_text("Clear Call History").click()
    page.page.get_by_role("button", name="Clear", exact=True).click()
    expect(page.page.get_by_text("The call history is empty.")).to_be_visible()
    return str(page.page.get_by_role("main").inner_text())


def test_the_call_history_tells_of_calls_by_kind_and_is_cleared(office: Office) -> None:
    judged(office, "kamailio")
    keys = "Home,Line1,text:1003,Call,wait:404"
    office.phone("screen", "--once", "--keys", keys)
    seen = office.follow(look)
    (placed,) = seen["Placed"]
    assert seen["All"] == [placed]
    assert seen["Received"] == seen["Missed"] == []
    for words in ("sip:1003@sip.telco.test", "Ext 1", "not answered", "404"):
        assert words in placed
    assert "There are no such calls." in office.follow(forget)
    assert office.follow(look)["All"] == []
