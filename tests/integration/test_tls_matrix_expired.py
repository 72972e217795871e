"""Every TLS application with every cipher list, direct and by proxy: expired certificates."""

import pytest

from tests.support.provider_fixtures import dnsmasq, net
from tests.support.squid import proxy
from tests.support.tls_table import OVER, Play, judge, play, show, table

__all__ = ["dnsmasq", "net", "play", "proxy"]


@pytest.mark.proves("APP-09", "TLS-01", "TLS-08", "PXY-06")
def test_an_expired_certificate_is_refused_by_every_application(play: Play) -> None:
    cells = play(OVER)
    judge(OVER, cells)
    show(OVER, table(OVER, cells))
