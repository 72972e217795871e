"""What the lab's VPN needs of a machine, said in one sentence."""

from pathlib import Path

import pytest

from ringfence.lab import vpn


@pytest.mark.parametrize(
    ("programs", "uid", "sub_ids", "words"),
    [
        (True, 0, False, ""),
        (True, 1000, True, ""),
        (True, 1000, False, "ocserv needs more than one user: run as root, or give this user"),
        (False, 0, True, "ocserv is missing: install ocserv and openconnect"),
    ],
)
def test_a_machine_that_cannot_run_the_vpn_is_told_why(
    monkeypatch: pytest.MonkeyPatch, programs: bool, uid: int, sub_ids: bool, words: str
) -> None:
    monkeypatch.setattr("shutil.which", lambda *_, **__: "/x" if programs else None)
    monkeypatch.setattr("os.geteuid", lambda: uid)
    monkeypatch.setattr(vpn, "has_sub_ids", lambda _: sub_ids)
    monkeypatch.setattr(vpn, "TUN", Path("/"))
    said = vpn.lacking()
    assert said.startswith(words)
    assert bool(said) is bool(words)


def test_a_kernel_without_tunnels_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda *_, **__: "/x")
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(vpn, "TUN", Path("/no/such/device"))
    assert vpn.lacking() == "this kernel has no tunnels: /no/such/device is missing"
