"""The plan as wpa_supplicant reads it. Source: wpa_supplicant.conf(5)."""

from ringfence.config.catalog.values import PacProvisioning
from ringfence.features.dot1x.plan import FAST, Dot1xPlan

ANCHORS = "dot1x-ca.pem"
_PROVISIONING = {
    PacProvisioning.OFF: 0,
    PacProvisioning.ANONYMOUS: 1,
    PacProvisioning.AUTHENTICATED: 2,
}
"""Values of fast_provisioning."""
_MODERN = "tls_disable_tlsv1_0=1 tls_disable_tlsv1_1=1"


def configuration(plan: Dot1xPlan, control: str) -> str:
    """Return the file, which holds the password; `control` is the folder of control sockets.

    Every text of a parameter is written in hexadecimal digits, which end no line and no string.
    """
    lines = [
        f"ctrl_interface={control}",
        "ap_scan=0",
        "eapol_version=2",
        "network={",
        "key_mgmt=IEEE8021X",
        "eapol_flags=0",
        *(_fast(plan) if plan.method == FAST else _tls(plan)),
    ]
    if plan.anchors:
        lines.append(f"ca_cert={_hex(ANCHORS)}")
    if plan.names:
        lines.append(f"domain_match={_hex(';'.join(plan.names))}")
    return "\n".join([*lines, "}", ""])


def _tls(plan: Dot1xPlan) -> list[str]:
    client = plan.client
    files = (client.certificate_file, client.key_file) if client else ("", "")
    return [
        "eap=TLS",
        f"identity={_hex(plan.outer)}",
        f"client_cert={_hex(files[0])}",
        f"private_key={_hex(files[1])}",
        f'phase1="{_MODERN}"',
    ]


def _fast(plan: Dot1xPlan) -> list[str]:
    """Return EAP-FAST, which knows old suites alone.

    A server that nobody has verified gets no password in clear text (RFC 5422 3.2.3).
    """
    inner = "auth=MSCHAPV2"
    if plan.pac_mode is not PacProvisioning.ANONYMOUS:
        inner += " auth=GTC"
    return [
        "eap=FAST",
        f"anonymous_identity={_hex(plan.outer)}",
        f"identity={_hex(plan.identity)}",
        f"password={_hex(plan.password.reveal())}",
        f'phase1="fast_provisioning={_PROVISIONING[plan.pac_mode]} fast_max_pac_list_len=5"',
        f'phase2="{inner}"',
        f"pac_file={_hex(plan.pac)}",
        'openssl_ciphers="DEFAULT@SECLEVEL=0"',
    ]


def _hex(text: str) -> str:
    return text.encode().hex()
