"""The provider's authority: what it issues, and what it refuses."""

import json
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from ringfence.cli import main
from ringfence.errors import ComponentError, ConfigError
from ringfence.provider import authority, ca, certificates
from ringfence.provider.identity import DeviceIdentity, device_identity
from ringfence.provider.show import describe

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
YEAR = timedelta(days=365)
DEVICE = DeviceIdentity("CP-6841-3PCC", "88012BA01234", "00:0E:08:AB:CD:EF")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("ca")
    authority.create(made, "Telco Test", NOW)
    return made


@pytest.fixture(scope="module")
def device(folder: Path) -> x509.Certificate:
    issued = ca.issue_device(folder, DEVICE, NOW)
    return x509.load_pem_x509_certificate(issued.certificate)


def held(folder: Path, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((folder / f"{name}.crt").read_bytes())


def request(
    cn: str | None = "pv.telco.test", key: certificates.Key | None = None, *dns: str
) -> bytes:
    key = key or ec.generate_private_key(ec.SECP256R1())
    names = [x509.NameAttribute(NameOID.COMMON_NAME, cn)] if cn is not None else []
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(names))
    if dns:
        builder = builder.add_extension(
            x509.SubjectAlternativeName([x509.DNSName(name) for name in dns]), False
        )
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def signed(folder: Path, csr: bytes, duration: timedelta = YEAR) -> list[x509.Certificate]:
    issued = ca.sign(folder, csr, ca.Terms(duration), NOW)
    return x509.load_pem_x509_certificates(issued.certificate)


def names(certificate: x509.Certificate) -> list[str]:
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [str(name.value) for name in found]


@pytest.mark.proves("PS-02")
def test_servers_and_devices_have_roots_of_their_own(folder: Path) -> None:
    server, issuing = held(folder, "server-root"), held(folder, "server-ca")
    client = held(folder, "client-root")
    server.verify_directly_issued_by(server)
    client.verify_directly_issued_by(client)
    issuing.verify_directly_issued_by(server)
    assert server.subject != client.subject
    limits = issuing.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (limits.ca, limits.path_length) == (True, 0)


@pytest.mark.proves("PRV-11")
def test_the_subject_of_a_device_is_product_serial_and_mac(device: x509.Certificate) -> None:
    fields = {attribute.oid.dotted_string: attribute.value for attribute in device.subject}
    assert fields["2.5.4.11"] == "CP-6841-3PCC"
    assert fields["2.5.4.7"] == "88012BA01234"
    assert fields["2.5.4.4"] == "000e08abcdef"
    assert fields["2.5.4.3"] == "CP-6841-3PCC-SEP000E08ABCDEF"
    der = device.public_bytes(serialization.Encoding.DER)
    assert device_identity(der) == DeviceIdentity("CP-6841-3PCC", "88012BA01234", "000e08abcdef")


def test_a_device_is_a_client_and_no_server(folder: Path, device: x509.Certificate) -> None:
    use = device.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(use) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    device.verify_directly_issued_by(held(folder, "client-root"))


def test_device_keys_are_rsa_2048_and_p256_by_choice(
    folder: Path, device: x509.Certificate
) -> None:
    key = device.public_key()
    assert isinstance(key, rsa.RSAPublicKey)
    assert key.key_size == 2048
    chosen = ca.issue_device(folder, DEVICE, NOW, certificates.KeyKind.P256)
    other = x509.load_pem_x509_certificate(chosen.certificate).public_key()
    assert isinstance(other, ec.EllipticCurvePublicKey)
    assert other.curve.name == "secp256r1"


@pytest.mark.parametrize(
    "wrong",
    [
        DeviceIdentity("", "1", "000e08abcdef"),
        DeviceIdentity("P", "x" * 49, "000e08abcdef"),
        DeviceIdentity("P", "1\n", "000e08abcdef"),
        DeviceIdentity("P", "1", "000e08abcde"),
    ],
)
def test_a_device_that_cannot_be_named_is_refused(folder: Path, wrong: DeviceIdentity) -> None:
    with pytest.raises(ConfigError):
        ca.issue_device(folder, wrong, NOW)


