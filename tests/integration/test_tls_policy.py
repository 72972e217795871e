"""The cipher list and the versions, judged by what `openssl s_server` receives."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec import Struct

from ringfence.config.settings import Settings, decode
from ringfence.errors import NetworkError, PolicyError
from ringfence.lab.namespaces import Namespace
from ringfence.policy.applications import APPLICATIONS, SIP
from ringfence.policy.tls import Trust, policy_for
from ringfence.runtime.egress import Egress, Target
from ringfence.runtime.host import Host
from ringfence.runtime.state import Facts
from tests.support.certificates import authority, leaf, rsa_key
from tests.support.hello import SCSV, offered
from tests.support.hello_server import HelloServer
from tests.support.phone import RunningPhone, ringfence
from tests.support.provider_fixtures import StartDnsmasq, dnsmasq, net
from tests.support.provider_net import DNS, NAME, Net
from tests.support.tls_servers import version

__all__ = ["dnsmasq", "net"]

CHAPTER = [
    *(0xC02C, 0xC030, 0x009F, 0xCCA9, 0xCCA8, 0xCCAA, 0xC02B, 0xC02F, 0x009E),
    *(0xC024, 0xC028, 0x006B, 0xC023, 0xC027, 0x0067, 0xC00A, 0xC014, 0x0039),
    *(0xC009, 0xC013, 0x0033, 0x009D, 0x009C, 0x003D, 0x003C, 0x0035, 0x002F),
    SCSV,
]
"""The chapter's 28 entries, in its order; the last is the signalling value."""
TLS13 = [0x1302, 0x1303, 0x1301]
SERVER = "10.99.0.9"
LIST = "AES256-SHA,AES128-SHA DES-CBC3-SHA:BOGUS"

Start = Callable[..., HelloServer]


@pytest.fixture
def openssl(component: list[str]) -> str:
    component.append(" ".join(version("openssl", "version").split()[:2]))
    return component[-1]


@pytest.fixture
def server(tmp_path: Path, openssl: str) -> Iterator[Start]:
    """Start `openssl s_server` with an RSA certificate."""
    started: list[HelloServer] = []
    root = authority()

    def start(space: Namespace, port: int = 443, *words: str) -> HelloServer:
        root.save(tmp_path, "root")
        certificate = leaf(root, dns=[NAME], key=rsa_key())
        started.append(HelloServer(space, tmp_path, certificate, port, *words))
        return started[-1]

    yield start
    for one in started:
        one.stop()


def boot(net: Net, dnsmasq: StartDnsmasq, **texts: str) -> RunningPhone:
    """Start a phone that provisions and registers over TLS, at one host."""
    dnsmasq(f"host-record={NAME},{DNS}", f"host-record=sip.telco.test,{DNS}")
    return net.boot(
        Profile_Rule=f"https://{NAME}/$MA.xml",
        Proxy_1_="sip.telco.test",
        User_ID_1_="1001",
        SIP_Transport_1_="TLS",
        **texts,
    )


@pytest.mark.proves("TLS-01", "TLS-05")
def test_provisioning_and_line_offer_the_chapters_entries_and_then_the_list_that_is_set(
    net: Net, dnsmasq: StartDnsmasq, server: Start
) -> None:
    profiles, registrar = server(net.servers, 443), server(net.servers, 5061)
    phone = boot(net, dnsmasq)
    for each in (profiles, registrar):
        assert offered(each.next()) == TLS13 + CHAPTER
    words = ("phone", "set", "--state", str(phone.state), f"TLS_Cipher_List={LIST}")
    assert ringfence(*words).returncode == 0
    ringfence("phone", "resync", "--state", str(phone.state))
    for each in (profiles, registrar):
        while (suites := offered(each.next())) == TLS13 + CHAPTER:
            pass  # a connection that had begun before
        assert suites == [0x0035, 0x002F, SCSV]


def test_the_status_says_what_each_word_did_and_the_log_what_was_skipped(
    net: Net, dnsmasq: StartDnsmasq
) -> None:
    phone = boot(net, dnsmasq, TLS_Cipher_List=LIST)
    assert phone.status()["features"]["tls"] == {
        "health": "Running",
        "rows": [
            ["TLS Cipher List", LIST],
            ["Words", "AES256-SHA adds 1; AES128-SHA adds 1; DES-CBC3-SHA adds 1; BOGUS skipped"],
            ["Provisioning", "TLS 1.2, 2 suites by list"],
            ["Customer CA Provisioning", "TLS 1.2, 2 suites by list"],
            ["Firmware/Cisco Headset Upgrade", "TLS 1.2, 2 suites by list"],
            ["Report Upload", "TLS 1.2, 2 suites by list"],
            ["PRT Upload", "TLS 1.2, 2 suites by list"],
            ["Custom Device Certificate (SCEP)", "TLS 1.2, 2 suites by list"],
            ["LDAPS", "TLS 1.2, 2 suites by list"],
            ["LDAP (StartTLS)", "TLS 1.2, 2 suites by list"],
            ["PAC File", "TLS 1.2, 2 suites by list"],
            ["SIP over TLS", "TLS 1.2, 2 suites by list"],
            ["Web Server (HTTPS)", "TLS 1.2, 2 suites by list"],
            ["XMPP", "TLS 1.2, 2 suites by list"],
            ["XML Services", "TLS 1.2, 2 suites by list"],
            ["XSI Services", "TLS 1.2, 2 suites by list"],
            ["TR-069", "TLS 1.2, 2 suites by list"],
            ["E911 Geolocation", "TLS 1.2, 2 suites by list"],
            ["WebSocket API", "TLS 1.2, 2 suites by list"],
            ["Picture Download", "TLS 1.2, 2 suites by list"],
            ["Logo Download", "TLS 1.2, 2 suites by list"],
            ["Dictionary Download", "TLS 1.2, 2 suites by list"],
            ["Unavailable Suites", "DES-CBC3-SHA"],
            [
                "Error",
                "TLS_Cipher_List: 'BOGUS' is skipped: neither a word of Table 6 nor a cipher suite"
                " of OpenSSL 1.1.1",
            ],
            [
                "Warning",
                "TLS_Cipher_List: no suite has forward secrecy: who gets the server's key later"
                " reads everything",
            ],
        ],
    }
    assert "TLS_Cipher_List: 'BOGUS' is skipped" in phone.log


