"""`ringfence probe cert` as a stranger uses it: each address by itself, exit codes, JSON, words."""

import contextlib
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ringfence.cli import main, probe_cert
from ringfence.lab.namespaces import Namespace
from tests.support.certificates import CLIENT, Pair, authority, crl, leaf, rsa_key
from tests.support.openssl_ca import OpensslCa
from tests.support.tls_servers import Dnsmasq, OpensslServer, RawServer, version

HOST, LIAR, SIX = "pv.telco.test", "liar.telco.test", "six.telco.test"
FIRST, SECOND, THIRD, ELSEWHERE = "10.99.0.9", "10.99.0.10", "10.99.0.11", "10.99.0.77"
RECORDS = {HOST: [FIRST, SECOND, THIRD], LIAR: [ELSEWHERE], SIX: ["fd99::9"]}
PORT = 5353
assert probe_cert


class Lab:
    """A phone, a DNS server at an odd port, and servers at three addresses."""

    def __init__(self, pair: tuple[Namespace, Namespace], folder: Path) -> None:
        self.phone, self.servers = pair
        self.servers.address("eth0", f"{SECOND}/24", f"{THIRD}/24")
        self.folder, self.root = folder, authority("Provider Root")
        self.root.save(folder, "root")
        self.started: list[OpensslServer | RawServer] = []
        self.names = Dnsmasq(self.servers, FIRST, RECORDS, PORT)

    def serve(self, certificate: Pair, address: str, *words: str) -> OpensslServer:
        """Serve the two connections of one probe."""
        folder = self.folder / address.replace(":", "-")
        folder.mkdir(exist_ok=True)
        words = ("-naccept", "2", *words)
        server = OpensslServer(self.servers, folder, certificate, *words, address=address)
        self.started.append(server)
        return server

    def run(self, *words: str) -> "subprocess.CompletedProcess[str]":
        argv = (sys.executable, "-m", "ringfence", "probe", "cert", *words)
        return self.phone.run(*argv, check=False)

    def ask(self, host: str, *words: str) -> tuple[int, dict[str, Any]]:
        """Return the exit code, and what JSON says with the records by address."""
        fixed = ("--dns", f"{FIRST}:{PORT}", "--ca", str(self.folder / "root.crt"), "--json")
        code, out = self.phone.call(probe, host, *fixed, *words)
        said = json.loads(out)
        return code, {r["address"]: r for r in said["records"]} | {"all": said}


def probe(*words: str) -> tuple[int, str]:
    """Ask within this process, which has imported everything."""
    with contextlib.redirect_stdout(io.StringIO()) as out:
        return main(["probe", "cert", *words]), out.getvalue()


@pytest.fixture
def lab(pair: tuple[Namespace, Namespace], tmp_path: Path, component: list[str]) -> Iterator[Lab]:
    component.append(" ".join(version("openssl", "version").split()[:2]))
    component.append("dnsmasq " + version("dnsmasq", "--version").split()[2])
    made = Lab(pair, tmp_path)
    yield made
    made.names.kill()
    for server in made.started:
        server.kill()


@pytest.mark.proves("PRV-20")
def test_each_address_is_judged_by_itself_and_gets_not_one_byte(lab: Lab) -> None:
    servers = [
        lab.serve(leaf(lab.root, cn="x", dns=[HOST], key=rsa_key()), FIRST),
        lab.serve(leaf(lab.root, dns=[HOST], days=(-9, -1)), SECOND),
    ]
    code, said = lab.ask(HOST)
    assert (code, said["all"]["accepted"], said["all"]["server"]) == (1, False, f"{HOST}:443")
    assert set(said) == {FIRST, SECOND, THIRD, "all"}
    good = said[FIRST]
    assert (good["accepted"], good["rule"], good["reason"]) == (True, None, "")
    assert (good["chain"], good["name"]["matched"], good["dns"]["ok"]) == (True, HOST, True)
    held = good["certificate"]
    assert (held["subject"], held["issuer"]) == ("CN=x", "CN=Provider Root")
    assert (held["names"], held["usages"]) == ([HOST, "x"], ["serverAuth"])
    assert (held["key"], held["signature"], held["days_left"]) == (
        "RSA 2048",
        "ecdsa-with-sha256",
        29,
    )
    assert (good["version"], good["suite"]) == ("TLSv1.3", "TLS_AES_256_GCM_SHA384")
    assert (good["staple"]["word"], good["client_certificate"]) == ("none", False)
    late = said[SECOND]
    assert (late["accepted"], late["rule"], late["chain"]) == (False, "tls-chain", False)
    assert "expired on " in late["reason"]
    assert (late["name"]["ok"], late["certificate"]["days_left"]) == (True, -2)
    assert "Connection refused" in said[THIRD]["reason"]
    assert said[THIRD]["certificate"] is None
    assert [server.received() for server in servers] == [b"", b""]


