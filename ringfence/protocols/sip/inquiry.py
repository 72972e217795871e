"""One OPTIONS: asked, sent again where it must be, and answered or not.

Source: RFC 3261 sections 11.1, 17.1.2 and 18.1.2.
"""

from collections.abc import Callable

from ringfence.errors import RemoteProtocolError
from ringfence.protocols.sip.account import Account, Flow
from ringfence.protocols.sip.capabilities import ACCEPT
from ringfence.protocols.sip.message import Message, read_response
from ringfence.protocols.sip.request import BRANCH_MAGIC, Request
from ringfence.protocols.sip.transaction import ClientTransaction


class Inquiry:
    """What a server can do, asked outside of any call."""

    def __init__(
        self, account: Account, flow: Flow, entropy: Callable[[int], bytes], now: float
    ) -> None:
        self.answer: Message | None = None
        """The final response; None while there is none."""
        self.unusable = ""
        """Why the last thing that came was no answer; empty where nothing of the kind came."""
        self._branch = BRANCH_MAGIC + entropy(10).hex().encode()
        fields = [
            (b"Via", flow.via(self._branch)),
            (b"Max-Forwards", b"%d" % account.max_forwards),
            (b"From", account.sender(entropy(6).hex().encode())),
            (b"To", f"<sip:{account.registrar}>".encode()),
            (b"Call-ID", entropy(12).hex().encode()),
            (b"CSeq", b"1 OPTIONS"),
            (b"Contact", b"<%b>" % account.contact(flow)),
            ACCEPT,
        ]
        if account.user_agent:
            fields.append((b"User-Agent", account.user_agent.encode()))
        request = Request(b"OPTIONS", f"sip:{account.registrar}".encode(), tuple(fields))
        self._transaction = ClientTransaction(request.encode(), account.timers, flow.reliable, now)

    def receive_data(self, data: bytes, now: float) -> None:
        """Take one whole message, or what was sent for one."""
        try:
            message = read_response(data)
            ours = self._is_ours(message)
        except RemoteProtocolError as error:
            self.unusable = str(error)
            return
        if not ours:
            self.unusable = "no response to this request"
        elif message.status < 200:
            self._transaction.receive_provisional(now)
        else:
            self.answer = message

    def messages_to_send(self) -> list[bytes]:
        """Return what must go out now, and forget it."""
        return self._transaction.messages_to_send()

    def get_timer(self) -> float:
        """Return when `handle_timer` must be called."""
        return self._transaction.get_timer()

    def handle_timer(self, now: float) -> None:
        """Send again, where the transport loses messages."""
        self._transaction.handle_timer(now)

    def _is_ours(self, message: Message) -> bool:
        same = message.status > 0 and message.cseq() == (1, b"OPTIONS")
        return same and message.branch == self._branch
