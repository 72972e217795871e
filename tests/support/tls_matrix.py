"""Every application of the chapter's list x cipher list x certificate x way.

One phone, and real TLS servers. In a round, which is one cipher list and one way, each application
is set off through the page, the screen or its timer, at a port of its own; what came of it is what
tshark, the server and the phone say. `tls_table` writes it down.
"""

import re
import time
from collections.abc import Callable, Mapping
from html import unescape
from pathlib import Path
from typing import Any

from msgspec import Struct

from ringfence.runtime.control import ask
from ringfence.surfaces.forms import place_of
from tests.support import tshark
from tests.support.certificates import Pair
from tests.support.curl import Curl
from tests.support.firmware import Publisher
from tests.support.phone import PATIENCE, RunningPhone
from tests.support.prosody import DOMAIN
from tests.support.prosody import PASSWORD as XMPP_PASSWORD
from tests.support.provider_net import NAME, PHONE, SECOND, Net
from tests.support.screen import Screen
from tests.support.tls_front import Ldap, Nginx, Seen, Xmpp
from tests.support.web_phone import PASSWORD

PAGE = f"http://{PHONE}"
HTTPS, CARRIED, LDAP, LDAPS, XMPP = "HTTPS", "SIP", "LDAP", "LDAPS", "XMPP"
"""What is spoken over TLS."""
DIRECT, PROXY = "direct", "by proxy"
LISTS = {
    "valid": "ECDHE-RSA-AES256-GCM-SHA384:AES128-SHA",
    "blank": "",
    "invalid": "BOGUS:NONSENSE",
    "nothing in common": "ECDHE-ARIA256-GCM-SHA384",
}
"""`{case: TLS Cipher List}`."""
ROUNDS = tuple((way, case) for way in (DIRECT, PROXY) for case in LISTS)
FIRST_PORT, A_ROUND = 10_000, 100


class Desk:
    """The phone's page and screen, and what it says of itself."""

    def __init__(self, net: Net, phone: RunningPhone) -> None:
        self._phone = phone
        self._submissions = 0
        self.screen = Screen(phone)
        self._page = Curl(net.servers, PAGE, net.folder)
        assert self._page.login("admin", PASSWORD).status == 303

    def fill(self, texts: Mapping[str, str]) -> None:
        """Fill in fields on their tabs, and submit all changes."""
        tabs: dict[str, dict[str, str]] = {}
        for tag, text in texts.items():
            tabs.setdefault(place_of(tag).name, {})[tag] = text
        token = self._page.get("/voice/system").csrf
        for tab, fields in tabs.items():
            assert self._page.post(f"/voice/{tab}", csrf=token, do="go:/", **fields).status == 303
        answer = self._page.post("/voice/system", csrf=token, do="submit")
        assert answer.status == 303, answer.text
        self._submissions += 1
        self._phone.wait_for("web.submitted", self._submissions)  # its log must not fill the pipe

    def open(self, path: str) -> None:
        """Ask for a direct action URL."""
        self._page.get(path, "-H", f"Origin: {PAGE}")

    def shown(self) -> dict[str, str]:
        """Return the section TLS of Info > Status, `{label: text}`."""
        text = self._page.get("/info/status").text
        card = text.partition('id="card-tls"')[2].partition("</section>")[0]
        found = re.findall(r"<dt>(.*?)</dt><dd[^>]*>(.*?)</dd>", card, re.DOTALL)
        return {unescape(label): unescape(words).strip() for label, words in found}

    def until(self, wanted: Mapping[str, str]) -> dict[str, Any]:
        """Return the last TLS verdicts as the status has them, once some are of their servers."""
        end = time.monotonic() + PATIENCE
        while True:
            status: Any = ask(self._phone.state, {"verb": "status"})
            found = dict((status["tls"] or {}).get("verdicts", {}))
            missing = {n: at for n, at in wanted.items() if found.get(n, {}).get("peer") != at}
            if not missing:
                return found
            assert time.monotonic() < end, f"never asked: {missing}, but {found}"


