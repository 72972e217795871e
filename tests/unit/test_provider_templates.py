"""Which profile a device gets. Source: chapter, Client Root Certificate; PRV-12."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.errors import ComponentError
from ringfence.provider.identity import DeviceIdentity
from ringfence.provider.templates import Templates, belongs_to

DEVICE = DeviceIdentity("CP-6841-3PCC", "88012BA01234", "000e08abcdef")
OWN = "/000e08abcdef.xml"


@pytest.mark.parametrize(
    ("path", "opens"),
    [
        (OWN, True),
        ("/000E08ABCDEF.xml", True),
        ("/00:0e:08:ab:cd:ef/cfg.xml", True),
        ("/spa000e08abcdef.cfg", True),
        ("/cfg/000e08abcdef/sip.xml", True),
        ("/000e08abcdee.xml", False),
        ("/000e08abcdef/000e08abcdee.xml", False),
        ("/000e08abcdef0.xml", False),
        ("/8841.xml", False),
        ("/", False),
        ("/default.xml", False),
    ],
)
def test_a_certificate_opens_the_paths_of_its_own_mac(path: str, opens: bool) -> None:
    assert belongs_to(path, DEVICE) is opens


def test_a_generic_certificate_opens_nothing() -> None:
    assert not belongs_to(OWN, DeviceIdentity("cisco.com", "ciscogeneric", ""))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "profiles").mkdir()
    (tmp_path / "secret.xml").write_text("secret")
    return tmp_path / "profiles"


def test_the_most_specific_template_is_taken(folder: Path) -> None:
    def rendered() -> bytes | None:
        return Templates(folder).render(OWN, DEVICE)

    assert rendered() is None
    for name in ("default", "CP-6841-3PCC", "000e08abcdef"):
        (folder / f"{name}.xml").write_text(name)
        assert rendered() == name.encode()


@pytest.mark.proves("PRV-12")
def test_a_template_knows_what_the_certificate_says(folder: Path) -> None:
    (folder / "default.xml").write_text("{{ product }} {{ serial }} {{ mac }}")
    assert Templates(folder).render(OWN, DEVICE) == b"CP-6841-3PCC 88012BA01234 000e08abcdef"


def test_what_a_certificate_says_is_not_markup(folder: Path) -> None:
    (folder / "default.xml").write_text("{{ serial }}")
    device = DeviceIdentity("P", "</x><Admin_Password>", DEVICE.mac)
    assert Templates(folder).render(OWN, device) == b"&lt;/x&gt;&lt;Admin_Password&gt;"


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.xml",
        "/000e08abcdef/../../secret.xml",
        "//000e08abcdef.xml",
        "/.000e08abcdef.xml",
        "/000e08abcdef.xml\x00",
        "/000e08abcdef.xml/",
        "/000e08abcdef\\..\\x.xml",
    ],
)
def test_no_path_leads_out_of_the_folder(folder: Path, path: str) -> None:
    (folder / "default.xml").write_text("default")
    assert Templates(folder).render(path, DEVICE) is None


def test_no_product_leads_out_of_the_folder(folder: Path) -> None:
    device = DeviceIdentity("../secret", "1", DEVICE.mac)
    assert Templates(folder).render(OWN, device) is None


@given(st.text(alphabet="./\\%0ae8bcdf:xml", max_size=40))
def test_any_path_is_refused_or_stays_inside(
    tmp_path_factory: pytest.TempPathFactory, path: str
) -> None:
    outside = tmp_path_factory.getbasetemp() / "outside"
    (outside / "inside").mkdir(parents=True, exist_ok=True)
    assert Templates(outside / "inside").render("/" + path, DEVICE) is None


@pytest.mark.parametrize(
    "template",
    [
        "{{ nobody }}",
        "{{ mac.__class__.__mro__ }}",
        "{% for x in %}",
        "{{ 1 / 0 }}",
        "{% include '../secret.xml' %}",
        "{{ range(10**9)|list }}",
    ],
)
def test_a_template_that_is_wrong_or_reaches_out_is_an_error(folder: Path, template: str) -> None:
    (folder / "default.xml").write_text(template)
    with pytest.raises(ComponentError, match=r"template for /000e08abcdef\.xml"):
        Templates(folder).render(OWN, DEVICE)
