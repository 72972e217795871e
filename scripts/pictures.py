"""Make the pictures of docs/pictures anew: page and screen of a phone that runs in the lab."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from ringfence.cli.screen_app import ScreenApp
from tests.support.browser import WORDS

HERE = Path(__file__).parent.parent / "docs" / "pictures"
PAGES = {"status": "/info/status", "system": "/voice/system", "search": "/search?q=cipher"}
SIZES = {"": (1200, 900, "light"), "-narrow-dark": (360, 740, "dark")}
CALL = r"wait:2 1002            Registered\, TLS,Home,Line1,text:1002,Call,wait:incoming call"
TALK = "Answer,wait:SECURE CALL"


def lab(home: str, *words: str) -> str:
    """Run `ringfence lab` and return what it printed."""
    command = [sys.executable, "-m", "ringfence", "lab", *words]
    own = {**os.environ, "XDG_STATE_HOME": home}
    ran = subprocess.run(command, env=own, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise SystemExit(ran.stdout + ran.stderr)
    return ran.stdout


def photograph(base: str, password: str) -> None:
    """Make the pictures of the page."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=WORDS.split()
        )
        for suffix, (width, height, scheme) in SIZES.items():
            context = browser.new_context(color_scheme=scheme)  # type: ignore[arg-type]
            page = context.new_page()
            page.set_viewport_size({"width": width, "height": height})
            page.goto(f"{base}admin/advanced")
            page.get_by_label("Account").select_option("admin")
            page.get_by_label("Password").fill(password)
            page.get_by_role("button", name="Log in").click()
            for name, path in PAGES.items():
                page.goto(base.rstrip("/") + path)
                page.screenshot(path=HERE / f"{name}{suffix}.png")
        browser.close()


async def paint(state: Path, name: str, *keys: str) -> None:
    """Make a picture of the screen."""
    app = ScreenApp(state)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press(*keys)
        await pilot.pause(1.0)
        (HERE / f"{name}.svg").write_text(app.export_screenshot(title="Ringfence"))


def main() -> None:
    """Boot a lab, call from one line to the other, and take every picture."""
    HERE.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="pictures") as home:
        try:
            url = json.loads(lab(home, "up", "--json"))["page_url"]
            folder = Path(home, "ringfence", "lab", "default")
            photograph(url, json.loads((folder / "lab.json").read_text())["password"])
            lab(home, "phone", "set", "Auth_INVITE_2_=No", "SIP_Transport_2_=TLS")
            asyncio.run(paint(folder / "phone", "screen-idle"))
            lab(home, "phone", "screen", "--once", "--keys", CALL)
            lab(home, "phone", "screen", "--once", "--keys", TALK)
            asyncio.run(paint(folder / "phone", "screen-call"))
            asyncio.run(paint(folder / "phone", "screen-menu", "f9"))
        finally:
            lab(home, "down")


if __name__ == "__main__":
    main()
