"""Where a value was written: the words that a refusal has for it."""

from ringfence.config.cfgxml import read
from ringfence.config.settings import virgin
from ringfence.config.snapshot import Change, Origin, Snapshot, submit
from ringfence.runtime.places import Places

FILE = b"""<flat-profile>
  <GPP_A>x</GPP_A>
  <Proxy_1_>sip.telco.test</Proxy_1_>
</flat-profile>"""


class Phone:
    """A snapshot that files and people change."""

    def __init__(self) -> None:
        self.snapshot = Snapshot(virgin())
        self.places = Places(lambda: self.snapshot)

    def take(self, data: bytes, name: str) -> None:
        document = read(data)
        changes = document.changes(self.snapshot)
        self.snapshot, _ = submit(self.snapshot, changes, Origin.PROFILE)
        self.places.remember(name, document)

    def set(self, tag: str, text: str, origin: Origin) -> None:
        self.snapshot, _ = submit(self.snapshot, {tag: Change(text)}, origin)


def test_a_value_of_a_file_has_a_line() -> None:
    phone = Phone()
    phone.take(FILE, "the file of Profile_Rule")
    said = phone.places.describe("Proxy_1_")
    assert said == "Proxy_1_ (line 3 of the file of Profile_Rule)"
    assert phone.places.where("Proxy_1_") == (3, "the file of Profile_Rule")
    assert phone.places.where("Host_Name") is None


def test_the_file_that_gave_the_present_value_is_named() -> None:
    phone = Phone()
    phone.take(FILE, "the file of Profile_Rule")
    other = FILE.replace(b"sip.telco", b"b.telco").replace(b"\n  <GPP_A>", b"<GPP_A>")
    phone.take(other, "the file of Profile_Rule_B")
    said = phone.places.describe("Proxy_1_")
    assert said == "Proxy_1_ (line 2 of the file of Profile_Rule_B)"


def test_a_value_of_another_origin_has_its_origin() -> None:
    phone = Phone()
    assert phone.places.describe("Proxy_1_") == "Proxy_1_"
    phone.take(FILE, "the file of Profile_Rule")
    phone.set("Proxy_1_", "sip.other.test", Origin.PAGE)
    assert phone.places.describe("Proxy_1_") == "Proxy_1_ (web page)"


def test_a_value_of_a_file_long_gone_has_its_origin_and_what_is_no_parameter_its_name() -> None:
    phone = Phone()
    phone.set("Proxy_1_", "sip.telco.test", Origin.PROFILE)
    assert phone.places.describe("Proxy_1_") == "Proxy_1_ (profile)"
    assert phone.places.describe("DHCP option 66") == "DHCP option 66"
