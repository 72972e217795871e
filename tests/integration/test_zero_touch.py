"""A virgin phone and the activation server: whom it asks, what it follows, who is never asked."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ringfence.runtime.control import ask
from tests.support.certificates import Pair, leaf
from tests.support.phone import RunningPhone, ringfence
from tests.support.provider_fixtures import StartDnsmasq, StartNginx, dnsmasq, net, nginx
from tests.support.provider_net import (
    DNS,
    FIRST,
    MAC,
    NAME,
    OWN,
    Net,
    profile,
    refused,
    resync,
    stored,
    submit,
)
from tests.support.provider_stock import Stock

__all__ = ["dnsmasq", "net", "nginx"]

AT = "activate.telco.test"
RULE = f"https://{NAME}/$MA.xml"
URL = f"https://{AT}"
LEASES = ("dhcp-range=10.99.0.100,10.99.0.150,255.255.255.0,1h", f"dhcp-option=6,{DNS}")
NAMES = (f"host-record={NAME},{FIRST}", f"host-record={AT},{FIRST}")


class Shop:
    """A provider whose server tells phones where their profile is, and has it."""

    def __init__(self, net: Net, server: Pair | None = None) -> None:
        self.net = net
        crt, key = (server or leaf(net.trust.servers, dns=[NAME, AT])).save(net.folder, "both")
        words = ("--activation", RULE, "--certificate", crt, "--key", key)
        self.stock = Stock(net, *words)
        self.stock.provider.put("default.xml", profile(GPP_A="mine", Resync_Random_Delay="0"))

    def phone(self, factory: str = URL, *, dhcp: bool = False, **texts: str) -> RunningPhone:
        return virgin(self.net, factory, dhcp=dhcp, **texts)

    def queries(self) -> set[str]:
        """Return every name that DNS was asked for until now."""
        log = (self.net.folder / "dnsmasq.log").read_text()
        return set(re.findall(r"query\[\w+\] (\S+) from", log))


def virgin(net: Net, factory: str = URL, *, dhcp: bool = False, **texts: str) -> RunningPhone:
    """Start a phone that nobody has provisioned; without DHCP it has its address sooner."""
    device = json.loads((net.state / "device.json").read_text())
    device["activation_url"] = factory
    (net.state / "device.json").write_text(json.dumps(device))
    own = {} if dhcp else OWN
    values = {"Resync_Random_Delay": "0", "Enable_Web_Server": "No", **own, **texts}
    words = [f"{tag}={text}" for tag, text in values.items()]
    done = ringfence("phone", "set", "--state", str(net.state), *words)
    assert done.returncode == 0, done.stderr
    phone = RunningPhone(net.state, net.phone_space)
    net.at_end(phone.stop)
    return phone


Open = Callable[..., Shop]


@pytest.fixture
def shop(net: Net, dnsmasq: StartDnsmasq, component: list[str]) -> Iterator[Open]:
    """Open a provider, its DNS and its DHCP, which has other lines where they are given."""
    component.append("own-peer")
    made: list[Shop] = []

    def factory(*lines: str, server: Pair | None = None) -> Shop:
        dnsmasq(*LEASES, *NAMES, *lines)
        made.append(Shop(net, server))
        return made[-1]

    yield factory
    for each in made:
        each.stock.provider.server.stop()


def activation(phone: RunningPhone) -> str:
    """Return what the status says of activation."""
    status = ask(phone.state, {"verb": "status"})
    assert status is not None
    return str(dict(status["features"]["provisioning"]["rows"]).get("Activation", ""))


def asked(made: Shop, text: str) -> int:
    """Return how often a text stands in the provider's log, once all until now is in it."""
    provider = made.stock.provider
    mark = f"/mark-{provider.server.logged('/mark-')}"
    provider.ask(None, mark)
    provider.server.wait_for(mark)
    return provider.server.logged(text)


def command(phone: RunningPhone, *words: str) -> tuple[int, str]:
    """Give a command; return its exit code, and what it printed."""
    done = ringfence("phone", *words, "--state", str(phone.state))
    return done.returncode, done.stdout + done.stderr


