"""What a resync does with rules, answers and files, at nginx, by the real phone process."""

import pytest

from ringfence.runtime.control import ask
from tests.support.certificates import leaf
from tests.support.provider_fixtures import StartDnsmasq, StartNginx, dnsmasq, net, nginx
from tests.support.provider_net import (
    FIRST,
    MAC,
    NAME,
    Net,
    profile,
    refused,
    resync,
    stored,
    submit,
)

__all__ = ["dnsmasq", "net", "nginx"]

URL = f"https://{NAME}/$MA.xml"
FILE = f"{MAC}.xml"
A_RECORD = f"host-record={NAME},{FIRST}"


@pytest.mark.proves("RSY-07")
@pytest.mark.parametrize(
    "broken",
    [
        "<flat-profile><GPP_A>new</GPP_A>",
        "<flat-profile><GPP_A>new</GPP_A></flat-profile><flat-profile>",
        '<!DOCTYPE x [<!ENTITY e "new">]><flat-profile><GPP_A>&e;</GPP_A></flat-profile>',
        "",
        "not XML at all",
    ],
    ids=["cut", "two roots", "entity", "empty", "text"],
)
def test_a_profile_that_is_not_whole_changes_nothing(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx, broken: str
) -> None:
    dnsmasq(A_RECORD)
    nginx().put(FILE, broken)
    phone = net.boot(Profile_Rule=URL, GPP_A="old", Resync_On_Reset="No")
    assert refused(phone)
    assert stored(phone, "GPP_A") == "old"


@pytest.mark.proves("RSY-07")
def test_a_refused_value_spares_its_neighbours_and_is_shown(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx
) -> None:
    dnsmasq(A_RECORD)
    nginx().put(FILE, profile(GPP_A="new", SIP_Transport_1_="SMOKE", GPP_B="new, too"))
    phone = net.boot(Profile_Rule=URL, SIP_Transport_1_="TCP", Resync_On_Reset="No")
    assert resync(phone)["result"] == "success"
    tags = ("GPP_A", "SIP_Transport_1_", "GPP_B")
    assert [stored(phone, tag) for tag in tags] == ["new", "TCP", "new, too"]
    rows = phone.status()["features"]["provisioning"]["rows"]
    (told,) = [text for label, text in rows if label == "Line 3"]
    assert told.startswith("SIP_Transport_1_: expected one of UDP|TCP|TLS|Auto, not 'SMOKE'")


@pytest.mark.proves("RSY-05")
def test_http_answers_have_their_classes(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx
) -> None:
    dnsmasq(A_RECORD, f"host-record=pv.other.test,{FIRST}")
    server = nginx(
        "nginx",
        leaf(net.trust.servers, dns=[NAME, "pv.other.test"]),
        "location /moved { return 302 /there.xml; }",
        "location /round { return 301 /round; }",
        "location /clear { return 302 http://$host/there.xml; }",
        "location /away { return 302 https://pv.other.test/there.xml; }",
        "location /error { return 503; }",
        "location /other { return 303 /there.xml; }",
        f"location /login {{ auth_basic phones; auth_basic_user_file {net.folder}/users;"
        " try_files /there.xml =404; }",
    )
    (net.folder / "users").write_text("bob:{PLAIN}hush\n")
    server.put("there.xml", profile(GPP_A="there"))
    phone = net.boot(Resync_On_Reset="No", Restricted_Access_Domains=NAME)
    at = f"https://{NAME}"
    assert resync(phone, f"{at}/moved")["result"] == "success"
    assert resync(phone, f"[--uid bob --pwd hush] {at}/login")["result"] == "success"
    assert "HTTP status 401" in refused(phone, f"[--uid bob --pwd wrong] {at}/login")
    submit(phone, Login_User_ID="bob", Login_Password="hush")
    assert "HTTP status 401" in refused(phone, f"{at}/login")
    submit(phone, Profile_Authentication_Type="XSI Authentication")
    assert resync(phone, f"{at}/login")["result"] == "success"
    assert "HTTP status 401" in refused(phone, f"[--uid bob --pwd wrong] {at}/login")
    submit(phone, Profile_Authentication_Type="Disabled")
    assert "HTTP status 401" in refused(phone, f"[--uid bob --pwd hush] {at}/login")
    assert "more than 5 redirects" in refused(phone, f"{at}/round")
    assert "redirect from https to http refused" in refused(phone, f"{at}/clear")
    assert refused(phone, f"{at}/away") == "domain not allowed: pv.other.test"
    assert "HTTP status 503" in refused(phone, f"{at}/error")
    assert "HTTP status 303" in refused(phone, f"{at}/other")
    assert "HTTP status 404" in refused(phone, f"{at}/nowhere")
    submit(phone, Resync_Fails_On_FNF="No")
    assert resync(phone, f"{at}/nowhere")["result"] == "success"


