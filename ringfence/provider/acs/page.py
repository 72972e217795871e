"""What the ACS knows, as a page; it changes nothing."""

from datetime import UTC, datetime
from html import escape

from ringfence.provider.acs.desk import Desk, Device, Heard
from ringfence.provider.acs.orders import ended

SHOWN = 100
"""Calls that are listed."""
_HEAD = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>ACS</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>body{font:15px/1.4 sans-serif;margin:2em}table{border-collapse:collapse;margin-bottom:2em}
th,td{text-align:left;padding:.2em 1em .2em 0;border-bottom:1px solid #ccc}</style></head><body>
"""


def page(desk: Desk) -> str:
    """Return the page: phones, then calls, the newest first."""
    devices = [_device(each) for each in reversed(desk.devices.values())]
    calls = [_call(each) for each in list(desk.log)[: -SHOWN - 1 : -1]]
    return "".join(
        (
            _HEAD,
            "<h1>Phones</h1>",
            _table(("Phone", "Product", "Last call", "Events", "Connection request"), devices),
            "<h1>Calls</h1>",
            _table(("Time", "Phone", "Events", "Download", "From", "Login"), calls),
            "</body></html>\n",
        )
    )


def _device(each: Device) -> tuple[str, ...]:
    return each.id, each.product, _time(each.last), ", ".join(each.events), each.request_url


def _call(each: Heard) -> tuple[str, ...]:
    said = ", ".join(each.events), ended(each.told)
    return _time(each.at), each.device, *said, each.address, each.login


def _table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    if not rows:
        return "<p>None yet.</p>"
    lines = ("".join(f"<td>{escape(text)}</td>" for text in row) for row in rows)
    body = "".join(f"<tr>{line}</tr>" for line in lines)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")
