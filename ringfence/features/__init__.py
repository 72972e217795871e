"""Every feature, in the order in which plans are applied."""

from typing import Any

from ringfence.runtime.feature import Feature

FEATURES: tuple[Feature[Any], ...] = ()
