"""The keyboard beside the forms: the search box, the list of keys, and a start page that renews itself."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests import scenarios, scenarios_review, scenarios_safety

pytestmark = [pytest.mark.browser, pytest.mark.committed]
SignIn = Callable[[str], Page]
Keep = Callable[[Page, str], None]


def test_search_keys_and_a_start_page_that_renews_itself(sign_in: SignIn, keep: Keep) -> None:
    """One walk through all three, since starting the system takes longer than each."""
    trial = scenarios.trial()
    scenarios_safety.event(trial, scenarios.subject(trial), term="Low neutrophils", grade=3)
    asked = scenarios_review.query(trial, scenarios_review.completed(trial), text="Is this right?")
    page = sign_in("chidi")
    box, hits = page.locator("#search-box"), page.locator("#search-hits")

    # The list of keys opens over the page and gives the focus back.
    first = page.locator("#work td a").first
    first.focus()
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys")
    expect(dialog).to_contain_text("Go to the search box")
    keep(page, "keys-list")
    page.set_viewport_size({"width": 390, "height": 844})
    expect(dialog.get_by_role("button", name="Close")).to_be_in_viewport()
    keep(page, "keys-list-narrow")
    page.set_viewport_size({"width": 1280, "height": 900})
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    expect(first).to_be_focused()

    # The box takes the key that leads to it as a key, and every key after it as text.
    page.keyboard.press("/")
    expect(box).to_be_focused()
    page.keyboard.type("?n/")
    expect(box).to_have_value("?n/")
    expect(dialog).to_have_count(0)
    box.fill("")
    page.keyboard.type("neutro")
    expect(hits.get_by_role("link")).to_have_count(1)
    expect(page.locator("#search-told")).to_have_text("1 found")
    keep(page, "search-hits")
    page.set_viewport_size({"width": 390, "height": 844})
    expect(hits).to_be_in_viewport(ratio=1)
    keep(page, "search-hits-narrow")
    page.set_viewport_size({"width": 1280, "height": 900})
    page.keyboard.press("ArrowDown")
    expect(hits.get_by_role("link")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(box).to_be_focused()
    page.keyboard.press("Escape")
    expect(hits).to_be_hidden()
    box.fill(f"#{asked.number}")
    expect(hits.get_by_role("link")).to_contain_text("Is this right?")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(rf"/queries/{asked.number}/$"))

    # A minute passes: what is new is there, the focus is where it was, and a hidden or paused page asks nothing.
    page.clock.install()
    page.goto("/IMA402/")
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    link = page.get_by_role("link", name="Is this right?")
    link.focus()
    scenarios_review.query(trial, asked.record, text="And this?")
    with page.expect_response(lambda answer: answer.url.endswith("/IMA402/")):
        page.clock.fast_forward("01:01")
    expect(page.get_by_role("link", name="And this?")).to_be_visible()
    expect(link).to_be_focused()
    keep(page, "my-work-renewed")
    requests.clear()
    page.evaluate("Object.defineProperty(document, 'hidden', { get: () => true, configurable: true })")
    page.clock.fast_forward("02:00")
    page.get_by_role("button", name="Pause updates").click()
    page.evaluate("delete document.hidden")
    page.clock.fast_forward("02:00")
    assert requests == []

    # Switched off, the sign is only a sign; the link still leads to the list.
    page.goto("/IMA402/keys/")
    page.get_by_label("Keys of a single letter or sign work for me").uncheck()
    page.get_by_role("button", name="Keep").click()
    expect(page.get_by_role("status").filter(has_text="Your choice is kept")).to_be_visible()
    page.keyboard.press("/")
    expect(box).not_to_be_focused()
    keep(page, "keys-page")
