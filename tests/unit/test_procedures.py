"""Every procedure of the chapter has a test that follows its steps."""

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).parent.parent
PROCEDURES = {
    "Configure Restricted Access Domains": (
        "procedures/test_system.py::test_configure_restricted_access_domains"
    ),
    "Configure the DHCP Options": "procedures/test_system.py::test_configure_the_dhcp_options",
    "Configure the Challenge for SIP INVITE Messages": (
        "procedures/test_ext.py::test_configure_the_challenge_for_sip_invite_messages"
    ),
    "Encrypt Signaling with SIP Over TLS": (
        "procedures/test_ext.py::test_encrypt_signaling_with_sip_over_tls"
    ),
    "Configure LDAP over TLS": "procedures/test_ldap.py::test_configure_ldap_over_tls",
    "Configure StartTLS": "procedures/test_ldap.py::test_configure_starttls",
    "Get a Signed Server Certificate": (
        "integration/test_ca_portal.py::test_get_a_signed_server_certificate"
    ),
    "Enable the Firewall": "procedures/test_system.py::test_enable_the_firewall",
    "Configure Your Firewall with Additional Options": (
        "procedures/test_system.py::test_configure_your_firewall_with_additional_options"
    ),
    "Configure the Cipher List": "procedures/test_system.py::test_configure_the_cipher_list",
    "Enable Hostname Verification for SIP over TLS": (
        "procedures/test_ext.py::test_enable_hostname_verification_for_sip_over_tls"
    ),
    "Enable Client-Initiated Mode for Media Plane Security Negotiations": (
        "procedures/test_mediasec.py"
        "::test_enable_client_initiated_mode_for_media_plane_security_negotiations"
    ),
    "Enable 802.1X Authentication": (
        "procedures/test_dot1x.py::test_enable_802_1x_authentication_from_the_phone"
    ),
    "Enable 802.1X Authentication, in the phone web interface": (
        "procedures/test_dot1x.py::test_enable_802_1x_authentication_in_the_phone_web_interface"
    ),
    "Set Up a Proxy Server": "procedures/test_proxy.py::test_set_up_a_proxy_server",
    "Set Up a Proxy Server, by auto discovery": (
        "procedures/test_proxy_wpad.py::test_set_up_a_proxy_server_by_auto_discovery"
    ),
    "Set Up a Proxy Server, by a PAC file": (
        "procedures/test_proxy_pac.py::test_set_up_a_proxy_server_by_the_url_of_a_pac_file"
    ),
    "Set Up a VPN Connection from the Phone; View the VPN Status": (
        "procedures/test_vpn.py::test_set_up_a_vpn_connection_from_the_phone"
    ),
    "Set Up a VPN Connection from the Phone Web Page": (
        "procedures/test_vpn.py::test_set_up_a_vpn_connection_from_the_phone_web_page"
    ),
}
"""`{title in the chapter: test}`."""


@pytest.mark.parametrize("title", PROCEDURES)
def test_a_procedure_of_the_chapter_has_its_test(title: str) -> None:
    file, _, name = PROCEDURES[title].partition("::")
    tree = ast.parse((TESTS / file).read_text())
    assert name in [one.name for one in tree.body if isinstance(one, ast.FunctionDef)]


def test_every_test_of_a_procedure_is_in_the_table() -> None:
    """But those of what we add to the chapter's procedures."""
    ours = {"test_call_history.py", "test_certificate.py", "test_new_user.py"}
    known = {each.partition("::")[0].partition("/")[2] for each in PROCEDURES.values()}
    found = {file.name for file in (TESTS / "procedures").glob("test_*.py")}
    assert found - ours <= known
