"""One registrar for the lines of a phone, over UDP, TCP and TLS."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ringfence.lab.kamailio import Registrar
from ringfence.lab.namespaces import Namespace
from tests.support.certificates import authority, leaf
from tests.support.kamailio import Kamailio

PHONE, PROXY, NAME = "10.99.0.2", "10.99.0.9", "sip.telco.test"
USERS = {"1001": "pw1001", "1002": "pw1002"}
ROOT = authority()


@pytest.fixture
def kamailio(
    pair: tuple[Namespace, Namespace], tmp_path: Path, component: list[str]
) -> Iterator[Kamailio]:
    """Yield a running registrar."""
    certificate, key = leaf(ROOT, dns=[NAME]).save(tmp_path, "sip")
    registrar = Registrar(PROXY, NAME, USERS, Path(certificate), Path(key))
    started = Kamailio(pair[1], tmp_path, registrar)
    component.append(started.version())
    yield started
    started.close()
