"""TLS: what the cipher list and the versions mean for each application, for people to see."""

from ringfence.features.tls.driver import TlsDriver
from ringfence.features.tls.plan import TlsPlan, offers, plan
from ringfence.runtime.feature import Feature


def show(plan: TlsPlan) -> str:
    """Return what each application offers, one line each."""
    return "".join(f"{title}: {text}\n" for title, text in offers(plan))


FEATURE = Feature("tls", plan, show, TlsDriver)
