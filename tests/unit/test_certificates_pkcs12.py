"""A custom certificate by file is taken with its key, or refused with the reason."""

import base64
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    load_pem_private_key,
    pkcs12,
)

from ringfence.errors import ConfigError
from ringfence.features.certificates.pkcs12 import read
from tests.support.certificates import CLIENT, SERVER, Pair, authority, leaf

NOW = time.time()
CA = authority("Site CA")


def packed(pair: Pair, password: str = "sesame", *, key: bool = True) -> str:
    secured = BestAvailableEncryption(password.encode())
    held = pair.key if key else None
    data = pkcs12.serialize_key_and_certificates(
        b"phone",
        held,
        pair.certificate,
        [CA.certificate],
        secured,
    )
    return base64.b64encode(data).decode()


def test_key_certificate_and_chain_come_out() -> None:
    mine = leaf(CA, cn="phone", usage=CLIENT)
    text = read(packed(mine), "sesame", NOW)
    assert x509.load_pem_x509_certificates(text) == [mine.certificate, CA.certificate]
    assert load_pem_private_key(text, None).public_key() == mine.certificate.public_key()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("!", "is not Base64"),
        ("", "has 0 bytes"),
        ("A" * (400 << 10), "bytes"),
        (base64.b64encode(b"rubbish").decode(), "no PKCS#12 file, or the extract password"),
        (packed(leaf(CA, cn="x", usage=CLIENT), "other"), "extract password is wrong"),
        (packed(leaf(CA, cn="x", usage=CLIENT), key=False), "not both a key and its certificate"),
        (packed(leaf(CA, cn="x", usage=SERVER)), "not meant for a client"),
        (packed(leaf(CA, cn="x", usage=CLIENT, days=(-9, -1))), "expired on 20"),
        (
            packed(leaf(CA, cn="x", usage=CLIENT, key=rsa.generate_private_key(65537, 1024))),
            "an RSA key of 1024 bits",
        ),
    ],
)
def test_what_will_not_do_is_refused(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        read(text, "sesame", NOW)
    assert "sesame" not in str(caught.value)
