"""The activation server, asked by curl: who gets which rule, and what everybody else is told."""

import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest

from ringfence.protocols.activation import RefusedError
from ringfence.protocols.activation import code as digits
from ringfence.provider.inventory import activations
from ringfence.provider.inventory.database import Inventory
from tests.support.certificates import CLIENT, crl, leaf
from tests.support.provider_fixtures import net
from tests.support.provider_net import FIRST, MAC, NAME, Net
from tests.support.provider_postgres import Postgres, postgres
from tests.support.provider_stock import Stock, stock

__all__ = ["net", "postgres", "stock"]

OTHER = "000e08abcdee"
RULE = "https://pv.telco.test/$MA.xml"
SALES = "https://pv.telco.test/sales/$MA.xml"
PORT = 8443


class Activating:
    """A server with activation codes, and curl as a phone."""

    def __init__(self, start: Callable[..., Stock], *options: str, database: str = "") -> None:
        self.stock = start(*(options or ("--activation", RULE)), database=database)
        self.net = self.stock.provider.net
        self.stock.say("group", "set", "sales", "--value", f"profile_rule={SALES}")

    def code(self, *words: str) -> str:
        return self.stock.say("activation", "create", *words).strip()

    def ask(self, body: str = "{}", mac: str = MAC) -> tuple[str, dict[str, str]]:
        device = self.stock.device if mac == MAC else self.net.trust.device(mac)
        status, said = self.stock.provider.ask(device, "/activation", "--data-binary", body)
        return status, dict(json.loads(said))

    def told(self, code: str = "", mac: str = MAC) -> str:
        """Return the rule, or the word of the refusal."""
        _, said = self.ask(json.dumps({"code": code} if code else {}), mac)
        return said.get("profile_rule") or said["error"]


@pytest.fixture
def activating(stock: Callable[..., Stock]) -> Activating:
    return Activating(stock)


@pytest.mark.proves("RSY-12")
def test_a_listed_phone_is_told_its_rule_without_a_code(activating: Activating) -> None:
    assert activating.told() == "code-needed"
    activating.stock.say("device", "set", MAC)
    assert activating.told() == RULE
    activating.stock.say("device", "set", MAC, "--group", "sales")
    assert activating.told() == SALES
    own = "https://pv.telco.test/own.xml"
    activating.stock.say("device", "set", MAC, "--value", f"profile_rule={own}")
    assert activating.told() == own
    activating.stock.say("device", "block", MAC)
    assert activating.told() == "device-blocked"


@pytest.mark.proves("RSY-12")
def test_a_code_lets_one_phone_in_and_is_then_used(activating: Activating) -> None:
    code = activating.code("--group", "sales")
    assert activating.told(code[:-1] + str((int(code[-1]) + 1) % 10)) == "code-wrong"
    assert activating.told(code) == SALES
    assert activating.told(code, OTHER) == "code-used"
    assert activating.told() == SALES, "the phone may ask again where the answer was lost"
    foreign = activating.code("--device", MAC)
    assert activating.told(foreign, OTHER) == "code-foreign"
    gone = activating.code("--group", "sales")
    activating.stock.say("activation", "revoke", gone[:4] + gone[5:7])
    assert activating.told(gone, OTHER) == "code-revoked"
    listed = json.loads(activating.stock.say("activation", "list", "--json"))
    assert [each["used_by"] for each in listed if each["used"]] == [MAC]
    log = activating.stock.provider.server.wait_for("code-revoked")
    for each in (code, foreign, gone):
        assert each[7:] not in log
        assert each[8:].replace("-", "") not in log


@pytest.mark.proves("RSY-12")
def test_guessing_ends_after_five_codes_in_every_worker_and_after_a_restart(
    stock: Callable[..., Stock],
) -> None:
    made = Activating(stock, "--activation", RULE, "--workers", "2")
    code = made.code("--group", "sales")
    wrong = json.dumps({"code": code[:-1] + str((int(code[-1]) + 1) % 10)})
    assert [made.ask(wrong)[1]["error"] for _ in range(6)] == ["code-wrong"] * 5 + ["too-many"]
    body = json.dumps({"code": code})
    words = ("--data-binary", body, "-D", "-")
    status, said = made.stock.provider.ask(made.stock.device, "/activation", *words)
    assert status == "429"
    waits = re.search(r"(?i)retry-after: (\d+)", said)
    assert waits
    assert 3500 < int(waits[1]) <= 3600
    assert made.told(code, OTHER) == SALES


@pytest.mark.proves("RSY-12")
def test_only_a_certificate_of_one_phone_that_counts_is_answered(
    activating: Activating, net: Net
) -> None:
    code = json.dumps({"code": activating.code("--group", "sales")})
    foreign = leaf(net.trust.foreign, subject=net.trust.subject(), usage=CLIENT)
    generic = leaf(net.trust.devices, subject=net.trust.subject()[:1], usage=CLIENT)
    for device, expected in ((None, "403"), (generic, "403"), (foreign, "000")):
        words = ("--data-binary", code)
        status, said = activating.stock.provider.ask(device, "/activation", *words)
        assert status == expected
        assert not said or json.loads(said)["error"] == "no-certificate"
    revoked = crl(net.trust.devices, [activating.stock.device])
    (activating.stock.provider.ca / "client-root.crl").write_text(revoked)
    assert activating.told(json.loads(code)["code"]) == "no-certificate"
    assert activating.told(json.loads(code)["code"], OTHER) == SALES


