"""The file of a problem report: what is in it, and that no secret is."""

import hashlib
import io
import json
import logging
import tarfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.config import cfgxml
from ringfence.config.codecs import Secret
from ringfence.config.settings import slots, virgin
from ringfence.config.snapshot import Change, Origin, Snapshot, submit
from ringfence.errors import PolicyError
from ringfence.features.problem_report import bundle
from ringfence.features.problem_report.journal import Journal
from ringfence.policy.disclosure import Disclosure

SECRETS = [tag for tag, slot in slots().items() if isinstance(slot.row.default, Secret)]
AT = 1_700_000_000.0


def snapshot(**texts: str) -> Snapshot:
    changes = {tag: Change(text) for tag, text in texts.items()}
    made, errors = submit(Snapshot(virgin("11.3")), changes, Origin.PROFILE)
    assert not errors
    return made


def opened(data: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        entries = archive.getmembers()
        assert {entry.mtime for entry in entries} == {AT}
        files = {entry.name: archive.extractfile(entry) for entry in entries}
        return {name: file.read() for name, file in files.items() if file}


@pytest.mark.proves("APP-02")
def test_everything_is_in_it_and_settings_read_back() -> None:
    held = snapshot(VLAN_ID="7", Password_1_="correct-horse")
    status = {"features": {"line": {"rows": [["Why", "said correct-horse"]]}}}
    log = ["line 1", "password correct-horse was tried"]
    members = bundle.texts(held, status, log, ["[x] User Triggered"], "table inet ringfence {}")
    found = opened(bundle.packed(held, members, AT))
    assert set(found) == {
        f"problem-report/{name}"
        for name in (
            *("about.txt", "log.txt", "status.json", "reboots.txt", "firewall.nft"),
            "settings.xml",
        )
    }
    assert found["problem-report/log.txt"] == b"line 1\npassword *** was tried\n"
    told = json.loads(found["problem-report/status.json"])
    assert told["features"]["line"]["rows"] == [["Why", "said ***"]]
    assert found["problem-report/reboots.txt"] == b"[x] User Triggered\n"
    assert found["problem-report/firewall.nft"] == b"table inet ringfence {}"
    virginal = Snapshot(virgin("11.3"))
    document = cfgxml.read(found["problem-report/settings.xml"])
    back, _ = submit(virginal, document.changes(virginal), Origin.PROFILE)
    assert back.settings.system.vlan_id == 7


@pytest.mark.proves("APP-02")
@settings(max_examples=12)
@given(st.data())
def test_no_secret_of_the_whole_catalogue_is_in_it_however_it_was_written(
    data: st.DataObject,
) -> None:
    word = st.text("abcdefghijkmnopqrstuvwxyz23456789<&\"'/ß\\", min_size=8, max_size=20)
    drawn = data.draw(st.lists(word, min_size=4, max_size=4, unique=True))
    words = [f"{drawn[n % 4]}{n or ''}" for n in range(len(SECRETS))]
    held = snapshot(**dict(zip(SECRETS, words, strict=True)))
    log = [f"tried {text} and {json.dumps(text)}" for text in words]
    status = {"said": words}
    members = bundle.texts(held, status, log, words, "\n".join(words))
    assert not [one for one in members.values() if Disclosure(held.settings).holder(one)]
    for name, contents in members.items():
        for text in words:
            assert text not in contents.decode(), name
            assert json.dumps(text)[1:-1] not in contents.decode(), name


@pytest.mark.proves("APP-02")
@pytest.mark.parametrize(
    "written",
    [b"correct&horse", b"correct&amp;horse", b"correct%26horse"],
)
def test_what_still_holds_a_secret_is_not_packed(written: bytes) -> None:
    held = snapshot(GPP_SA="correct&horse")
    members = {"trace.pcapng": b"\0\1" + written + b"\2"}
    with pytest.raises(PolicyError, match=r"trace\.pcapng would show the value of GPP_SA"):
        bundle.packed(held, members, AT)


def test_a_secret_in_a_rule_and_one_for_the_upload_itself_are_hidden_too() -> None:
    rule = {"Profile_Rule": "[--key hunter2] https://a.test/x"}
    header = {"PRT_HTTP_Header": "X-Key", "PRT_HTTP_Header_Value": "bearer-of-news"}
    held = snapshot(**rule, **header)
    members = bundle.texts(held, {}, ["hunter2 bearer-of-news"], [], "")
    assert members["log.txt"] == b"*** ***\n"
    assert b"hunter2" not in members["settings.xml"]
    assert b"bearer" not in members["settings.xml"]


@pytest.mark.proves("APP-02")
def test_secrets_are_looked_for_from_six_characters_on() -> None:
    held = snapshot(Password_1_="99173", Password_2_="991734")
    members = bundle.texts(held, {}, ["port 99173", "port 991734"], [], "")
    assert members["log.txt"] == b"port 99173\nport ***\n"
    assert b"99173" not in members["settings.xml"]  # that they are secrets is known there


@pytest.mark.proves("APP-02")
def test_the_wire_is_not_remembered_though_it_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    journal, logger = Journal(), logging.getLogger("ringfence.test")
    caplog.set_level(logging.DEBUG, "ringfence")
    logger.addHandler(journal)
    try:
        logger.debug("received a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:%s", "k" * 40)
        logger.info("call.begun: %d", 1)
        logger.warning("x" * 2000)
    finally:
        logger.removeHandler(journal)
    begun, cut = journal.lines()
    assert begun.endswith(" INFO call.begun: 1")
    assert len(cut) == 1000


def test_the_end_of_a_long_log_is_kept_and_what_cannot_be_packed_small_is_refused() -> None:
    held = snapshot()
    members = bundle.texts(held, {}, [f"{n:09}" for n in range(200_000)], [], "")
    assert len(members["log.txt"]) == 1 << 20
    assert members["log.txt"].endswith(b"000199999\n")
    noise = b"".join(hashlib.sha256(n.to_bytes(4)).digest() for n in range(3 << 15))
    with pytest.raises(PolicyError, match="more than 2048 KiB"):
        bundle.packed(held, {"noise": noise}, AT)
