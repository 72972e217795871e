"""The provider's directories and applications on the phone's screen, by the names they have."""

from collections.abc import Iterator

from ringfence.config.settings import Settings
from ringfence.messages import _
from ringfence.policy.directory import Directory, directory
from ringfence.surfaces.screen.menu import Ask, Command, Item, Menu


def services(settings: Settings) -> Iterator[Item]:
    """Yield the services that the settings name, by the names that they give them."""
    phone = settings.phone
    if (held := directory(settings)[0]) is not None:
        yield _directory(held, prompts=phone.ldap_prompt_for_empty_credentials)
    if phone.xml_directory_service_url:
        label = phone.xml_directory_service_name or _("XML directory")
        yield Command(label, "xml-service", {"service": "directory"})
    if phone.xml_application_service_url:
        label = phone.xml_application_service_name or _("XML application")
        yield Command(label, "xml-service", {"service": "application"})
    if phone.directory_enable:
        yield Menu(phone.directory_name or _("XSI directory"), tuple(_xsi(phone.directory_type)))
    if phone.xmpp_enable:
        items = (
            Command(_("Presence"), "xmpp-presence", done=""),
            Command(_("Messages"), "xmpp-messages", done=""),
        )
        yield Menu("XMPP", items)


def _directory(held: Directory, *, prompts: bool) -> Item:
    """Return the menu of the directory: a search each way, and signing in where it is asked."""
    searches = tuple(
        Command(
            way.label,
            "directory",
            {"by": way.word, "for": "screen"},
            asks=(Ask("word", way.label),),
            action=_("Search"),
        )
        for way in held.ways
    )
    if not prompts:
        return Menu(held.name, searches)
    asks = (Ask("user", _("User name")), Ask("password", _("Password"), secret=True))
    return Menu(
        held.name,
        (
            *searches,
            Command(
                _("Sign in to the directory"),
                "directory-sign-in",
                asks=asks,
                action=_("Sign in"),
                done=_("Signed in."),
            ),
        ),
    )


def _xsi(kind: str) -> Iterator[Item]:
    """Yield what an XSI directory offers; who is sought by which name depends on its kind."""
    named = (("firstName", _("First name")), ("lastName", _("Last name")))
    parts = named if kind.strip() in ("Enterprise", "Group") else (("name", _("Name")),)
    asks = tuple(Ask(*part) for part in (*parts, ("number", _("Number"))))
    yield Command(_("Search"), "xsi-search", asks=asks, action=_("Search"), done="")
    yield Command(_("Call log"), "xsi-calls", done="")
