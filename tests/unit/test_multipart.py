"""A form with a file, read by the standard library's parser of mail."""

from email import policy
from email.message import EmailMessage
from email.parser import BytesParser

import pytest

from ringfence.protocols.multipart import FORM, form

FILE = b"\x1f\x8b\r\n--not the boundary\r\n\0\xff\r\n"


@pytest.mark.proves("APP-02")
def test_another_parser_finds_the_file_and_its_name() -> None:
    body = form("prt_file", "prt-000e08abcdef.tar.gz", FILE, "application/gzip", "b0" * 16)
    head = f"Content-Type: {FORM}{'b0' * 16}\r\n\r\n".encode()
    message = BytesParser(_class=EmailMessage, policy=policy.HTTP).parsebytes(head + body)
    [part] = message.iter_parts()
    assert part.get_content_type() == "application/gzip"
    assert part.get_param("name", header="content-disposition") == "prt_file"
    assert part.get_filename() == "prt-000e08abcdef.tar.gz"
    assert body.count(FILE) == 1
    assert body.startswith(b"--" + b"b0" * 16 + b"\r\n")
    assert body.endswith(b"\r\n--" + b"b0" * 16 + b"--\r\n")
