"""TLS: what the cipher list and the versions mean for each application, for people to see."""

from ringfence.features.tls.plan import TlsPlan, offers, plan
from ringfence.runtime.feature import Driver, Feature, World


def show(plan: TlsPlan) -> str:
    """Return what each application offers, one line each."""
    return "".join(f"{one.application.title}: {text}\n" for one, text in offers(plan))


def _driver(world: World) -> Driver[TlsPlan]:
    """Return the driver; who only plans does without its imports."""
    from ringfence.features.tls.driver import TlsDriver

    return TlsDriver(world)


FEATURE = Feature("tls", plan, show, _driver)