def test_what_is_no_question_is_answered_in_words(activating: Activating) -> None:
    for body in ("", "[]", '{"code": "12"}', '{"code": "' + " " * 5000 + '"}'):
        status, said = activating.ask(body)
        assert (status, said["error"]) == ("400", "malformed")


def test_a_rule_that_no_phone_would_take_is_not_sent(activating: Activating) -> None:
    activating.stock.say("device", "set", MAC, "--value", "profile_rule=http://pv.telco.test/x")
    assert activating.told() == "no-rule"
    activating.stock.provider.server.wait_for(f"the rule of {MAC} will not do")


def test_without_the_switch_nobody_is_told_anything(stock: Callable[..., Stock]) -> None:
    made = stock()
    made.say("device", "set", MAC, "--value", f"profile_rule={RULE}")
    status, said = made.ask("/activation", "--data-binary", "{}")
    assert (status, RULE in said) == ("200", False), "kept as a report"


@pytest.mark.proves("RSY-12")
def test_postgresql_keeps_codes_and_limits_whoever_tries_at_the_same_time(
    stock: Callable[..., Stock], postgres: Postgres
) -> None:
    made = Activating(stock, "--activation", RULE, database=postgres.url)
    code, other = (digits(made.code("--group", "sales")) for _ in range(2))
    inventory = Inventory(made.stock.data)

    def attempt(mac: str, text: str) -> str:
        try:
            activations.spend(inventory, mac, "10.0.0.1", text)
        except RefusedError as error:
            return error.refusal.value
        return "in"

    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(lambda n: attempt(f"{n:012x}", code), range(8)))
        guesses = list(pool.map(lambda _: attempt(OTHER, other[:-1] + "x"), range(8)))
    inventory.close()
    assert sorted(told) == ["code-used"] * 7 + ["in"]
    assert sorted(guesses) == ["code-wrong"] * 5 + ["too-many"] * 3
    assert made.told(other) == SALES
    postgres.stop()
    assert made.ask()[1]["error"] == "unavailable"


@pytest.mark.proves("RSY-12")
def test_codes_are_managed_by_the_api(stock: Callable[..., Stock]) -> None:
    made = Activating(stock, "--activation", RULE, "--manage", f"{FIRST}:{PORT}")
    token = made.stock.say("token", "add", "writer", "--role", "write").strip()

    def ask(method: str, path: str, body: str = "") -> tuple[int, str]:
        done = made.net.phone_space.run(
            *("curl", "-s", "--cacert", str(made.stock.provider.root), "-X", method),
            *("--resolve", f"{NAME}:{PORT}:{FIRST}", "-w", "\n%{http_code}", "-d", body),
            *("-H", f"Authorization: Bearer {token}"),
            f"https://{NAME}:{PORT}/api/v1/{path}",
        )
        text, _, status = done.stdout.rpartition("\n")
        return int(status), text

    page = partial(_page, made, token)
    assert "There is no code" in page()
    status, text = ask("POST", "activations", '{"group": "sales", "days": 1}')
    given = json.loads(text)
    assert (status, given["activation"]["group"]) == (200, "sales")
    assert made.told(given["code"]) == SALES
    (listed,) = json.loads(ask("GET", "activations")[1])
    assert (listed["id"], listed["used_by"]) == (given["activation"]["id"], MAC)
    assert ask("POST", "activations", "{}")[0] == 400
    second = json.loads(ask("POST", "activations", f'{{"mac": "{MAC}"}}')[1])
    assert ask("DELETE", f"activations/{second['activation']['id']}") == (204, "")
    assert made.told(second["code"]) == "code-revoked"
    shown = page()
    assert all(word in shown for word in (given["activation"]["id"], "used", "revoked", MAC))
    assert given["code"] not in shown
    lines = json.loads(ask("GET", f"history?subject={MAC}")[1])
    actions = [(line["who"], line["action"]) for line in lines]
    assert ("token writer", "activation create") in actions
    assert (f"phone {MAC}", "activation use") in actions
    assert "/api/v1/activations" in json.loads(ask("GET", "openapi.json")[1])["paths"]


def _page(made: Activating, token: str) -> str:
    """Return the page of the codes, after a login."""
    jar = str(made.net.folder / "cookies")
    site = f"https://{NAME}:{PORT}"
    words: tuple[str, ...] = (
        "curl",
        "-s",
        "--cacert",
        str(made.stock.provider.root),
        "-b",
        jar,
        "-c",
        jar,
    )
    words += ("--resolve", f"{NAME}:{PORT}:{FIRST}", "-H", f"Origin: {site}")
    made.net.phone_space.run(*words, "-d", f"token={token}", f"{site}/login")
    return made.net.phone_space.run(*words, f"{site}/activations").stdout
