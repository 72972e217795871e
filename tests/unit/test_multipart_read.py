"""Forms with files, as browsers send them. Source: RFC 7578."""

import pytest

from ringfence.protocols.multipart import read

KIND = "multipart/form-data; boundary=----WebKitFormBoundaryAbC"
BODY = (
    b"------WebKitFormBoundaryAbC\r\n"
    b'Content-Disposition: form-data; name="csrf"\r\n\r\n'
    b"12ab\r\n"
    b"------WebKitFormBoundaryAbC\r\n"
    b'Content-Disposition: form-data; name="file"; filename="name=\'x\'.p12"\r\n'
    b"Content-Type: application/x-pkcs12\r\n\r\n"
    b"\x30\x82\r\n--\r\n\r\n\x00\r\n"
    b"------WebKitFormBoundaryAbC--\r\n"
)


def test_a_form_of_chromium_is_read_with_its_file_byte_by_byte() -> None:
    assert read(KIND, BODY) == {"csrf": b"12ab", "file": b"\x30\x82\r\n--\r\n\r\n\x00"}


def test_a_boundary_may_stand_in_quotes() -> None:
    kind = 'multipart/form-data; charset=utf-8; boundary="x"'
    body = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n--x--'
    assert read(kind, body) == {"a": b"1"}


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", BODY),
        ("multipart/mixed; boundary=----WebKitFormBoundaryAbC", BODY),
        (KIND, b""),
        (KIND, BODY[:-6]),
        (KIND, b"preamble" + BODY),
        (KIND, BODY.replace(b'name="csrf"', b"nothing")),
        (KIND, b"------WebKitFormBoundaryAbC\r\n\r\n" * 70 + BODY),
    ],
)
def test_what_is_no_whole_form_is_refused(kind: str, body: bytes) -> None:
    with pytest.raises(ValueError, match=r"boundary|whole|name"):
        read(kind, body)
