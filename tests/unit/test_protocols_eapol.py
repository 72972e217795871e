"""EAPOL-Start and -Logoff, byte by byte from IEEE 802.1X-2004 clause 7."""

from ringfence.protocols import eapol

PHONE = bytes.fromhex("000e08abcdef")


def test_a_start_is_version_2_type_1_without_a_body() -> None:
    frame = eapol.start(PHONE)
    assert frame[:18].hex() == "0180c2000003" + "000e08abcdef" + "888e" + "02010000"
    assert frame[18:] == bytes(42)


def test_a_logoff_is_type_2_in_the_name_of_who_leaves() -> None:
    frame = eapol.logoff(bytes.fromhex("020000000050"))
    assert frame[:18].hex() == "0180c2000003" + "020000000050" + "888e" + "02020000"
    assert len(frame) == 60
