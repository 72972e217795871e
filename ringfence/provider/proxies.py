"""Configurations with which nginx and Apache serve profiles as `ringfence provider serve` does.

Either the proxy ends TLS and `provider serve --behind SOCKET` answers, or it serves a folder of
finished profiles alone: then the certificate of a phone opens the files that are named after its
MAC address. Source: chapter, HTTPS Provisioning; PS-05.
"""

import re
from pathlib import Path

from msgspec import Struct

from ringfence.errors import ConfigError
from ringfence.policy.certificate import printable
from ringfence.provider.forwarded import ADDRESS, CERTIFICATE

_NAME = re.compile(r"(?=.{1,253}\Z)[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})*")
_PATH = re.compile(r"/[A-Za-z0-9._/+@:,=-]*")
BODY = 9 << 20
"""Bytes of the largest request: a problem report as a form."""


class Site(Struct, frozen=True):
    """What a proxy serves."""

    name: str
    """As phones call the server."""
    certificate: Path
    key: Path
    client_root: Path
    revoked: Path | None = None
    """CRL of that root; a proxy must be reloaded when it changes."""
    port: int = 443
    root: Path | None = None
    """Folder of profiles that the proxy serves alone."""
    socket: Path | None = None
    """Of `provider serve --behind`, which asks its own CRL."""


def nginx(site: Site) -> str:
    """Return a file for nginx's `http` block, as in `sites-enabled`.

    Raises:
        ConfigError: a name or a path cannot stand in it.

    """
    held = _held(site)
    crl = f"    ssl_crl {held['revoked']};\n" if held["revoked"] and site.root else ""
    where = _NGINX_FOLDER if site.root else _NGINX_PROXY
    return (_NGINX_HEAD + where).format(crl=crl, body=BODY, **held)


def apache(site: Site) -> str:
    """Return a file for Apache, as in `sites-enabled`.

    Raises:
        ConfigError: a name or a path cannot stand in it.

    """
    held = _held(site)
    crl = ""
    if held["revoked"] and site.root:
        crl = f'    SSLCARevocationFile "{held["revoked"]}"\n    SSLCARevocationCheck leaf\n'
    where = _APACHE_FOLDER if site.root else _APACHE_PROXY
    return (_APACHE_HEAD + where).format(crl=crl, body=BODY, **held)


def _held(site: Site) -> dict[str, str | int]:
    if not _NAME.fullmatch(site.name):
        raise ConfigError("name", f"{printable(site.name)!r} is no name of a server")
    if bool(site.root) == bool(site.socket):
        reason = "say one of the two: a folder of profiles, or the socket of `provider serve`"
        raise ConfigError("--root, --behind", reason)
    held: dict[str, str | int] = {"name": site.name, "port": site.port}
    held |= {"certificate_header": CERTIFICATE, "address_header": ADDRESS}
    for word in ("certificate", "key", "client_root", "revoked", "root", "socket"):
        path: Path | None = getattr(site, word)
        held[word] = _path(path) if path else ""
    return held


def _path(path: Path) -> str:
    text = str(path.absolute())
    if not _PATH.fullmatch(text):
        reason = f"{printable(text)!r} has characters that mean something to nginx or Apache"
        raise ConfigError("path", reason, "use letters, digits and . _ - + @ : , =")
    return text


