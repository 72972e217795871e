"""The packet filter's library, where there is none."""

import pytest

from ringfence.errors import ComponentError
from ringfence.runtime import host_nft


def test_a_missing_library_is_named_with_the_package_that_has_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(host_nft, "LIBRARY", "libnone.so.1")
    with pytest.raises(ComponentError, match=r"libnone\.so\.1 .* install libnftables1"):
        host_nft.Nft()
