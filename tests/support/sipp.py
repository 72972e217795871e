"""SIPp as a caller: a short ladder of requests and expected responses, and what it received."""

import re
import subprocess
import tempfile
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from ringfence.lab.namespaces import Namespace

SDP = """v=0
o=caller 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [local_ip]
t=0 0
m=audio 40000 RTP/AVP 0
"""
_CSEQ = count(1)


@dataclass(frozen=True)
class Request:
    """One request of a ladder."""

    method: str = "INVITE"
    headers: str = ""
    """Further header lines; `[authentication username=u password=p]` answers the challenge."""
    to_tag: str = ""
    user: str = "[service]"
    sender: str = "caller"
    branch: str = "[branch]"
    """A CANCEL has that of its INVITE, `z9hG4bK[call_number]`."""
    cseq: int = 0
    """0 counts on."""
    body: str = ""
    """Of a request that is no INVITE; its headers say of which type it is."""


@dataclass(frozen=True)
class Expect:
    """One response of a ladder; 401 arms SIPp's own digest."""

    status: int


Step = Request | Expect


def version() -> str:
    """Return the name and version of the installed SIPp."""
    text = subprocess.run(["sipp", "-v"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"SIPp (v[0-9.]+)", text)
    assert found
    return f"SIPp {found[1].rstrip('.')}"


class LadderError(AssertionError):
    """The ladder did not run as written."""


def call(
    space: Namespace,
    *steps: Step,
    user: str,
    at: str,
    source: str,
    port: int = 5060,
    times: int = 1,
    rate: int = 10,
    patience: int = 8,
    together: int = 0,
) -> list[str]:
    """Run a ladder against `at`:`port` and return every message that SIPp received.

    It runs `times` times, `rate` times a second, for `patience` seconds at most; not more
    than `together` at once, 0 for as many as there are.

    Raises:
        LadderError: another response came, or none.

    """
    with tempfile.TemporaryDirectory(prefix="sipp") as name:
        folder = Path(name)
        (folder / "ladder.xml").write_text(_scenario(steps))
        done = space.run(
            *("sipp", "-sf", str(folder / "ladder.xml"), "-i", source, "-s", user),
            *("-m", str(times), "-r", str(rate), "-l", str(together or times)),
            *("-nostdin", "-timeout", str(patience), "-timeout_error", "-trace_msg"),
            *("-message_file", str(folder / "messages")),
            f"{at}:{port}",
            check=False,
        )
        trace = (folder / "messages").read_text() if (folder / "messages").exists() else ""
        received = re.findall(
            r"message received \[\d+\] bytes :\n\n(.*?)(?=\n-{10}|\Z)", trace, re.DOTALL
        )
        if done.returncode:
            raise LadderError(f"{done.stdout[-600:]}\n{done.stderr[-600:]}\nreceived: {received}")
        return received


def _scenario(steps: tuple[Step, ...]) -> str:
    parts = []
    invite: Request | None = None
    for step in steps:
        if isinstance(step, Request):
            invite = step if step.method == "INVITE" else None
            parts.append(_send(step))
        else:
            auth = ' auth="true"' if step.status in (401, 407) else ""
            parts.append('<recv response="100" optional="true"/>')
            parts.append(f'<recv response="{step.status}"{auth}/>')
            if invite and step.status >= 200:
                parts.append(
                    _send(replace(invite, method="ACK", headers="", to_tag="[peer_tag_param]"))
                )
    body = "\n".join(parts)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<scenario name="ladder">\n{body}\n</scenario>\n'
    )


def _send(step: Request) -> str:
    tag = step.to_tag if step.to_tag.startswith("[") else step.to_tag and f";tag={step.to_tag}"
    cseq = 1 if step.method == "ACK" else step.cseq or next(_CSEQ)
    body = SDP if step.method == "INVITE" else step.body
    kind = "Content-Type: application/sdp\n" if body == SDP else ""
    headers = step.headers + "\n" if step.headers else ""
    number = "[last_CSeq_number]" if step.method == "ACK" else str(cseq)
    return f"""<send><![CDATA[
{step.method} sip:{step.user}@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch={step.branch}
From: caller <sip:{step.sender}@[local_ip]:[local_port]>;tag=[call_number]
To: <sip:{step.user}@[remote_ip]:[remote_port]>{tag}
Call-ID: [call_id]
CSeq: {number} {step.method}
Contact: <sip:caller@[local_ip]:[local_port]>
Max-Forwards: 70
User-Agent: a stranger who would very much like to be let in
{headers}{kind}Content-Length: [len]

{body}]]></send>"""
