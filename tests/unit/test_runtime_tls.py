"""Contexts of the local TLS library, judged by the ClientHello they send; no network."""

import asyncio
import ssl
import struct
import threading
from pathlib import Path
from unittest.mock import patch

import pytest

from ringfence.config.settings import Settings, decode
from ringfence.errors import ComponentError
from ringfence.policy.applications import PROVISIONING, SIP, WEB_SERVER, XMPP, Application
from ringfence.policy.tls import ClientCertificate, TlsPolicy, Trust, policy_for
from ringfence.protocols import tls as wire
from ringfence.runtime.state import Facts
from ringfence.runtime.tls import (
    Contexts,
    client_certificate,
    client_context,
    missing,
    server_context,
)
from ringfence.runtime.tls import client_hello as first_bytes
from tests.support.certificates import authority, leaf
from tests.support.hello import SCSV, client_hello, extension, offered

CHAPTER = (
    *(0xC02C, 0xC030, 0x009F, 0xCCA9, 0xCCA8, 0xCCAA, 0xC02B, 0xC02F, 0x009E),
    *(0xC024, 0xC028, 0x006B, 0xC023, 0xC027, 0x0067, 0xC00A, 0xC014, 0x0039),
    *(0xC009, 0xC013, 0x0033, 0x009D, 0x009C, 0x003D, 0x003C, 0x0035, 0x002F),
)
"""The chapter's 27 suites by their IANA codes, in its order."""
TLS13 = (0x1302, 0x1303, 0x1301)


def policy(application: Application = SIP, **tags: str) -> TlsPolicy:
    return trusting(Trust(), application, **tags)


def trusting(trust: Trust, application: Application = SIP, **tags: str) -> TlsPolicy:
    settings, errors = decode(tags, Settings())
    assert not errors
    return policy_for(application, settings, Facts(trust=trust))


def hello(**tags: str) -> list[int]:
    return offered(client_hello(client_context(policy(SIP, **tags))))


@pytest.mark.proves("TLS-05")
@pytest.mark.parametrize("application", [SIP, PROVISIONING])
def test_default_is_the_chapters_27_suites_and_the_signalling_value(
    application: Application,
) -> None:
    context = client_context(policy(application, TLS_Cipher_List="DEFAULT"))
    assert offered(client_hello(context)) == [*CHAPTER, SCSV]


@pytest.mark.proves("TLS-05")
@pytest.mark.parametrize("text", ["", "BOGUS"])
def test_the_fallback_offers_the_same_below_tls_1_3(text: str) -> None:
    assert hello(TLS_Cipher_List=text) == [*TLS13, *CHAPTER, SCSV]


@pytest.mark.proves("TLS-01")
@pytest.mark.parametrize("application", [SIP, PROVISIONING, XMPP], ids=lambda row: row.name)
def test_every_client_offers_the_one_list(application: Application) -> None:
    context = client_context(policy(application, TLS_Cipher_List="AES256-SHA:AES128-SHA"))
    assert offered(client_hello(context)) == [0x0035, 0x002F, SCSV]


@pytest.mark.proves("TLS-07")
@pytest.mark.parametrize("application", [SIP, PROVISIONING, XMPP], ids=lambda row: row.name)
def test_the_example_of_the_chapter_offers_rsa_with_protection_alone(
    application: Application,
) -> None:
    context = client_context(policy(application, TLS_Cipher_List="RSA:!aNULL:!eNULL"))
    assert offered(client_hello(context)) == [
        *(0x009D, 0xC0A1, 0xC09D, 0xC051, 0x009C, 0xC0A0, 0xC09C, 0xC050),
        *(0x003D, 0x00C0, 0x003C, 0x00BA, 0x0035, 0x0084, 0x002F, 0x0041, SCSV),
    ]


@pytest.mark.parametrize(
    ("text", "curves"),
    [("SUITEB128", [23, 24]), ("SUITEB128ONLY", [23]), ("SUITEB192", [24])],
)
def test_suite_b_binds_the_curves_too(text: str, curves: list[int]) -> None:
    groups = extension(client_hello(client_context(policy(TLS_Cipher_List=text))), 10)
    assert list(struct.unpack(f"!{len(groups) // 2 - 1}H", groups[2:])) == curves


