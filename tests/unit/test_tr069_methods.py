"""What the phone answers to its ACS: the data model, the methods and their faults."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest

from ringfence.config.settings import Settings, slots
from ringfence.config.snapshot import Change, Origin, Snapshot, submit
from ringfence.errors import ConfigError
from ringfence.features.tr069 import model as data_model
from ringfence.features.tr069.methods import PROVISIONING_CODE, Methods
from ringfence.features.tr069.model import Model, Own
from ringfence.features.tr069.record import Book
from ringfence.protocols.cwmp import messages as cwmp
from ringfence.protocols.cwmp.faults import CwmpError
from ringfence.runtime.host import Host

CIPHERS = "Device.X_CISCO_SecuritySettings.TLSCipherList"
PASSWORD = "Device.ManagementServer.Password"
PERIODIC = "Device.ManagementServer.PeriodicInformEnable"
INTERVAL = "Device.ManagementServer.PeriodicInformInterval"
URL = "Device.ManagementServer.ConnectionRequestURL"
ACS = "Device.ManagementServer.URL"
OWN = {
    PROVISIONING_CODE: Own("", writable=True),
    URL: Own("http://10.0.0.2:8123/x"),
    "Device.RootDataModelVersion": Own("2.11"),
}


class World:
    """The write path and the clock of a phone."""

    def __init__(self, state: Path) -> None:
        self.held = Snapshot(Settings())
        self.host = Host(state)

    def snapshot(self) -> Snapshot:
        return self.held

    def submit(
        self, changes: Mapping[str, Change], origin: Origin, *, whole: bool
    ) -> list[ConfigError]:
        assert whole
        after, errors = submit(self.held, changes, origin)
        if not errors:
            self.held = after
        return errors


class Phone:
    """Methods over a world of its own."""

    def __init__(self, state: Path) -> None:
        self.world = World(state)
        self.book = Book(self.world.host)
        model = lambda: Model(self.world.held.settings, OWN)  # noqa: E731
        self.methods = Methods(cast(Any, self.world), self.book, model)

    def ask(self, message: cwmp.Message) -> Any:
        return self.methods.answer(message)

    def put(self, *values: tuple[str, str, str], key: str = "") -> Any:
        structs = tuple(
            cwmp.ParameterValueStruct(path, cwmp.Value(text, kind)) for path, text, kind in values
        )
        return self.ask(cwmp.SetParameterValues(structs, key))

    def value(self, path: str) -> cwmp.Value:
        (found,) = self.ask(cwmp.GetParameterValues((path,))).parameter_list
        return cast(cwmp.Value, found.value)


@pytest.fixture
def phone(tmp_path: Path) -> Phone:
    return Phone(tmp_path)


def faults(error: object) -> list[tuple[str, int]]:
    assert isinstance(error, CwmpError)
    assert error.code == 9003
    return [(path, code) for path, code, _ in error.parameters]


@pytest.mark.proves("TLS-06")
def test_the_cipher_list_stands_where_the_chapter_says(phone: Phone) -> None:
    assert phone.value(CIPHERS) == cwmp.Value("", "string")
    assert phone.put((CIPHERS, "RSA:!aNULL:!eNULL", "string")) == cwmp.SetParameterValuesResponse(0)
    assert phone.world.held.settings.system.tls_cipher_list == "RSA:!aNULL:!eNULL"
    assert phone.world.held.origin("TLS_Cipher_List") is Origin.ACS


def test_every_parameter_that_is_not_hidden_has_one_path_of_its_own() -> None:
    shown = {tag for tag, slot in slots().items() if not slot.row.hidden}
    assert set(data_model.rows().values()) == shown
    assert len(data_model.rows()) == len(shown)
    assert data_model.rows()["Device.X_RINGFENCE_Settings.Ext.3.User_ID"] == "User_ID_3_"
    assert data_model.rows()["Device.X_RINGFENCE_Settings.TR-069.CWMP_V1_2_Support"] == (
        "CWMP_V1.2_Support"
    )


@pytest.mark.proves("TR-05")
def test_a_secret_reads_as_empty_and_can_be_set(phone: Phone) -> None:
    assert phone.put((PASSWORD, "s3cret", "string")) == cwmp.SetParameterValuesResponse(0)
    assert phone.world.held.settings.tr069.acs_password.reveal() == "s3cret"
    assert phone.value(PASSWORD).text == ""
    everything = phone.ask(cwmp.GetParameterValues(("",)))
    assert "s3cret" not in str(everything)
    assert len(everything.parameter_list) == len(data_model.rows()) + len(OWN)


@pytest.mark.proves("TR-05")
def test_values_have_the_types_of_the_model(phone: Phone) -> None:
    assert phone.value(PERIODIC) == cwmp.Value("1", "boolean")
    assert phone.value(INTERVAL) == cwmp.Value("20", "unsignedInt")
    done = phone.put((PERIODIC, "false", "boolean"), (INTERVAL, "3600", "unsignedInt"))
    assert done == cwmp.SetParameterValuesResponse(0)
    assert phone.value(PERIODIC) == cwmp.Value("0", "boolean")
    assert phone.value(INTERVAL) == cwmp.Value("3600", "unsignedInt")


@pytest.mark.proves("TR-05")
def test_each_parameter_that_is_wrong_has_its_fault_and_nothing_is_set(phone: Phone) -> None:
    said = phone.put(
        (CIPHERS, "HIGH", "string"),
        ("Device.Nowhere", "1", "string"),
        ("Device.ManagementServer.", "1", "string"),
        (URL, "http://x/", "string"),
        (PERIODIC, "1", "string"),
        (PERIODIC.replace("Enable", "Enabled"), "1", "boolean"),
        (INTERVAL, "soon", "int"),
        (ACS, "ftp://x/", "string"),
        key="new",
    )
    assert faults(said) == [
        ("Device.Nowhere", 9005),
        ("Device.ManagementServer.", 9005),
        (URL, 9008),
        (PERIODIC, 9006),
        (PERIODIC + "d", 9005),
        (INTERVAL, 9006),
        (ACS, 9007),
    ]
    assert phone.value(CIPHERS).text == ""
    assert phone.book.record.parameter_key == ""


@pytest.mark.proves("TR-05")
@pytest.mark.parametrize(
    ("path", "text", "kind"),
    [
        (INTERVAL, "0", "unsignedInt"),
        (INTERVAL, "-1", "unsignedInt"),
        (PERIODIC, "yes", "boolean"),
        (ACS, "ftp://x/", "string"),
        (PROVISIONING_CODE, "x" * 65, "string"),
    ],
)
def test_a_value_out_of_its_limits_is_refused_with_all_others(
    phone: Phone, path: str, text: str, kind: str
) -> None:
    assert faults(phone.put((CIPHERS, "HIGH", "string"), (path, text, kind))) == [(path, 9007)]
    assert phone.value(CIPHERS).text == ""


def test_a_parameter_that_stands_twice_is_refused(phone: Phone) -> None:
    assert faults(phone.put((CIPHERS, "HIGH", "string"), (CIPHERS, "LOW", "string"))) == []


def test_what_needs_a_reboot_says_so(phone: Phone) -> None:
    path = "Device.X_RINGFENCE_Settings.System.Enable_VLAN"
    assert slots()["Enable_VLAN"].row.effect.name == "REBOOT"
    assert phone.put((path, "1", "boolean")) == cwmp.SetParameterValuesResponse(1)
    assert phone.put((path, "1", "boolean")) == cwmp.SetParameterValuesResponse(0)


@pytest.mark.proves("TR-05")
def test_names_are_listed_by_level_or_whole(phone: Phone) -> None:
    def names(path: str, next_level: bool) -> list[tuple[str, bool]]:
        said = phone.ask(cwmp.GetParameterNames(path, next_level))
        return [(one.name, one.writable) for one in said.parameter_list]

    assert names("", True) == [("Device.", False)]
    assert set(names("Device.", True)) == {
        ("Device.RootDataModelVersion", False),
        ("Device.DeviceInfo.", False),
        ("Device.ManagementServer.", False),
        ("Device.X_CISCO_SecuritySettings.", False),
        ("Device.X_RINGFENCE_Settings.", False),
    }
    security = "Device.X_CISCO_SecuritySettings."
    assert names(security, False) == [
        (security, False),
        *(
            (security + last, True)
            for last in (
                *("Firewall", "FirewallConfig", "TLSCipherList"),
                *("TLSClientMinVersion", "TLSServerMinVersion"),
            )
        ),
    ]
    assert names(CIPHERS, False) == [(CIPHERS, True)]
    for path, level in (("Device.Nowhere", False), ("Nowhere.", True)):
        assert phone.ask(cwmp.GetParameterNames(path, level)).code == 9005
    assert phone.ask(cwmp.GetParameterNames(CIPHERS, True)).code == 9003


@pytest.mark.proves("TR-05")
def test_attributes_are_kept_through_a_power_cut(phone: Phone, tmp_path: Path) -> None:
    def wanted(path: str, level: int) -> Any:
        struct = cwmp.SetParameterAttributesStruct(path, True, level, False, ())
        return phone.ask(cwmp.SetParameterAttributes((struct,)))

    assert wanted(CIPHERS, 2) == cwmp.SetParameterAttributesResponse()
    assert wanted(CIPHERS, 3).code == 9009
    assert wanted("Device.Nowhere", 1).code == 9005
    (said,) = Phone(tmp_path).ask(cwmp.GetParameterAttributes((CIPHERS,))).parameter_list
    assert said.notification == 2
    assert wanted(CIPHERS, 0) == cwmp.SetParameterAttributesResponse()
    assert Phone(tmp_path).book.record.notifications == {}


@pytest.mark.proves("TR-05")
def test_the_methods_that_every_phone_must_have_are_there(phone: Phone) -> None:
    """Source: TR-069, section on RPC methods; those that a CPE is required to have."""
    required = {
        *("GetRPCMethods", "SetParameterValues", "GetParameterValues", "GetParameterNames"),
        *("SetParameterAttributes", "GetParameterAttributes", "AddObject", "DeleteObject"),
        *("Reboot", "Download"),
    }
    listed = phone.ask(cwmp.GetRPCMethods()).method_list
    assert set(listed) == required | {"FactoryReset", "ScheduleInform"}


@pytest.mark.proves("TR-05")
def test_what_the_acs_has_not_heard_is_not_forgotten_because_it_asks_for_more(
    phone: Phone,
) -> None:
    def noticed(path: str) -> None:
        struct = cwmp.SetParameterAttributesStruct(path, True, 1, False, ())
        assert phone.ask(cwmp.SetParameterAttributes((struct,))) == (
            cwmp.SetParameterAttributesResponse()
        )

    noticed(INTERVAL)
    phone.world.submit({"Periodic_Inform_Interval": Change("60")}, Origin.PAGE, whole=True)
    noticed(CIPHERS)
    assert phone.book.record.told[INTERVAL] == "20"
    assert phone.put((CIPHERS, "HIGH", "string")) == cwmp.SetParameterValuesResponse(0)
    assert phone.book.record.told[CIPHERS] == "HIGH", "the ACS knows what it has set"


def test_what_no_acs_can_switch_off_is_told(phone: Phone) -> None:
    struct = cwmp.SetParameterAttributesStruct(URL, True, 0, False, ())
    phone.ask(cwmp.SetParameterAttributes((struct,)))
    (said,) = phone.ask(cwmp.GetParameterAttributes((URL,))).parameter_list
    assert said.notification == 2


def test_orders_of_another_acs_count_no_more(phone: Phone) -> None:
    phone.ask(cwmp.Download("d1", "3 Vendor Configuration File", "https://pv.test/a.xml"))
    phone.ask(cwmp.ScheduleInform(60, "s1"))
    phone.ask(cwmp.Reboot("r1"))
    record = phone.book.record
    record.add("1 BOOT")
    record.begin()
    assert record.events == [("0 BOOTSTRAP", ""), ("1 BOOT", "")]
    assert not record.transfers
    assert not record.scheduled
    record.add("4 VALUE CHANGE")
    record.begin()
    assert record.events[-1] == ("4 VALUE CHANGE", ""), "it had not heard of the phone yet"


@pytest.mark.proves("TR-05")
def test_downloads_calls_and_reboots_are_kept_before_they_are_answered(
    phone: Phone, tmp_path: Path
) -> None:
    said = phone.ask(cwmp.Download("d1", "3 Vendor Configuration File", "https://pv.test/a.xml"))
    assert (said.status, said.start_time) == (1, "0001-01-01T00:00:00Z")
    assert phone.ask(cwmp.ScheduleInform(60, "s1")) == cwmp.ScheduleInformResponse()
    assert phone.ask(cwmp.Reboot("r1")) == cwmp.RebootResponse()
    assert phone.methods.then == "reboot"
    record = Book(Host(tmp_path)).record
    assert [one.command_key for one in record.transfers] == ["d1"]
    assert [one.command_key for one in record.scheduled] == ["s1"]
    assert record.events == [("M Reboot", "r1")]


@pytest.mark.proves("TR-05")
@pytest.mark.parametrize(
    ("message", "code"),
    [
        (cwmp.Download("k", "2 Web Content", "https://pv.test/a"), 9003),
        (cwmp.Download("k", "1 Firmware Upgrade Image", "ftp://pv.test/a"), 9013),
        (cwmp.Download("k", "1 Firmware Upgrade Image", "(1)? https://pv.test/a"), 9013),
        (cwmp.Download("k", "3 Vendor Configuration File", "https://pv.test/$SA"), 9003),
        (cwmp.Download("k", "3 Vendor Configuration File", "[--key x] https://pv.test/a"), 9013),
        (cwmp.Download("k", "3 Vendor Configuration File", "https://pv/a", "u", 'p"q'), 9003),
        (cwmp.Download("k", "1 Firmware Upgrade Image", "https://pv/a", "u", "p"), 9003),
        (cwmp.Download("k" * 33, "1 Firmware Upgrade Image", "https://pv/a"), 9003),
        (cwmp.ScheduleInform(0, ""), 9003),
        (cwmp.Reboot("k" * 33), 9003),
        (cwmp.GetParameterValues(("Device.Nowhere",)), 9005),
        (cwmp.AddObject("Device.X_RINGFENCE_Settings.Ext.", "k"), 9005),
        (cwmp.DeleteObject("Device.X_RINGFENCE_Settings.Ext.1.", "k"), 9005),
        (cwmp.RebootResponse(), 9000),
    ],
)
def test_a_method_that_cannot_be_done_is_a_fault(
    phone: Phone, message: cwmp.Message, code: int
) -> None:
    assert phone.ask(message).code == code
    assert phone.book.record.transfers == []
    assert phone.methods.then == ""


def test_an_acs_cannot_pile_up_downloads_and_calls(phone: Phone) -> None:
    for _ in range(8):
        assert not isinstance(
            phone.ask(cwmp.Download("k", "1 Firmware Upgrade Image", "https://pv/a")), CwmpError
        )
    assert phone.ask(cwmp.Download("k", "1 Firmware Upgrade Image", "https://pv/a")).code == 9004
    for _ in range(16):
        phone.ask(cwmp.ScheduleInform(60, ""))
    assert phone.ask(cwmp.ScheduleInform(60, "")).code == 9004


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"events": 5}', b"[" * 100_000, b"\xff"])
def test_a_record_that_cannot_be_read_begins_anew(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "tr069.json").write_bytes(data)
    assert Book(Host(tmp_path)).record.events == []
