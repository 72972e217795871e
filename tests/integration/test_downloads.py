"""Picture, logo and dictionary from nginx on the whole phone: believed, shown, kept, renewed."""

import errno
import os

import pytest

from tests.support.certificates import leaf
from tests.support.downloads import (
    A_RECORDS,
    OTHER,
    QUIET,
    THIRD,
    TITLES,
    look,
    named,
    put,
    rows,
    wait,
)
from tests.support.downloads import shown as shown_now
from tests.support.hostile import mount_small
from tests.support.pictures import noise, picture
from tests.support.provider_fixtures import StartDnsmasq, StartNginx, dnsmasq, net, nginx
from tests.support.provider_net import DNS, NAME, SECOND, Net, submit
from tests.support.screen import Screen

__all__ = ["dnsmasq", "net", "nginx"]


@pytest.mark.proves("APP-08", "TLS-08")
def test_a_picture_and_a_logo_are_fetched_and_stand_behind_the_screen(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx
) -> None:
    dnsmasq(*A_RECORDS)
    server = nginx()
    put(server)
    phone = net.boot(**QUIET, **named("picture"), Text_Logo="Ringfence & Co")
    told = wait(phone, "Picture Last", "good")
    assert f"good; TLSv1.2, ECDHE-ECDSA-AES256-GCM-SHA384, {NAME}" in told["Picture Last"]
    assert told["Picture Server"] == f"https://{NAME}:443/wall.jpg"
    assert told["Picture Shown"].startswith("640 x 480 of JPEG, 1600 x 1200, ")
    seen = look(phone)
    assert (seen["behind"]["kind"], seen["behind"]["name"]) == ("picture", "wall.jpg")
    assert shown_now(phone, seen["behind"]["digest"]).size == (640, 480)
    text = Screen(phone).press("Home")
    assert "Ringfence & Co" in text
    assert "[wall.jpg]" in text
    submit(phone, **named("logo"))
    assert wait(phone, "Logo Last", "good").keys().isdisjoint({"Picture Last", "Picture Shown"})
    assert look(phone)["behind"]["kind"] == "logo"
    assert [one.name for one in net.state.glob("download-*")] == ["download-logo"]
    submit(phone, Phone_Background="Default")
    phone.until(lambda now: not rows(now))
    assert look(phone)["behind"] is None
    assert not list(net.state.glob("download-*"))
    server.access.wait_for("GET /logo.bmp HTTP/1.1")
    assert server.access.text.count("|200|GET") == 2


@pytest.mark.proves("APP-08")
def test_the_screen_speaks_the_words_of_a_dictionary_and_english_where_they_end(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx
) -> None:
    dnsmasq(*A_RECORDS)
    put(nginx())
    phone = net.boot(**QUIET, **named("dictionary"))
    assert wait(phone, "Dictionary Last", "good")["Dictionary Words"].startswith("4 phrases, 1 sk")
    menu = Screen(phone).press("Home", "Applications")
    assert "Aplicaciones" in menu
    assert " Estado" in menu
    assert "[<b>Elegir" in menu  # words, and never markup
    assert "[Back" in menu  # what would read the phone's insides is skipped
    assert "Network configuration" in menu
    submit(phone, Language_Selection="German")
    assert "Anwendungen" in Screen(phone).press("Home", "Applications")


@pytest.mark.proves("APP-08", "TLS-08", "TLS-01")
@pytest.mark.parametrize("key", TITLES)
def test_only_a_server_of_the_right_name_root_and_time_is_asked(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx, key: str
) -> None:
    names, last = dnsmasq(*A_RECORDS), f"{TITLES[key]} Last"
    good, roots = nginx(), net.trust
    put(good)
    wrong = nginx("wrong", leaf(roots.servers, dns=[NAME]), listen=SECOND)
    foreign = nginx("foreign", leaf(roots.foreign, dns=[THIRD]), listen=DNS)
    phone = net.boot(**QUIET, **named(key), TLS_Cipher_List="ECDHE-ECDSA-AES128-GCM-SHA256")
    before = wait(phone, last, "good; TLSv1.2, ECDHE-ECDSA-AES128-GCM-SHA256")
    for server, said in (
        (OTHER, f"the certificate has DNS:{NAME}; none of them is that name"),
        (THIRD, "its signature is not by the root"),
    ):
        submit(phone, **named(key, f"https://{server}"))
        wait(phone, last, said)
    submit(phone, Restricted_Access_Domains=NAME, **named(key, f"https://x.{OTHER}"))
    wait(phone, last, f"domain not allowed: x.{OTHER}")
    assert f"x.{OTHER}" not in names.wait_for(f"query[A] {THIRD}")
    submit(phone, TLS_Cipher_List="DHE-RSA-AES128-SHA", **named(key, f"https://{NAME}:443"))
    wait(phone, last, "handshake failure")
    submit(phone, TLS_Cipher_List="BOGUS", **named(key))
    assert "good; TLSv1.2, ECDHE-ECDSA-AES256-GCM-SHA384" in wait(phone, last, "good")[last]
    good.stop()
    nginx("old", leaf(roots.servers, dns=[NAME], days=(-9, -2)))
    submit(phone, TLS_Cipher_List="", **named(key, f"https://{NAME}/./"))
    after = wait(phone, last, "expired")
    kept = f"{TITLES[key]} {'Words' if key == 'dictionary' else 'Shown'}"
    assert after[kept].partition(",")[0] == before[kept].partition(",")[0]
    assert wrong.access.text + foreign.access.text == ""


