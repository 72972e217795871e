"""What the files of the state folder that no profile changes are taken for."""

from pathlib import Path

import pytest

from ringfence.errors import ComponentError
from ringfence.policy.tls import Trust
from ringfence.runtime.device import LARGEST_BUNDLE, bundles, trust
from ringfence.runtime.host import Host
from tests.support.certificates import authority, crl

ROOT, CUSTOM = authority("Provider Root"), authority("Custom CA")
LIST = crl(CUSTOM)


@pytest.mark.proves("TLS-10")
def test_a_bundle_may_hold_cas_and_their_lists_in_any_order(tmp_path: Path) -> None:
    (tmp_path / "provider-root.crt").write_text(ROOT.pem)
    (tmp_path / "custom-ca.crt").write_text(f"our CA\n{LIST}{CUSTOM.pem}{LIST}trailing")
    assert trust(Host(tmp_path)) == Trust((ROOT.pem,), (CUSTOM.pem,), (LIST, LIST))


def test_without_files_nobody_is_trusted(tmp_path: Path) -> None:
    assert trust(Host(tmp_path)) == Trust()


def test_a_certificate_that_is_cut_off_is_not_trusted_and_a_list_is_not_forgotten() -> None:
    assert bundles(ROOT.pem[:-20], CUSTOM.pem).provider_root == ()
    held = bundles("", CUSTOM.pem + LIST[:-40])
    assert held.custom == (CUSTOM.pem,)
    assert len(held.lists) == 1


def test_a_bundle_too_large_is_refused(tmp_path: Path) -> None:
    (tmp_path / "custom-ca.crt").write_bytes(b"x" * (LARGEST_BUNDLE + 1))
    with pytest.raises(ComponentError, match=r"custom-ca\.crt"):
        trust(Host(tmp_path))