def _no_texts(at: str) -> dict[str, str]:
    return {}


def _nothing(desk: Desk, at: str) -> None:
    """Leave it to what was submitted."""


class Row(Struct, frozen=True):
    """One application, and how it is set off for a server, `pv.telco.test:10001`."""

    name: str
    title: str
    """Words of the chapter's list."""
    by: str
    texts: Callable[[str], dict[str, str]] = _no_texts
    """What is filled in on the page."""
    do: Callable[[Desk, str], None] = _nothing
    """What is done then."""
    proxied: bool = False
    """The chapter has it served by the HTTP proxy."""
    spoken: str = HTTPS
    step: int = 0
    """Of the round: its fields are those of applications that are done before."""

    def port(self, n: int) -> int:
        """Return where its server is in a round."""
        return FIRST_PORT + A_ROUND * n + ROWS.index(self)

    def at(self, n: int) -> str:
        return f"{DOMAIN if self.spoken == XMPP else NAME}:{self.port(n)}"

    def way(self, n: int) -> str:
        """Return the way that it must take in a round."""
        return PROXY if ROUNDS[n][0] == PROXY and self.proxied else DIRECT


def _open(path: str) -> Callable[[Desk, str], None]:
    return lambda desk, at: desk.open(path.format(at=at))


def _choose(application: str, *keys: str) -> Callable[[Desk, str], None]:
    def do(desk: Desk, at: str) -> None:
        desk.screen.open(application)
        desk.screen.press(*keys)

    return do


def _field(tag: str, url: str) -> Callable[[str], dict[str, str]]:
    return lambda at: {tag: url.format(at=at)}


