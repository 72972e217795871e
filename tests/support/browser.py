"""A real browser inside a network namespace."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

WORDS = (
    "--no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run"
    " --disable-background-networking --disable-component-update --disable-sync"
)
PATIENCE_MS = 20_000


def in_browser(scenario: Callable[..., Any], *args: Any, **looks: Any) -> tuple[str, Any]:
    """Return the browser's name and what `scenario(page, *args)` returned.

    For `Namespace.call`: it needs a process of its own. `looks` are options of the context.
    """
    # An address of IPv6 that the kernel finishes meanwhile ends whatever Chromium is loading.
    Path("/proc/sys/net/ipv6/conf/all/disable_ipv6").write_text("1")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=WORDS.split()
        )
        context = browser.new_context(ignore_https_errors=True, **looks)
        context.set_default_timeout(PATIENCE_MS)
        try:
            return f"Chromium {browser.version}", scenario(context.new_page(), *args)
        finally:
            browser.close()
