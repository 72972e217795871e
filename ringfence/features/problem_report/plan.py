"""Where problem reports go, under which name, and how often one is made without being asked for.

Source: phone-facts 1.4, Problem Report Tool; 4, Covered; 7, PRT upload.
"""

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from ringfence.config.catalog.provisioning import Provisioning
from ringfence.config.codecs import Secret
from ringfence.config.settings import ROWS, Settings
from ringfence.errors import ConfigError, Finding, Severity
from ringfence.policy.applications import PROBLEM_REPORT
from ringfence.policy.macros import expand
from ringfence.policy.uploads import Upload, judge, secret_macros, upload_by
from ringfence.runtime.reach import Reach, awaited, macros, reach
from ringfence.runtime.state import Facts, Planned

_ROWS = ROWS["provisioning"]
TAG = _ROWS["prt_upload_rule"].tag
OPTIONS = ("uid", "pwd")
SUFFIX = ".tar.gz"

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,127}")
_OURS = frozenset(
    {
        *("host", "content-length", "content-type", "content-encoding", "transfer-encoding"),
        *("connection", "accept", "user-agent", "authorization", "proxy-authorization"),
        *("te", "trailer", "upgrade", "expect"),
    }
)
"""Header fields that the upload itself needs."""


class ProblemReportPlan(Struct, frozen=True):
    """Everything that problem reports depend on."""

    waiting: str
    """What an upload must wait for; empty where nothing."""
    rule: str
    """Empty where problem reports are kept, and go nowhere."""
    method: str
    """PUT or POST."""
    name: str
    """Name of the file for the server."""
    interval: int | None
    """Seconds between those that nobody asks for; None for none."""
    at_crash: bool
    header: tuple[str, Secret] | None
    """A header field to add."""
    values: Mapping[str, str]
    secrets: Mapping[str, Secret]
    reach: Reach

    def upload(self) -> Upload | None:
        """Return where a problem report goes now; None where the rule says nowhere.

        Raises:
            ConfigError: the rule cannot be followed.

        """
        return upload_by(TAG, self.rule, OPTIONS, self.values, self.secrets)


def plan(settings: Settings, facts: Facts) -> Planned[ProblemReportPlan]:
    """Return the plan of problem reports; what cannot be followed is a finding."""
    own, values = settings.provisioning, macros(settings, facts)
    way = reach(PROBLEM_REPORT, settings, facts)
    minutes = own.prt_max_timer
    decided = ProblemReportPlan(
        waiting=awaited(settings, facts),
        rule=own.prt_upload_rule.strip(),
        method=own.prt_upload_method.value,
        name=_name(own, values),
        interval=None if minutes is None else minutes * 60,
        at_crash=own.prt_upload_at_crash,
        header=_header(own),
        values=values,
        secrets=secret_macros(settings),
        reach=way if settings.system.restricted_domains_cover_reports else replace(way, domains=""),
    )
    return Planned({"": decided}, tuple(_findings(own)))


def _name(own: Provisioning, values: Mapping[str, str]) -> str:
    """Return the file's name; the catalogue's default stands for one of our own."""
    default = _ROWS["prt_name"].default
    text = own.prt_name.strip()
    text = expand("prt-$MA" if text in ("", default) else text, values)
    plain = re.sub(r"[^A-Za-z0-9._-]", "_", text.removesuffix(SUFFIX)).lstrip(".")[:100]
    return (plain or "prt") + SUFFIX


def _header(own: Provisioning) -> tuple[str, Secret] | None:
    name, value = own.prt_http_header, own.prt_http_header_value
    return None if not (name and value) or _header_fault(own) else (name, Secret(value))


def _header_fault(own: Provisioning) -> str:
    """Return why the header field cannot be sent; empty where it can, or there is none."""
    name, value = own.prt_http_header, own.prt_http_header_value
    if bool(name) != bool(value):
        return "name and value of the header field belong together; neither is sent"
    if name and not _TOKEN.fullmatch(name):
        return "is not the name of a header field; none is sent"
    if name.lower() in _OURS:
        return f"{name} is a header field that the upload itself needs; it is not sent"
    if not (value.isascii() and value.isprintable()):
        return "the value of the header field has characters outside ASCII; it is not sent"
    return ""


def _findings(own: Provisioning) -> Iterator[Finding]:
    try:
        judge(TAG, own.prt_upload_rule, OPTIONS)
    except ConfigError as error:
        rule = "problem-report-rule-unusable"
        yield Finding(Severity.ERROR, rule, TAG, error.reason, error.remedy)
    if fault := _header_fault(own):
        tag = _ROWS["prt_http_header"].tag
        remedy = "write a name such as X-Ticket, and a value of 2 to 127 characters"
        yield Finding(Severity.WARNING, "problem-report-header-unusable", tag, fault, remedy)
