"""The provisioning server with an inventory: asked by curl, killed, and without its database."""

import json
import os
import re
import signal

import pytest

from tests.support.certificates import CLIENT, leaf
from tests.support.phone import ringfence
from tests.support.provider_fixtures import net
from tests.support.provider_kills import workers_of
from tests.support.provider_net import MAC, NAME, PHONE, PRODUCT, SERIAL, Net, versions
from tests.support.provider_postgres import Postgres, postgres
from tests.support.provider_server import Provider
from tests.support.provider_stock import FILLED, Start, stock

__all__ = ["net", "postgres", "stock"]

OTHER = "000e08abcdee"
FORBIDDEN = ("403", "403: this certificate does not open this path\n")


@pytest.mark.proves("PS-03", "PRV-12")
def test_a_template_knows_device_group_and_certificate(stock: Start) -> None:
    made = stock()
    made.listed()
    status, body = made.ask()
    assert (status, body) == ("200", FILLED)
    about = "{{ product }} {{ serial }} {{ values.proxy }} {{ certificate.until }}"
    made.say("template", "put", f"{MAC}.xml", "-", text=about)
    status, body = made.ask()
    assert status == "200"
    assert re.fullmatch(rf"{PRODUCT} {SERIAL} sip \d{{4}}-\d\d-\d\d", body)
    made.say("template", "remove", f"{MAC}.xml")
    assert made.ask() == ("200", FILLED)


@pytest.mark.proves("PS-03")
def test_files_of_the_folder_and_templates_of_the_inventory_are_one_set(stock: Start) -> None:
    made = stock()
    made.provider.put("default.xml", "{% include 'part.xml' %} of the folder")
    made.say("template", "put", "part.xml", "-", text="a part")
    assert made.ask() == ("200", "a part of the folder")
    made.say("template", "put", "default.xml", "-", text="of the inventory")
    assert made.ask() == ("200", "of the inventory")
    made.say("template", "remove", "default.xml")
    assert made.ask() == ("200", "a part of the folder")
    made.provider.put(f"{PRODUCT}.xml", "of the product")
    assert made.ask() == ("200", "of the product")


@pytest.mark.proves("PS-03")
def test_a_change_of_anything_counts_at_the_next_request(stock: Start) -> None:
    made = stock()
    made.provider.put("part.xml", "one")
    made.provider.put("default.xml", "{% include 'part.xml' %} {{ name }}")
    for _ in range(2):
        assert made.ask() == ("200", "one ")
    made.provider.put("part.xml", "other")
    assert made.ask() == ("200", "other ")
    made.say("device", "set", MAC, "--name", "Desk")
    for _ in range(2):
        assert made.ask() == ("200", "other Desk")
    made.provider.put(f"{PRODUCT}.xml", "of the product")
    assert made.ask() == ("200", "of the product")
    (made.provider.templates / f"{PRODUCT}.xml").unlink()
    assert made.ask() == ("200", "other Desk")
    made.say("device", "block", MAC)
    assert made.ask() == FORBIDDEN


@pytest.mark.proves("PS-03")
def test_a_blocked_phone_and_where_it_is_asked_for_an_unlisted_one_get_nothing(
    stock: Start,
) -> None:
    made = stock("--unlisted", "refuse")
    made.provider.put("default.xml", "here")
    assert made.ask() == FORBIDDEN
    made.say("device", "set", MAC)
    assert made.ask() == ("200", "here")
    made.say("device", "block", MAC)
    assert made.ask() == FORBIDDEN
    assert made.ask(f"/{MAC}", "-T", __file__)[0] == "403"
    made.provider.server.wait_for(f'"{MAC} {PRODUCT} {SERIAL}, blocked"', 3)


def test_what_was_seen_of_a_phone_is_kept(stock: Start) -> None:
    made = stock()
    made.listed()
    made.ask()
    made.provider.server.process.terminate()
    made.provider.server.process.wait()
    known = made.known()
    visit = known["visit"]
    assert isinstance(visit, dict)
    assert (visit["product"], visit["serial"], visit["address"]) == (PRODUCT, SERIAL, PHONE)
    assert visit["seen"] > 0
    assert visit["until"] > visit["seen"]
    assert re.fullmatch(r"[0-9a-f]{12}", visit["version"])
    assert "horse" not in json.dumps(known)


def test_a_secret_in_a_broken_template_reaches_no_log(stock: Start) -> None:
    made = stock()
    made.listed()
    made.say("template", "put", "sales.xml", "-", text="{{ secrets.password|int(base=99) }}")
    made.say("template", "put", f"{MAC}.xml", "-", text="{{ 1 + secrets.password }}")
    assert made.ask()[0] == "500"
    made.say("template", "put", f"{MAC}.xml", "-", text="{{ {}[secrets.password] }}")
    assert made.ask()[0] == "500"
    log = made.provider.server.wait_for("template_failed", 2)
    assert "horse" not in log
    assert "the inventory has no" in log or "UndefinedError" in log


@pytest.mark.parametrize(
    ("words", "path", "kind", "name", "status"),
    [
        (("-T", "-"), f"/report/{MAC}.xml", "report", f"{MAC}.xml", "201"),
        (("--data-binary", "@-"), f"/{MAC}/report.xml", "report", "report.xml", "200"),
        (("-T", "-"), f"/prt/{MAC}/prt.tgz", "problem", "prt.tgz", "201"),
        (("-F", "prt_file=@-;filename=prt-1.tgz"), "/upload", "problem", "prt-1.tgz", "200"),
    ],
)
def test_what_a_phone_sends_is_kept_under_its_certificate(
    stock: Start, words: tuple[str, ...], path: str, kind: str, name: str, status: str
) -> None:
    made = stock()
    made.provider.net.folder.joinpath("body").write_bytes(b"\0report\xff")
    source = str(made.provider.net.folder / "body")
    said = tuple(word.replace("@-", f"@{source}") if word != "-" else source for word in words)
    assert made.ask(path, *said)[0] == status
    (kept,) = made.sent()
    assert (kept["mac"], kept["kind"], kept["name"], kept["size"]) == (MAC, kind, name, 8)
    out = made.provider.net.folder / "out"
    made.say("upload", "get", str(kept["id"]), "-o", str(out))
    assert out.read_bytes() == b"\0report\xff"