@pytest.mark.proves("PRV-15", "RSY-12", "PRV-23")
def test_a_virgin_phone_is_provisioned_and_after_a_factory_reset_again(shop: Open) -> None:
    made = shop()
    made.stock.say("device", "set", MAC)
    certificate = (made.net.state / "device.crt").read_bytes()
    phone = made.phone(dhcp=True)
    phone.wait_for(f"provisioning.done: https://{NAME}:443/{MAC}.xml")
    assert (stored(phone, "Profile_Rule"), stored(phone, "GPP_A")) == (RULE, "mine")
    assert activation(phone) == "Acquired: it gave Profile_Rule"
    assert asked(made, "POST /activation") == 1
    assert resync(phone)["result"] == "success"
    assert asked(made, "POST /activation") == 1, "its profile was applied"
    assert command(phone, "factory-reset", "--yes")[0] == 0
    phone.wait_for("phone.ready", count=2)
    phone.until(lambda status: status["features"]["provisioning"]["health"] == "Pending")
    assert (stored(phone, "Profile_Rule"), stored(phone, "GPP_A")) == ("/$PSN.xml", "")
    assert resync(phone)["result"] == "success"
    assert (stored(phone, "Profile_Rule"), stored(phone, "GPP_A")) == (RULE, "mine")
    assert asked(made, "POST /activation") == 2
    assert (made.net.state / "device.crt").read_bytes() == certificate
    assert made.queries() == {AT, NAME}


@pytest.mark.proves("PRV-15")
def test_a_virgin_phone_that_was_told_of_nobody_asks_nobody(shop: Open) -> None:
    made = shop()
    phone = made.phone(factory="")
    phone.wait_for("the rule names no server, and DHCP names none")
    assert made.queries() == set()
    assert activation(phone) == ""
    assert asked(made, "closed after") == 0
    made.stock.say("device", "set", MAC)
    submit(phone, RF_Activation_URL=URL)
    phone.wait_for(f"provisioning.done: https://{NAME}:443/{MAC}.xml")


@pytest.mark.proves("RSY-12")
def test_a_phone_that_nobody_knows_waits_for_its_code(shop: Open) -> None:
    made = shop()
    made.stock.say("group", "set", "sales")
    code = made.stock.say("activation", "create", "--group", "sales").strip()
    phone = made.phone(factory="", RF_Activation_URL=f"{URL}/activation")
    phone.wait_for("provisioning.failed")
    assert activation(phone) == (
        "Pending: the provider does not know this phone: an activation code is needed;"
        " ringfence phone activate takes it"
    )
    assert phone.status()["features"]["provisioning"]["health"] == "Pending"
    wrong = code[:-1] + str((int(code[-1]) + 1) % 10)
    assert command(phone, "activate", wrong) == (1, "ringfence: the activation code is wrong\n")
    status, said = command(phone, "activate", "1234")
    assert status == 1
    assert "an activation code has 16 digits" in said
    status, said = command(phone, "activate", code)
    assert (status, said) == (0, f"Activated: https://{NAME}:443/{MAC}.xml was applied.\n")
    assert stored(phone, "GPP_A") == "mine"
    status, said = command(phone, "activate", code)
    assert status == 1
    assert "has been told where its profile is" in said
    for secret in (code, code.replace("-", "")[6:]):
        assert secret not in phone.log
        assert not any(secret.encode() in path.read_bytes() for path in _files(phone))


def _files(phone: RunningPhone) -> list[Path]:
    return [path for path in phone.state.iterdir() if path.is_file()]


@pytest.mark.proves("RSY-12")
@pytest.mark.parametrize("by", ["Profile_Rule", "DHCP"])
def test_gds_as_the_whole_rule_is_onboarding(shop: Open, by: str) -> None:
    if by == "DHCP":
        made = shop("dhcp-option-force=160,gds://")
        phone = made.phone(dhcp=True)
    else:
        made = shop()
        phone = made.phone(Profile_Rule="gds://")
    phone.wait_for("provisioning.failed")
    assert activation(phone).startswith("Pending: ")
    code = made.stock.say("activation", "create", "--device", MAC).strip()
    assert command(phone, "activate", code)[0] == 0
    assert stored(phone, "Profile_Rule") == RULE
    assert resync(phone)["result"] == "success"
    assert activation(phone) == "Acquired: it gave Profile_Rule"
    assert asked(made, "POST /activation") == 2


