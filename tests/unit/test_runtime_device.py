"""What the files of the state folder that no profile changes are taken for."""

from pathlib import Path

import pytest

from ringfence.cli.phone_process import boot
from ringfence.errors import ComponentError
from ringfence.policy.tls import Trust
from ringfence.runtime.device import LARGEST_BUNDLE, bundles, identity, trust
from ringfence.runtime.host import Host
from ringfence.runtime.keeper import REFUSED
from ringfence.runtime.state import Sound
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


@pytest.mark.parametrize("text", ["", "[1]", "null", "[" * 100_000, "\xff"])
def test_a_description_of_the_device_that_is_none_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "device.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(ComponentError, match=r"device\.json"):
        identity(Host(tmp_path), "eth0")


def test_a_start_with_a_file_without_end_is_refused(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "device.json").write_text('{"mac": "000e08abcdef", "interface": "eth0"}')
    ended = boot(Host(tmp_path), Path("/dev/zero"), None, Sound(), lambda _: None, debug=False)
    assert ended == REFUSED
    assert "has more than 1048576 bytes" in caplog.text
