"""The page in a real browser, by mouse and by keyboard."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from ringfence.runtime.control import ask
from tests.support.web_fixtures import SET, Browse, Start, browse, held, log_in, start

__all__ = ["browse", "start"]


def submit(page: Page) -> None:
    page.get_by_role("button", name="Submit All Changes").click()


# --- Search, and pages that live ---


def look(page: Page) -> dict[str, Any]:
    log_in(page, "/voice/system")
    page.get_by_label("Host Name").fill("typed")
    page.get_by_role("searchbox").fill("cipher list empty")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Search")
    found = page.get_by_role("region", name="Results").get_by_role("link").all_inner_texts()
    page.get_by_role("link", name="TLS Cipher List").click()
    expect(page.locator('[name="TLS_Cipher_List"]')).to_be_in_viewport()
    kept = page.get_by_label("Host Name").input_value()
    page.get_by_text("1 change not submitted yet").click()
    difference = page.locator(".submit li").inner_text()
    page.goto("http://10.99.0.2/search?q=%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
    return {
        "found": found,
        "kept": kept,
        "difference": difference,
        "none": page.get_by_role("status").inner_text(),
    }


def test_a_search_finds_parameters_and_keeps_what_was_typed(start: Start, browse: Browse) -> None:
    start(**SET)
    seen = browse(look)
    assert seen["found"] == ["TLS Cipher List"]
    assert (seen["kept"], seen["difference"]) == ("typed", "Host Name: – typed")
    assert seen["none"] == 'No parameter has “"><script>alert(1)</script>”.'


def wait(page: Page, folder: str) -> dict[str, Any]:
    log_in(page, "/info/status")
    expect(page.get_by_text("Live", exact=True)).to_be_visible()
    card = page.get_by_role("region", name="System Information")
    before = card.inner_text()
    ask(Path(folder), {"verb": "set", "values": {"Enable_CDP": "No"}})
    expect(card).to_contain_text("stored changes take effect after a reboot")
    return {
        "before": before,
        "loads": page.evaluate("performance.getEntriesByType('navigation').length"),
    }


def test_the_status_page_follows_the_phone_without_being_loaded_again(
    start: Start, browse: Browse
) -> None:
    phone = start(**SET)
    seen = browse(wait, str(phone.state))
    assert "after a reboot" not in seen["before"]
    assert seen["loads"] == 1


# --- The chapter's procedure, to the letter ---


def walk(page: Page) -> dict[str, Any]:
    log_in(page, "/admin/advanced")
    tabs = page.get_by_role("navigation", name="Pages")
    security = page.get_by_role("region", name="Security Settings")
    security.get_by_label("Firewall Options").fill("NO_ICMP_PING, UDP:4000:4010")
    tabs.get_by_role("button", name="Ext 3", exact=True).click()
    heading = page.get_by_role("heading", level=1).inner_text()
    sip = page.get_by_role("region", name="SIP Settings")
    sip.get_by_label("Auth INVITE").select_option("Yes")
    page.get_by_role("button", name="Submit All Changes").click()
    notices = page.get_by_role("status").all_inner_texts()
    tabs.get_by_role("button", name="System").click()
    again = page.get_by_label("Firewall Options").input_value()
    return {
        "heading": heading,
        "notices": notices,
        "again": again,
        "buttons": page.locator("main button:visible").all_inner_texts(),
    }


@pytest.mark.proves("CFG-06")
def test_one_button_commits_the_changes_of_every_tab(start: Start, browse: Browse) -> None:
    phone = start(**SET)
    seen = browse(walk)
    assert seen["heading"] == "Ext 3"
    assert seen["again"] == "NO_ICMP_PING, UDP:4000:4010"
    assert seen["buttons"] == ["Confirm Changes", "Submit All Changes", "Undo All Changes"]
    assert held(phone, "Firewall_Config") == "NO_ICMP_PING, UDP:4000:4010"
    assert held(phone, "Auth_INVITE_3_") == "Yes"
    waiting, stored = seen["notices"]
    assert stored == "Stored, takes effect at once: Firewall Options, Ext 3 Auth INVITE."
    assert "Not confirmed yet" in waiting


REFUSED = {
    "Web_Server_Port": ("65536", "expected 1–65535, not 65536"),
    "Static_IP": ("10.0.0.300", "10.0.0.300"),
    "PAC_URL": ("http://p.example/" + "a" * 495, "at most 511"),
}
"""`{tag: (what is typed, what the field then says)}`."""


def refuse(page: Page) -> dict[str, Any]:
    log_in(page, "/voice/system")
    page.get_by_label("Host Name").fill("desk")
    for tag, (text, _) in REFUSED.items():
        page.locator(f'[name="{tag}"]').fill(text)
    submit(page)
    seen: dict[str, Any] = {"alert": page.get_by_role("alert").inner_text()}
    for tag in REFUSED:
        field = page.locator(f'[name="{tag}"]')
        error, *_ = (field.get_attribute("aria-describedby") or "").split()
        why = page.locator(f'[id="{error}"]').inner_text()
        seen[tag] = (field.get_attribute("aria-invalid"), field.input_value(), why)
    page.get_by_role("alert").get_by_role("link", name="PAC URL").click()
    expect(page.locator('[name="PAC_URL"]')).to_be_in_viewport()
    seen["kept"] = page.get_by_label("Host Name").input_value()
    page.get_by_role("button", name="Undo All Changes").click()
    expect(page.get_by_role("status")).to_contain_text("undone")
    seen["undone"] = page.get_by_label("Host Name").input_value()
    return seen


@pytest.mark.proves("CFG-07", "WEB-05")
def test_a_refused_value_says_why_at_its_field_and_nothing_is_stored(
    start: Start, browse: Browse
) -> None:
    phone = start(**SET)
    seen = browse(refuse)
    for tag, (text, why) in REFUSED.items():
        invalid, typed, said = seen[tag]
        assert (invalid, typed) == ("true", text)
        assert why in said
    assert "Nothing was stored." in seen["alert"]
    assert (seen["kept"], seen["undone"]) == ("desk", "")
    assert held(phone, "Host_Name") == ""


@pytest.mark.proves("CFG-07")
def test_a_list_with_an_unknown_word_is_stored_as_written(start: Start, browse: Browse) -> None:
    phone = start(**SET)

    def fill(page: Page) -> None:
        log_in(page, "/voice/system")
        page.get_by_label("Firewall Options").fill("NO_ICMP_PING,NONSENSE")
        page.get_by_label("TLS Cipher List").fill("BOGUS")
        submit(page)
        expect(page.get_by_role("status").last).to_contain_text("Stored")

    browse(fill)
    assert held(phone, "Firewall_Config") == "NO_ICMP_PING,NONSENSE"
    assert held(phone, "TLS_Cipher_List") == "BOGUS"


def labels(page: Page) -> dict[str, dict[str, list[str]]]:
    log_in(page, "/admin/advanced")
    found: dict[str, dict[str, list[str]]] = {}
    for tab in ("System", "Provisioning", "Phone", "Ext 1"):
        if page.get_by_role("heading", level=1).inner_text() != tab:
            page.get_by_role("button", name=tab, exact=True).click()
            expect(page.get_by_role("heading", level=1)).to_have_text(tab)
        regions = page.locator("main section").all()
        found[page.get_by_role("heading", level=1).inner_text()] = {
            region.locator("h2").inner_text(): region.locator(".field > label").all_inner_texts()
            for region in regions
        }
    return found


@pytest.mark.proves("WEB-01")
def test_tabs_sections_and_labels_read_as_in_the_chapter(start: Start, browse: Browse) -> None:
    start(**SET)
    found = browse(labels)
    chapter = {
        "System": {
            "System Configuration": {"Restricted Access Domains"},
            "Security Settings": {"Firewall", "Firewall Options", "TLS Cipher List"},
            "HTTP Proxy Settings": {
                "Proxy Mode",
                "Use Auto Discovery (WPAD)",
                "PAC URL",
                "Proxy Host",
                "Proxy Port",
                "Proxy Server Requires Authentication",
                "Username",
                "Password",
            },
            "VPN Settings": {
                "VPN Server",
                "VPN User Name",
                "VPN Password",
                "VPN Tunnel Group",
                "Connect on Bootup",
            },
            "IPv6 Settings": {"Broadcast Echo"},
        },
        "Provisioning": {
            "Configuration Profile": {"DHCP Option To Use", "DHCPv6 Option To Use", "Profile Rule"}
        },
        "Phone": {"LDAP": {"Server", "StartTLS Enable"}},
        "Ext 1": {
            "SIP Settings": {
                "SIP Transport",
                "Auth INVITE",
                "MediaSec Request",
                "MediaSec Over TLS Only",
            },
            "Proxy and Registration": {"Proxy", "Outbound Proxy", "TLS Name Validate"},
        },
    }
    missing = {
        (tab, section, label)
        for tab, sections in chapter.items()
        for section, wanted in sections.items()
        for label in wanted - set(found.get(tab, {}).get(section, []))
    }
    assert missing == set()


# --- What a hostile value can do in a browser ---


def provoke(page: Page) -> list[str]:
    trouble: list[str] = []
    page.on("dialog", lambda dialog: trouble.append(dialog.message))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("console", lambda line: trouble.append(line.text))
    page.on("request", lambda request: trouble.append(request.url))
    log_in(page, "/voice/ext1")
    value = page.get_by_label("Display Name").input_value()
    page.wait_for_load_state("networkidle")
    return [value, *(t for t in trouble if "[DOM]" not in t and "//10.99.0.2/" not in t)]


def test_markup_in_a_value_runs_nothing_and_fetches_nothing(start: Start, browse: Browse) -> None:
    nasty = '"><img src=//evil.example onerror=alert(1)><script>alert(2)</script>'
    start(**SET, Display_Name_1_=nasty)
    assert browse(provoke) == [nasty]


def injected(page: Page) -> list[str]:
    """Put a script into the page as a hole would, and see that the policy stops it."""
    log_in(page, "/info/status")
    seen: list[str] = []
    page.on("console", lambda line: seen.append(line.text))
    page.evaluate(
        """() => { const s = document.createElement('script'); s.textContent = 'window.bad = 1';
                   document.body.append(s); }"""
    )
    return [str(page.evaluate("() => String(window.bad)")), *seen]


def test_the_policy_stops_a_script_that_got_into_the_page(start: Start, browse: Browse) -> None:
    start(**SET)
    bad, *seen = browse(injected)
    assert bad == "undefined"
    assert any("Content Security Policy" in line for line in seen)


# --- What a hostile page makes a browser do ---

ATTACK = """async (phone) => {
  const tried = (promise) => promise.catch(() => 0);
  const picture = new Image();
  await tried(new Promise((done) => {
    picture.onload = picture.onerror = done;
    picture.src = phone + "/admin/reboot";
  }));
  const wanted = {mode: "no-cors", credentials: "include"};
  await tried(fetch(phone + "/admin/reboot", wanted));
  const body = "<flat-profile><Host_Name>stolen</Host_Name></flat-profile>";
  await tried(fetch(phone + "/admin/config.xml", {...wanted, method: "POST", body}));
}"""


def attacked(page: Page, phone: str, evil: str) -> dict[str, Any]:
    log_in(page, "/admin/advanced", base=phone)
    page.route(
        f"{evil}/**", lambda route: route.fulfill(body="<p>Kittens", content_type="text/html")
    )
    page.goto(f"{evil}/")
    sent: list[str] = []
    page.on("request", lambda asked: sent.append(asked.url.removeprefix(phone)))
    page.evaluate(ATTACK, phone)
    with page.expect_navigation():
        page.evaluate("(phone) => { location = phone + '/admin/reboot'; }", phone)
    told = page.locator("body").inner_text().strip()
    typed = page.goto(f"{phone}/admin/upgrade")
    return {"sent": sent[:4], "told": told, "typed": typed.status if typed else 0}


@pytest.mark.proves("RSY-11")
@pytest.mark.parametrize("evil", ["https://evil.example", "https://10.99.0.2:9443"])
def test_a_hostile_page_makes_no_browser_act_on_the_phone(
    start: Start, browse: Browse, evil: str
) -> None:
    """To a cookie, another port of the phone's address is the same site."""
    phone = start(**SET, Enable_Protocol="Https", Web_Server_Port="443")
    seen = browse(attacked, "https://10.99.0.2", evil)
    assert seen["sent"] == [*["/admin/reboot"] * 2, "/admin/config.xml", "/admin/reboot"]
    assert seen["told"] == "This was sent by another site. Nothing was done."
    assert seen["typed"] == 501  # let in: this phone has no upgrade
    assert held(phone, "Host_Name") == ""
    assert phone.process.poll() is None
