"""What of the phone's log is meant for the provider.

Features write to the standard library's log and know nothing of syslog. Records of the logger
`MESSAGES` are the provider's own texts (Log Request Msg and its kin) and always reach the syslog
server; others do from the level of Debug Level on.
"""

import logging

MESSAGES = "ringfence.messages"
"""Logger of the texts that a parameter spells."""

NOTICE = 25
"""Between INFO and WARNING, as in RFC 3164: normal, but worth a look."""
logging.addLevelName(NOTICE, "NOTICE")


def message(text: str, *, failure: bool = False) -> None:
    """Give the provider one of its own texts; an empty one is not sent."""
    if text:
        logging.getLogger(MESSAGES).log(logging.ERROR if failure else NOTICE, "%s", text)
