"""Pictures, logos and words of further languages, from the provider's servers."""

from ringfence.features.downloads.plan import CallerPlan, FilePlan, plan, show
from ringfence.runtime.feature import Driver, Feature, World


def _driver(world: World) -> Driver[FilePlan | CallerPlan]:
    """Return the driver; who only plans does without its imports."""
    from ringfence.features.downloads.driver import DownloadsDriver

    return DownloadsDriver(world)


FEATURE = Feature("downloads", plan, show, _driver)
