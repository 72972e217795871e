"""The lab's registrar: Kamailio with digest over UDP, TCP and TLS.

Source: recipes of the field for Kamailio 5.6; every name and number is an argument.
"""

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from ringfence.lab import mediasec
from ringfence.lab.mediasec import MediaSec

SIP_PORT, SIPS_PORT = 5060, 5061

_CONFIG = """\
#!KAMAILIO
debug=2
log_stderror=yes
fork=yes
children=1
tcp_children=1
auto_aliases=no
alias="{domain}"
enable_tls={tls}
tcp_connection_lifetime=3605
dns=no
rev_dns=no
{listen}
loadmodule "kex.so"
loadmodule "corex.so"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "xlog.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "auth.so"
{tls_module}
loadmodule "htable.so"
loadmodule "ctl.so"
modparam("ctl", "binrpc", "unix:{folder}/ctl.sock")
modparam("usrloc", "db_mode", 0)
modparam("usrloc", "timer_interval", 1)
modparam("registrar", "min_expires", {min_expires})
modparam("registrar", "max_expires", 3600)
modparam("auth", "nonce_expire", {nonce_expire})
modparam("auth", "nonce_count", 1)
modparam("auth", "qop", "auth")
modparam("auth", "algorithm", "{algorithm}")
modparam("rr", "enable_full_lr", 1)
modparam("htable", "htable", "users=>size=8")

{mediasec}
event_route[htable:mod-init] {{
{tables}
}}

request_route {{
  if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
  if (is_method("OPTIONS") && uri==myself) {{ sl_send_reply("200", "OK"); exit; }}
  if (is_method("CANCEL")) {{ if (t_check_trans()) t_relay(); exit; }}
  if (has_totag()) {{
    if (!is_method("ACK")) {{ {mediasec_call}; }}
    if (loose_route()) {{ t_relay(); exit; }}
    if (is_method("ACK")) {{ if (t_check_trans()) t_relay(); exit; }}
    sl_send_reply("404", "Not here"); exit;
  }}
  t_check_trans();
  if (is_method("REGISTER")) {{
    xlog("L_NOTICE", "REGISTER $fU over $proto{tls_words}\\n");
    {mediasec_call}
    route(AUTH);
    {mediasec_agreed}
    if (!save("location")) {{ sl_reply_error(); exit; }}
    xlog("L_NOTICE", "SAVED $fU over $proto{tls_words}\\n");
    exit;
  }}
  {mediasec_call}
  if (is_method("INVITE|MESSAGE|SUBSCRIBE")) route(AUTH);
  {record_route}
  if (uri!=myself) {{ sl_send_reply("403", "No relay"); exit; }}
  if (!lookup("location")) {{ send_reply("404", "Not registered"); exit; }}
  if (!t_relay()) sl_reply_error();
}}

route[AUTH] {{
  $var(p) = $sht(users=>$au);
  if ($var(p)==$null || !pv_auth_check("$fd", "$var(p)", "0", "1")) {{
    auth_challenge("$fd", "1");
    exit;
  }}
  consume_credentials();
}}
"""

_TLS = """\
[server:default]
method = TLSv1.2+
certificate = {certificate}
private_key = {key}
{clients}

[client:default]
method = TLSv1.2+
verify_certificate = no
require_certificate = no
"""


class Registrar(Struct, frozen=True):
    """One Kamailio."""

    address: str
    domain: str
    """The realm, and the host that phones write into their Request-URI."""
    users: Mapping[str, str]
    """`{user: password}`; letters, digits, `-`, `_` and `.` only."""
    certificate: Path | None = None
    """Chain of the TLS listener in PEM; None for no TLS."""
    key: Path | None = None
    devices: Path | None = None
    """Roots of the phones' certificates in PEM, which are then required; None asks for none."""
    port: int = SIP_PORT
    tls_port: int = SIPS_PORT
    algorithm: str = "MD5"
    """Or SHA-256."""
    nonce_expire: int = 300
    mediasec: MediaSec | None = None
    """How it takes part in media plane security; None for a registrar that never heard of it."""
    min_expires: int = 1
    stays: bool = True
    """Requests inside a dialog pass it, too (Record-Route)."""

    def __repr__(self) -> str:
        """Leave out the passwords."""
        return f"Registrar({self.domain} at {self.address})"


def _tls(registrar: Registrar) -> str:
    word, roots = ("yes", registrar.devices) if registrar.devices else ("no", "")
    clients = f"verify_certificate = {word}\nrequire_certificate = {word}"
    clients += f"\nca_list = {roots}" if roots else ""
    return _TLS.format(certificate=registrar.certificate, key=registrar.key, clients=clients)


def render(folder: Path, registrar: Registrar) -> list[str]:
    """Write the configuration into `folder` and return the words that start Kamailio.

    It stays in the foreground and logs to standard error. `control(folder)` reaches it.
    """
    tls = registrar.certificate is not None
    listen = [
        f"listen=udp:{registrar.address}:{registrar.port}",
        f"listen=tcp:{registrar.address}:{registrar.port}",
    ]
    tls_module = ""
    if tls:
        listen.append(f"listen=tls:{registrar.address}:{registrar.tls_port}")
        tls_module = f'loadmodule "tls.so"\nmodparam("tls", "config", "{folder}/kamailio-tls.cfg")'
        (folder / "kamailio-tls.cfg").write_text(_tls(registrar))
    tables = [f'  $sht(users=>{u})="{p}";' for u, p in registrar.users.items()]
    part = registrar.mediasec
    if part:
        tables.append(mediasec.beginning(part))
    config = _CONFIG.format(
        domain=registrar.domain,
        tls="yes" if tls else "no",
        listen="\n".join(listen),
        tls_module=tls_module,
        tls_words=" $tls_version $tls_cipher_info" if tls else "",
        folder=folder,
        algorithm=registrar.algorithm,
        nonce_expire=registrar.nonce_expire,
        min_expires=registrar.min_expires,
        record_route="record_route();" if registrar.stays else "",
        tables="\n".join(tables),
        mediasec=mediasec.SCRIPT if part else "",
        mediasec_call=mediasec.CALL if part else "",
        mediasec_agreed=mediasec.AGREED if part else "",
    )
    path = folder / "kamailio.cfg"
    path.touch(0o600)
    path.write_text(config)
    return [
        "kamailio", "-DD", "-E", "-f", str(path), "-m", "16", "-M", "4",
        "-Y", str(folder), "-P", str(folder / "kamailio.pid"),
    ]  # fmt: skip


def control(folder: Path, *words: str) -> list[str]:
    """Return the words that ask a running Kamailio: `control(folder, "ul.dump")`."""
    return ["kamcmd", "-s", f"unix:{folder}/ctl.sock", *words]
