"""The tests' own SRTP against the vectors of RFC 3711, B.3, and against the phone's library."""

import pytest
from pylibsrtp import Policy, Session

from tests.support.srtp_oracle import derived, unprotect

KEY = bytes.fromhex("E1F97A0D3E018BE0D64FA32C06DE4139")
SALT = bytes.fromhex("0EC675AD498AFEEBB6960B3AABE6")


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        (0, "C61E7A93744F39EE10734AFE3FF7A087"),
        (1, "CEBE321F6FF7716B6FD4AB49AF256A156D38BAA4"),
        (2, "30CBBC08863D8C85D49DB34A9AE1"),
    ],
)
def test_session_keys_are_those_of_the_rfc(label: int, expected: str) -> None:
    assert derived(KEY, SALT, label, len(expected) // 2).hex().upper() == expected


def test_a_packet_is_opened_by_its_key_alone() -> None:
    policy = Policy(KEY + SALT, Policy.SSRC_ANY_OUTBOUND, 0, Policy.SRTP_PROFILE_AES128_CM_SHA1_80)
    clear = bytes.fromhex("800000070000A0B0CAFEBABE") + b"a voice"
    sealed = Session(policy).protect(clear)
    assert unprotect(sealed, KEY, SALT) == b"a voice"
    with pytest.raises(ValueError, match="wrong authentication tag"):
        unprotect(sealed, KEY[::-1], SALT)
