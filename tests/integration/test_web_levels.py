"""Every parameter and every account over the real page: what it shows, and a forged write."""

import json
import re

import pytest

from ringfence.config.parameter import Access
from ringfence.config.settings import slots
from ringfence.surfaces.forms import PLACES
from tests.support.curl import Answer, Curl
from tests.support.levels import NEVER, ON_SCREEN_ONLY, READ_ONLY, USERS, other
from tests.support.phone import RunningPhone
from tests.support.web_fixtures import SET, USER_PASSWORD, Start, Visit, held, start, visit

__all__ = ["start", "visit"]

FORGED = {tag: other(slot) for tag, slot in slots().items()}
CONTROL = re.compile(r'<(?:input|select) [^>]*?\bname="([^"]+)"[^>]*>')


def shown(visitor: Curl) -> set[str]:
    """Return the parameters that stand on any tab, or that the search names."""
    texts = [visitor.get(f"/voice/{name}").text for name in PLACES]
    texts += [visitor.get(f"/search?q={word}").text for word in ("GPP_S", "IKM", "Prompt")]
    return {name for text in texts for name in CONTROL.findall(text)} & set(slots())


def forge(visitor: Curl, csrf: str, *places: str) -> set[int]:
    """Send every parameter with another value by the form of some tabs; return the answers."""
    return {
        visitor.post(f"/voice/{place}", csrf=csrf, do="submit", **FORGED).status for place in places
    }


def written(phone: RunningPhone, origin: str = "web page") -> set[str]:
    """Return what the newest generation of the store says that a surface has set."""
    newest = max(phone.state.glob("settings-*.json"))
    stored = json.loads(newest.read_bytes().partition(b"\n")[2])["stored"]
    return {tag for tag, (_, by, _) in stored.items() if by == origin}


def everywhere(access: Access | None) -> dict[str, tuple[None, str]]:
    """Return one `ua` for every parameter."""
    return {tag: (None, access.value) for tag in slots() if tag not in SET} if access else {}


@pytest.mark.proves("CFG-08")
@pytest.mark.parametrize(
    ("access", "visible", "changed"),
    [
        (None, USERS, USERS),
        (Access.NONE, {"User_Password"}, {"User_Password"}),
        (Access.READ, USERS, {"User_Password"}),
        (Access.WRITE, USERS, USERS),
    ],
)
def test_the_user_reads_and_forges_no_more_than_level_and_ua_leave(
    start: Start,
    visit: Visit,
    access: Access | None,
    visible: set[str],
    changed: set[str],
) -> None:
    phone = start(**SET, **everywhere(access))
    visitor = visit("user")
    assert shown(visitor) == visible
    forge(visitor, visitor.get("/info/status").csrf, "user", "system", "ext1", "provisioning")
    assert written(phone) == changed


@pytest.mark.proves("CFG-08")
def test_the_administrator_changes_all_but_what_is_never_on_the_page(
    start: Start, visit: Visit
) -> None:
    phone = start(**SET, **everywhere(Access.NONE))
    visitor = visit("admin")
    assert shown(visitor) == set(slots()) - NEVER
    assert forge(visitor, visitor.get("/info/status").csrf, "user") == {200}  # the page moves
    assert written(phone) == set(slots()) - NEVER - READ_ONLY


@pytest.mark.proves("CFG-08")
def test_nobody_reads_or_forges_anything(start: Start, visit: Visit) -> None:
    phone = start(**SET, **everywhere(Access.WRITE))
    visitor = visit()
    assert shown(visitor) == set()
    assert forge(visitor, "0" * 32, "user", "system", "ext1") == {403}
    assert written(phone) == set()


@pytest.mark.proves("CFG-08")
@pytest.mark.parametrize(("access", "says"), [("rw", "Off"), ("ro", r"On \(locked\)")])
def test_what_is_the_administrators_on_the_page_is_the_users_on_the_screen_only(
    start: Start, visit: Visit, access: str, says: str
) -> None:
    tag = "Enable_802.1X_Authentication"
    assert tag in ON_SCREEN_ONLY
    phone = start(**SET, **{"Phone-UI-User-Mode": "Yes", tag: ("Yes", access)})
    user = visit("user")
    assert user.get("/voice/system").text.count(tag) == 0
    csrf = user.get("/screen").csrf

    def press(**form: str) -> int:
        return user.post("/screen", csrf=csrf, script="1", **form).status

    for key in ("Applications", "1"):
        assert press(key=key) == 204
    assert press(text=USER_PASSWORD) == 204
    for key in ("Sign in", "1", "Select"):  # Ethernet configuration, 802.1X authentication
        assert press(key=key) == 204
    press(key="Select")
    assert re.search(rf"Device authentication\s+{says}", _text(user.get("/screen")))
    press(key="Submit")
    assert (held(phone, tag), written(phone, "phone screen")) == (
        ("No", {tag}) if access == "rw" else ("Yes", set())
    )


def _text(answer: Answer) -> str:
    """Return a page without its tags."""
    return re.sub(r"<[^>]+>", "", answer.text)
