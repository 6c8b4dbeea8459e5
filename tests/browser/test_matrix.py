"""The subjects' matrix and the running entries of a visit, with the keyboard and on a narrow screen."""

from collections.abc import Callable

import pytest
from django.urls import reverse
from playwright.sync_api import FloatRect, Locator, Page, expect

from apps.subjects.models import Subject
from apps.visits import schedule
from apps.visits.models import RunningCheck, Visit
from clinical.partial_date import PartialDate
from tests import scenarios, scenarios_safety
from tests.scenarios import NOON, Trial

pytestmark = [pytest.mark.browser, pytest.mark.committed]
SignIn = Callable[[str], Page]
Keep = Callable[[Page, str], None]
SUBJECTS = 14


def planned(trial: Trial) -> Subject:
    subject = scenarios.subject(trial)
    with trial.acting_as("chidi"):
        schedule.plan_visits(subject=subject)
    return subject


def box(element: Locator) -> FloatRect:
    """Where an element is on the screen now."""
    found = element.bounding_box()
    assert found is not None
    return found


def test_a_cell_is_seen_and_says_its_word_when_it_has_the_focus(sign_in: SignIn, keep: Keep) -> None:
    trial = scenarios.trial()
    for _ in range(SUBJECTS):
        planned(trial)
    page = sign_in("chidi")
    page.set_viewport_size({"width": 480, "height": 560})
    page.goto(reverse("subjects", kwargs={"study": "IMA402"}))
    region = page.get_by_role("region", name="Subjects and their visits")
    region.evaluate("each => each.scrollTo(9999, 9999)")
    name, head = page.get_by_role("rowheader").last, page.get_by_role("columnheader").first
    around = box(region)
    assert (round(box(name)["x"]), round(box(head)["y"])) == (round(around["x"]), round(around["y"]))
    cell = region.get_by_role("link", name="101-003, Cycle 1 Day 1: Planned")
    cell.focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Tab")
    expect(cell).to_be_focused()
    assert box(cell)["x"] >= box(name)["x"] + box(name)["width"]
    assert box(cell)["y"] >= box(head)["y"] + box(head)["height"]
    word = cell.get_by_text("Cycle 1 Day 1: Planned")
    assert box(word)["width"] > 100
    keep(page, "matrix-narrow")
    page.keyboard.press("Escape")
    assert box(word)["width"] == 1
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Cycle 1 Day 1")


def test_what_has_not_changed_since_the_last_visit_takes_one_click(sign_in: SignIn, keep: Keep) -> None:
    trial = scenarios.trial()
    subject = planned(trial)
    for term in ("Fatigue", "Nausea"):
        scenarios_safety.event(trial, subject, term=term, onset="2026-03-01")
    with trial.acting_as("chidi") as chidi:
        visit = Visit.objects.get(subject=subject, code="SCR")
        schedule.start_visit(actor=chidi, visit=visit, took_place=PartialDate.parse("2026-03-02"), at=NOON)
    page = sign_in("chidi")
    page.goto(reverse("visit", kwargs={"study": "IMA402", "number": subject.number, "code": "SCR"}))
    page.get_by_role("button", name="No change to all 2").click()
    expect(page.get_by_text("No change: Chidi Eze")).to_have_count(2)
    keep(page, "visit-running")
    with trial.acting_as("chidi"):
        assert RunningCheck.objects.filter(visit=visit).count() == 2
    page.get_by_role("button", name="Changed for Nausea").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Adverse event")