_NGINX_HEAD = """\
# Written by `ringfence provider nginx-config`. Phones show their certificate; what they get is
# theirs alone. nginx reads the files below at its start and at `nginx -s reload`.
"""
_NGINX_SERVER = """\
limit_conn_zone $binary_remote_addr zone=ringfence:1m;

server {{
    listen {port} ssl;
    listen [::]:{port} ssl;
    server_name {name};
    server_tokens off;

    ssl_certificate {certificate};
    ssl_certificate_key {key};
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_session_tickets off;

    # Who shows no certificate is told 403, who shows a foreign one 400.
    ssl_client_certificate {client_root};
    ssl_verify_client optional;
    ssl_verify_depth 1;
{crl}
    limit_conn ringfence 64;
    client_header_timeout 10s;
    client_body_timeout 10s;
    send_timeout 10s;
    keepalive_timeout 15s;
    client_max_body_size {body};
    if ($ssl_client_verify != SUCCESS) {{ return 403; }}
"""
_NGINX_PROXY = (
    """
upstream ringfence {{
    server unix:{socket};
    keepalive 16;
}}
"""
    + _NGINX_SERVER
    + """
    location / {{
        proxy_pass http://ringfence;
        proxy_http_version 1.1;
        proxy_set_header Connection "";
        proxy_set_header Host $host;
        proxy_set_header {certificate_header} $ssl_client_escaped_cert;
        proxy_set_header {address_header} $remote_addr;
        proxy_read_timeout 30s;
    }}
}}
"""
)
_NGINX_FOLDER = (
    """
# The MAC address is S of the subject, which OpenSSL calls SN.
map $ssl_client_s_dn $ringfence_mac {{
    default "";
    "~(?:^|(?<!\\\\\\\\),)SN=(?<mac>[0-9A-Fa-f]{{12}})(?:,|$)" $mac;
}}
map "$ringfence_mac $uri" $ringfence_opens {{
    default 0;
    "~*^([0-9a-f]{{12}}) /(?:[a-z0-9._-]+/)*\\\\1\\\\.[a-z0-9.]+$" 1;
}}
"""
    + _NGINX_SERVER
    + """
    root {root};
    default_type application/xml;
    add_header Cache-Control no-store;
    location / {{
        limit_except GET {{ deny all; }}
        if ($ringfence_opens = 0) {{ return 403; }}
    }}
}}
"""
)
_APACHE_HEAD = """\
# Written by `ringfence provider apache-config`. Phones show their certificate; what they get is
# theirs alone. Apache reads the files below at its start and at `apachectl graceful`.
"""
_APACHE_SERVER = """
<VirtualHost *:{port}>
    ServerName {name}
    ServerSignature Off

    SSLEngine on
    SSLCertificateFile "{certificate}"
    SSLCertificateKeyFile "{key}"
    SSLProtocol -all +TLSv1.2 +TLSv1.3
    SSLSessionTickets off

    # Who shows no certificate is told 403; a foreign one ends the handshake.
    SSLCACertificateFile "{client_root}"
    SSLVerifyClient optional
    SSLVerifyDepth 1
{crl}
    KeepAliveTimeout 15
    LimitRequestBody {body}
    <IfModule reqtimeout_module>
        RequestReadTimeout handshake=10 header=10-20,MinRate=500 body=10-30,MinRate=65536
    </IfModule>
"""
_APACHE_PROXY = (
    "# Needs: a2enmod ssl headers proxy proxy_http reqtimeout\n"
    + _APACHE_SERVER
    + """
    ProxyPass "/" "unix:{socket}|http://ringfence/"
    ProxyPreserveHost On
    RequestHeader set {certificate_header} "%{{SSL_CLIENT_CERT}}s"
    RequestHeader set {address_header} "expr=%{{REMOTE_ADDR}}"
    <Location "/">
        Require expr "%{{SSL_CLIENT_VERIFY}} == 'SUCCESS'"
    </Location>
</VirtualHost>
"""
)
_APACHE_FOLDER = (
    "# Needs: a2enmod ssl headers reqtimeout\n"
    + _APACHE_SERVER
    + """
    DocumentRoot "{root}"
    Header always set Cache-Control no-store
    <Directory "{root}">
        Options None
        AllowOverride None
        ForceType application/xml
        # The MAC address is S of the subject; `RequireAll` wants each of these.
        <RequireAll>
            Require method GET HEAD
            Require expr "%{{SSL_CLIENT_VERIFY}} == 'SUCCESS'"
            Require expr "%{{REQUEST_URI}} =~ m#^/([A-Za-z0-9._-]+/)*([0-9A-Fa-f]{{12}})\\.[A-Za-z0-9.]+$# && tolower($2) == tolower(%{{SSL_CLIENT_S_DN_S}})"
        </RequireAll>
    </Directory>
</VirtualHost>
"""  # noqa: E501 - one expression
)
