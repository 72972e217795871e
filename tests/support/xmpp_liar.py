"""A server that is no XMPP server, or one without end."""

import socket
import sys

HEAD = b"<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>"
SASL = b"<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism>"
LIES = {
    "no-tls": HEAD + b"<stream:features>" + SASL + b"</mechanisms></stream:features>",
    "bomb": b"<!DOCTYPE x [<!ENTITY a 'aaaa'>]>" + HEAD,
    "noise": bytes(range(1, 256)) * 4,
    "closed": b"",
}


def main(address: str, kind: str) -> None:
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
