"""A value that names no server is refused where it comes in: page, command line and cfg.xml."""

import json

import pytest

from tests.support.phone import ringfence
from tests.support.web_fixtures import SET, Start, Visit, held, start, visit

__all__ = ["start", "visit"]
TAGS = ("Syslog_Server", "Debug_Server", "Primary_NTP_Server", "Proxy_Host")


@pytest.mark.proves("CFG-07")
@pytest.mark.parametrize("tag", TAGS)
def test_what_names_no_server_is_refused_by_every_way_in(
    start: Start, visit: Visit, tag: str
) -> None:
    phone = start(**SET, **{tag: "old.test"})
    visitor = visit("admin")
    answer = visitor.submit("system", **{tag: "a:b:c", "Host_Name": "stored"})
    assert (answer.status, f'id="error-{tag}"' in answer.text) == (422, True)
    ran = ringfence("phone", "set", "--state", str(phone.state), f"{tag}=a:b:c")
    assert (ran.returncode, tag in ran.stderr) == (1, True)
    assert "host name or address" in ran.stderr
    document = f"<flat-profile><{tag}>a:b:c</{tag}><Domain>telco.test</Domain></flat-profile>"
    given = ("--digest", "-u", f"admin:{SET['Admin_Password']}", "--data-binary", document)
    told = json.loads(
        visit().get("/admin/config.xml", "-X", "POST", *given).text.rpartition("\n\n")[2]
    )
    assert [one["tag"] for one in told["findings"] if one["severity"] == "error"] == [tag]
    assert [held(phone, name) for name in (tag, "Host_Name", "Domain")] == [
        *("old.test", "", "telco.test"),
    ]
