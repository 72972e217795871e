"""The phone's own certificates: the custom one by SCEP or by file, and how long each counts."""

from ringfence.features.certificates.plan import CertificatesPlan, plan
from ringfence.runtime.feature import Driver, Feature, World


def show(plan: CertificatesPlan) -> str:
    """Return where a custom certificate comes from and what shows it, for `ringfence explain`."""
    asked = plan.enrolment
    source = f"SCEP at {asked.url}" if asked else "no SCEP"
    return f"custom device certificate: {source}; 802.1X shows the {plan.wired} certificate"


def _driver(world: World) -> Driver[CertificatesPlan]:
    """Return the driver; who only plans does without its imports."""
    from ringfence.features.certificates.driver import CertificatesDriver

    return CertificatesDriver(world)


FEATURE = Feature("certificates", plan, show, _driver)
