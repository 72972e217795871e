"""The methods of CWMP, their answers and structures: each declared once, for both directions.

The name of a class is that of its element, and a field's is that of its child. Source: TR-069,
section on RPC methods, and the schema of CWMP 1.2, whose messages 1.3 and 1.4 kept.
"""

from typing import ClassVar

from msgspec import Struct, field


class Part(Struct, frozen=True, rename="pascal"):
    """A structure; its fields stand in the order of the schema."""

    REPEATED: ClassVar[bool] = False
    """It stands as often as it must, without an array around it."""


class Message(Part, frozen=True):
    """A method, its answer, or a fault."""


class Value(Struct, frozen=True):
    """A value with its type."""

    text: str
    kind: str = "string"
    """Name of a simple type of XML Schema; empty where none was given."""


class ParameterValueStruct(Part, frozen=True):
    """A parameter and its value."""

    name: str
    value: Value


class ParameterInfoStruct(Part, frozen=True):
    """A parameter or an object, and whether it may be changed."""

    name: str
    writable: bool


class SetParameterAttributesStruct(Part, frozen=True):
    """What is to be noticed of a parameter or of all below an object."""

    name: str
    notification_change: bool
    notification: int
    access_list_change: bool
    access_list: tuple[str, ...]


class ParameterAttributeStruct(Part, frozen=True):
    """What is noticed of a parameter."""

    name: str
    notification: int
    access_list: tuple[str, ...]


class EventStruct(Part, frozen=True):
    """Why the phone calls."""

    event_code: str
    command_key: str = ""


class DeviceIdStruct(Part, frozen=True):
    """Which device calls."""

    manufacturer: str
    oui: str = field(name="OUI")
    product_class: str
    serial_number: str


class FaultStruct(Part, frozen=True):
    """How a transfer failed; code 0 where it did not."""

    fault_code: int = 0
    fault_string: str = ""


class SetParameterValuesFault(Part, frozen=True):
    """What is wrong with one parameter."""

    REPEATED: ClassVar[bool] = True

    parameter_name: str
    fault_code: int
    fault_string: str = ""


class Fault(Message, frozen=True):
    """The detail of a SOAP fault."""

    fault_code: int
    fault_string: str = ""
    set_parameter_values_fault: tuple[SetParameterValuesFault, ...] = ()


class Inform(Message, frozen=True):
    """The phone calls; the first message of every session."""

    device_id: DeviceIdStruct
    event: tuple[EventStruct, ...]
    max_envelopes: int
    current_time: str
    retry_count: int
    parameter_list: tuple[ParameterValueStruct, ...]


class InformResponse(Message, frozen=True):
    """The ACS has heard it."""

    max_envelopes: int = 1


class GetRPCMethods(Message, frozen=True):
    """Ask which methods there are."""


class GetRPCMethodsResponse(Message, frozen=True):
    """These."""

    method_list: tuple[str, ...]


class GetParameterNames(Message, frozen=True):
    """Ask which parameters are below a path."""

    parameter_path: str
    next_level: bool


class GetParameterNamesResponse(Message, frozen=True):
    """These."""

    parameter_list: tuple[ParameterInfoStruct, ...]


class GetParameterValues(Message, frozen=True):
    """Ask for values."""

    parameter_names: tuple[str, ...]


class GetParameterValuesResponse(Message, frozen=True):
    """Those."""

    parameter_list: tuple[ParameterValueStruct, ...]


class SetParameterValues(Message, frozen=True):
    """Take these values, all or none."""

    parameter_list: tuple[ParameterValueStruct, ...]
    parameter_key: str


class SetParameterValuesResponse(Message, frozen=True):
    """Taken."""

    status: int
    """0: in force; 1: in force after a reboot."""


class GetParameterAttributes(Message, frozen=True):
    """Ask what is noticed of these."""

    parameter_names: tuple[str, ...]


class GetParameterAttributesResponse(Message, frozen=True):
    """That."""

    parameter_list: tuple[ParameterAttributeStruct, ...]


class SetParameterAttributes(Message, frozen=True):
    """Notice changes of these."""

    parameter_list: tuple[SetParameterAttributesStruct, ...]


class SetParameterAttributesResponse(Message, frozen=True):
    """They are noticed."""


class AddObject(Message, frozen=True):
    """Make one more object of a kind."""

    object_name: str
    parameter_key: str


class AddObjectResponse(Message, frozen=True):
    """Made."""

    instance_number: int
    status: int
    """0: there; 1: there after a reboot."""


class DeleteObject(Message, frozen=True):
    """Remove an object."""

    object_name: str
    parameter_key: str


class DeleteObjectResponse(Message, frozen=True):
    """Removed."""

    status: int


class Download(Message, frozen=True):
    """Fetch a file and use it."""

    command_key: str
    file_type: str
    url: str = field(name="URL")
    username: str = ""
    password: str = ""
    file_size: int = 0
    target_file_name: str = ""
    delay_seconds: int = 0
    success_url: str = field(name="SuccessURL", default="")
    failure_url: str = field(name="FailureURL", default="")

    def __repr__(self) -> str:
        """Leave out the login."""
        return f"Download({self.command_key!r}, {self.file_type!r})"


class DownloadResponse(Message, frozen=True):
    """Done, or to be done."""

    status: int
    """0: done; 1: TransferComplete will tell."""
    start_time: str
    complete_time: str


class Reboot(Message, frozen=True):
    """Start anew when the session is over."""

    command_key: str


class RebootResponse(Message, frozen=True):
    """It will."""


class FactoryReset(Message, frozen=True):
    """Become what left the factory when the session is over."""


class FactoryResetResponse(Message, frozen=True):
    """It will."""


class ScheduleInform(Message, frozen=True):
    """Call again after a while."""

    delay_seconds: int
    command_key: str


class ScheduleInformResponse(Message, frozen=True):
    """It will."""


class TransferComplete(Message, frozen=True):
    """A download came to its end."""

    command_key: str
    fault_struct: FaultStruct
    start_time: str
    complete_time: str


class TransferCompleteResponse(Message, frozen=True):
    """The ACS has heard it."""


OF_CPE: dict[str, type[Message]] = {
    kind.__name__: kind
    for kind in (
        *(GetRPCMethods, GetParameterNames, GetParameterValues, SetParameterValues),
        *(GetParameterAttributes, SetParameterAttributes, AddObject, DeleteObject),
        *(Download, Reboot, FactoryReset, ScheduleInform),
    )
}
"""`{name: method}` that an ACS may call on the phone."""
OF_ACS: dict[str, type[Message]] = {
    kind.__name__: kind for kind in (Inform, TransferComplete, GetRPCMethods)
}
"""`{name: method}` that the phone calls."""
MESSAGES: dict[str, type[Message]] = {kind.__name__: kind for kind in Message.__subclasses__()}
"""`{name: message}`, answers and the fault included."""
