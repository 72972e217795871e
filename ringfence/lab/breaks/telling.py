"""A break as people read it, from what it told."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

WIDTH = 100
LABELS = {"broke": "broke", "phone": "phone", "why": "why", "field": "shows as", "back": "back"}
INDENT = 2 + max(map(len, LABELS.values())) + 2

Part = Mapping[str, Any]


def overview(titles: Mapping[str, str], program: str) -> list[str]:
    """Return every break in one line."""
    width = max(map(len, titles))
    lines = [f"{name:{width}}  {title}" for name, title in titles.items()]
    return [*lines, "", f"Each is shown and put back: {program} lab break NAME"]


def heading(name: str, title: str) -> list[str]:
    """Return what stands above a break."""
    return [f"{name}: {title}", ""]


def part(told: Part) -> list[str]:
    """Return one part: what broke, what the phone did, why, how it shows, what was put back."""
    label = LABELS[told["part"]]
    return _paragraphs(label, _why(told) if told["part"] == "why" else [told["text"]])


def ending(told: Part) -> list[str]:
    """Return the verdict."""
    seconds = f"{told['seconds']:.1f} s"
    if told["interrupted"]:
        verdict = "Interrupted."
    elif told["error"]:
        verdict = f"It could not be shown: {told['error'].removeprefix('not shown: ')}."
    elif told["failures"]:
        verdict = f"The phone did NOT withstand: {'; '.join(told['failures'])}."
    else:
        verdict = "The phone withstood."
    if not told["restored"]:
        verdict += " Not everything is put back; ringfence lab status tries again."
    return ["", f"{verdict}  ({seconds})"]


def _why(told: Part) -> Sequence[str]:
    elsewhere = "the default" if told["default"] else "set at the phone"
    where = f"line {told['line']} of the cfg.xml in force" if told["line"] else elsewhere
    lines = [f"{told['tag']} = {told['value'] or '(empty)'}, {where}.", told["text"]]
    if told["said"]:
        lines.append(
            f"The phone: \N{LEFT DOUBLE QUOTATION MARK}{told['said']}"
            "\N{RIGHT DOUBLE QUOTATION MARK}"
        )
    return [*lines, f"Chapter: {told['section']}."]


def _paragraphs(label: str, texts: Sequence[str]) -> list[str]:
    margin = " " * INDENT
    lines = [
        line
        for text in texts
        for line in textwrap.wrap(
            text,
            WIDTH,
            initial_indent=margin,
            subsequent_indent=margin,
            break_long_words=False,
            break_on_hyphens=False,
        )
    ]
    return [f"  {label}".ljust(INDENT) + lines[0][INDENT:], *lines[1:]] if lines else []