def test_nobody_sends_for_another_phone_nor_more_than_the_limit(stock: Start) -> None:
    made = stock()
    trust, folder = made.provider.net.trust, made.provider.net.folder
    large, small = folder / "large", folder / "small"
    large.write_bytes(b"x" * ((1 << 20) + 1))
    small.write_bytes(b"x")
    put = ("-T", str(small))
    assert made.ask(f"/report/{OTHER}.xml", *put) == FORBIDDEN
    assert made.ask(f"/report/{OTHER}/{MAC}.xml", *put) == FORBIDDEN
    assert made.provider.ask(None, f"/report/{MAC}.xml", *put) == FORBIDDEN
    generic = trust.device("ciscogeneric")
    assert made.provider.ask(generic, f"/report/{MAC}.xml", *put) == FORBIDDEN
    foreign = leaf(trust.foreign, subject=trust.subject(), usage=CLIENT)
    assert made.provider.ask(foreign, f"/report/{MAC}.xml", *put)[0] == "000"
    assert made.ask(f"/report/{MAC}.xml", "-T", str(large))[0] == "413"
    chunked = ("-H", "Transfer-Encoding: chunked", "-H", "Expect:")
    assert made.ask(f"/report/{MAC}.xml", "-T", str(large), *chunked)[0] == "413"
    assert made.ask("/", "-F", "other=1")[0] == "400"
    assert made.ask("/", "-F", f"prt_file=@{large}")[0] == "200"
    assert made.ask(f"/{MAC}", "-X", "PUT", "-d", "")[0] == "400"
    assert [each["kind"] for each in made.sent()] == ["problem"]
    assert made.ask(f"/{MAC}.xml")[0] == "404"


def test_without_an_inventory_nothing_is_taken(net: Net, component: list[str]) -> None:
    component.append(" ".join(versions("curl", "--version").split()[:2]))
    net.phone_space.address("eth0", f"{PHONE}/24")
    made = Provider(net)
    assert made.ask(net.trust.device(), f"/{MAC}", "-T", __file__)[0] == "405"
    made.server.stop()


def test_a_killed_worker_is_replaced_and_the_others_serve_meanwhile(stock: Start) -> None:
    made = stock("--workers", "3")
    made.listed()
    before = workers_of(made.provider)
    assert len(before) == 3
    for count, pid in enumerate(before, start=1):
        os.kill(pid, signal.SIGKILL)
        made.provider.server.wait_for("(signal 9); another takes its place", count)
        assert made.ask() == ("200", FILLED)
    made.provider.server.process.terminate()
    assert made.provider.server.process.wait() == 0


@pytest.mark.proves("PS-03")
def test_postgresql_stops_and_comes_back_and_the_server_with_it(
    stock: Start, postgres: Postgres
) -> None:
    made = stock(database=postgres.url)
    made.listed()
    assert made.ask() == ("200", FILLED)
    assert made.ask(f"/{MAC}", "-T", __file__)[0] == "201"
    postgres.stop()
    away = ("503", "503: the inventory does not answer; come again\n")
    assert made.ask() == away
    assert made.ask(f"/{MAC}", "-T", __file__) == away
    assert made.ask(f"/{OTHER}.xml") == FORBIDDEN
    log = made.provider.server.wait_for("provider.inventory.down: ")
    assert log.count("provider.inventory.down") == 1
    assert "Traceback" not in log
    done = ringfence("provider", "device", "list", "--data", str(made.data))
    assert (done.returncode, done.stderr.count("\n")) == (3, 1)
    assert done.stderr.startswith("ringfence provider: inventory postgresql+psycopg://postgres@/")
    postgres.start()
    made.provider.server.wait_for("provider.inventory.up: ")
    assert made.ask() == ("200", FILLED)
    assert len(made.sent()) == 1
    postgres.stop()
    postgres.start()
    assert made.ask() == ("200", FILLED), "nobody asked meanwhile"


def test_ten_thousand_addresses_give_no_file_and_no_row(stock: Start) -> None:
    made = stock("--workers", "2")
    made.provider.put("default.xml", "here")
    net, folder = made.provider.net, made.provider.net.folder
    crt, key = made.device.save(folder, "device")
    names = folder / "urls"
    macs = [f"{0x000E08000000 + n * 1671:012x}" for n in range(10_000)]
    assert MAC not in macs
    names.write_text("".join(f'url = "https://{NAME}/{mac}.xml"\noutput = "-"\n' for mac in macs))
    done = net.phone_space.run(
        *("curl", "-s", "--cacert", str(made.provider.root), "--cert", crt, "--key", key),
        *("--resolve", f"{NAME}:443:10.99.0.10", "-K", str(names)),
        check=False,
    )
    assert done.stdout == FORBIDDEN[1] * done.stdout.count("\n")
    assert done.stdout.count("\n") >= 9_000, "the rest met the end of a connection's life"
    assert made.ask() == ("200", "here")
    made.provider.server.process.terminate()
    made.provider.server.process.wait()
    assert [each["device"]["mac"] for each in json.loads(made.say("device", "list", "--json"))] == [
        MAC
    ]