ROWS = (
    Row(
        "custom-ca",
        "Customer CA Provisioning",
        "page: Custom CA Rule",
        _field("Custom_CA_Rule", "https://{at}/ca.pem"),
        proxied=True,
    ),
    Row(
        "e911",
        "E911 Geolocation",
        "page: Primary Request URL",
        _field("Primary_Request_URL", "https://{at}/held"),
    ),
    Row(
        "upgrade",
        "Firmware/Cisco Headset Upgrade",
        "page: /admin/upgrade",
        do=_open("/admin/upgrade?https://{at}/new.pyz"),
        proxied=True,
    ),
    Row(
        "ldaps",
        "LDAPS",
        "screen: a search",
        _field("LDAP_Server", "ldaps://{at}"),
        _choose("People", "1", *"love", "Search"),
        spoken=LDAPS,
    ),
    Row(
        "ldap-starttls",
        "LDAP (StartTLS)",
        "screen: a search",
        _field("LDAP_Server", "ldap://{at}"),
        _choose("People", "1", *"love", "Search"),
        spoken=LDAP,
        step=1,
    ),
    Row(
        "picture",
        "Picture Download",
        "page: Picture Download URL",
        lambda at: {
            "Phone_Background": "Download Picture",
            "Picture_Download_URL": f"https://{at}/a.png",
        },
    ),
    Row(
        "logo",
        "Logo Download",
        "page: Logo URL",
        lambda at: {"Phone_Background": "Logo", "Logo_URL": f"https://{at}/logo.png"},
        step=1,
    ),
    Row(
        "dictionary",
        "Dictionary Download",
        "page: Dictionary Server Script",
        _field("Dictionary_Server_Script", "serv=https://{at}/;d1=Spanish;x1=es.xml"),
    ),
    Row(
        "provisioning",
        "Provisioning",
        "page: /admin/resync",
        do=_open("/admin/resync?https://{at}/a.xml"),
        proxied=True,
    ),
    Row(
        "report",
        "Report Upload",
        "timer: after a local change",
        _field("Report_Rule", "https://{at}/report.xml"),
        proxied=True,
    ),
    Row(
        "problem-report",
        "PRT Upload",
        "screen: Report problem",
        _field("PRT_Upload_Rule", "https://{at}/prt"),
        _choose("Report problem", "Submit"),
        proxied=True,
    ),
    Row("sip", "SIP over TLS", "page: Proxy", _field("Proxy_1_", "{at}"), spoken=CARRIED),
    Row("tr-069", "TR-069", "page: ACS URL", _field("ACS_URL", "https://{at}/acs")),
    Row(
        "websocket",
        "WebSocket API",
        "page: Control Server URL",
        _field("Control_Server_URL", "wss://{at}/phones"),
    ),
    Row(
        "xml",
        "XML Services",
        "screen: XML directory",
        _field("XML_Directory_Service_URL", "https://{at}/menu.xml"),
        _choose("XML directory"),
    ),
    Row(
        "xsi",
        "XSI Services",
        "screen: call log",
        _field("XSI_Host_Server", "https://{at}"),
        _choose("Company", "2"),
        proxied=True,
    ),
    Row(
        "xmpp",
        "XMPP",
        "page: XMPP Port",
        lambda at: {"XMPP_Port": at.rpartition(":")[2]},
        spoken=XMPP,
    ),
    Row(
        "scep",
        "Custom Device Certificate (SCEP)",
        "page: CDC Server",
        _field("CDC_Server_1_", "https://{at}/scep"),
        proxied=True,
    ),
    Row(
        "pac",
        "PAC File",
        "page: PAC URL, /admin/resync",
        lambda at: {"Proxy_Mode": "Auto", "PAC_URL": f"https://{at}/proxy.pac"},
        _open(f"/admin/resync?https://{NAME}/a.xml"),
        step=2,
    ),
)
"""The chapter's sixteen, XMPP, SCEP, which the chapter's proxy serves, and what names the proxy."""
ALWAYS = {
    **{"Resync_On_Reset": "No", "Resync_Error_Retry_Delay": "0", "Upgrade_Error_Retry_Delay": "0"},
    **{"Enable_Web_Server": "Yes", "Admin_Password": PASSWORD, "HTTPS_Name_Validate": "No"},
    **{"Report_to_Server": "On Local Change", "Upload_Delay_On_Local_Change": "0"},
    "Report_Rule": f"https://{NAME}/none-yet",
    **{"LDAP_Dir_Enable": "Yes", "LDAP_Corp_Dir_Name": "People", "RF_StartTLS_Fallback": "No"},
    **{"LDAP_Search_Base": "dc=telco,dc=test", "LDAP_StartTLS_Enable": "Yes"},
    **{"User_ID_1_": "1001", "SIP_Transport_1_": "TLS", "Language_Selection": "Spanish"},
    **{"Enable_TR-069": "Yes", "Periodic_Inform_Enable": "No", "Company_UUID": "7f3c"},
    **{"Directory_Enable": "Yes", "Directory_Name": "Company"},
    **{"Login_User_ID": "1001", "Login_Password": "login-secret"},
    **{"XMPP_Enable": "Yes", "XMPP_User_ID": f"1001@{DOMAIN}", "XMPP_Password": XMPP_PASSWORD},
    **{"CDC_Challenge_Password_1_": "x", "CDC_Root_CA_Fingerprint_1_": "AA:" * 31 + "AA"},
    **{"Proxy_Host": SECOND, "Use_Auto_Discovery__WPAD_": "No"},
}


class Cell(Struct, frozen=True):
    """What came of one application in one round."""

    hello: tuple[int, ...]
    """Suites of the ClientHello, as tshark has it."""
    caller: str
    """Whose address it came from."""
    seen: Seen
    """By the server."""
    secured: str
    """Version that the phone accepted; empty where it accepted none."""
    reason: str
    """Why not, in the words of Info > Status."""
    route: str
    """In the same words."""


Cells = dict[tuple[str, int], Cell]
"""`{(name of the row, round): cell}`."""