@pytest.mark.proves("RSY-01")
def test_each_rule_is_applied_before_the_next_and_a_failure_ends_the_run(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx
) -> None:
    dnsmasq(A_RECORD)
    server = nginx()
    at = f"https://{NAME}"
    server.put("a.xml", profile(GPP_A="second", Profile_Rule_B=f"{at}/$A.xml"))
    server.put("second.xml", profile(GPP_B="here", Profile_Rule_C=f"{at}/missing.xml"))
    server.put("d.xml", profile(GPP_C="last"))
    rules = {"Profile_Rule": f"{at}/a.xml", "Profile_Rule_D": f"{at}/d.xml"}
    phone = net.boot(**rules, Resync_On_Reset="No", Resync_Error_Retry_Delay="2")
    assert "HTTP status 404" in refused(phone)
    paths = [line.split("|")[2].split()[1] for line in server.access.wait_for("\n", 3)]
    assert paths == ["/a.xml", "/second.xml", "/missing.xml"]
    assert stored(phone, "GPP_B") == "here"
    assert stored(phone, "GPP_C") == ""
    server.put("missing.xml", profile(GPP_D="there"))
    phone.wait_for("provisioning.done")  # by the ladder, from rule A on
    paths = [line.split("|")[2].split()[1] for line in server.access.wait_for("/d.xml")]
    assert paths[-4:] == ["/a.xml", "/second.xml", "/missing.xml", "/d.xml"]
    assert (stored(phone, "GPP_C"), stored(phone, "GPP_D")) == ("last", "there")


@pytest.mark.proves("RSY-04")
def test_the_server_sees_why_the_phone_asks(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx
) -> None:
    dnsmasq(A_RECORD)
    server = nginx()
    for name in ("0", "1", "-1"):
        server.put(f"{name}.xml", profile(GPP_A=name))
    phone = net.boot(
        Profile_Rule=f"https://{NAME}/$PRVST.xml",
        Resync_Periodic="1",
        Resync_Error_Retry_Delay="1,3600",
    )
    phone.wait_for("provisioning.done", 2)
    server.put("1.xml", "cut off")
    server.access.wait_for("GET /2.xml")
    assert resync(phone)["result"] == "success"
    paths = [line.split("|")[2].split()[1] for line in server.access.wait_for("GET /-1.xml")]
    assert paths[:2] == ["/0.xml", "/1.xml"]
    assert paths[paths.index("/2.xml") - 1] == "/1.xml"
    assert paths[-1] == "/-1.xml"


def test_a_profile_that_moves_the_phone_is_followed_at_once(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx
) -> None:
    dnsmasq(A_RECORD)
    server = nginx()
    server.put("first.xml", profile(Profile_Rule=f"https://{NAME}/second.xml"))
    server.put("second.xml", profile(GPP_A="arrived"))
    phone = net.boot(Profile_Rule=f"https://{NAME}/first.xml")
    phone.wait_for("provisioning.done", 2)
    assert stored(phone, "GPP_A") == "arrived"
    paths = [line.split("|")[2].split()[1] for line in server.access.wait_for("\n", 2)]
    assert paths == ["/first.xml", "/second.xml"]


def test_a_list_that_locks_the_phone_out_is_taken_back(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx
) -> None:
    dnsmasq(A_RECORD)
    nginx().put(FILE, profile(Restricted_Access_Domains="elsewhere.test"))
    phone = net.boot(Profile_Rule=URL, Resync_On_Reset="No", Restricted_Access_Domains="telco.test")
    assert resync(phone)["result"] == "success"
    assert stored(phone, "Restricted_Access_Domains") == "elsewhere.test"
    phone.wait_for(
        f"config.refused: Profile_Rule: https://{NAME}:443/{MAC}.xml: domain not allowed"
    )
    assert refused(phone) == f"domain not allowed: {NAME}"
    assert stored(phone, "Restricted_Access_Domains") == "telco.test"


def test_no_resync_while_provisioning_is_not_enabled(net: Net, dnsmasq: StartDnsmasq) -> None:
    dnsmasq(A_RECORD)
    phone = net.boot(Profile_Rule=URL, Provision_Enable="No")
    with pytest.raises(Exception, match="Provision_Enable"):
        resync(phone)


@pytest.mark.proves("RSY-04")
def test_triggers_bind_what_the_time_calls_for_and_nobody_who_asks(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx
) -> None:
    dnsmasq(A_RECORD)
    server = nginx()
    for name in ("0", "1", "-1"):
        server.put(f"{name}.xml", profile(GPP_B=name))
    phone = net.boot(
        Profile_Rule=f"https://{NAME}/$PRVST.xml",
        Resync_Trigger_1='"$A" = "now"',
        Resync_Trigger_2="$PRVTMR ge 86400",
        Resync_Periodic="1",
    )
    phone.wait_for("provisioning.declined", 2)
    assert resync(phone)["result"] == "success"
    phone.wait_for("provisioning.declined", 3)
    submit(phone, GPP_A="now")
    lines = server.access.wait_for("GET /1.xml")
    assert lines[0].split("|")[2].startswith("GET /-1.xml ")
    assert lines[1].split("|")[2].startswith("GET /1.xml ")


@pytest.mark.proves("RSY-04")
def test_a_resync_follows_an_attempt_to_upgrade_where_the_parameter_says_so(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx
) -> None:
    dnsmasq(A_RECORD)
    nginx().put(FILE, profile(GPP_A="here"))
    phone = net.boot(Profile_Rule=URL, Resync_On_Reset="No")
    request = {"verb": "command", "name": "resync", "arguments": {"after": "upgrade"}}
    assert (ask(phone.state, request) or {})["result"] == "success"
    submit(phone, Resync_After_Upgrade_Attempt="No")
    assert (ask(phone.state, request) or {})["result"] == "skipped"


@pytest.mark.proves("RSY-03", "RSY-04")
def test_a_trigger_may_wait_for_time_to_pass_since_boot(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx
) -> None:
    dnsmasq(A_RECORD)
    nginx().put(FILE, profile(GPP_A="here"))
    phone = net.boot(Profile_Rule=URL, Resync_Trigger_1="$PRVTMR ge 2", Resync_Periodic="1")
    phone.wait_for("provisioning.done")
    assert stored(phone, "GPP_A") == "here"
