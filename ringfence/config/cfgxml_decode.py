"""Bytes of a cfg.xml to text."""

import re

from ringfence.errors import DocumentError

_ENCODINGS = {"utf-8", "us-ascii", "ascii", "iso-8859-1", "latin-1", "windows-1252", "utf-16"}
"""Those that files of the field are saved in."""
_DECLARED = re.compile(rb"<\?xml[^<>]{1,200}?encoding\s{0,8}=\s{0,8}[\"']([\w.-]{1,40})[\"']")


def decoded(data: bytes) -> str:
    """Return the text of a document, without a byte order mark.

    Raises:
        DocumentError: its encoding is unknown, or it breaks its encoding.

    """
    if data.startswith(b"\xef\xbb\xbf"):
        data, encoding = data[3:], "utf-8"
    elif data.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        encoding = "utf-32"
    elif data.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    else:
        declared = _DECLARED.match(data)
        encoding = declared[1].decode("ascii").lower() if declared else "utf-8"
    if encoding not in _ENCODINGS:
        raise DocumentError(f"encoding {encoding} is not supported", "save the file as UTF-8", 1, 1)
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        start = data.rfind(b"\n", 0, error.start) + 1
        place = data.count(b"\n", 0, error.start) + 1, error.start - start + 1
        reason = f"byte {data[error.start]:#04x} is not {encoding}"
        raise DocumentError(reason, "save the file as UTF-8", *place) from None
