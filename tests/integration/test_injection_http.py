"""What people type, callers are called, and servers and parameters say, as nginx has read it."""

import re
import socket
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest

from ringfence.errors import ComponentError
from ringfence.runtime.control import ask
from tests.support import metacharacters
from tests.support.phone import PATIENCE, RunningPhone
from tests.support.provider_fixtures import StartDnsmasq, StartNginx, dnsmasq, net, nginx
from tests.support.provider_net import FIRST, NAME, PHONE, SECOND, Net, Nginx, submit
from tests.support.sip_requests import changed

__all__ = ["dnsmasq", "net", "nginx"]

A_RECORD = f"host-record={NAME},{FIRST}"
TYPED = (*metacharacters.EACH, *metacharacters.GRAVE, *metacharacters.words(8, 8))
TARGET = r"/[A-Za-z0-9\-._~!$&'()*+,;=:@/?%]*"
"""Path and query. Source: RFC 3986 section 3."""
CALLERS = {
    "a\\..\\b": "",
    "../../secret": "",
    "..": "",
    "a&b=c?d#e;f": "a%26b%3Dc%3Fd%23e%3Bf",
    "%2F..%2F..%2Fsecret": "%252F..%252F..%252Fsecret",
    "'`|{}^$REMOTENUMBER$$": "%27%60%7C%7B%7D%5E%24REMOTENUMBER%24%24",
    "1*+%zz": "1%2A%2B%25zz",
}
"""Users of From, and the name in a URL that they come to; empty for none."""
DIRECTORY = "/com.broadsoft.xsi-actions/v2.0/user/"
FORM = (
    f"<CiscoIPPhoneInput><Title>Form</Title><URL>https://{NAME}/in.xml?s=1#top</URL>"
    "<InputItem><DisplayName>PIN</DisplayName><QueryStringParam>a&amp;b#=</QueryStringParam>"
    "<InputFlags>A</InputFlags></InputItem></CiscoIPPhoneInput>"
)


def command(phone: RunningPhone, name: str, **arguments: str) -> Any:
    return ask(phone.state, {"verb": "command", "name": name, "arguments": arguments})