@pytest.mark.proves("TLS-04")
@pytest.mark.parametrize("text", ["", "BOGUS"])
def test_xmpp_falls_back_to_what_the_library_makes_of_its_list(text: str) -> None:
    reference = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    reference.set_ciphers("HIGH:MEDIUM:AES:@STRENGTH")
    ours = offered(client_hello(client_context(policy(XMPP, TLS_Cipher_List=text))))
    assert ours == offered(client_hello(reference))
    assert len(ours) == 3 + 71 + 1


def test_a_list_is_offered_in_its_own_order_and_without_tls_1_3() -> None:
    assert hello(TLS_Cipher_List="AES128-SHA:AES256-SHA") == [0x002F, 0x0035, SCSV]


def test_a_minimum_of_1_3_offers_tls_1_3_alone() -> None:
    assert hello(TLS_Client_Min_Version="TLS 1.3", TLS_Cipher_List="AES")[:3] == list(TLS13)
    assert len(hello(TLS_Client_Min_Version="TLS 1.3", TLS_Cipher_List="AES")) <= 4


@pytest.mark.parametrize("text", ["AES", "RSA:!aNULL:!eNULL", "ECDHE+AESGCM", "HIGH"])
def test_what_is_offered_is_what_the_policy_names(text: str) -> None:
    made = policy(TLS_Cipher_List=text)
    context = client_context(made)
    assert missing(context, made) == ()
    assert len(offered(client_hello(context))) == len(made.suites) + 1


def test_the_name_is_sent_to_the_server() -> None:
    assert b"pv.telco.test" in client_hello(client_context(policy()), "pv.telco.test")


@pytest.mark.proves("PRV-24")
def test_nothing_of_the_operating_system_is_trusted() -> None:
    root = authority()
    with patch.object(ssl.SSLContext, "load_default_certs", side_effect=AssertionError):
        context = client_context(trusting(Trust((root.pem,))))
    assert context.get_ca_certs(binary_form=True) == [root.der]
    assert client_context(policy()).get_ca_certs() == []


@pytest.mark.proves("PRV-24")
def test_provider_root_and_custom_ca_are_trusted_both() -> None:
    root, custom = authority("Root"), authority("Custom")
    context = client_context(trusting(Trust((root.pem,), (custom.pem,))))
    assert set(context.get_ca_certs(binary_form=True)) == {root.der, custom.der}


def test_the_chain_is_verified_always() -> None:
    assert client_context(policy()).verify_mode is ssl.CERT_REQUIRED


def test_contexts_are_shared_by_equal_policies_alone() -> None:
    contexts = Contexts()
    first = contexts.client(policy())
    assert contexts.client(policy()) is first
    assert contexts.client(policy(TLS_Cipher_List="AES")) is not first


def test_a_context_is_made_while_the_loop_goes_on_and_only_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    gate, made = threading.Event(), []

    def slow(wanted: TlsPolicy, key_log: str) -> ssl.SSLContext:
        made.append(gate.wait(10))
        return client_context(wanted, key_log)

    monkeypatch.setattr("ringfence.runtime.tls.client_context", slow)

    async def several() -> None:
        contexts = Contexts()
        waiting = [asyncio.ensure_future(contexts.ready(policy())) for _ in range(3)]
        await asyncio.sleep(0)
        gate.set()  # what the loop does meanwhile
        await asyncio.gather(*waiting)
        contexts.client(policy())

    asyncio.run(several())
    assert made == [True]


def test_a_context_that_cannot_be_made_is_told_to_whoever_waits_for_it() -> None:
    with pytest.raises(ComponentError, match="trust anchors"):
        asyncio.run(Contexts().ready(trusting(Trust(("no PEM",)))))


def test_the_context_of_a_policy_long_unused_is_dropped() -> None:
    contexts = Contexts()
    first = contexts.client(policy())
    for name in ("AES", "AESGCM", "AESCCM", "ARIA", "CAMELLIA", "CHACHA20", "ECDHE", "DHE", "RSA"):
        for level in range(4):
            contexts.client(policy(TLS_Cipher_List=f"ECDHE+AESGCM:{name}:@SECLEVEL={level}"))
    assert contexts.client(policy()) is not first


@pytest.mark.parametrize(
    "text", ["no PEM", "-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----\n"]
)
def test_an_unreadable_anchor_is_an_error_and_not_less_trust(text: str) -> None:
    with pytest.raises(ComponentError, match="trust anchors"):
        client_context(trusting(Trust((text,))))


