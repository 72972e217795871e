"""`ringfence probe tls` as a stranger uses it: exit codes and JSON."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ringfence.lab.namespaces import Namespace
from tests.support.certificates import CLIENT, Pair, authority, leaf, rsa_key
from tests.support.tls_servers import OpensslServer, version

HOST, SERVER = "pv.telco.test", "10.99.0.9"


class Lab:
    def __init__(self, pair: tuple[Namespace, Namespace], folder: Path) -> None:
        self.phone, self.servers = pair
        self.folder, self.root = folder, authority()
        self.root.save(folder, "root")
        self.started: list[OpensslServer] = []

    def serve(self, certificate: Pair, *words: str) -> OpensslServer:
        self.started.append(OpensslServer(self.servers, self.folder, certificate, *words))
        return self.started[-1]

    def probe(self, host: str, app: str, *words: str) -> tuple[int, dict[str, Any]]:
        fixed = ("--connect", SERVER, "--ca", str(self.folder / "root.crt"), "--json")
        done = self.phone.run(
            *(sys.executable, "-m", "ringfence", "probe", "tls", f"{host}:443", "--app", app),
            *fixed,
            *words,
            check=False,
        )
        return done.returncode, json.loads(done.stdout or "{}")


@pytest.fixture
def lab(pair: tuple[Namespace, Namespace], tmp_path: Path, component: list[str]) -> Iterator[Lab]:
    component.append(" ".join(version("openssl", "version").split()[:2]))
    made = Lab(pair, tmp_path)
    yield made
    for server in made.started:
        server.kill()


@pytest.mark.parametrize("app", ["provisioning", "sip"])
def test_an_accepted_connection_is_0_and_sends_nothing(lab: Lab, app: str) -> None:
    server = lab.serve(leaf(lab.root, dns=[HOST]))
    code, answer = lab.probe(HOST, app)
    assert code == 0
    assert answer == {
        "accepted": True,
        "reason": f"matches {HOST}",
        "version": "TLSv1.3",
        "suite": "TLS_AES_256_GCM_SHA384",
    }
    assert server.received() == b""


@pytest.mark.proves("SIP-06")
@pytest.mark.parametrize("app", ["provisioning", "sip"])
def test_a_refused_connection_is_1_and_says_why(lab: Lab, app: str) -> None:
    lab.serve(leaf(lab.root, dns=["other.test"]))
    code, answer = lab.probe(HOST, app)
    assert code == 1
    assert answer["accepted"] is False
    assert f"wanted {HOST}; the certificate has DNS:other.test" in answer["reason"]
    assert (answer["version"], answer["suite"]) == (None, None)


def test_the_name_check_can_be_skipped_for_sip_and_not_for_provisioning(lab: Lab) -> None:
    lab.serve(leaf(lab.root, dns=["other.test"]))
    assert lab.probe(HOST, "sip", "--no-name-check")[0] == 0
    lab.serve(leaf(lab.root, dns=["other.test"]))
    assert lab.probe(HOST, "provisioning", "--no-name-check")[0] == 1


def test_the_cipher_list_is_the_phones(lab: Lab) -> None:
    lab.serve(leaf(lab.root, dns=[HOST], key=rsa_key()))
    code, answer = lab.probe(HOST, "sip", "--cipher-list", "RSA:!aNULL:!eNULL")
    assert (code, answer["version"]) == (0, "TLSv1.2")
    assert answer["suite"] == "AES256-GCM-SHA384"


@pytest.mark.parametrize("protocol", ["-tls1_2", "-tls1_3"])
def test_a_client_certificate_that_is_demanded_decides(lab: Lab, protocol: str) -> None:
    devices = authority("Devices")
    devices.save(lab.folder, "devices")
    words = ("-Verify", "1", "-verify_return_error", "-CAfile", str(lab.folder / "devices.crt"))
    certificate, key = leaf(devices, cn="phone", usage=CLIENT).save(lab.folder, "phone")
    lab.serve(leaf(lab.root, dns=[HOST]), protocol, *words)
    code, answer = lab.probe(HOST, "provisioning")
    assert code == 1
    assert "TLS refused by the peer" in answer["reason"]
    lab.serve(leaf(lab.root, dns=[HOST]), protocol, *words)
    assert lab.probe(HOST, "provisioning", "--cert", certificate, "--key", key)[0] == 0


def test_connect_stands_for_every_answer_of_dns(lab: Lab) -> None:
    lab.serve(leaf(lab.root, dns=[HOST]))
    assert lab.probe(SERVER, "provisioning")[0] == 0


def test_nobody_there_is_1_and_a_missing_file_3(lab: Lab) -> None:
    code, answer = lab.probe(HOST, "sip")
    assert (code, answer["accepted"]) == (1, False)
    assert "Connection refused" in answer["reason"]
    assert lab.probe(HOST, "sip", "--ca", "none.crt") == (3, {})


@pytest.mark.parametrize("words", [("--app", "none"), ("--connect", "a.test"), ("--timeout", "x")])
def test_wrong_words_are_2(lab: Lab, words: tuple[str, ...]) -> None:
    assert lab.probe(HOST, "sip", *words) == (2, {})