def ports(*spoken: str) -> list[int]:
    """Return the ports of all rounds of those who speak something."""
    return [row.port(n) for row in ROWS for n in range(len(ROUNDS)) if row.spoken in spoken]


def serve(net: Net, certificate: Pair) -> tuple[Nginx, Ldap, Xmpp]:
    """Start every server, with one certificate."""
    return (
        Nginx(net, certificate, ports(HTTPS), ports(CARRIED)),
        Ldap(net, certificate, ports(LDAPS), ports(LDAP)),
        Xmpp(net, certificate, ports(XMPP)),
    )


def play(net: Net, certificate: Pair) -> Cells:
    """Set everybody off in every round, against servers with a certificate."""
    nginx, ldap, xmpp = serve(net, certificate)
    publisher = Publisher(net.folder / "publisher")
    publisher.publish(net.folder / "firmware", b"an image")
    publisher.trust(net.folder / "firmware", net.state)
    trace = net.folder / "trace.pcapng"
    with tshark.captured(net.servers, "any", trace):
        phone = net.boot(**ALWAYS)
        desk = Desk(net, phone)
        verdicts = [_round(desk, n) for n in range(len(ROUNDS))]
        shown = desk.shown()
        phone.stop()
    for row in ROWS:
        way = f" by PROXY {SECOND}:3128" if row.proxied else ""
        told = rf"TLS 1\.2, 1 suite by list; [0-9/: ]+ {row.at(len(ROUNDS) - 1)}{way} refused: "
        assert re.match(told, shown[row.title]), shown
    hellos = _hellos(trace)
    first = {port: (caller, suites) for port, caller, suites in reversed(hellos)}
    of_ldap, of_xmpp = (
        sum(port in ports(*spoken) for port, *_ in hellos) for spoken in ((LDAP, LDAPS), (XMPP,))
    )
    seen = {**nginx.seen(ports(HTTPS, CARRIED)), **ldap.seen(of_ldap), **xmpp.seen(of_xmpp)}
    cells: Cells = {}
    for n, found in enumerate(verdicts):
        for row in ROWS:
            caller, suites = first[row.port(n)]
            verdict, secured = found[row.name], found[row.name]["secured"]
            version = secured["version"] if secured else ""
            cells[row.name, n] = Cell(
                suites, caller, seen[row.port(n)], version, verdict["reason"], verdict["route"]
            )
    return cells


def _round(desk: Desk, n: int) -> dict[str, Any]:
    """Set everybody off once; return the phone's verdicts."""
    way, case = ROUNDS[n]
    texts = {"TLS_Cipher_List": LISTS[case], "Proxy_Mode": "Manual" if way == PROXY else "Off"}
    found: dict[str, Any] = {}
    for step in range(3):
        rows = [row for row in ROWS if row.step == step]
        for row in rows:
            texts |= row.texts(row.at(n))
        desk.fill(texts)
        for row in rows:
            row.do(desk, row.at(n))
        told = desk.until({row.name: row.at(n) for row in rows})
        found |= {row.name: told[row.name] for row in rows}
        texts = {}
    return found


def _hellos(trace: Path) -> list[tuple[int, str, tuple[int, ...]]]:
    """Return port, caller and suites of every ClientHello that came to a server, in order."""
    spoken = {HTTPS: "tls", CARRIED: "tls", LDAPS: "tls", LDAP: "ldap", XMPP: "xmpp"}
    words = [f"tcp.port=={port},{word}" for kind, word in spoken.items() for port in ports(kind)]
    named = ("tcp.stream", "tcp.dstport", "ip.src", "tls.handshake.ciphersuite")
    found = tshark.fields(trace, "tls.handshake.type == 1", *named, decoded=words)
    mine = {row.port(n) for row in ROWS for n in range(len(ROUNDS))}
    return [
        (int(port), caller, tuple(int(suite, 16) for suite in suites.split(",")))
        for _, port, caller, suites in dict.fromkeys(found)  # lo shows a packet twice
        if int(port) in mine
    ]
