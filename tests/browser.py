"""A headless Chromium that talks to nobody but the page under test."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
_QUIET += ["--disable-component-update", "--disable-sync"]


@contextmanager
def headless() -> Iterator[Any]:
    """A browser of playwright's; with it goes the event loop that it keeps running."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=_QUIET)
        yield browser
        browser.close()
