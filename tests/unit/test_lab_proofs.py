"""What the lab says of a phone that does not do what it must."""

from ringfence.lab.proofs import unregistered


def line(n: int, *, used: bool = True, reason: str = "", pending: str = "") -> dict[str, object]:
    return {"n": n, "used": used, "reason": reason, "pending": pending}


def test_each_line_that_is_set_up_says_why_it_is_not_registered() -> None:
    lines = [line(1, reason="403 Forbidden"), line(2, pending="DNS is asked"), line(3)]
    lines.append(line(4, used=False, reason="no registration wanted"))
    assert unregistered(lines) == (
        "Ext 1: 403 Forbidden; Ext 2: DNS is asked; Ext 3: no answer yet"
    )


def test_a_profile_without_a_line_is_told_what_it_lacks() -> None:
    lines = [line(1, used=False, reason="no registration wanted")]
    assert unregistered(lines).startswith("the profile sets up no line: ")
