"""A server that is no XMPP server, or one without end; with a certificate it lets everybody in."""

import itertools
import re
import socket
import ssl
import sys

HEAD = b"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
SASL = b"<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism>"
LIES = {
    "no-tls": HEAD + b"<stream:features>" + SASL + b"</mechanisms></stream:features>",
    "bomb": b"<!DOCTYPE x [<!ENTITY a 'aaaa'>]>" + HEAD,
    "noise": bytes(range(1, 256)) * 4,
    "closed": b"",
}


BIND = HEAD + b"<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></stream:features>"


def stanzas(numbers: range) -> bytes:
    """Return contacts, their presence and messages, all of them well-formed."""
    words = b"w" * 300
    listed = b"<iq type='set' id='r%d'><query xmlns='jabber:iq:roster'>%s</query></iq>"
    item = b"<item jid='u%d@x.test' name='" + words + b"'/>"
    shown = b"<presence from='u%d@x.test/%d'><status>" + words + b"</status></presence>"
    said = b"<message from='u%d@x.test/1' type='chat'><body>" + words + b"%d</body></message>"
    return b"".join(listed % (n, item % n) + shown % (n % 9, n) + said % (n, n) for n in numbers)


def let_in(peer: ssl.SSLSocket) -> None:
    """Take any password, and give the session that is asked for."""
    peer.recv(4096)
    peer.sendall(LIES["no-tls"])
    peer.recv(4096)
    peer.sendall(b"<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>")
    peer.recv(4096)
    peer.sendall(BIND)
    (asked,) = re.findall(rb"id=['\"]([^'\"]+)", peer.recv(4096))
    name = b"<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>1001@x.test/1</jid></bind>"
    peer.sendall(b"<iq type='result' id='%s'>%s</iq>" % (asked, name))


def flood(address: str, certificate: str, key: str) -> None:
    """Let everybody in over direct TLS, and send stanzas without end."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    with socket.create_server((address, 5223)) as door:
        print("ready", flush=True)
        while True:
            peer, _ = door.accept()
            with peer, context.wrap_socket(peer, server_side=True) as secured:
                try:
                    let_in(secured)
                    for n in itertools.count():
                        secured.sendall(stanzas(range(n * 100, n * 100 + 100)))
                        if n == 10:
                            print("flooded", flush=True)
                except OSError:
                    pass  # the phone left first


def main(address: str, kind: str, *certificate: str) -> None:
    if kind == "flood":
        flood(address, *certificate)
    with socket.create_server((address, 5222)) as door:
        print("ready", flush=True)
        while True:
            peer, _ = door.accept()
            with peer:
                try:
                    print(f"heard {peer.recv(4096)!r}", flush=True)
                    if kind == "endless":
                        peer.sendall(HEAD + b"<message><body>")
                        while True:
                            peer.sendall(b"x" * 65536)
                    peer.sendall(LIES[kind])
                    if kind == "no-tls":
                        print(f"heard {peer.recv(4096)!r}", flush=True)
                except OSError:
                    pass  # the phone left first


if __name__ == "__main__":
    main(*sys.argv[1:])
