"""Which pictures and words the phone takes from servers, and where they are.

Source: ADR 51; chapter, Configure the Cipher List (Picture, Logo and Dictionary Download).
"""

from collections.abc import Mapping

from msgspec import Struct

from ringfence.config.catalog.values import PhoneBackground
from ringfence.config.settings import ROWS, Settings
from ringfence.errors import Finding, Severity
from ringfence.policy.applications import DICTIONARY, LOGO, PICTURE, Application
from ringfence.policy.credentials import masked
from ringfence.policy.dictionaries import Dictionaries, dictionaries
from ringfence.policy.macros import expand
from ringfence.policy.rules import Url, parse_url
from ringfence.runtime.reach import Reach, awaited, macros, reach
from ringfence.runtime.state import Facts, Planned

NUMBER = "REMOTENUMBER"
"""Macro that a call gives; whoever calls chooses its value."""
_BACKGROUND = ROWS["user"]["picture_download_url"].tag
_LOGO = ROWS["user"]["logo_url"].tag
_WORDS = ROWS["regional"]["dictionary_server_script"].tag
CALLER_TAG = ROWS["phone"]["caller_picture_url"].tag

_REMEDIES = {
    _WORDS: "write serv=https://SERVER/PATH/;d1=Spanish;x1=es.xml",
    CALLER_TAG: f"write https://SERVER/PATH, with ${NUMBER} in the path",
}


class FilePlan(Struct, frozen=True):
    """Everything that one file depends on."""

    title: str
    tag: str
    """The parameter that names it."""
    url: Url | None
    """None where none is wanted: then what is kept of an earlier one is removed."""
    problem: str
    """Why none can be fetched; what is kept stays then."""
    waiting: str
    """What must come first; empty where nothing must."""
    reach: Reach
    language: str = ""
    """Whose words they are; empty for a picture."""

    @property
    def is_wanted(self) -> bool:
        """Return whether there is something to fetch, or to complain of."""
        return bool(self.url or self.problem)


class CallerPlan(Struct, frozen=True):
    """Everything that the pictures of callers depend on."""

    pattern: str
    """URL with the macro of the number; empty where none are wanted."""
    values: Mapping[str, str]
    """Its other macros."""
    problem: str
    """Why none can be fetched."""
    waiting: str
    reach: Reach

    @property
    def is_wanted(self) -> bool:
        """Return whether there is something to fetch, or to complain of."""
        return bool(self.pattern)

    def url(self, number: str) -> Url:
        """Return where the picture of a caller is; `number` is percent-encoded already."""
        return _url(expand(self.pattern, {**self.values, NUMBER: number}))


class _Named(Struct, frozen=True):
    """What the parameters say of one file."""

    title: str
    tag: str
    application: Application
    text: str
    """URL as written; empty for none."""
    language: str = ""
    problem: str = ""


def plan(settings: Settings, facts: Facts) -> Planned[FilePlan | CallerPlan]:
    """Return the files, and what is wrong with the parameters that name them."""
    values, waiting = macros(settings, facts), awaited(settings, facts)
    plans: dict[str, FilePlan | CallerPlan] = {}
    wrong: dict[str, str] = {}
    for key, named in _files(settings).items():
        url, problem = None, named.problem
        try:
            url = _url(expand(named.text, values)) if named.text else None
        except ValueError as error:
            problem = str(error)
        wrong[named.tag] = problem
        reached = reach(named.application, settings, facts)
        plans[key] = FilePlan(
            named.title, named.tag, url, problem, waiting, reached, named.language
        )
    callers = CallerPlan(
        settings.phone.caller_picture_url.strip(),
        values,
        _wrong(settings.phone.caller_picture_url.strip(), values),
        waiting,
        reach(PICTURE, settings, facts),
    )
    wrong[CALLER_TAG] = callers.problem
    found = (_finding(tag, problem) for tag, problem in wrong.items() if problem)
    return Planned({**plans, "callers": callers}, tuple(found))


def _wrong(pattern: str, values: Mapping[str, str]) -> str:
    """Return what is wrong with the URL of callers' pictures; whoever calls chooses no server."""
    try:
        one, other = (
            _url(expand(pattern, {**values, NUMBER: number})) if pattern else None
            for number in ("1", "2")
        )
    except ValueError as error:
        return str(error)
    if one and other and (one.host, one.port) != (other.host, other.port):
        return f"${NUMBER} stands in the server's name"
    return ""


def _finding(tag: str, problem: str) -> Finding:
    remedy = _REMEDIES.get(tag, "write https://SERVER/PATH")
    return Finding(Severity.ERROR, "download-unusable", tag, problem, remedy)


def show(made: FilePlan | CallerPlan) -> str:
    """Return the plan in words."""
    if isinstance(made, CallerPlan):
        return f"pictures of callers: {made.problem or masked(made.pattern) or 'none'}\n"
    what = f"{made.title.lower()}" + (f" of {made.language}" if made.language else "")
    return f"{what}: {made.problem or masked(str(made.url or 'none'))}\n"


def _files(settings: Settings) -> Mapping[str, _Named]:
    user, chosen = settings.user, settings.user.phone_background
    language, problem = settings.regional.language_selection.strip(), ""
    try:
        listed = dictionaries(settings.regional.dictionary_server_script)
    except ValueError as error:
        listed, problem = Dictionaries("", {}), str(error)
    picture = user.picture_download_url if chosen is PhoneBackground.PICTURE else ""
    logo = user.logo_url if chosen is PhoneBackground.LOGO else ""
    words = listed.of(language)
    return {
        "picture": _Named("Picture", _BACKGROUND, PICTURE, picture.strip()),
        "logo": _Named("Logo", _LOGO, LOGO, logo.strip()),
        "dictionary": _Named("Dictionary", _WORDS, DICTIONARY, words, language, problem),
    }


def _url(text: str) -> Url:
    url = parse_url(text, scheme="none")
    if not url.host:
        raise ValueError("it names no server")
    return url