def test_a_request_comes_back_signed_with_sha_256_and_its_chain(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    certificate, issuing = signed(folder, request("pv.telco.test", key))
    certificate.verify_directly_issued_by(issuing)
    issuing.verify_directly_issued_by(held(folder, "server-root"))
    assert certificate.public_key() == key.public_key()
    assert isinstance(certificate.signature_hash_algorithm, hashes.SHA256)
    use = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(use) == [ExtendedKeyUsageOID.SERVER_AUTH]


@pytest.mark.parametrize(
    ("cn", "san", "expected"),
    [
        ("pv.telco.test", (), ["pv.telco.test"]),
        ("pv.telco.net/mailto:admin@telco.net", (), ["pv.telco.net"]),
        ("B\u00fccher.Telco.test", (), ["xn--bcher-kva.telco.test"]),
        ("pv.telco.test", ("a.telco.test", "b.telco.test"), ["a.telco.test", "b.telco.test"]),
        (None, ("a.telco.test",), ["a.telco.test"]),
    ],
)
def test_the_names_are_those_of_the_request(
    folder: Path, cn: str | None, san: tuple[str, ...], expected: list[str]
) -> None:
    certificate = signed(folder, request(cn, None, *san))[0]
    assert names(certificate) == expected
    assert [name.value for name in certificate.subject] == ([cn] if cn else [])


def test_the_duration_is_kept(folder: Path) -> None:
    certificate = signed(folder, request(), timedelta(days=90))[0]
    assert certificate.not_valid_after_utc == NOW + timedelta(days=90)
    assert certificate.not_valid_before_utc <= NOW


def test_a_duration_beyond_the_issuing_ca_is_refused(folder: Path) -> None:
    with pytest.raises(ConfigError, match="duration"):
        signed(folder, request(), 16 * YEAR)


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP192R1()),
        dsa.generate_private_key(1024),
    ],
    ids=["P-192", "DSA"],
)
def test_weak_keys_are_refused_with_a_remedy(folder: Path, key: certificates.Key) -> None:
    with pytest.raises(ConfigError, match=r"not accepted; use RSA with 2048") as caught:
        signed(folder, request("pv.telco.test", key))
    assert caught.value.parameter == "CSR"


def test_a_request_that_its_owner_did_not_sign_is_refused(folder: Path) -> None:
    der = x509.load_pem_x509_csr(request()).public_bytes(serialization.Encoding.DER)
    broken = x509.load_der_x509_csr(der[:-2] + bytes([der[-2] ^ 1, der[-1]]))
    with pytest.raises(ConfigError, match="signature"):
        signed(folder, broken.public_bytes(serialization.Encoding.PEM))


def test_keys_are_for_their_owner_alone(folder: Path) -> None:
    for key in folder.glob("*.key"):
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert len(list(folder.glob("*.key"))) == 3


def test_an_authority_is_never_overwritten(folder: Path) -> None:
    before = held(folder, "server-root")
    with pytest.raises(ComponentError, match="already"):
        authority.create(folder, "Other", NOW)
    assert held(folder, "server-root") == before


def test_a_folder_without_an_authority_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ComponentError):
        ca.issue_device(tmp_path, DEVICE, NOW)


@pytest.mark.proves("PS-02")
def test_the_exports_are_the_two_roots_and_no_key(folder: Path, tmp_path: Path) -> None:
    files = ca.export(folder, tmp_path / "public")
    assert [file.name for file in files] == ["provider-root.crt", "spacroot.crt"]
    assert files[0].read_bytes() == (folder / "server-root.crt").read_bytes()
    assert files[1].read_bytes() == (folder / "client-root.crt").read_bytes()
    assert sorted(file.name for file in (tmp_path / "public").iterdir()) == sorted(
        file.name for file in files
    )


def test_the_register_has_a_line_for_each_certificate(folder: Path) -> None:
    before = len((folder / "issued.jsonl").read_text().splitlines())
    certificate = signed(folder, request("register.telco.test"))[0]
    lines = (folder / "issued.jsonl").read_text().splitlines()
    assert len(lines) == before + 1
    line = json.loads(lines[-1])
    assert line["serial"] == f"{certificate.serial_number:x}"
    assert (line["product"], line["kind"]) == ("CP-88xx-3PCC", "server")
    assert line["subject"] == "CN=register.telco.test"


@pytest.mark.proves("PRV-11")
def test_show_speaks_the_terms_of_the_field(device: x509.Certificate) -> None:
    shown = describe(device.public_bytes(serialization.Encoding.PEM))
    assert shown["subject"] == (
        "OU=CP-6841-3PCC, L=88012BA01234, S=000e08abcdef, CN=CP-6841-3PCC-SEP000E08ABCDEF"
    )
    assert (shown["product"], shown["serial"]) == ("CP-6841-3PCC", "88012BA01234")
    assert (shown["mac"], shown["use"]) == ("000e08abcdef", ["client"])
    assert (shown["key"], shown["signature"]) == ("RSA 2048", "sha256")


def test_show_refuses_what_is_no_certificate() -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        describe(b"rubbish")


def test_the_command_line_makes_what_it_says(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    csr = tmp_path / "provserver.csr"
    csr.write_bytes(request())
    assert main(["ca", "sign", "--dir", str(folder), str(csr), "--duration", "2y"]) == 0
    assert (tmp_path / "provserver.crt").exists()
    words = ["--mac", "000e08abcdef", "--serial", "1", "--key", "p256", "--out", str(tmp_path)]
    assert main(["ca", "issue-device", "--dir", str(folder), *words]) == 0
    assert stat.S_IMODE((tmp_path / "000e08abcdef.key").stat().st_mode) == 0o600
    capsys.readouterr()
    assert main(["ca", "show", "--json", str(tmp_path / "000e08abcdef.crt")]) == 0
    assert json.loads(capsys.readouterr().out)["mac"] == "000e08abcdef"
