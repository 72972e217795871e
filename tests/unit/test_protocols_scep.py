"""SCEP messages: what is signed is read, what is not, or weakly, is refused."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from hypothesis import example, given
from hypothesis import strategies as st

from ringfence.protocols import cms, scep

RECORDED = base64.b64decode(
    """
MIIFwgYJKoZIhvcNAQcCoIIFszCCBa8CAQExCTAHBgUrDgMCGjAPBgkqhkiG9w0BBwGgAgQAoIIDIzCCAx8wggIHoAMCAQIC
AQEwDQYJKoZIhvcNAQELBQAwMTELMAkGA1UEBhMCVVMxEDAOBgNVBAoTB3NjZXAtY2ExEDAOBgNVBAsTB1NDRVAgQ0EwHhcN
MjYxMTIzMTE1ODExWhcNMzYxMTIzMTE1ODExWjAxMQswCQYDVQQGEwJVUzEQMA4GA1UEChMHc2NlcC1jYTEQMA4GA1UECxMH
U0NFUCBDQTCCASIwDQYJKoZIhvcNAQEBBQADggEPADCCAQoCggEBALn7x7ABz1ZLoHEbPW1j1uemsCsClCKt3jSc3nPZxuxq
q6FG3tK57aKhKIQjib4sqwQWT1XHpW4cmWh40yeKLf/wfI/g684QONWBZNzeY4S979lakxOIiK/SVzfpmf1DlJxj7fD5bTP9
wO8OazUCsUrPCSyKPKvOC9ud713vEDdANl7ai+AMvgLkl1T/BTiI7hIop6g75fAVyd8nGpeTzZ04J8KREYcq8AxPzS61z8Yu
oXE2cg5gLQwF0wll+dKYeUbzb7cxjuFWs04mUs9YQrdVgcxu4Gh2DgKyTB0W+Vs/KA5bs0QtMlrJP8wMij9Zn+wODl48Yw+O
mIZ+X3Fxg3UCAwEAAaNCMEAwDgYDVR0PAQH/BAQDAgEGMA8GA1UdEwEB/wQFMAMBAf8wHQYDVR0OBBYEFKjRzaJvvaLgMnKW
83HdzHWBRR4vMA0GCSqGSIb3DQEBCwUAA4IBAQAmk2KQaBE6ZiCeEZLOxMLBN8cSM2pLgYBUFsvYAcIxIQh1zRcjO61RP7It
O2JHaK20bTFzDpBE4CpP7/QWVC9GU5EET2d1EwbBBjan3WFPtdhqJ+qDpbGCYobZXE5iwKnJDecyvJIbwwwK+duoohbR0QmT
Eo8BDLeU0L2OYE/nqvvh94hCNxfcYlCykE6pU2IFj5nLbTKLnPAC+xo0itdkaOxykK6fMb2DRF1MOILXOMfqmQJ2xZfvvI6m
AV2IZNkFp+vYsq+aK7/Y93LvIseq7xGby8rfQ+aOIEz1alJ574Sjijnkl8Q/wz3b9IOSPO7q590oD/VzELXfkpE4h0f7MYIC
ZTCCAmECAQEwNjAxMQswCQYDVQQGEwJVUzEQMA4GA1UEChMHc2NlcC1jYTEQMA4GA1UECxMHU0NFUCBDQQIBATAHBgUrDgMC
GqCCAQgwEQYKYIZIAYb4RQEJAjEDEwEzMBEGCmCGSAGG+EUBCQMxAxMBMjARBgpghkgBhvhFAQkEMQMTATIwGAYJKoZIhvcN
AQkDMQsGCSqGSIb3DQEHATAcBgkqhkiG9w0BCQUxDxcNMjYxMTIzMTIyMjQ5WjAgBgpghkgBhvhFAQkFMRIEEOm6QGW8Pkx8
aTTXQQkixGswIAYKYIZIAYb4RQEJBjESBBDpukBlvD5MfGk010EJIsRrMCMGCSqGSIb3DQEJBDEWBBTaOaPuXmtLDTJVv++V
YBiQr9gHCTAsBgpghkgBhvhFAQkHMR4THFBhOVFnQkVtWVNBcDJXOWVMb0ZuOUtvaENhaz0wCwYJKoZIhvcNAQEFBIIBADF9
iX5GT+EAUVIwgX25a2wLSMDC4M9aQBzSOM6Km9xk8Ebi9/hQ2Vk5UkrdWp8Rv7uK+2Rq0gcAzlnDyVPhCUsMm/s/GpnxWFjH
Hun0btNz0CqsBociTE3aI2jYoqPoz+ynMA9Vo8kEF63IWR03WyMOJNcOJxJcBB76kX8eSP18VMPYPPxCHJ0uf3Z/5Spq+gZS
JbwLRyrn/RR2Q7rsyMst9N+K9jfwq2AZot8wvv4VWgCXzKvE1E5ki6zg+GWCdI1JbHkd+1TVNxUrxrNNmKXES9lUO+hBUiYD
OLyP4CtzAowM/E86xM8zXEPNgOj5u6aNy6+amUWGpqEOZRMmXEo=
"""
)
"""A CertRep with FAILURE, recorded from Debian's scepserver 2.1.0: signed over SHA-1."""

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def certificate(key: rsa.RSAPrivateKey, serial: int = 7) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "phone")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(serial)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
    )
    return made.sign(key, hashes.SHA256())