@pytest.mark.proves("APP-08")
def test_a_kept_file_is_shown_at_once_after_a_start_and_only_asked_about(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx
) -> None:
    dnsmasq(*A_RECORDS)
    server = nginx()
    put(server)
    both = {**named("picture"), **named("dictionary")}
    phone = net.boot(**QUIET, **both)
    wait(phone, "Picture Last", "good")
    wait(phone, "Dictionary Last", "good")
    digest = look(phone)["behind"]["digest"]
    phone.stop()
    server.stop()
    phone = net.boot(**QUIET, **both)
    wait(phone, "Picture Last", "Connection refused")
    assert look(phone)["behind"]["digest"] == digest
    assert "Aplicaciones" in Screen(phone).press("Home", "Applications")
    phone.stop()
    server = nginx("again")
    put(server)
    for file in ("wall.jpg", "es.xml"):  # as they were: the same time and size, the same ETag
        known = net.folder / "nginx" / "root" / file
        os.utime(server.root / file, ns=(known.stat().st_atime_ns, known.stat().st_mtime_ns))
    phone = net.boot(**QUIET, **both)
    wait(phone, "Picture Last", "good")
    wait(phone, "Dictionary Last", "good")
    server.access.wait_for("|304|GET /wall.jpg")
    server.access.wait_for("|304|GET /es.xml")
    assert "|200|" not in server.access.text
    assert look(phone)["behind"]["digest"] == digest
    (server.root / "wall.jpg").write_bytes(picture("PNG"))
    phone.stop()
    phone = net.boot(**QUIET, **both)
    assert "64 x 48 of PNG" in wait(phone, "Picture Last", "good")["Picture Shown"]
    assert look(phone)["behind"]["digest"] != digest


@pytest.mark.proves("APP-08")
def test_what_a_server_does_not_want_kept_is_not_and_redirects_lead_to_no_clear_text(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx
) -> None:
    dnsmasq(*A_RECORDS)
    server = nginx(
        "nginx",
        None,
        f"location /private/ {{ alias {net.folder}/nginx/root/;"
        " add_header Cache-Control no-store; }",
        f"location /clear/ {{ return 302 http://{NAME}/wall.jpg; }}",
        f"location /round/ {{ return 302 https://{NAME}/wall.jpg; }}",
    )
    put(server)
    phone = net.boot(**QUIET, **named("picture", f"https://{NAME}/private"))
    told = wait(phone, "Picture Kept", "no-store")
    assert "good" in told["Picture Last"]
    assert not list(net.state.glob("download-*"))
    submit(phone, **named("picture", f"https://{NAME}/clear"))
    wait(phone, "Picture Last", "redirect from https to http refused")
    submit(phone, **named("picture", f"https://{NAME}/round"))
    wait(phone, "Picture Last", "good")
    submit(phone, **named("picture", f"https://{NAME}/none"))
    told = wait(phone, "Picture Last", "HTTP status 404")
    assert "640 x 480" in told["Picture Shown"]
    for text, said in (("https://", "'https://' is not"), ("ftp://x/y", "scheme 'ftp'")):
        submit(phone, Picture_Download_URL=text)
        wait(phone, "Picture Last", said)


@pytest.mark.proves("APP-08")
def test_a_full_disk_and_a_spoilt_file_cost_no_more_than_another_request(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx, component: list[str]
) -> None:
    component.append("kernel")
    kept = {path.name: path.read_bytes() for path in net.state.iterdir()}
    net.at_end(mount_small(net.state, "600k"))
    for name, data in kept.items():
        (net.state / name).write_bytes(data)
    dnsmasq(*A_RECORDS)
    server = nginx()
    put(server)
    (server.root / "logo.bmp").write_bytes(noise((800, 480)))
    phone = net.boot(**QUIET, **named("picture"))
    wait(phone, "Picture Last", "good")
    submit(phone, **named("logo"))
    told = wait(phone, "Logo Kept", os.strerror(errno.ENOSPC))
    assert "good" in told["Logo Last"]
    assert look(phone)["behind"]["kind"] == "logo"
    submit(phone, **named("picture"))
    wait(phone, "Picture Last", "good")
    phone.stop()
    file = net.state / "download-picture"
    file.write_bytes(file.read_bytes()[:-1])
    server.access.wait_for("GET", 3)
    phone = net.boot(**QUIET, **named("picture"))
    wait(phone, "Picture Last", "good")
    assert look(phone)["behind"]["kind"] == "picture"
    assert "|304|" not in "".join(server.access.wait_for("GET", 4))
