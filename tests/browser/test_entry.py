"""Entering a form as a nurse does: keyboard, autosave, conflict, reason."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from apps.assessments.models import VitalResult
from apps.visits import schedule
from apps.visits.models import FormRecord, Visit
from clinical.partial_date import PartialDate
from tests import scenarios
from tests.scenarios import NOON, Trial

pytestmark = [pytest.mark.browser, pytest.mark.committed]
SignIn = Callable[[str], Page]


def vitals(trial: Trial) -> FormRecord:
    subject = scenarios.subject(trial)
    with trial.acting_as("chidi") as chidi:
        schedule.plan_visits(subject=subject)
        visit = Visit.objects.get(subject=subject, code="SCR")
        schedule.start_visit(actor=chidi, visit=visit, took_place=PartialDate.parse("2026-03-02"), at=NOON)
        return FormRecord.objects.get(visit=visit, form="vital_signs")


def stored(trial: Trial, record: FormRecord, key: str) -> str | None:
    with trial.acting_as("chidi"):
        value = VitalResult.objects.get(record=record, key=key).value
    return None if value is None else str(value)


def test_values_are_saved_as_the_fields_are_left(sign_in: SignIn, keep: Callable[[Page, str], None]) -> None:
    trial = scenarios.trial()
    record = vitals(trial)
    page = sign_in("chidi")
    page.goto(f"/IMA402/records/{record.pk}/")
    page.locator("#f-taken").fill("2mar26 10:05")
    page.keyboard.press("Tab")
    expect(page.locator("#save-status")).to_contain_text("All changes saved")
    expect(page.locator('[data-feedback="taken"]')).to_contain_text("02-Mar-2026 10:05")
    page.locator("#f-results-SYSBP-value").fill("118")
    page.keyboard.press("Enter")
    expect(page.locator("#f-results-DIABP-value")).to_be_focused()
    expect(page.locator("#save-status")).to_contain_text("All changes saved")
    assert stored(trial, record, "SYSBP") == "118"
    keep(page, "entry-autosave")

    # On to the next form and to an adverse event by one key each, from a field that nobody has left yet.
    page.keyboard.type("76")
    page.keyboard.press("Alt+PageDown")
    expect(page.locator("h1")).not_to_contain_text("Vital signs")
    assert stored(trial, record, "DIABP") == "76"
    page.keyboard.press("Alt+PageUp")
    page.locator("#f-results-DIABP-value").fill("low")
    page.keyboard.press("Alt+a")
    expect(page.locator("#save-status")).to_contain_text("Not saved yet: 1 value")
    page.locator("#f-results-DIABP-value").fill("77")
    page.keyboard.press("Alt+a")
    expect(page.locator("h1")).to_contain_text("New adverse event")
    assert stored(trial, record, "DIABP") == "77"


def test_a_text_that_cannot_be_stored_stays_on_the_screen_with_its_sentence(sign_in: SignIn) -> None:
    trial = scenarios.trial()
    record = vitals(trial)
    page = sign_in("chidi")
    page.goto(f"/IMA402/records/{record.pk}/")
    page.locator("#f-results-SYSBP-value").fill("high")
    page.keyboard.press("Tab")
    expect(page.locator('[data-feedback="results/SYSBP/value"]')).to_contain_text("not a number")
    expect(page.locator("#save-status")).to_contain_text("Not saved yet: 1 value")
    expect(page.locator("#f-results-SYSBP-value")).to_have_value("high")


def test_two_people_on_one_value_choose_and_nothing_is_overwritten_silently(
    sign_in: SignIn, keep: Callable[[Page, str], None]
) -> None:
    trial = scenarios.trial()
    record = vitals(trial)
    chidi, amara = sign_in("chidi"), sign_in("amara")
    for page in (chidi, amara):
        page.goto(f"/IMA402/records/{record.pk}/")
    chidi.locator("#f-results-SYSBP-value").fill("112")
    chidi.keyboard.press("Tab")
    expect(chidi.locator("#save-status")).to_contain_text("All changes saved")
    amara.locator("#f-results-SYSBP-value").fill("118")
    amara.keyboard.press("Tab")
    conflict = amara.locator(".conflict")
    expect(conflict).to_contain_text("Saved by Chidi Eze")
    keep(amara, "entry-conflict")
    assert stored(trial, record, "SYSBP") == "112"
    amara.get_by_role("button", name="Save 118").click()
    expect(amara.locator("#save-status")).to_contain_text("All changes saved")
    assert stored(trial, record, "SYSBP") == "118"


def test_without_a_script_the_page_posts_as_a_whole_and_names_every_problem(
    sign_in: SignIn, keep: Callable[[Page, str], None]
) -> None:
    trial = scenarios.trial()
    record = vitals(trial)
    page = sign_in("chidi")
    page.route("**/entry.js", lambda route: route.fulfill(body="", content_type="text/javascript"))
    page.goto(f"/IMA402/records/{record.pk}/")
    page.locator("#f-taken").fill("3/4/26")
    page.locator("#f-results-SYSBP-value").fill("high")
    page.locator("#f-results-DIABP-value").fill("80")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator("#problem-summary li")).to_have_count(2)
    expect(page.locator("#f-results-DIABP-value")).to_have_value("80")
    keep(page, "entry-problems")


def test_a_web_server_that_goes_away_loses_nothing_typed(sign_in: SignIn, system: object) -> None:
    trial = scenarios.trial()
    record = vitals(trial)
    page = sign_in("chidi")
    page.goto(f"/IMA402/records/{record.pk}/")
    page.route("**/value/", lambda route: route.abort())
    page.locator("#f-results-SYSBP-value").fill("121")
    page.keyboard.press("Tab")
    expect(page.locator("#save-status")).to_contain_text("Not saved: no connection, retrying")
    page.unroute("**/value/")
    expect(page.locator("#save-status")).to_contain_text("All changes saved", timeout=15_000)
    assert stored(trial, record, "SYSBP") == "121"


def test_an_ended_session_keeps_what_was_typed(sign_in: SignIn, keep: Callable[[Page, str], None]) -> None:
    trial = scenarios.trial()
    record = vitals(trial)
    page = sign_in("chidi")
    page.goto(f"/IMA402/records/{record.pk}/")
    page.context.clear_cookies(name="sessionid")
    page.locator("#f-results-SYSBP-value").fill("121")
    page.keyboard.press("Tab")
    expect(page.get_by_role("dialog")).to_contain_text("what you typed is still here")
    keep(page, "session-ended")
    with page.expect_popup() as second:
        page.get_by_role("link", name="Sign in").click()
    tab = second.value
    tab.get_by_label("E-mail address").fill("chidi@example.org")
    tab.get_by_label("Password").fill(scenarios.PASSWORD)
    tab.get_by_role("button", name="Sign in").click()
    expect(tab.get_by_role("heading")).to_have_text("You are signed in again")
    page.get_by_role("button", name="I have signed in: save again").click()
    expect(page.locator("#save-status")).to_contain_text("All changes saved")
    assert stored(trial, record, "SYSBP") == "121"


def test_the_session_warns_before_it_ends_and_one_key_keeps_it(sign_in: SignIn) -> None:
    trial = scenarios.trial()
    record = vitals(trial)
    page = sign_in("chidi")
    page.clock.install()
    page.goto(f"/IMA402/records/{record.pk}/")
    page.clock.fast_forward("28:01")
    expect(page.get_by_role("alert")).to_contain_text("Your session ends in 2 minutes")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_count(0)