def ring(number: str, count: int) -> str:
    """Call the phone as a number; return its first answer that rings or refuses."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind((SECOND, 5060))
        line.settimeout(PATIENCE)
        head = changed(b"From", f"<sip:{number}@telco.test>;tag=f{count}".encode())
        head = head.replace(b"192.0.2.7:5080", f"{SECOND}:5060".encode())
        head = head.replace(b"-1;rport", b"-%d;rport" % count).replace(b"c1@", b"c%d@" % count)
        line.sendto(
            head.replace(b"v=0\r\n", b"").replace(b"Length: 5", b"Length: 0"), (PHONE, 5060)
        )
        while (answer := line.recv(4096).decode()).startswith("SIP/2.0 100"):
            pass
    return answer.partition("\r\n")[0]


def targets(server: Nginx, count: int) -> list[str]:
    """Return the targets of all requests so far, each of which is one by the book."""
    lines = server.access.wait_for(" HTTP/1.1|", count)
    found = [
        re.fullmatch(rf"{PHONE}\|[0-9]+\|(?:GET|POST) ({TARGET}) HTTP/1\.1\|.*", one)
        for one in lines
    ]
    assert all(found), lines
    return [one[1] for one in found if one]


@pytest.mark.proves("APP-04")
def test_nginx_reads_what_was_typed_for_a_directory_as_one_parameter(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx
) -> None:
    dnsmasq(A_RECORD)
    server = nginx("nginx", None, "location /x/ { return 200 '<Enterprise/>'; }", verify="off")
    user = "a?b#c%2f&=\"<' ;é@telco.test"
    phone = net.boot(
        **{"Resync_On_Reset": "No", "Directory_Enable": "Yes", "Login_Password": "p"},
        **{"XSI_Host_Server": f"https://{NAME}/x", "Login_User_ID": user},
    )
    for word in TYPED:
        command(phone, "xsi-search", lastName=word, number="1&results=9")
    for target, word in zip(targets(server, len(TYPED)), TYPED, strict=True):
        asked = urlsplit(target)
        *head, owner, last, kind = asked.path.split("/")
        assert "/".join(head) == f"/x{DIRECTORY}".rstrip("/")
        assert (unquote(owner), last, kind) == (user, "directories", "Enterprise")
        text = word.replace("*", "").replace("/", "").strip()
        assert parse_qsl(asked.query, strict_parsing=True, max_num_fields=4) == [
            *([("lastName", f"*{text}*/i")] if text else []),
            ("number", "*1&results=9*/i"),
            ("start", "1"),
            ("results", "50"),
        ]


@pytest.mark.proves("APP-03")
def test_nginx_reads_forms_and_links_of_a_service_as_they_were_meant(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx
) -> None:
    names = dnsmasq(A_RECORD)
    server = nginx(
        "nginx", None, "location /in { return 200 '<CiscoIPPhoneText/>'; }", verify="off"
    )
    phone = net.boot(Resync_On_Reset="No", XML_Directory_Service_URL=f"https://{NAME}/")
    base = f"https://{NAME}/in"
    for word in TYPED:
        command(phone, "xml-service", **{"uri": f"{base}?s=1#top", "?a&b#=": word})
        with suppress(ComponentError):  # nginx refuses a way out of its root
            command(phone, "xml-service", uri=f"{base}/{word}")
    found = targets(server, 2 * len(TYPED))
    for word, form, link in zip(TYPED, found[::2], found[1::2], strict=True):
        asked = urlsplit(form)
        assert (asked.path, parse_qsl(asked.query, strict_parsing=True)) == (
            "/in",
            [("s", "1"), ("a&b#=", word)],
        )
        assert unquote(link) == unquote(f"/in/{word}".partition("#")[0])
    for uri in (
        f"{base}\r\nHost: evil.test",
        f"https://{NAME}\r\nX: y/in",
        f"https://{NAME}@evil.test/",
        f"https://evil.test\\@{NAME}/",
        'https://evil".test/',
        "https://evil.test /",
        f"https://evil<{NAME}>/",
        "javascript:alert(1)",
        f"file://{NAME}/in",
        "Dial:1\r\nRoute: <sip:evil.test>",
        "Key:KeyPad1\nKey:Settings",
    ):
        with pytest.raises(ComponentError):
            command(phone, "xml-service", uri=uri)
    command(phone, "xml-service", uri=f"{base}/last")
    assert targets(server, 2 * len(TYPED) + 1)[2 * len(TYPED) :] == ["/in/last"]
    assert "evil" not in names.wait_for("query[A]")


@pytest.mark.proves("APP-03", "APP-08")
def test_nginx_reads_who_calls_as_one_name_or_not_at_all(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx, component: list[str]
) -> None:
    component.append("own-peer")
    dnsmasq(A_RECORD)
    served = "location /who/ { return 200 '<CiscoIPPhoneText/>'; }"
    server = nginx("nginx", None, served, verify="off")
    phone = net.boot(
        **{"Resync_On_Reset": "No", "Proxy_1_": SECOND, "User_ID_1_": "1001", "Register_1_": "No"},
        **{
            "Ans_Call_Without_Reg_1_": "Yes",
            "RF_Caller_Picture_URL": f"https://{NAME}/face/$REMOTENUMBER/a",
        },
        XML_Directory_Service_URL=f"https://{NAME}/who/$REMOTENUMBER/is?by=$INCOMINGNAME",
    )
    wanted: list[str] = []
    for count, (number, name) in enumerate(CALLERS.items()):
        assert net.servers.call(ring, number, count) == "SIP/2.0 180 Ringing"
        command(phone, "screen")  # somebody looks who it is
        if name:
            wanted.append(f"/face/{name}/a")
            targets(server, len(wanted))
        command(phone, "xml-service", service="directory")
        wanted.append(f"/who/{name}/is?by={name}")
        command(phone, "hangup")
        phone.until(lambda now: not now["calls"])
    assert targets(server, len(wanted)) == wanted


@pytest.mark.proves("APP-08")
def test_nginx_reads_the_address_of_a_file_with_every_mark_escaped(
    net: Net, dnsmasq: StartDnsmasq, nginx: StartNginx
) -> None:
    dnsmasq(A_RECORD)
    server = nginx("nginx", None, verify="off")
    odd = "a\"b<c>\\^`{|}[x]é%zz$$'()*!,+=&@~:.png"
    spelt = "a%22b%3Cc%3E%5C%5E%60%7B%7C%7D%5Bx%5D%C3%A9%25zz$'()*!,+=&@~:.png"
    logo = {"Phone_Background": "Logo", "Logo_URL": f"https://{NAME}/{odd}?q={odd}#top"}
    phone = net.boot(Resync_On_Reset="No", **logo)
    assert targets(server, 1) == [f"/{spelt}?q={spelt}"]
    submit(phone, Phone_Background="Download Picture", Picture_Download_URL=f"https://{NAME}/{odd}")
    assert targets(server, 2)[1] == f"/{spelt}"
    script = f"serv=https://{NAME}/;d1=Spanish;x1={odd}"
    submit(phone, Language_Selection="Spanish", Dictionary_Server_Script=script)
    assert targets(server, 3)[2] == f"/{spelt}"
