"""The LDAP directory: people and their numbers, found by page, screen and command."""

from ringfence.features.ldap.plan import LdapPlan, plan, show
from ringfence.runtime.feature import Driver, Feature, World


def _driver(world: World) -> Driver[LdapPlan]:
    """Return the driver; who only plans does without its imports."""
    from ringfence.features.ldap.driver import LdapDriver

    return LdapDriver(world)


FEATURE = Feature("ldap", plan, show, _driver)
