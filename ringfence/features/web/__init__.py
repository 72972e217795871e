"""The phone's web page."""

from ringfence.features.web.driver import WebDriver
from ringfence.features.web.plan import plan, show
from ringfence.runtime.feature import Feature

FEATURE = Feature("web", plan, show, WebDriver)
