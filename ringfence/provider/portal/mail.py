"""A certificate on its way by e-mail. Blocks: call it in a thread."""

import re
import smtplib
import ssl
from email.message import EmailMessage

from msgspec import Struct

from ringfence.config.codecs import Secret
from ringfence.errors import ConfigError, NetworkError

PATIENCE = 20.0
"""Seconds for each step."""
_ADDRESS = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


class Post(Struct, frozen=True):
    """The mail server that takes our messages."""

    host: str
    port: int
    sender: str
    plain: bool = False
    """Whether it is spoken to in clear text; else STARTTLS, and its certificate is verified."""
    ca: str = ""
    """File with its root; empty for those of the operating system."""
    user: str = ""
    password: Secret = Secret()


def address(text: str) -> str:
    """Return an e-mail address that may stand in a header.

    Raises:
        ConfigError: it is none.

    """
    if len(text) > 254 or not _ADDRESS.fullmatch(text):
        raise ConfigError(
            "e-mail address", "is none that is accepted here", "write name@example.com"
        )
    return text


def send(post: Post, to: str, name: str, certificate: bytes) -> None:
    """Send a certificate as an attachment.

    Raises:
        NetworkError: the mail server did not take it.

    """
    message = EmailMessage()
    message["From"], message["To"] = post.sender, address(to)
    message["Subject"] = f"Signed certificate {name}"
    message.set_content("The certificate, and the issuing CA that servers must send with it.\n")
    message.add_attachment(
        certificate, maintype="application", subtype="x-pem-file", filename=f"{name}.crt"
    )
    try:
        with smtplib.SMTP(post.host, post.port, timeout=PATIENCE) as server:
            if not post.plain:
                server.starttls(context=ssl.create_default_context(cafile=post.ca or None))
            if post.user:
                server.login(post.user, post.password.reveal())
            server.send_message(message)
    except (OSError, smtplib.SMTPException) as error:
        raise NetworkError(f"mail server {post.host}:{post.port}: {error}") from error
