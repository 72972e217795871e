"""Somebody who follows the chapter's procedures on the phone's page, word for word."""

import multiprocessing
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, expect

from tests.support.browser import in_browser
from tests.support.lab import Command

PATIENCE = 30.0
"""Seconds until what a procedure promises must have come."""


class Administrator:
    """The page as the chapter speaks of it."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def access_the_phone_web_interface(self, url: str, password: str) -> None:
        self.page.goto(f"{url}admin/advanced")
        self.page.get_by_label("Account").select_option("admin")
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Log in").click()
        self.page.wait_for_url("**/voice/system")

    def select(self, words: str) -> None:
        """`Voice > System`, `Info > Status`, `Voice > Ext(2)`."""
        _, name = words.split(" > ")
        ext = re.fullmatch(r"Ext\((\d+)\)", name)
        wanted = f"Ext {ext[1]}" if ext else name
        tabs = self.page.get_by_role("navigation", name="Pages")
        link = tabs.get_by_role("link", name=wanted, exact=True)
        link.or_(tabs.get_by_role("button", name=wanted, exact=True)).click()
        expect(self.page.get_by_role("heading", level=1)).to_have_text(wanted)

    def set(self, section: str, label: str, value: str) -> None:
        """In the section …, set the field … to …"""
        where = self.page.get_by_role("region", name=section, exact=True)
        control = where.get_by_label(label, exact=True)
        if control.evaluate("one => one.tagName") == "SELECT":
            control.select_option(value)
        else:
            control.fill(value)

    def click_submit_all_changes(self) -> None:
        self.page.get_by_role("button", name="Submit All Changes").click()
        expect(self.page.get_by_role("status").last).to_contain_text("Stored")
        confirm = self.page.get_by_role("button", name="Confirm Changes")
        if confirm.count():
            confirm.click()

    def read(self, section: str) -> dict[str, str]:
        """Return the rows of a section under Info."""
        card = self.page.get_by_role("region", name=re.compile(f"^{section}"))
        labels = card.locator("dt").all_inner_texts()
        return dict(zip(labels, card.locator("dd").all_inner_texts(), strict=True))


Steps = Callable[..., Any]


@dataclass
class Office:
    """A phone in a running lab, its administrator's browser, and who can judge."""

    lab: Command
    document: dict[str, Any]
    password: str
    component: list[str] = field(default_factory=list)

    @property
    def state(self) -> Path:
        return self.lab.home / "ringfence" / "lab" / "default"

    @property
    def address(self) -> str:
        return str(self.document["phone_address"])

    def follow(self, steps: Steps, *args: Any) -> Any:
        """Let an administrator who has accessed the page follow steps; return what they return."""
        context = multiprocessing.get_context("fork")
        ours, theirs = context.Pipe()
        arguments = (theirs, self.document["page_url"], self.password, steps, args)
        child = context.Process(target=_browse, args=arguments)
        child.start()
        theirs.close()
        try:
            name, good, result = ours.recv()
        finally:
            child.join()
        assert good, result
        self.component.append(name)
        return result

    def log(self, name: str) -> str:
        return (self.state / "log" / f"{name}.log").read_text()

    def until(self, look: Callable[[], Any]) -> Any:
        """Return what `look` returns once it is true."""
        end = time.monotonic() + PATIENCE
        while not (found := look()):
            assert time.monotonic() < end, "it did not come"
        return found

    def phone(self, *words: str) -> str:
        ran = self.lab.run("phone", *words)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    def line(self, n: int) -> dict[str, Any]:
        return dict(self.lab.status()["phone"]["lines"][n - 1])

    def at(self, node: str, *argv: str) -> subprocess.CompletedProcess[str]:
        return self.lab.shell(node, *argv)

    def invite(self, user: str, port: int) -> str:
        """Return what a stranger's INVITE to the phone is answered with."""
        words = ("invite", self.address, str(port), user)
        return self.at("stranger", sys.executable, "-m", "ringfence.lab.stranger", *words).stdout


def _browse(pipe: Any, url: str, password: str, steps: Steps, args: tuple[Any, ...]) -> None:
    def scenario(page: Page) -> Any:
        administrator = Administrator(page)
        administrator.access_the_phone_web_interface(url, password)
        return steps(administrator, *args)

    try:
        name, result = in_browser(scenario)
        pipe.send((name, True, result))
    except BaseException as error:  # noqa: BLE001 - the test raises it again
        pipe.send(("", False, str(error)))


def offices(lab: Command, *words: str) -> Iterator[Office]:
    """Yield a running lab with its administrator."""
    document = lab.up(*words)
    record = (lab.home / "ringfence" / "lab" / "default" / "lab.json").read_text()
    found = re.search(r'"password": *"([^"]+)"', record)
    assert found
    yield Office(lab, document, found[1])
    assert lab.run("down").returncode == 0