def test_a_missing_or_foreign_key_is_an_error(tmp_path: Path) -> None:
    root = authority()
    certificate, _ = leaf(root, cn="a").save(tmp_path, "a")
    _, foreign = leaf(root, cn="b").save(tmp_path, "b")
    for key in (foreign, str(tmp_path / "none")):
        held = Facts(client=ClientCertificate(certificate, key, ""))
        with pytest.raises(ComponentError, match="certificate"):
            client_context(policy_for(SIP, Settings(), held))


def test_a_file_without_the_key_is_named(tmp_path: Path) -> None:
    certificate, key = leaf(authority(), cn="a").save(tmp_path, "a")
    held = Facts(client=ClientCertificate(certificate, certificate, ""))
    with pytest.raises(ComponentError, match=r"a\.crt holds no private key in PEM"):
        client_context(policy_for(SIP, Settings(), held))
    with pytest.raises(ComponentError, match=r"a\.key: holds no certificate in PEM"):
        client_certificate(key, certificate)


def test_an_encrypted_key_is_an_error_and_asks_nobody(tmp_path: Path) -> None:
    from cryptography.hazmat.primitives import serialization

    made = leaf(authority(), cn="a")
    certificate, key = made.save(tmp_path, "a")
    Path(key).write_bytes(
        made.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    with pytest.raises(ComponentError, match="encrypted"):
        client_context(
            policy_for(SIP, Settings(), Facts(client=ClientCertificate(certificate, key, "")))
        )


def test_the_fingerprint_of_a_certificate_changes_with_it(tmp_path: Path) -> None:
    root = authority()
    first = client_certificate(*leaf(root, cn="a").save(tmp_path, "a"))
    second = client_certificate(*leaf(root, cn="a").save(tmp_path, "a"))
    assert first.fingerprint != second.fingerprint
    with pytest.raises(ComponentError):
        client_certificate(str(tmp_path / "a.key"), str(tmp_path / "a.key"))


@pytest.mark.proves("TLS-03")
def test_the_server_has_the_four_suites_that_exist_of_the_chapters_five(tmp_path: Path) -> None:
    files = leaf(authority(), cn="phone").save(tmp_path, "web")
    context = server_context(policy(WEB_SERVER), *files)
    held = [suite["name"] for suite in context.get_ciphers() if suite["protocol"] != "TLSv1.3"]
    assert held == [
        "ECDHE-RSA-AES256-GCM-SHA384",
        "ECDHE-RSA-AES128-GCM-SHA256",
        "AES256-SHA",
        "AES128-SHA",
    ]
    assert context.options & ssl.OP_CIPHER_SERVER_PREFERENCE


def test_the_phones_own_reader_finds_what_the_tests_reader_finds() -> None:
    for tags in ({}, {"TLS_Cipher_List": "ALL@SECLEVEL=0"}, {"TLS_Client_Min_Version": "TLS 1.3"}):
        sent = first_bytes(client_context(policy(SIP, **tags)), "a.test")
        assert list(wire.client_hello(sent).suites) == offered(sent)


@pytest.mark.proves("TLS-11")
@pytest.mark.parametrize(
    ("tags", "versions"),
    [
        ({}, (0x0304, 0x0303)),
        ({"TLS_Cipher_List": "ECDHE"}, (0x0303,)),
        ({"TLS_Cipher_List": "ECDHE", "TLS_Client_Min_Version": "TLS 1.3"}, (0x0304,)),
    ],
)
def test_a_list_keeps_tls_1_3_out_of_the_client_hello(
    tags: dict[str, str], versions: tuple[int, ...]
) -> None:
    sent = first_bytes(client_context(policy(SIP, **tags)), "a.test")
    assert wire.client_hello(sent).versions == versions


@pytest.mark.parametrize(
    ("text", "lowest"), [("TLS 1.0", 0x0301), ("TLS 1.1", 0x0302), ("TLS 1.2", 0x0303)]
)
def test_the_minimum_version_is_the_lowest_offered(text: str, lowest: int) -> None:
    context = client_context(policy(TLS_Client_Min_Version=text, TLS_Cipher_List="AES:@SECLEVEL=0"))
    assert context.minimum_version == lowest
    record = client_hello(context)
    (highest,) = struct.unpack_from("!H", record, 9)
    assert highest == 0x0303