def test_exit_0_is_for_a_server_that_is_accepted_at_every_address(lab: Lab) -> None:
    for address in (FIRST, SECOND, THIRD):
        lab.serve(leaf(lab.root, cn=f"{HOST}/mailto:admin@telco.test"), address)
    words = ("--dns", f"{FIRST}:{PORT}", "--ca", str(lab.folder / "root.crt"))
    done = lab.run(HOST, *words)
    assert done.returncode == 0
    *records, summary = done.stdout.splitlines()
    assert summary == f"{HOST}:443 would be accepted at 3 of 3 addresses"
    assert sorted(record.split()[0] for record in records) == sorted((FIRST, SECOND, THIRD))
    for record in records:
        verdicts = f" accepted; chain ok; name ok ({HOST}); address in DNS ok; CN={HOST}/mailto:"
        assert verdicts in record
        assert record.endswith("; stapled OCSP answer: none; client certificate not asked for")


def test_wrong_name_and_lying_dns_are_told_apart(lab: Lab) -> None:
    lab.serve(leaf(lab.root, dns=["other.test"]), FIRST)
    code, said = lab.ask(FIRST)
    assert code == 1
    assert (said[FIRST]["rule"], said[FIRST]["chain"]) == ("tls-address", True)
    assert "other.test has no address" in said[FIRST]["dns"]["reason"]
    lab.serve(leaf(lab.root, dns=["*.telco.test"]), FIRST)
    _, said = lab.ask(HOST)
    assert (said[FIRST]["rule"], said[FIRST]["name"]["ok"]) == ("tls-name", False)
    assert "wildcards are not accepted for provisioning" in said[FIRST]["name"]["reason"]
    assert said[FIRST]["dns"]["ok"] is None
    lab.serve(leaf(lab.root, dns=[LIAR]), FIRST)
    code, said = lab.ask(FIRST)
    assert f"{LIAR} has {ELSEWHERE}" in said[FIRST]["reason"]


def test_the_file_says_who_asked_and_which_line_and_what_binds(lab: Lab) -> None:
    lab.serve(leaf(lab.root, dns=["other.test"]), FIRST)
    file = lab.folder / "cfg.xml"
    text = f"<flat-profile>\n  <GPP_A>x</GPP_A>\n  <Profile_Rule>https://{HOST}/$MA.xml"
    file.write_text(text + "</Profile_Rule>\n</flat-profile>\n")
    code, said = lab.ask(HOST, "--config", str(file))
    named = f"Profile_Rule (line 3 of {file})"
    assert (code, said["all"]["named_by"]) == (1, named)
    assert f"{HOST} at {FIRST}:443, named by {named}: wanted {HOST};" in said[FIRST]["reason"]
    more = "</Profile_Rule>\n<Restricted_Access_Domains>voiceip.com</Restricted_Access_Domains>"
    file.write_text(text + more + "</flat-profile>\n")
    code, said = lab.ask(HOST, "--config", str(file))
    assert (code, said["all"]["records"]) == (1, [])
    assert said["all"]["reason"] == f"domain not allowed: {HOST}"
    file.write_text(f"<flat-profile><Primary_DNS>{FIRST}</Primary_DNS></flat-profile>")
    done = lab.run(HOST, "--config", str(file))
    assert done.returncode == 1
    assert f"DNS at {FIRST}: {FIRST} Connection refused" in done.stdout


def test_an_ipv6_server_counts_as_far_as_the_ip_mode_allows(lab: Lab) -> None:
    lab.serve(leaf(lab.root, dns=[SIX]), "[fd99::9]")
    code, said = lab.ask(SIX)
    assert (code, said["fd99::9"]["accepted"]) == (0, True)
    file = lab.folder / "cfg.xml"
    file.write_text("<flat-profile><IP_Mode>IPv4 Only</IP_Mode></flat-profile>")
    code, said = lab.ask(SIX, "--config", str(file))
    assert (code, "DNS has no A record" in said["all"]["reason"]) == (1, True)


