"""Every TLS application with every cipher list, direct and by proxy: servers of another root."""

import pytest

from tests.support.provider_fixtures import dnsmasq, net
from tests.support.squid import proxy
from tests.support.tls_table import FOREIGN, Play, judge, play, show, table

__all__ = ["dnsmasq", "net", "play", "proxy"]


@pytest.mark.proves("APP-09", "TLS-01", "TLS-08", "PXY-06")
def test_a_server_of_another_root_is_refused_by_every_application(play: Play) -> None:
    cells = play(FOREIGN)
    judge(FOREIGN, cells)
    show(FOREIGN, table(FOREIGN, cells))
