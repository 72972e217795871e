"""Names, passwords and stanzas with every mark, as Prosody and another client have read them."""

import pytest

from tests.integration.test_xmpp import A_RECORD, USED, Start, prosody, told, wait
from tests.support.prosody import DOMAIN, bob
from tests.support.provider_fixtures import StartDnsmasq, dnsmasq, net
from tests.support.provider_net import Net, submit
from tests.support.screen import Screen

__all__ = ["dnsmasq", "net", "prosody"]

USER = "a=b,c;d%e#f!$*()[]{}|^`~?+\\e"
"""Every mark that a localpart may have. Source: RFC 7622 section 3.3."""
PASSWORD = "p,=&<>'\"\\]]>/ \u00e9\u6f22"


@pytest.mark.proves("APP-05")
def test_prosody_reads_a_login_as_it_is_written_or_refuses_it(
    net: Net, dnsmasq: StartDnsmasq, prosody: Start
) -> None:
    dnsmasq(A_RECORD)
    server = prosody()
    server.register(USER, PASSWORD)
    phone = net.boot(**{**USED, "XMPP_User_ID": f"{USER}@{DOMAIN}", "XMPP_Password": PASSWORD})
    wait(phone, "XMPP State", f"Online as {USER}@{DOMAIN}/phone-")
    server.wait_for(f"Authenticated as {USER.lower()}@{DOMAIN}")
    for user in ("1001'/><presence to='bob", "&lt;x", "1001/x", "\u202e1001"):
        submit(phone, XMPP_User_ID=f"{user}@{DOMAIN}")
        wait(phone, "XMPP State", "refuses the login")
    for domain in (f"{DOMAIN}'>", f"{DOMAIN} to='x", f"{DOMAIN}/x"):
        submit(phone, XMPP_User_ID=f"1001@{domain}")
        phone.until(lambda now: now["features"]["xmpp"]["health"] == "Failed")
    submit(phone, XMPP_User_ID=f"{USER}@{DOMAIN}")
    log = server.wait_for("Authenticated as", 2)  # with all that was said before
    assert "not-well-formed" not in log
    assert log.count("Authenticated as") == log.count(f"Authenticated as {USER.lower()}@") == 2


@pytest.mark.proves("APP-05")
def test_another_client_hears_its_own_words_and_the_screen_shows_them(
    net: Net, dnsmasq: StartDnsmasq, prosody: Start
) -> None:
    dnsmasq(A_RECORD)
    prosody()
    phone = net.boot(**USED)
    wait(phone, "XMPP State", "Online")
    to = f"to='1001@{DOMAIN}/phone-000e08abcdef'"
    odd = "&lt;/iq&gt;&quot;&apos;&amp;amp;]]&gt;"
    writer = bob(
        net,
        f"<iq type='get' id='{odd}' {to}><ping xmlns='urn:xmpp:ping'/></iq>",
        f"<iq type='set' id='{odd}' {to}><query xmlns='jabber:iq:roster'/></iq>",
        f"<message {to} type='chat'><body>&lt;b&gt;1&#10;Online: {odd}&#x202e;2</body></message>",
    )
    heard = writer.wait_for("service-unavailable")
    assert heard.count("&lt;/iq&gt;&quot;&apos;&amp;amp;]]&gt;") == 2
    wait(phone, "Messages Waiting", "1")
    screen = Screen(phone)
    screen.open("XMPP")
    screen.press("2")
    shown = " ".join(screen.wait("Online").split())
    assert f"bob@{DOMAIN}: <b>1 Online: </iq>\"'&amp;]]>2" in shown
    assert told(phone.status())["XMPP Contacts"].startswith("1,")
