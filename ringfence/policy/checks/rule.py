"""What a rule is, and what it judges."""

from collections.abc import Callable, Iterable, Iterator, Mapping

from msgspec import Struct

from ringfence.config.catalog.ext import Ext
from ringfence.config.catalog.values import SipTransport
from ringfence.config.settings import ROWS, Settings
from ringfence.config.snapshot import Origin, Snapshot
from ringfence.errors import Finding, Severity

CLEAR_TRANSPORTS = frozenset({SipTransport.UDP, SipTransport.TCP})


class Case(Struct, frozen=True):
    """The settings that result from a file, defaults included."""

    snapshot: Snapshot
    macros: Mapping[str, str]
    """`{macro: value}` of the phone that the file is for."""

    @property
    def settings(self) -> Settings:
        """Return every value."""
        return self.snapshot.settings

    def given(self, tag: str) -> bool:
        """Return whether the file gave the parameter its value."""
        return self.snapshot.origin(tag) is not Origin.DEFAULT

    def lines(self) -> Iterator[tuple[int, Ext]]:
        """Yield the extensions in use: enabled, and with a proxy or a user."""
        for n, ext in enumerate(self.settings.ext, start=1):
            if ext.line_enable and (ext.proxy.strip() or ext.user_id):
                yield n, ext


class Hit(Struct, frozen=True):
    """One place that a rule objects to."""

    tag: str
    message: str = ""
    """What is wrong here, without any secret; empty says the title of the rule."""
    write: str | None = None
    """Value of the same parameter that puts it right, where there is exactly one."""
    n: int = 0
    """Extension; 0 outside Ext(n)."""


class Rule(Struct, frozen=True):
    """A rule as users know it; the identifier never changes its meaning."""

    id: str
    severity: Severity
    title: str
    reason: str
    """Why it matters, in a sentence or two."""
    source: str
    """Where that is written; `judgement` where it is ours."""
    remedy: str
    find: Callable[[Case], Iterable[Hit]] | None = None
    """None where the reader or a plan finds it, as `ringfence explain` shows it, too."""


def tag_of(tab: str, field: str, n: int = 0) -> str:
    """Return the cfg.xml tag of a row of the catalogue."""
    return ROWS[tab][field].tag.replace("{n}", str(n))


def spelled(numbers: Iterable[int]) -> str:
    """Return ascending numbers in words: 1, 3 to 6."""
    spans: list[list[int]] = []
    for number in numbers:
        if spans and number == spans[-1][-1] + 1:
            spans[-1][1:] = [number]
        else:
            spans.append([number])
    return ", ".join(" to ".join(map(str, span)) for span in spans)


def judge(rules: Iterable[Rule], case: Case) -> Iterator[Finding]:
    """Yield what the rules object to.

    Lines for which the file is silent share one finding: they have the same default.
    """
    for rule in rules:
        if rule.find is None:
            continue
        silent: dict[str, list[Hit]] = {}
        for hit in rule.find(case):
            if hit.n and not case.given(hit.tag):
                silent.setdefault(hit.message, []).append(hit)
            else:
                yield _finding(rule, hit)
        for first, *others in silent.values():
            yield _finding(rule, first, [hit.n for hit in others])


def _inside(title: str) -> str:
    """Return a title as it stands behind a colon: in small letters, but for names."""
    first = title.partition(" ")[0]
    return title if first != first.capitalize() else title[0].lower() + title[1:]


def _finding(rule: Rule, hit: Hit, others: Iterable[int] = ()) -> Finding:
    message = hit.message or _inside(rule.title)
    if also := spelled(others):
        message += f"; the same on Ext {also}"
    remedy = rule.remedy
    if hit.write is not None:
        remedy += f": <{hit.tag}>{hit.write}</{hit.tag}>"
    return Finding(rule.severity, rule.id, hit.tag, message, remedy)
