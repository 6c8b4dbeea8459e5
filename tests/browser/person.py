"""One of the cast at the keyboard: opens pages, types values, completes forms, signs."""

import re
from dataclasses import dataclass
from urllib.parse import quote

from playwright.sync_api import Locator, Page, expect

from tests import scenarios


@dataclass
class Person:
    """Somebody who is signed in and works in one study through its pages."""

    page: Page
    study: str

    def go(self, place: str) -> None:
        """Open a page of the study by its address."""
        self.page.goto(f"/{self.study}/{place}")

    def open_visit(self, subject: str, visit: str) -> None:
        self.go(f"subjects/{quote(subject)}/visits/{quote(visit)}/")

    def start_visit(self, subject: str, visit: str, day: str) -> None:
        """Start a planned visit on a day."""
        self.open_visit(subject, visit)
        self.page.get_by_label("Date of the visit").fill(day)
        self.press("Start visit")
        expect(self.page.get_by_text("Took place")).to_be_visible()

    def open_form(self, subject: str, visit: str, title: str) -> None:
        """A form of a visit, from the visit's list of forms."""
        self.open_visit(subject, visit)
        self.page.get_by_role("main").get_by_role("link", name=title, exact=True).first.click()
        expect(self.page.get_by_role("heading", level=1)).to_contain_text(title)

    def new_log_entry(self, subject: str, title: str) -> None:
        """A new entry of one of the subject's logs."""
        self.go(f"subjects/{quote(subject)}/")
        self.press(f"New entry in {title}")
        expect(self.page.get_by_role("heading", level=1)).to_contain_text(title)

    def press(self, name: str | re.Pattern[str]) -> None:
        self.page.get_by_role("button", name=name, exact=isinstance(name, str)).first.click()

    def place(self, path: str) -> Locator:
        """The field, or the radio buttons, of a path of the form."""
        return self.page.locator(f'[name="value:{path}"]')

    def type(self, values: dict[str, str]) -> None:
        """Enter values by their paths, as somebody does who goes from field to field, and wait until all are saved."""
        for path, text in values.items():
            self._enter(path, text)
        expect(self.page.locator("#save-status")).to_contain_text("All changes saved", timeout=15_000)

    def _enter(self, path: str, text: str) -> None:
        fields = self.place(path)
        kind = fields.first.evaluate("each => each.tagName === 'SELECT' ? 'select' : each.type")
        if kind == "radio":
            self.page.locator(f'[name="value:{path}"][value="{text}"]').check()
        elif kind == "select":
            fields.select_option(text)
        else:
            fields.fill(text)
            fields.press("Tab")

    def complete(self) -> None:
        """Complete the form; whatever it still asks fails here with its sentences."""
        here = self.page.locator("#entry").get_attribute("action")
        self.page.locator("#complete").click()
        self.page.wait_for_load_state()
        problems = self.page.locator("#problem-summary")
        assert not problems.count(), f"{here}: {problems.inner_text()}"

    def fill(self, values: dict[str, str]) -> None:
        self.type(values)
        self.complete()

    def sign(self, button: str | re.Pattern[str], *, label: str = "Your password") -> None:
        """Give the password under a signature."""
        self.page.get_by_label(label).fill(scenarios.PASSWORD)
        self.press(button)
