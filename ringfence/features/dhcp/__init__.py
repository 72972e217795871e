"""The phone's IPv4 address, from a DHCP server or from its parameters."""

from ringfence.features.dhcp.driver import AddressDriver
from ringfence.features.dhcp.plan import plan, show
from ringfence.runtime.feature import Feature

FEATURE = Feature("dhcp", plan, show, AddressDriver)
