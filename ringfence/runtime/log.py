"""What of the phone's log is meant for the provider.

Features write to the standard library's log and know nothing of syslog. Records of the logger
`MESSAGES` are the provider's own texts (Log Request Msg and its kin) and always reach the syslog
server; others do from the level of Debug Level on.
"""

import logging
from collections import deque

WHOLE = "ringfence"
"""Logger of the whole phone."""
MESSAGES = "ringfence.messages"
"""Logger of the texts that a parameter spells."""

NOTICE = 25
"""Between INFO and WARNING, as in RFC 3164: normal, but worth a look."""
logging.addLevelName(NOTICE, "NOTICE")
EARLY = 200
"""Records that are kept for who is loaded later; the oldest are lost first."""


class OneLine(logging.Formatter):
    """Writes time, level and message into one line, whatever a server has put into the message."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - as it is called
        """Return the line, with a blank for each character that could end or disguise it."""
        line = super().formatMessage(record)
        return line if line.isprintable() else "".join(c if c.isprintable() else " " for c in line)


class _Early(logging.Handler):
    """Keeps records until those are there who want them."""

    def __init__(self) -> None:
        super().__init__()
        self.records: deque[logging.LogRecord] = deque(maxlen=EARLY)

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


_early = _Early()


def keep() -> None:
    """Keep what is logged from now on, for handlers that are not there yet."""
    logging.getLogger(WHOLE).addHandler(_early)


def forget() -> None:
    """Keep nothing any more."""
    logging.getLogger(WHOLE).removeHandler(_early)
    _early.records.clear()


def listen(handler: logging.Handler) -> None:
    """Have a handler hear the whole phone, and first what was kept for it."""
    logger = logging.getLogger(WHOLE)
    if handler in logger.handlers:
        return
    for record in [one for one in _early.records if one.levelno >= handler.level]:
        handler.handle(record)
    logger.addHandler(handler)


def message(text: str, *, failure: bool = False) -> None:
    """Give the provider one of its own texts; an empty one is not sent."""
    if text:
        logging.getLogger(MESSAGES).log(logging.ERROR if failure else NOTICE, "%s", text)
