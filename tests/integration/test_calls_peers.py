"""Calls with telephones that others wrote: both sides hear the other's tone."""

from itertools import groupby

import pytest

from tests.support.desk import PHONE, Desk, Peer
from tests.support.interop import CASES, DIRECT, GCM_256, IN, NARROWED, Case, record

LABELS = {"PCMU": "G711u", "PCMA": "G711a", "G722": "G722", "opus": "OPUS"}
"""Codecs as `Preferred_Codec_n_` names them."""
HALF = 0.45
"""What arrives of PJSIP's G.722, whose linear audio has a bit less than that of others."""
GROUPS = sorted({case[:3] for case in CASES})


def start(desk: Desk, case: Case) -> Peer:
    """Register the phone and start the peer for a codec and a suite."""
    more = {}
    if case.route == NARROWED:
        more["Outbound_Proxy_1_"] = desk.middlebox(case.suite).proxy
    desk.register(
        case.transport,
        Preferred_Codec_1_=LABELS[case.codec],
        Use_Pref_Codec_Only_1_="Yes",
        Secure_Call_Option_1_="Required" if case.suite else "Optional",
        Encryption_Method_1_="AES 256 GCM" if case.suite == GCM_256 else "AES 128",
        **more,
    )
    local = case.route == DIRECT
    if case.peer == "baresip":
        srtp = "srtp-mand" if case.suite else ""
        return desk.baresip(case.transport, codec=case.codec, srtp=srtp, local=local)
    return desk.pjsua(
        case.transport,
        codec=case.codec,
        srtp="mandatory" if case.suite else "off",
        suites=[case.suite] if case.suite else [],
        local=local,
    )


@pytest.mark.proves("CALL-01", "CALL-02", "CALL-03", "CALL-04")
@pytest.mark.parametrize("group", GROUPS, ids="-".join)
def test_both_hear_each_other(desk: Desk, group: tuple[str, ...]) -> None:
    wanted = [case for case in CASES if case[:3] == group]
    for _, cases in groupby(wanted, key=lambda case: case[:5]):
        peer = None
        for case in cases:
            peer = peer or start(desk, case)
            if case.direction == IN:
                target = {"target": f"sip:1001@{PHONE}"} if case.route == DIRECT else {}
                call = desk.call_in(peer, **target)
                peer.hang_up()
            else:
                call = desk.call_out(peer)
                desk.phone.command("hangup")
            desk.over(peer, HALF if case[0] == "PJSIP" and case.codec == "G722" else 0.8)
            assert (call["codec"], call["srtp"]) == (case.codec, case.suite), case
            record(case, peer.version)