def probe(space: Namespace, *words: str) -> str:
    done = space.run(sys.executable, "-m", "ringfence", "probe", *words, check=False)
    return str(done.stdout)


@pytest.mark.proves("TLS-01", "TLS-07")
@pytest.mark.parametrize(
    "app",
    ["provisioning", "custom-ca", "upgrade", "report", "problem-report", "scep", "sip", "xmpp"],
)
def test_probe_hello_prints_what_the_server_receives(
    pair: tuple[Namespace, Namespace], server: Start, tmp_path: Path, app: str
) -> None:
    phone, servers = pair
    listening = server(servers, 5223)  # where XMPP begins with TLS
    for text in ("", "RSA:!aNULL:!eNULL", "AES128-SHA:+AES:CHACHA20:BOGUS"):
        chosen = ("--app", app, "--cipher-list", text)
        printed = json.loads(probe(phone, "hello", *chosen, "--json"))
        probe(phone, "tls", f"{NAME}:5223", *chosen, "--connect", SERVER)
        assert printed["suites"] == [f"{code:04x}" for code in offered(listening.next())]


@pytest.mark.proves("TLS-04")
def test_xmpp_without_a_list_offers_what_s_client_makes_of_its_string(
    pair: tuple[Namespace, Namespace], server: Start
) -> None:
    phone, servers = pair
    listening = server(servers, 5223)
    probe(phone, "tls", f"{NAME}:5223", "--app", "xmpp", "--connect", SERVER)
    ours = offered(listening.next())
    words = ("-connect", f"{SERVER}:5223", "-cipher", "HIGH:MEDIUM:AES:@STRENGTH")
    phone.run("openssl", "s_client", *words, stdin="Q\n", check=False)
    assert ours == offered(listening.next())


VERSIONS = {"-tls1": "TLSv1", "-tls1_1": "TLSv1.1", "-tls1_2": "TLSv1.2", "-tls1_3": "TLSv1.3"}
OLD = "DEFAULT@SECLEVEL=0"


class Rung(Struct, frozen=True):
    """One client of the ladder, and which servers it can speak with."""

    minimum: str
    cipher_list: str
    spoken: tuple[str, ...]


LADDER = (
    Rung("TLS 1.0", OLD, ("TLSv1", "TLSv1.1", "TLSv1.2")),
    Rung("TLS 1.1", OLD, ("TLSv1.1", "TLSv1.2")),
    Rung("TLS 1.2", OLD, ("TLSv1.2",)),
    Rung("TLS 1.3", OLD, ("TLSv1.3",)),
    Rung("TLS 1.0", "", ("TLSv1.2", "TLSv1.3")),
    Rung("TLS 1.2", "", ("TLSv1.2", "TLSv1.3")),
    Rung("TLS 1.3", "", ("TLSv1.3",)),
)
"""Without security level 0 the library speaks nothing before TLS 1.2."""


async def climb(root: str) -> list[tuple[str, ...]]:
    """Return for each rung which versions were spoken, one server after another."""
    egress, found = Egress(Host(Path())), []
    for rung in LADDER:
        tags = {"TLS_Client_Min_Version": rung.minimum, "TLS_Cipher_List": rung.cipher_list}
        policy = policy_for(SIP, decode(tags, Settings())[0], Facts(trust=Trust((root,))))
        spoken = []
        for at in range(len(VERSIONS)):
            try:
                stream = await egress.connect(Target(SIP, NAME, 4430 + at, policy), SERVER, 5.0)
            except (NetworkError, PolicyError):
                continue
            assert stream.secured
            spoken.append(stream.secured.version)
            await stream.close()
        found.append(tuple(spoken))
    return found


@pytest.mark.proves("TLS-09", "TLS-11")
def test_the_phone_speaks_no_version_below_its_minimum_and_with_a_list_none_above_1_2(
    pair: tuple[Namespace, Namespace], server: Start, tmp_path: Path
) -> None:
    phone, servers = pair
    for at, word in enumerate(VERSIONS):
        server(servers, 4430 + at, word, "-cipher", "ALL:@SECLEVEL=0")
    root = (tmp_path / "root.crt").read_text()
    assert phone.call(climb, root) == [rung.spoken for rung in LADDER]


def test_every_client_has_a_test_here() -> None:
    files = {"upgrade", "report", "problem-report"}
    others = {"provisioning", "custom-ca", "scep", "pac", "sip", "xmpp", "web-server"}
    own = {
        "websocket",
        "e911",
        "ldaps",
        "ldap-starttls",
        "tr-069",
        "xml",
        "xsi",
        *("picture", "logo", "dictionary"),
    }  # each in its feature's tests
    assert set(APPLICATIONS) == files | others | own
