"""A form with one file in it. Source: RFC 7578."""

FORM = "multipart/form-data; boundary="
"""Content-Type, before the boundary."""


def form(field: str, name: str, data: bytes, kind: str, boundary: str) -> bytes:
    """Return the body of a form; `name` and `field` hold neither quotes nor line ends."""
    head = (
        f"--{boundary}\r\n"
        f'Content-Disposition: form-data; name="{field}"; filename="{name}"\r\n'
        f"Content-Type: {kind}\r\n\r\n"
    )
    return head.encode() + data + f"\r\n--{boundary}--\r\n".encode()
