"""The figures of the Tumor page by keys: one stop each, arrows from mark to mark, the table in place of the picture."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests import scenarios
from tests.tumor.test_plots import followed

pytestmark = [pytest.mark.browser, pytest.mark.committed]
SignIn = Callable[[str], Page]


def test_a_figure_is_one_stop_and_its_marks_are_walked_by_arrows(sign_in: SignIn) -> None:
    trial = scenarios.trial()
    numbers = [
        followed(trial, "50", [{"T1": "60"}]).number,
        followed(trial, "50", [{"T1": "45"}]).number,
        followed(trial, "50", [{"T1": "30"}]).number,
    ]
    page = sign_in("noor")
    page.goto("/IMA402/tumor/")
    for figure in ("#waterfall", "#spider"):
        marks = page.locator(f"{figure} svg a")
        expect(marks).to_have_count(3)
        assert [each.get_attribute("tabindex") for each in marks.all()] == ["0", "-1", "-1"]
        marks.nth(0).focus()
        for key, there in (("ArrowRight", 1), ("End", 2), ("ArrowRight", 2), ("Home", 0), ("ArrowDown", 1)):
            page.keyboard.press(key)
            expect(marks.nth(there)).to_be_focused()
        page.keyboard.press("Tab")
        expect(page.locator(f"{figure} summary")).to_be_focused()
        page.keyboard.press("Shift+Tab")
        expect(marks.nth(1)).to_be_focused()  # back to where one was
        page.locator(f"{figure} summary").press("Enter")
        expect(page.locator(f"{figure} table")).to_be_visible()
        expect(page.locator(f"{figure} svg")).to_be_hidden()
    page.locator("#waterfall summary").press("Enter")
    page.locator("#waterfall svg a").nth(0).focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"/IMA402/subjects/{numbers[0]}/")
