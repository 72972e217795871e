"""What the page submits and may cut the administrator off: undone unless confirmed there."""

from tests.support.web_fixtures import SET as ACCOUNTS
from tests.support.web_fixtures import Start, Visit, held, start, visit

__all__ = ["start", "visit"]


def test_a_risky_change_on_the_page_comes_back_unless_it_is_confirmed_there(
    start: Start, visit: Visit
) -> None:
    phone = start(**ACCOUNTS, RF_Confirm_Changes_Within="2")
    visitor = visit("admin")
    assert visitor.submit("system", Firewall_Config="TCP:22").status == 303
    page = visitor.get("/info/status").text
    assert "Not confirmed yet" in page
    assert "Firewall Options" in page
    phone.wait_for("settings.undone: not confirmed in time: Firewall_Config")
    assert held(phone, "Firewall_Config") == ""
    assert "Not confirmed yet" not in visitor.get("/info/status").text


def test_a_risky_change_that_is_confirmed_on_the_page_stands(start: Start, visit: Visit) -> None:
    phone = start(**ACCOUNTS)
    visitor = visit("admin")
    assert visitor.submit("system", Firewall_Config="TCP:22").status == 303
    csrf = visitor.get("/info/status").csrf
    assert visitor.post("/confirm", csrf=csrf).status == 303
    assert "The changes stand." in visitor.get("/info/status").text
    assert visitor.post("/confirm", csrf=csrf).status == 409
    assert held(phone, "Firewall_Config") == "TCP:22"
    assert phone.status()["unconfirmed"] is None


def test_a_change_that_cuts_nobody_off_needs_no_confirmation(start: Start, visit: Visit) -> None:
    phone = start(**ACCOUNTS)
    assert visit("admin").submit("system", Syslog_Server="10.99.0.9").status == 303
    assert phone.status()["unconfirmed"] is None


def test_nobody_confirms_for_somebody_else(start: Start, visit: Visit) -> None:
    phone = start(**ACCOUNTS)
    visitor = visit("admin")
    assert visitor.submit("system", Firewall_Config="TCP:22").status == 303
    assert visitor.post("/confirm", csrf="0").status == 403
    assert visit().post("/confirm", csrf="0").status in (303, 401, 403)
    assert phone.status()["unconfirmed"]["parameters"] == ["Firewall_Config"]


def test_the_user_confirms_no_change_of_the_administrator(start: Start, visit: Visit) -> None:
    phone = start(**ACCOUNTS)
    assert visit("admin").submit("system", Firewall_Config="TCP:22").status == 303
    user = visit("user")
    page = user.get("/info/status")
    assert "Not confirmed yet" not in page.text
    assert user.post("/confirm", csrf=page.csrf).status == 403
    assert phone.status()["unconfirmed"]["parameters"] == ["Firewall_Config"]


def test_with_a_time_of_zero_the_page_waits_for_no_confirmation(start: Start, visit: Visit) -> None:
    phone = start(**ACCOUNTS, RF_Confirm_Changes_Within="0")
    assert visit("admin").submit("system", Firewall_Config="TCP:22").status == 303
    assert phone.status()["unconfirmed"] is None
