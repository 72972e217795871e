"""What the operator of a line should know of its settings. Pure."""

from collections.abc import Iterator

from ringfence.config.catalog.values import SipTransport
from ringfence.config.settings import Settings
from ringfence.errors import Finding, Severity
from ringfence.features.line.home import Home
from ringfence.features.line.terms import UNSPOKEN
from ringfence.features.line.ways import proxy_name

SECURED = frozenset({SipTransport.TLS, SipTransport.AUTO})
"""Transports that may come to TLS."""


def weaknesses(settings: Settings, n: int, home: Home | None) -> Iterator[Finding]:
    """Yield a finding for each setting of Ext(n) that does not do what it seems to."""
    ext = settings.ext[n - 1]
    if proxy_name(ext) and ext.sip_transport in SECURED and not ext.tls_name_validate:
        yield Finding(
            Severity.WARNING,
            "line-name-unchecked",
            f"TLS_Name_Validate_{n}_",
            "any server with a certificate of a trusted CA may pass for the proxy",
            "set it to Yes",
        )
    if home:
        yield from _of_home(settings, n, home)
    if ext.auth_invite and not ext.password:
        yield Finding(
            Severity.WARNING,
            "line-auth-invite-without-password",
            f"Auth_INVITE_{n}_",
            f"INVITEs are challenged, but Password_{n}_ is empty: nobody can call the line",
            f"set Password_{n}_, or Auth_INVITE_{n}_ to No",
        )


def _of_home(settings: Settings, n: int, home: Home) -> Iterator[Finding]:
    ext = settings.ext[n - 1]
    wanted = {
        f"Preferred_Codec_{n}_": ext.preferred_codec,
        f"Second_Preferred_Codec_{n}_": ext.second_preferred_codec,
        f"Third_Preferred_Codec_{n}_": ext.third_preferred_codec,
    }
    for tag, codec in wanted.items():
        if codec in UNSPOKEN:
            found = f"the phone has no {codec.value}: the other codecs are offered without it"
            remedy = "prefer G711u, G711a, G722 or OPUS"
            yield Finding(Severity.INFO, "line-codec-unspoken", tag, found, remedy)
    if ext.dual_registration and not home.both:
        yield Finding(
            Severity.WARNING,
            "line-dual-alone",
            f"Dual_Registration_{n}_",
            "the line has no alternate proxy to register at beside the first",
            f"set Alternate_Proxy_{n}_ or Alternate_Outbound_Proxy_{n}_",
        )
    if not (ext.use_ob_proxy_in_dialog or home.account.straight):
        yield Finding(
            Severity.INFO,
            "line-dialog-restricted",
            f"Use_OB_Proxy_In_Dialog_{n}_",
            "requests inside a dialog go through the proxy all the same: Restricted Access Domains"
            " allow no address that only the other side names",
            f"set Use_OB_Proxy_In_Dialog_{n}_ to Yes",
        )