@pytest.mark.proves("PRV-15")
@pytest.mark.parametrize("by", ["Profile_Rule", "DHCP"])
def test_a_phone_that_was_told_a_server_asks_no_other_though_that_one_is_dead(
    shop: Open, by: str
) -> None:
    dead = "https://gone.telco.test/$MA.xml"
    made = shop(f'dhcp-option-force=160,"{dead}"') if by == "DHCP" else shop()
    made.stock.say("device", "set", MAC)
    phone = made.phone(dhcp=True) if by == "DHCP" else made.phone(Profile_Rule=dead)
    phone.wait_for("provisioning.failed")
    assert activation(phone).startswith("Aborted: ")
    assert made.queries() == {"gone.telco.test"}


@pytest.mark.proves("RSY-12")
def test_the_list_of_domains_and_the_name_of_the_certificate_bind_activation(
    shop: Open, net: Net
) -> None:
    made = shop(server=leaf(net.trust.servers, dns=[NAME]))
    made.stock.say("device", "set", MAC)
    phone = made.phone(Restricted_Access_Domains=NAME)
    phone.wait_for(f"domain not allowed: {AT}")
    assert made.queries() == set()
    submit(phone, Restricted_Access_Domains="")
    assert f"wanted {AT}; the certificate has DNS:{NAME}" in refused(phone)
    assert asked(made, "POST /activation") == 0


@pytest.mark.proves("RSY-12")
def test_a_rule_that_brings_nothing_is_asked_for_again(shop: Open) -> None:
    made = shop()
    wrong = "profile_rule=https://typo.telco.test/$MA.xml"
    made.stock.say("device", "set", MAC, "--value", wrong)
    phone = made.phone()
    phone.wait_for("provisioning.failed: https://typo.telco.test:443/")
    made.stock.say("device", "set", MAC, "--value", "profile_rule=")
    assert resync(phone)["result"] == "success"
    assert (stored(phone, "Profile_Rule"), stored(phone, "GPP_A")) == (RULE, "mine")


@pytest.mark.proves("RSY-12")
def test_a_server_that_lies_changes_nothing(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx
) -> None:
    dnsmasq(*NAMES)

    def says(path: str, text: str) -> str:
        return f"location /{path} {{ return 200 '{text}'; }}"

    rule = '{"profile_rule": "%s"}'
    server = nginx(
        *("nginx", leaf(net.trust.servers, dns=[AT])),
        says("html", "<html>"),
        says("clear", rule % f"http://{NAME}/x.xml"),
        says("assigns", rule % f'(Admin_Password = \\\\"x\\\\";)! https://{NAME}/x.xml'),
        "location /away { return 302 http://elsewhere.test/; }",
        "location /huge.json { error_page 405 =200 /huge.json; }",
        "location /broken { return 500; }",
    )
    server.put("huge.json", rule % ("https://x.test/" + "x" * 9000))
    phone = virgin(net, "")
    phone.wait_for("provisioning.failed")
    for path, said in (
        ("html", "no answer of an activation server: it is no JSON"),
        ("clear", "is no https URL"),
        ("assigns", "neither assigns nor has options"),
        ("away", "redirect from https to http refused"),
        ("huge.json", "the body exceeds 8192 bytes"),
        ("broken", "HTTP status 500"),
    ):
        submit(phone, RF_Activation_URL=f"{URL}/{path}")
        assert said in refused(phone), path
        assert stored(phone, "Profile_Rule") == "/$PSN.xml"
    log = (net.folder / "dnsmasq.log").read_text()
    assert set(re.findall(r"query\[\w+\] (\S+) from", log)) == {AT}
