"""`ringfence parameters`: the catalogue, for people, programs and the documentation."""

import argparse
import json
from collections.abc import Iterable, Iterator
from itertools import groupby

from ringfence.cli import DONE
from ringfence.config.parameter import Access, Level, Param, Status
from ringfence.config.settings import ROWS
from ringfence.features.screen import menus
from ringfence.features.screen.shown import PASSWORD
from ringfence.policy import levels

TITLES = {
    "system": "System",
    "sip": "SIP",
    "provisioning": "Provisioning",
    "regional": "Regional",
    "phone": "Phone",
    "user": "User",
    "ext": "Ext (n)",
    "tr069": "TR-069",
}
"""`{tab: its title on the page}`."""

NEVER = "never"

_COLUMNS = (
    *("Tag", "Label", "Allowed", "Default", "ua", "Page", "Screen", "ACS"),
    *("Takes effect", "What it does"),
)
_INTRODUCTION = """\
# Parameters

Every parameter of the phone, as `ringfence parameters --markdown` prints it; do not edit by hand.

`{n}` stands for the extension, 1 to 16. *Default* is the value of a virgin phone of the firmware
profile 11.3, with the value of the profile 12.0 after a slash where it differs. *ua* is the access
of a virgin phone. A parameter marked † is accepted and stored, and a later release will obey it;
one marked ‡ is accepted so that files of the field load, and nothing will obey it.
The words in brackets at the end of a row are its [sources](sources.md).

The columns *Page*, *Screen* and *ACS* say who finds a parameter where; cfg.xml sets every one.

- Page `user`: the administrator changes it; the user sees it unless its *ua* is `na`, and changes
  it where that is `rw`. `admin`: only the administrator sees and changes it. `admin reads`: only
  the administrator sees it, and the phone itself writes it.
- Screen `yes`: it stands in a menu of the [screen](screen.md). While `Phone-UI-User-Mode` is No it
  can be changed there; while that is Yes, its *ua* decides, as on the page. So where *Page* says
  `admin`, the user reads or sets it on the screen only.
- ACS `sets`: TR-069 reads and sets it. `sets only`: a secret, which reads as empty. `reads`: the
  phone itself writes it.
- `never`: neither shown nor taken there; it comes by cfg.xml alone."""


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the words."""
    parser.add_argument("--tab", choices=tuple(ROWS), help="only one tab of the page")
    parser.add_argument(
        "--without-effect", action="store_true", help="only what nothing obeys in this release"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true")
    form.add_argument("--markdown", action="store_true")


def run(arguments: argparse.Namespace) -> int:
    """Print the catalogue."""
    chosen = [
        (tab, name, row)
        for tab, rows in ROWS.items()
        if arguments.tab in (None, tab)
        for name, row in rows.items()
        if not (arguments.without_effect and row.status is Status.OBEYED)
    ]
    if arguments.json:
        print(json.dumps([as_json(*one) for one in chosen], indent=1, ensure_ascii=False))
    elif arguments.markdown:
        print(as_markdown((tab, row) for tab, _, row in chosen))
    else:
        print("\n".join(as_text((tab, row) for tab, _, row in chosen)))
    return DONE


def as_json(tab: str, name: str, row: Param) -> dict[str, object]:
    """Return one row as `--json` prints it."""
    return {
        "tag": row.tag,
        "aliases": list(row.aliases),
        "tab": tab,
        "section": row.section,
        "label": row.label,
        "name": name,
        "allowed": row.codec.describe(),
        "choices": list(row.codec.choices),
        "default": row.codec.encode(row.default),
        "default_12_0": row.codec.encode(row.newer_default),
        "ua": row.access.value,
        "level": row.level.value,
        "page": _page(row),
        "screen": _screen(row),
        "acs": _acs(row),
        "effect": row.effect.value,
        "status": row.status.value,
        "since": row.since,
        "hidden": row.hidden,
        "source": row.source,
        "help": row.help,
    }


def as_text(rows: Iterable[tuple[str, Param]]) -> Iterator[str]:
    """Yield the rows for people, under their tabs and sections."""
    for (tab, section), group in groupby(rows, key=lambda one: (one[0], one[1].section)):
        yield f"{TITLES[tab]} > {section}"
        for _, row in group:
            without = "" if row.status is Status.OBEYED else f"  ({row.status.value})"
            yield f"  {row.tag}{without}"
            yield f"      {row.help}"
            yield f"      {row.codec.describe()}; default {_default(row) or 'empty'}"


def as_markdown(rows: Iterable[tuple[str, Param]]) -> str:
    """Return the rows as a document with one table for each section."""
    lines = [_INTRODUCTION]
    for tab, of_tab in groupby(rows, key=lambda one: one[0]):
        lines += ["", f"## {TITLES[tab]}"]
        for section, group in groupby(of_tab, key=lambda one: one[1].section):
            lines += ["", f"### {section}", "", _line(_COLUMNS), "|---" * len(_COLUMNS) + "|"]
            lines += [_line(_cells(row)) for _, row in group]
    return "\n".join(lines)


def _cells(row: Param) -> tuple[str, ...]:
    mark = {Status.OBEYED: "", Status.LATER: " †", Status.NEVER: " ‡"}[row.status]
    return (
        f"`{row.tag}`{mark}",
        row.label,
        row.codec.describe(),
        f"`{default}`" if (default := _default(row)) else "",
        row.access.value,
        _page(row),
        _screen(row),
        _acs(row),
        row.effect.value,
        f"{row.help} ({row.source})",
    )


def _page(row: Param) -> str:
    """Return who finds a row on the page."""
    may = levels.on_page(row, row.access, Level.ADMIN)
    return {Access.NONE: NEVER, Access.READ: "admin reads", Access.WRITE: row.level.value}[may]


def _screen(row: Param) -> str:
    """Return whether a row is in a menu of the screen."""
    if row.hidden:
        return NEVER
    return "yes" if row.tag in (*menus.tags(), PASSWORD) else "–"


def _acs(row: Param) -> str:
    """Return what an ACS does with a row."""
    sets = "sets only" if row.secret else "sets"
    return {Access.NONE: NEVER, Access.READ: "reads", Access.WRITE: sets}[levels.by_acs(row)]


def _default(row: Param) -> str:
    defaults = (row.codec.encode(row.default), row.codec.encode(row.newer_default))
    return " / ".join(dict.fromkeys(defaults))


def _line(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
