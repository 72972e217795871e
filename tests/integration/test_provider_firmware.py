"""Images at `provider serve`: for phones that show a certificate, and from their folder alone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.certificates import authority, leaf
from tests.support.firmware import Publisher
from tests.support.provider_fixtures import net
from tests.support.provider_net import PHONE, Net, versions
from tests.support.provider_server import Provider

__all__ = ["net"]

DATA = bytes(range(256)) * 1000


@pytest.fixture
def provider(net: Net, tmp_path: Path, component: list[str]) -> Iterator[Provider]:
    component.append(" ".join(versions("curl", "--version").split()[:2]))
    net.phone_space.address("eth0", f"{PHONE}/24")
    folder = tmp_path / "firmware"
    Publisher(tmp_path / "keys").publish(folder, DATA)
    (folder / ".hidden").write_text("not for phones")
    (tmp_path / "secret.pyz").write_text("not for phones")
    made = Provider(net, "--firmware", str(folder))
    made.put("default.xml", "<flat-profile/>")
    yield made
    made.server.stop()


def status(provider: Provider, path: str, device: object = True) -> str:
    shown = provider.net.trust.device() if device is True else device
    return provider.ask(shown, path, "-o", str(provider.net.folder / "got"))[0]  # type: ignore[arg-type]


@pytest.mark.proves("RSY-09")
def test_any_phone_of_the_provider_gets_images_and_nobody_else(provider: Provider) -> None:
    (path,) = (provider.net.folder / "firmware").glob("*.new.pyz")
    name = f"/firmware/{path.name}"
    assert status(provider, name) == "200"
    assert (provider.net.folder / "got").read_bytes() == DATA
    for mac in ("000e08abcdee", "000e08abcded"):
        assert status(provider, name, provider.net.trust.device(mac)) == "200"
    assert status(provider, name, None) == "403"
    stranger = leaf(authority("Client Root"), subject=provider.net.trust.subject())
    assert status(provider, name, stranger) == "000"
    log = provider.server.wait_for(f'"GET {name}" 403')
    assert f'"no device certificate" "GET {name}" 403' in log


@pytest.mark.parametrize(
    "path",
    [
        "/firmware/.hidden",
        "/firmware/../secret.pyz",
        "/firmware/%2e%2e%2fsecret.pyz",
        "/firmware/..%2fsecret.pyz",
        "/firmware/",
        "/firmware/nothing.pyz",
        "/firmware/a%00b",
        "/firmware/" + "a" * 300,
    ],
)
def test_nothing_but_what_was_published_is_there(provider: Provider, path: str) -> None:
    assert status(provider, path) in ("400", "403", "404")
    got = provider.net.folder / "got"
    assert not got.exists() or b"not for phones" not in got.read_bytes()
