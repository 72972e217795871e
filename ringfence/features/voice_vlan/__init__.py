"""The interface of the voice VLAN, which carries the phone's addresses while there is one."""

from ringfence.features.voice_vlan.plan import VoiceVlanPlan, plan, show
from ringfence.runtime.feature import Driver, Feature, World


def _driver(world: World) -> Driver[VoiceVlanPlan]:
    """Return the driver; who only plans does without its imports."""
    from ringfence.features.voice_vlan.driver import VoiceVlanDriver

    return VoiceVlanDriver(world)


FEATURE = Feature("voice_vlan", plan, show, _driver)
