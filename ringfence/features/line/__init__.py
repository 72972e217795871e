"""Extensions: registration at a proxy, and what a stranger gets to hear."""

from ringfence.features.line.driver import LineDriver
from ringfence.features.line.plan import plan, show
from ringfence.runtime.feature import Feature

FEATURE = Feature("line", plan, show, LineDriver)
