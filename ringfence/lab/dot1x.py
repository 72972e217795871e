"""What authenticates the lab's phone at its switch port: hostapd, and RADIUS servers behind it."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from string import Template

from msgspec import Struct

from ringfence.lab.sandbox import search_path

PAC_KEY, PAC_ISSUER = "000102030405060708090a0b0c0d0e0f", "101112131415161718191a1b1c1d1e1f"
"""Of the lab's EAP-FAST servers: they encrypt PACs, and name who issued them."""
RADIUS_PORT = 1812
USERS, GROUP = "eap-users", "eap-group.pem"
FFDHE2048 = """\
-----BEGIN DH PARAMETERS-----
MIIBCAKCAQEA//////////+t+FRYortKmq/cViAnPTzx2LnFg84tNpWp4TZBFGQz
+8yTnc4kmz75fS/jY2MMddj2gbICrsRhetPfHtXV/WVhJDP1H18GbtCFY2VVPe0a
87VXE15/V8k1mE8McODmi3fipona8+/och3xWKE2rec1MKzKT0g6eXq8CrGCsyT7
YdEIqUuyyOP7uWrat2DX9GgdT0Kj3jlN9K5W7edjcrsZCwenyO4KbXCeAvzhzffi
7MA0BM0oNC9hkXL+nOmFg/+OTxIy7vKBg8P+OxtMb61zO7X8vC7CIAXFjvGDfRaD
ssbzSibBsu/6iGtCOGEoXJf//////////wIBAg==
-----END DH PARAMETERS-----
"""
"""Without a group no stranger is handed a PAC. Source: RFC 7919, A.1."""
LIBRARIES = ("/usr/lib/freeradius", "/usr/lib64/freeradius", "/usr/lib/raddb")
"""Where distributions keep FreeRADIUS's modules."""


class User(Struct, frozen=True):
    """Whom an EAP server lets in."""

    name: str
    """Identity; `*` for anyone."""
    method: str
    """`TLS` or `FAST`."""
    password: str = ""
    """Of EAP-FAST; the outer identity of EAP-FAST has none."""

    @property
    def lines(self) -> str:
        """Return the lines of hostapd's file of users."""
        name = self.name if self.name == "*" else f'"{self.name}"'
        outer = f"{name} {self.method}\n"
        return outer + (f'{name} MSCHAPV2,GTC "{self.password}" [2]\n' if self.password else "")


class EapServer(Struct, frozen=True):
    """An EAP server of hostapd's own."""

    folder: str
    """Of the files that `prepare` writes."""
    ca: str
    """Certificates that those of phones are under, as a PEM file."""
    certificate: str
    key: str
    provisioning: int = 3
    """PACs that are handed out: 0 none, 1 to anyone, 2 to who knows the server, 3 both."""

    @property
    def lines(self) -> str:
        """Return its part of hostapd's configuration. SECLEVEL=0 is for anonymous EAP-FAST."""
        return f"""\
eap_server=1
eap_user_file={self.folder}/{USERS}
dh_file={self.folder}/{GROUP}
ca_cert={self.ca}
server_cert={self.certificate}
private_key={self.key}
openssl_ciphers=DEFAULT@SECLEVEL=0
eap_fast_a_id={PAC_ISSUER}
eap_fast_a_id_info=lab
eap_fast_prov={self.provisioning}
pac_opaque_encr_key={PAC_KEY}
"""


class RadiusClient(Struct, frozen=True):
    """How a switch reaches a RADIUS server."""

    own: str
    """Address of the switch."""
    server: str
    secret: str

    @property
    def lines(self) -> str:
        """Return its part of hostapd's configuration."""
        return f"""\
own_ip_addr={self.own}
nas_identifier=switch
auth_server_addr={self.server}
auth_server_port={RADIUS_PORT}
auth_server_shared_secret={self.secret}
"""


def authenticator(
    port: str, control: str, back: EapServer | RadiusClient, reauthenticates: int = 3600
) -> str:
    """Return hostapd's configuration for one port of a switch.

    It authenticates stations anew after so many seconds. Replies go to the station's own address:
    with two stations on a port, one would take the other's conversation for its own.
    """
    return f"""\
interface={port}
driver=wired
ctrl_interface={control}
ieee8021x=1
eap_reauth_period={reauthenticates}
use_pae_group_addr=0
{back.lines}"""


def radius(interface: str, clients: str, server: EapServer) -> str:
    """Return hostapd's configuration as a RADIUS server; `clients` is a file."""
    return f"""\
interface={interface}
driver=none
radius_server_clients={clients}
radius_server_auth_port={RADIUS_PORT}
{server.lines}"""


RADIUSD = Template("""\
name = radiusd
libdir = $libraries
run_dir = $folder
logdir = $folder
pidfile = $folder/radiusd.pid
max_request_time = 30
cleanup_delay = 1
log {
  destination = stdout
  auth = yes
}
security {
  allow_vulnerable_openssl = yes
  max_attributes = 200
  reject_delay = 0
}
thread pool {
  start_servers = 1
  max_servers = 2
  min_spare_servers = 1
  max_spare_servers = 2
}
client switch {
  ipaddr = $client
  secret = $secret
  require_message_authenticator = yes
}
modules {
  eap {
    default_eap_type = tls
    timer_expire = 60
    tls-config lab {
      private_key_file = $key
      certificate_file = $certificate
      ca_file = $ca
      cipher_list = "DEFAULT"
      tls_min_version = "1.2"
      tls_max_version = "1.2"
      ecdh_curve = ""
    }
    tls {
      tls = lab
    }
  }
}
server default {
  listen {
    type = auth
    ipaddr = $address
    port = $port
  }
  authorize {
    eap
  }
  authenticate {
    eap
  }
}
""")
"""FreeRADIUS for EAP-TLS alone; its sections want lines of their own (radiusd.conf(5))."""


def freeradius(folder: Path, address: str, client: RadiusClient, server: EapServer) -> list[str]:
    """Write a configuration of FreeRADIUS for EAP-TLS; return the words that start it."""
    folder.mkdir(exist_ok=True)
    libraries = next((path for path in LIBRARIES if Path(path).is_dir()), LIBRARIES[0])
    (folder / "dictionary").write_text("$INCLUDE /usr/share/freeradius/dictionary\n")
    text = RADIUSD.substitute(
        libraries=libraries,
        folder=folder,
        address=address,
        port=RADIUS_PORT,
        client=client.own,
        secret=client.secret,
        key=server.key,
        certificate=server.certificate,
        ca=server.ca,
    )
    (folder / "radiusd.conf").write_text(text)
    return [radiusd(), "-f", "-d", str(folder), "-n", "radiusd", "-l", "stdout"]


def radiusd() -> str:
    """Return what FreeRADIUS is called on this machine; its own name where it is missing."""
    return "freeradius" if shutil.which("freeradius", path=search_path()) else "radiusd"


def prepare(folder: Path, users: Sequence[User]) -> None:
    """Write what an EAP server reads: its users, in the order in which they are looked up."""
    (folder / GROUP).write_text(FFDHE2048)
    (folder / USERS).write_text("".join(user.lines for user in users))
    (folder / USERS).chmod(0o600)
