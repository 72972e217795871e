"""Every TLS application with every cipher list, direct and by proxy: servers of another name."""

import pytest

from tests.support.provider_fixtures import dnsmasq, net
from tests.support.squid import proxy
from tests.support.tls_table import NAMED, Play, judge, play, show, table

__all__ = ["dnsmasq", "net", "play", "proxy"]


@pytest.mark.proves("APP-09", "TLS-01", "TLS-08", "PXY-06")
def test_a_server_of_another_name_gets_not_one_byte_of_any_application(play: Play) -> None:
    cells = play(NAMED)
    judge(NAMED, cells)
    show(NAMED, table(NAMED, cells))
