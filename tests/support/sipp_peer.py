"""SIPp as registrar and as the other end of one call: what it says and hears, in order.

It speaks first only after a REGISTER came, so that a line over TCP gets its calls over the
connection that the line itself opened.
"""

import subprocess
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from types import TracebackType

from ringfence.lab.namespaces import Namespace

SDP = """v=0
o=peer 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [local_ip]
t=0 0
m=audio 40000 RTP/AVP 0
a=rtpmap:0 PCMU/8000
"""
TAG = "peer-tag"


@dataclass(frozen=True)
class Say:
    """A request of SIPp."""

    method: str
    headers: str = ""
    body: str = ""
    branch: str = ""
    """Part of the branch; empty for one that no other request has."""
    cseq: int = 0
    """0 counts on."""
    again: bool = False
    """The first INVITE once more, after it was refused."""
    contact: str = "<sip:peer@[local_ip]:[local_port];transport=[transport]>"


@dataclass(frozen=True)
class Answer:
    """A response of SIPp to the last request that it heard."""

    status: int
    headers: str = ""
    body: str = ""
    tag: str = TAG
    invite: bool = False
    """To the INVITE, although another request came after it."""


@dataclass(frozen=True)
class Hear:
    """A method or a status that SIPp waits for; anything else but a 100 fails the ladder."""

    what: str | int
    optional: bool = False
    matching: str = ""
    """Regular expression that the message must match."""
    keeps: str = ""
    """A header field whose value `[$5]` stands for from now on."""


@dataclass(frozen=True)
class Pause:
    """Milliseconds of silence, in which something may come again."""

    ms: int


Step = Say | Answer | Hear | Pause
INVITE, ACK, BYE = Say("INVITE", body=SDP), Say("ACK"), Say("BYE")


@dataclass
class Peer:
    """One SIPp process that plays a ladder once."""

    space: Namespace
    folder: Path
    steps: tuple[Step, ...]
    address: str
    phone: str
    transport: str = "UDP"
    port: int = 5060
    called: str = ""
    """User that the phone dials; empty where SIPp calls."""
    times: int = 1
    """How often the phone calls."""
    registered: str = ""
    """Further header lines of the answer to REGISTER, each with its end."""
    _branches: count = field(default_factory=count)  # type: ignore[type-arg]
    _cseq: int = 0
    _invite: int = 0

    def __enter__(self) -> "Peer":
        self.folder.mkdir(exist_ok=True)
        (self.folder / "ladder.xml").write_text(self._scenario())
        kind = "u1" if self.transport == "UDP" else "t1"
        self.process = self.space.popen(
            *("sipp", "-sf", str(self.folder / "ladder.xml"), "-i", self.address),
            *("-p", str(self.port), "-t", kind, "-m", str(1 + self.times if self.called else 1)),
            *("-auth_uri", f"1001@{self.phone}"),
            *("-nostdin", "-timeout", "20", "-timeout_error", "-trace_msg", "-trace_err"),
            *("-message_file", str(self.folder / "messages")),
            *("-error_file", str(self.folder / "errors")),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self.process.kill()
        out, _ = self.process.communicate()
        if kind is None:
            assert self.process.returncode == 0, f"{self.said()}\n{out[-1500:]}"

    def said(self) -> str:
        """Return what went over the wire, and what SIPp thought of it."""
        files = [self.folder / name for name in ("messages", "errors")]
        return "\n".join(one.read_text() for one in files if one.exists())[-6000:]

    def _scenario(self) -> str:
        register = _answer(Answer(200, self.registered + "[last_Contact:]", tag="registrar"))
        if self.called:
            parts = [
                '<recv request="REGISTER" optional="true" next="1"/>',
                *map(self._step, self.steps),
                '<nop next="2"/>',
                f'<label id="1"/>\n{register}',
                '<label id="2"/>\n<nop/>',
            ]
        else:
            parts = ['<recv request="REGISTER"/>', register, *map(self._step, self.steps)]
        body = "\n".join(parts)
        used = ",".join(n for n in "123459" if f'assign_to="{n}"' in body)
        body += f'\n<Reference variables="{used}"/>' if used else ""
        head = '<?xml version="1.0" encoding="UTF-8"?>'
        return f'{head}\n<scenario name="peer">\n{body}\n</scenario>\n'

    def _step(self, step: Step) -> str:
        match step:
            case Pause(ms):
                return f'<pause milliseconds="{ms}"/>'
            case Answer():
                return _answer(step)
            case Hear():
                return _hear(step, learns=bool(self.called))
            case Say():
                return self._say(step)

    def _say(self, step: Say) -> str:
        first = not self._cseq
        if not step.cseq and step.method != "ACK":
            self._cseq += 1
            self._invite = self._cseq if step.method == "INVITE" else self._invite
        cseq = step.cseq or (self._invite if step.method == "ACK" else self._cseq)
        branch = step.branch or f"b{next(self._branches)}"
        if self.called:
            who = f"From: <sip:{self.called}@telco.test>;tag={TAG}\nTo: [$1]"
        else:
            to = "" if first or step.again else "[peer_tag_param]"
            who = f"From: <sip:peer@telco.test>;tag={TAG}\nTo: <sip:1001@telco.test>{to}"
        kind = "Content-Type: application/sdp\n" if step.body else ""
        headers = f"{step.headers}\n" if step.headers else ""
        return f"""<send><![CDATA[
{step.method} sip:1001@{self.phone} SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=z9hG4bK{branch}
{who}
Call-ID: [call_id]
CSeq: {cseq} {step.method}
Contact: {step.contact}
Max-Forwards: 70
{headers}{kind}Content-Length: [len]

{step.body}]]></send>"""


def _hear(step: Hear, *, learns: bool) -> str:
    kind = "response" if isinstance(step.what, int) else "request"
    more = ' optional="true"' if step.optional else ""
    more += ' auth="true"' if step.what in (401, 407) else ""
    kept = {"From:": 1, "Via:": 2, "CSeq:": 3, "To:": 4} if learns and step.what == "INVITE" else {}
    if step.keeps:
        kept[step.keeps] = 5
    actions = [
        f'<ereg regexp="[^ ].*" search_in="hdr" header="{name}" assign_to="{number}"/>'
        for name, number in kept.items()
    ]
    if step.matching:
        found = f'<ereg regexp="{step.matching}" search_in="msg" check_it="true" assign_to="9"/>'
        actions.append(found)
    inner = f"<action>{''.join(actions)}</action>" if actions else ""
    trying = '<recv response="100" optional="true"/>\n' if kind == "response" else ""
    return f'{trying}<recv {kind}="{step.what}"{more}>{inner}</recv>'


def _answer(step: Answer) -> str:
    tag = f";tag={step.tag}" if step.tag and step.status > 100 else ""
    kind = "Content-Type: application/sdp\n" if step.body else ""
    headers = f"{step.headers}\n" if step.headers else ""
    contact = (
        ""
        if "Contact" in step.headers
        else ("Contact: <sip:peer@[local_ip]:[local_port];transport=[transport]>\n")
    )
    via = "Via: [$2]" if step.invite else "[last_Via:]"
    cseq = "CSeq: [$3]" if step.invite else "[last_CSeq:]"
    to = "To: [$4]" if step.invite else "[last_To:]"
    return f"""<send><![CDATA[
SIP/2.0 {step.status} Words
{via}
[last_From:]
{to}{tag}
[last_Call-ID:]
{cseq}
{contact}{headers}{kind}Content-Length: [len]

{step.body}]]></send>"""
