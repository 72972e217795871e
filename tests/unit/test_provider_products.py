"""The list that a product is picked from. Source: chapter, Get a Signed Server Certificate."""

import pytest

from ringfence.errors import ConfigError
from ringfence.provider.products import product


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("CP-88xx-3PCC", "CP-88xx-3PCC"),
        ("cp-78XX-3pcc", "CP-78xx-3PCC"),
        ("CP-8841-3PCC", "CP-88xx-3PCC"),
        ("CP-6841-3PCC", "CP-68xx-3PCC"),
        ("CP-7832-3PCC", "CP-78xx-3PCC"),
        ("SPA504G", "SPA5xx"),
        ("SPA112", "SPA1xx"),
        ("SPA232D", "SPA232D"),
    ],
)
def test_a_family_is_picked_by_its_name_or_by_one_of_its_models(text: str, name: str) -> None:
    assert product(text).name == name


@pytest.mark.parametrize(
    ("text", "nearest"),
    [
        ("CP-8841", "CP-8841-3PCC"),
        ("CP-98xx-3PCC", "CP-88xx-3PCC"),
        ("SPA232", "SPA232D"),
        ("spa5x", "SPA5xx"),
        ("", ""),
        ("x" * 10_000 + "\n", ""),
    ],
)
def test_what_is_not_on_the_list_is_refused_with_the_nearest_name(text: str, nearest: str) -> None:
    with pytest.raises(ConfigError) as caught:
        product(text)
    assert "\n" not in str(caught.value)
    assert (f"the nearest is {nearest};" in str(caught.value)) is bool(nearest)
    assert str(caught.value).endswith("`ringfence ca products` shows it")
