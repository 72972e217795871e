"""Every TLS application with every cipher list, direct and by proxy: servers of the right name."""

import pytest

from tests.support.provider_fixtures import dnsmasq, net
from tests.support.squid import proxy
from tests.support.tls_table import RIGHT, Play, judge, play, show, table

__all__ = ["dnsmasq", "net", "play", "proxy"]


@pytest.mark.proves("APP-09", "TLS-01", "TLS-08", "PXY-06")
def test_with_the_right_name_the_list_decides_alone(play: Play) -> None:
    cells = play(RIGHT)
    judge(RIGHT, cells)
    show(RIGHT, table(RIGHT, cells))
