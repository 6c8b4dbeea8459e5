"""A real Chromium against the running system; a page that breaks its content policy or logs an error fails the test."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from scripts.browser import MISSING, find_chromium
from tests import running, scenarios
from tests.harness import ROOT

CHROMIUM_SWITCHES = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
ARTEFACTS = ROOT / "test-artefacts"
TOLERATED = (
    "Failed to load resource: the server responded with a status of 4",
    "Failed to load resource: net::ERR_",
)
"""What Chromium logs by itself when a form is refused with 409 or 422, or when a test takes the connection away."""


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    program = find_chromium()
    if program is None:
        pytest.skip(MISSING)
    # Playwright keeps an event loop in this thread; the ORM calls between page steps are made on purpose.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=CHROMIUM_SWITCHES)
        yield browser
        browser.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture
def system(committed: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[running.RunningSystem]:
    """Web and queue on this test's own database; the worker too where the test looks at what it does."""
    needs_worker = request.node.get_closest_marker("background") is not None
    with running.running_system(tmp_path, committed, worker=needs_worker) as started:
        yield started


SignIn = Callable[[str], Page]


@pytest.fixture
def sign_in(chromium: Browser, system: running.RunningSystem) -> Iterator[SignIn]:
    """Open a browser session of one person of the cast; each person has a context of their own."""
    faults: list[str] = []
    contexts = []

    def open_session(name: str) -> Page:
        context = chromium.new_context(viewport={"width": 1280, "height": 900}, base_url=system.address)
        contexts.append(context)
        page = context.new_page()

        def hear(message: ConsoleMessage) -> None:
            if message.type in {"error", "warning"} and not message.text.startswith(TOLERATED):
                faults.append(f"{page.url}: {message.text}")

        page.on("console", hear)
        page.on("pageerror", lambda error: faults.append(f"{page.url}: {error}"))
        page.goto("/sign-in/")
        page.get_by_label("E-mail address").fill(f"{name}@example.org")
        page.get_by_label("Password").fill(scenarios.PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        return page

    yield open_session
    for context in contexts:
        context.close()
    assert faults == []


@pytest.fixture
def keep() -> Callable[[Page, str], None]:
    """Keep a screenshot among the test artefacts, to be looked at."""
    ARTEFACTS.mkdir(exist_ok=True)

    def take(page: Page, name: str) -> None:
        page.screenshot(path=ARTEFACTS / f"{name}.png", full_page=True)

    return take