@pytest.mark.proves("TLS-10")
@pytest.mark.parametrize("protocol", ["-tls1_2", "-tls1_3"])
def test_a_stapled_answer_is_shown_and_revoked_refuses(lab: Lab, protocol: str) -> None:
    ca = OpensslCa(lab.folder / "ca")
    bundle = lab.folder / "ca.pem"
    bundle.write_text(ca.pem)
    server = ca.issue(HOST)
    good = ca.staple(HOST)
    lab.serve(server, FIRST, protocol, "-status_file", good)
    _, said = lab.ask(HOST, "--ca", str(bundle))
    assert (said[FIRST]["accepted"], said[FIRST]["staple"]["word"]) == (True, "good")
    ca.revoke(HOST)
    held = lab.serve(server, FIRST, protocol, "-status_file", ca.staple(HOST))
    _, said = lab.ask(HOST, "--ca", str(bundle))
    assert (said[FIRST]["accepted"], said[FIRST]["rule"]) == (False, "tls-stapled")
    assert said[FIRST]["staple"]["word"] == "revoked"
    assert "its CA says in the stapled answer that it is revoked (since " in said[FIRST]["reason"]
    assert held.received() == b""
    foreign = OpensslCa(lab.folder / "foreign")
    foreign.issue(HOST)
    lab.serve(server, FIRST, protocol, "-status_file", foreign.staple(HOST))
    _, said = lab.ask(HOST, "--ca", str(bundle))
    assert (said[FIRST]["accepted"], said[FIRST]["staple"]["word"]) == (True, "unusable")


@pytest.mark.proves("TLS-10")
def test_the_lists_in_the_bundle_bind_the_probe(lab: Lab) -> None:
    server = leaf(lab.root, dns=[HOST])
    bundle = lab.folder / "bundle.pem"
    bundle.write_text(lab.root.pem + crl(lab.root, [server]))
    lab.serve(server, FIRST)
    _, said = lab.ask(HOST, "--ca", str(bundle))
    assert (said[FIRST]["rule"], said[FIRST]["chain"]) == ("tls-revoked", False)


@pytest.mark.parametrize("protocol", ["-tls1_2", "-tls1_3"])
def test_a_server_that_asks_for_a_certificate_is_told(lab: Lab, protocol: str) -> None:
    devices = authority("Devices")
    devices.save(lab.folder, "devices")
    asks = (protocol, "-CAfile", str(lab.folder / "devices.crt"), "-verify_return_error")
    certificate = leaf(lab.root, dns=[HOST])
    lab.serve(certificate, FIRST, "-verify", "1", *asks)
    _, said = lab.ask(HOST)
    assert (said[FIRST]["accepted"], said[FIRST]["client_certificate"]) == (True, True)
    lab.serve(certificate, FIRST, "-Verify", "1", *asks)
    _, said = lab.ask(HOST)
    assert said[FIRST]["accepted"] is False
    assert "the server asks for the phone's certificate" in said[FIRST]["reason"]
    assert said[FIRST]["name"]["ok"] is True
    own = leaf(devices, cn="phone", usage=CLIENT).save(lab.folder, "phone")
    lab.serve(certificate, FIRST, "-Verify", "1", *asks)
    _, said = lab.ask(HOST, "--cert", own[0], "--key", own[1])
    assert said[FIRST]["accepted"] is True


def test_a_server_that_takes_one_connection_is_judged_by_the_phones_own(lab: Lab) -> None:
    lab.serve(leaf(lab.root, dns=["other.test"]), FIRST, "-naccept", "1")
    _, said = lab.ask(HOST)
    assert (said[FIRST]["rule"], said[FIRST]["certificate"]["names"]) == (
        "tls-name",
        ["other.test"],
    )
    assert (said[FIRST]["staple"], said[FIRST]["client_certificate"]) == (None, None)


@pytest.mark.parametrize(
    ("greeting", "words"),
    [(b"SSH-2.0-OpenSSH_9.2\r\n", "wrong version number"), (b"", "no answer in 0.5 s")],
)
def test_a_server_that_speaks_no_tls_or_stalls_has_its_time(
    lab: Lab, greeting: bytes, words: str
) -> None:
    lab.started.append(RawServer(lab.servers, greeting))
    code, said = lab.ask(FIRST, "--timeout", "0.5")
    assert code == 1
    assert words in said[FIRST]["reason"]
    assert said[FIRST]["chain"] is None


def test_names_that_lead_nowhere_are_1(lab: Lab) -> None:
    code, said = lab.ask("none.telco.test")
    assert (code, said["all"]["records"]) == (1, [])
    assert said["all"]["reason"] == "none.telco.test: DNS has no A or AAAA record"
    done = lab.run(HOST, "--dns", f"{FIRST}:9")
    assert (done.returncode, done.stderr) == (1, "")
    assert "no answer from DNS" in done.stdout