MINE = certificate(KEY)
DRAFT = scep.Draft(
    scep.Kind.CERT_REP,
    "transaction",
    b"s" * 16,
    b"content",
    b"r" * 16,
    scep.Status.FAILURE,
    scep.Fail.BAD_CERT_ID,
)
MESSAGE = scep.build(DRAFT, MINE, KEY)


def test_a_message_comes_back_as_it_was_built() -> None:
    read = scep.parse(MESSAGE)
    assert (read.kind, read.transaction, read.sender) == (
        scep.Kind.CERT_REP,
        "transaction",
        b"s" * 16,
    )
    assert (read.content, read.recipient) == (b"content", b"r" * 16)
    assert (read.status, read.fail, read.signer) == (scep.Status.FAILURE, "badCertId", MINE)


def test_an_envelope_opens_for_its_recipient_alone() -> None:
    sealed = scep.seal(b"secret", MINE)
    assert b"secret" not in sealed
    assert scep.unseal(sealed, MINE, KEY) == b"secret"
    with pytest.raises(ValueError, match=r"."):
        scep.unseal(sealed, certificate(OTHER, 8), OTHER)


@pytest.mark.parametrize(
    ("find", "replace", "said"),
    [
        (b"content", b"CONTENT", "the digest of the content is wrong"),
        (b"transaction", b"TRANSACTION", "the signature is wrong"),
        (b"s" * 16, b"S" * 16, "the signature is wrong"),
    ],
)
def test_what_was_changed_is_refused(find: bytes, replace: bytes, said: str) -> None:
    assert MESSAGE.count(find) == 1
    with pytest.raises(ValueError, match=said):
        scep.parse(MESSAGE.replace(find, replace))


def test_a_certificate_of_another_key_does_not_count() -> None:
    mine, other = (one.public_bytes(Encoding.DER) for one in (MINE, certificate(OTHER)))
    assert len(mine) == len(other)
    with pytest.raises(ValueError, match="the signature is wrong"):
        scep.parse(MESSAGE.replace(mine, other))


def test_an_answer_signed_over_sha_1_is_refused() -> None:
    with pytest.raises(ValueError, match=r"the digest 1\.3\.14\.3\.2\.26 is too weak"):
        scep.parse(RECORDED)


@given(st.binary(max_size=200) | st.integers(0, len(MESSAGE)).map(lambda n: MESSAGE[:n]))
def test_rubbish_is_refused_by_one_kind_of_error(data: bytes) -> None:
    if data == MESSAGE:
        return
    with pytest.raises(ValueError, match=r"."):
        scep.parse(data)


@given(st.integers(0, len(MESSAGE) - 1), st.integers(1, 255))
@example(place=86, mask=0x80)
def test_a_flipped_byte_changes_nothing_that_counts(place: int, mask: int) -> None:
    harmed = bytearray(MESSAGE)
    harmed[place] ^= mask
    try:
        read = scep.parse(bytes(harmed))
    except ValueError:
        return
    assert (read.content, read.transaction, read.sender) == (b"content", "transaction", b"s" * 16)
    assert (read.recipient, read.status) == (b"r" * 16, scep.Status.FAILURE)


def test_a_message_that_is_too_large_is_not_looked_at() -> None:
    with pytest.raises(ValueError, match="bytes"):
        scep.parse(b"\x30" * (cms.LARGEST + 1))


def test_both_forms_of_the_authorities_are_read() -> None:
    one = MINE.public_bytes(Encoding.DER)
    assert scep.certificates(one) == (MINE,)
    assert set(scep.certificates(scep.bundle([MINE, certificate(OTHER)]))) >= {MINE}
    with pytest.raises(ValueError, match=r"."):
        scep.certificates(b"<html>")
