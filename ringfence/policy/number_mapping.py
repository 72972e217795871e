"""Numbers as a directory writes them, made into what is dialled.

A mapping is a dial plan: `(<:9>xx.|<+49:0>x.)`. The first of its sequences that takes a number
whole changes it; a number that none takes stays as it is.

Source: phone-facts 1.5, LDAP_Number_Mapping.
"""

import functools

from msgspec import Struct

from ringfence.protocols.pattern import pattern

MOST_SEQUENCES, MOST_ELEMENTS, LONGEST = 32, 64, 40
"""Sequences of a mapping, elements of one, and characters of a number."""
_DIGITS = frozenset("0123456789")
_KEYS = _DIGITS | frozenset("*#+")
_PUNCTUATION = str.maketrans("", "", " \t\u00a0()-./")
_ADDRESS = pattern(r"[A-Za-z0-9._+-]{1,64}(?:@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,253}[A-Za-z0-9])?)?")


class Element(Struct, frozen=True):
    """A piece of a sequence: takes one character of the number, or puts some in."""

    takes: frozenset[str] = frozenset()
    copies: bool = True
    repeats: bool = False
    """Takes no character as well, and as many as there are."""
    puts: str = ""
    """Text that is put in; such an element takes nothing."""


Sequence = tuple[Element, ...]


def dialable(text: str) -> str:
    """Return what can be dialled of a text, a number or an address; empty where nothing can."""
    number = text.translate(_PUNCTUATION)
    if 0 < len(number) <= LONGEST and set(number) <= _KEYS and "+" not in number[1:]:
        return number
    bare = text.strip()
    return bare if _ADDRESS.fullmatch(bare) else ""


def mapped(mapping: tuple[Sequence, ...], number: str) -> str:
    """Return a number as it is dialled."""
    found = (_through(sequence, number) for sequence in mapping)
    return next((one for one in found if one is not None), number)


def parse(text: str) -> tuple[Sequence, ...]:
    """Return the sequences of a mapping; none of an empty one.

    Raises:
        ValueError: it cannot be read.

    """
    bare = text.strip()
    if not bare:
        return ()
    if bare[0] == "(" and bare[-1] == ")":
        bare = bare[1:-1]
    parts = bare.split("|")
    if len(parts) > MOST_SEQUENCES:
        raise ValueError(f"more than {MOST_SEQUENCES} sequences")
    return tuple(_sequence(part.strip()) for part in parts)


def _sequence(text: str) -> Sequence:
    elements: list[Element] = []
    at = 0
    while at < len(text):
        if text[at] == "<":
            end = text.find(">", at)
            if end < 0:
                raise ValueError(f"{text[at:]!r} has no >")
            elements += _substitution(text[at + 1 : end])
            at = end + 1
        else:
            one, at = _element(text, at)
            if one.repeats and elements and elements[-1].takes and not one.takes:
                elements[-1] = _again(elements[-1])
            else:
                elements.append(one)
    if not elements or len(elements) > MOST_ELEMENTS or any(_empty(one) for one in elements):
        raise ValueError(f"{text[:40]!r} is no sequence of a dial plan")
    return tuple(elements)


def _element(text: str, at: int) -> tuple[Element, int]:
    """Return the element at a place, and where it ends; a `.` is one that takes nothing."""
    c = text[at]
    if c == ".":
        return Element(repeats=True), at + 1
    if c in "xX":
        return Element(_DIGITS), at + 1
    if c == "[":
        end = text.find("]", at)
        if end < 0:
            raise ValueError(f"{text[at:]!r} has no ]")
        return Element(frozenset(_range(text[at + 1 : end]))), end + 1
    if c in _KEYS:
        return Element(frozenset(c)), at + 1
    raise ValueError(f"{c!r} means nothing here")


def _again(element: Element) -> Element:
    """Return an element that takes as many as there are: `x.`."""
    return Element(element.takes, element.copies, repeats=True)


def _empty(element: Element) -> bool:
    return not (element.takes or element.puts)


def _range(text: str) -> str:
    found, at = "", 0
    while at < len(text):
        if text[at + 1 : at + 2] == "-" and at + 2 < len(text):
            first, last = text[at], text[at + 2]
            if not (first in _DIGITS and last in _DIGITS and first <= last):
                raise ValueError(f"{text[at : at + 3]!r} is no range")
            found += "".join(str(digit) for digit in range(int(first), int(last) + 1))
            at += 3
        elif text[at] in _KEYS:
            found, at = found + text[at], at + 1
        else:
            raise ValueError(f"{text[at]!r} means nothing in brackets")
    return found


def _substitution(text: str) -> list[Element]:
    """Return the elements of `<dialled:sent>`.

    Where what is sent goes on with `x`, `[` or `.`, as in the manual's own `<:9xx.>`, the rest is
    taken from the number as if it stood behind the bracket.
    """
    dialled, _, sent = text.partition(":")
    if not set(dialled) <= _KEYS:
        raise ValueError(f"<{text[:40]}> takes more than digits")
    elements = [Element(frozenset(c), copies=False) for c in dialled]
    own = next((at for at, c in enumerate(sent) if c in "xX[."), len(sent))
    if not set(sent[:own]) <= _KEYS:
        raise ValueError(f"<{text[:40]}> puts in more than digits")
    if sent[:own]:
        elements.append(Element(puts=sent[:own]))
    return [*elements, *(_sequence(sent[own:]) if sent[own:] else ())]


def _through(sequence: Sequence, number: str) -> str | None:
    """Return what a sequence makes of a number; None where it does not take it whole."""

    @functools.cache
    def rest(which: int, at: int) -> str | None:
        if which == len(sequence):
            return "" if at == len(number) else None
        element = sequence[which]
        if element.puts:
            after = rest(which + 1, at)
            return None if after is None else element.puts + after
        if at < len(number) and number[at] in element.takes:
            after = rest(which if element.repeats else which + 1, at + 1)
            if after is not None:
                return (number[at] if element.copies else "") + after
        return rest(which + 1, at) if element.repeats else None

    return rest(0, 0)
