"""Every page in a real browser: content policy, console, accessibility, narrow screens, no scripts, keys alone.

Axe finds perhaps a third to a half of the faults of accessibility; it is a floor, not a proof.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from playwright.sync_api import Browser, Locator, Page, expect

from apps.exports import services as exports
from apps.visits import schedule
from apps.visits.models import FormRecord, Visit
from clinical.partial_date import PartialDate
from tests import (
    scenarios,
    scenarios_alerts,
    scenarios_dosing,
    scenarios_enrollment,
    scenarios_labs,
    scenarios_review,
    scenarios_safety,
    scenarios_tumor,
)
from tests.browser.person import Person
from tests.harness import ROOT
from tests.running import RunningSystem
from tests.scenarios import NOON, Trial

pytestmark = [pytest.mark.browser, pytest.mark.committed]
SignIn = Callable[[str], Page]
Keep = Callable[[Page, str], None]

AXE = (ROOT / "static" / "vendor" / "axe" / "axe.min.js").read_text(encoding="utf-8")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
NARROW = 390
ACTING = ("chidi", "amara", "noor", "mora", "dana")
"""One person of each role that has controls on many pages: these open every page."""
OTHERS = ("pia", "sven", "bea", "adam", "agnes")
"""The other roles read the same pages without controls: these open their start page and what nobody before them could.
The statistician's actions are the sponsor's."""


@dataclass
class Shown:
    """A trial in the middle of its life, and the addresses of its pages."""

    trial: Trial
    subject: str
    places: dict[str, str]


def lived_trial() -> Shown:
    """A subject on treatment with a toxicity, a query, a signature, a scan, an alert and an export."""
    trial = scenarios.trial()
    enrolled = scenarios_enrollment.confirmed(trial, planned="2026-03-02").subject
    number = enrolled.number
    scenarios_dosing.dose(trial, enrolled, "C1D1", "2026-03-02T09:00")
    scenarios_tumor.lesion(trial, enrolled)
    scenarios_tumor.lesion(trial, enrolled, kind="NON-TARGET", location="BONE")
    baseline = scenarios_tumor.assessment(trial, enrolled, "SCR", "2026-03-02", {"T1": "42", "NT1": "present"})
    follow_up = scenarios_tumor.assessment(trial, enrolled, "TA1", "2026-04-27", {"T1": "27", "NT1": "present"})
    event = scenarios_safety.event(
        trial, enrolled, term="Febrile neutropenia", grade=3, ctcae_term="Febrile neutropenia",
        is_serious="True", needs_hospital="True",
    )  # fmt: skip
    scenarios_safety.answer(trial, event, is_dlt=True)
    scenarios_labs.laboratory(trial, name="Central Laboratory of the Elbe University Hospital, Dresden")
    panel = scenarios_labs.panel(
        trial, enrolled, form="chemistry", visit="C1D8", collected="2026-03-09T08:00", ALT="412"
    )
    filled = scenarios_review.completed(trial)
    query = scenarios_review.query(trial, filled)
    signature = scenarios_review.signed(trial, scenarios_review.completed(trial))
    with trial.acting_as("chidi"):
        eligibility = FormRecord.objects.get(subject=enrolled, form="eligibility_main")
        empty = FormRecord.objects.filter(subject=enrolled, form="hematology", visit__code="C1D1").earliest("pk")
        dose = FormRecord.objects.get(subject=enrolled, form="ima402", visit__code="C1D1")
    with connection.cursor() as cursor:
        cursor.execute("select audit_seal()")
    with trial.acting_as("sven") as sven:
        job = exports.request_export(
            actor=sven, study=trial.study, site_ids=sven.site_ids, formats=["csv"], at=timezone.now()
        )
    scenarios_alerts.evaluate(trial, enrolled, at=timezone.now())
    alert = scenarios_alerts.alerts_of(trial, enrolled)[0]
    places = {
        "my-work": "",
        "subjects": "subjects/",
        "subject": f"subjects/{number}/",
        "visit": f"subjects/{number}/visits/C1D1/",
        "visit-planned": f"subjects/{number}/visits/C1D15/",
        "unscheduled": f"subjects/{number}/unscheduled/",
        "record-empty": f"records/{empty.pk}/",
        "record-filled": f"records/{filled.pk}/",
        "history": f"records/{filled.pk}/history/?path=results/SYSBP/value",
        "lab-panel": f"records/{panel.pk}/",
        "dose": f"records/{dose.pk}/",
        "event": f"records/{event.pk}/",
        "event-new": f"subjects/{number}/adverse-events/new/",
        "events-of-subject": f"subjects/{number}/adverse-events/",
        "event-listing": "adverse-events/",
        "event-query": f"adverse-events/{event.pk}/query/",
        "serious-event": f"adverse-events/{event.pk}/authority/",
        "serious-events": "serious-events/",
        "reference-versions": "reference-versions/",
        "dlt": f"subjects/{number}/dlt/?event={event.pk}",
        "dosing": f"subjects/{number}/dosing/",
        "eligibility": f"records/{eligibility.pk}/",
        "enrolment": "enrolment/",
        "enrolment-of-subject": f"subjects/{number}/enrolment/",
        "slots": "enrolment/slots/",
        "screening": "screening/",
        "subject-new": "screening/new/",
        "tumor": "tumor/",
        "swimmer": "tumor/swimmer/",
        "tumor-baseline": f"records/{baseline.pk}/",
        "tumor-grid": f"records/{follow_up.pk}/",
        "cohort-board": "cohorts/",
        "decision": "cohorts/decision/",
        "alerts": "alerts/",
        "alert": f"alerts/{alert.pk}/",
        "queries": "queries/",
        "query": f"queries/{query.number}/",
        "verification": "verification/",
        "signatures": "signatures/",
        "signature": f"signatures/{signature.pk}/",
        "freeze-lock": "freeze-lock/",
        "deviations": "deviations/",
        "laboratories": "laboratories/",
        "exports": "exports/",
        "export": f"exports/{job.pk}/",
        "search": "search/?q=febrile",
        "search-in-vain": "search/?q=nowhere",
        "keys": "keys/",
        "study": "study/",
        "audit-trail": "audit-trail/",
        "system": "system/",
    }
    return Shown(trial=trial, subject=number, places=places)


def opened(page: Page, place: str) -> bool:
    """Whether the role may open the page. That it may exactly where its actions say so is tested elsewhere."""
    answer = page.goto(f"/IMA402/{place}", wait_until="domcontentloaded")
    assert answer is not None
    assert answer.status < 500, f"/IMA402/{place}: {answer.status}"
    return answer.status < 400


def faults_of(page: Page) -> list[str]:
    """What axe finds on the page as it stands, one line for each place."""
    found = page.evaluate("tags => axe.run(document, {runOnly: {type: 'tag', values: tags}})", TAGS)
    return [
        f"{violation['id']}: {node['html'][:160]} ({node['failureSummary'].splitlines()[-1].strip()})"
        for violation in found["violations"]
        for node in violation["nodes"][:3]
    ]


def too_wide(page: Page) -> list[str]:
    """What makes the page scroll sideways at this width; grids and plots scroll in a region of their own."""
    if page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"):
        return []
    culprits: list[str] = page.evaluate(
        """() => [...document.body.querySelectorAll('*')]
            .filter(each => each.getBoundingClientRect().right > document.documentElement.clientWidth + 1)
            .filter(each => !each.closest('.grid-scroll'))
            .slice(0, 3).map(each => each.outerHTML.slice(0, 120))"""
    )
    return [f"wider than {NARROW} px: {each}" for each in culprits or ["something in a region"]]


@pytest.fixture
def inspect(chromium: Browser, system: RunningSystem) -> Iterator[Callable[[Page], Page]]:
    """A second browser session of the same person in which axe may run: it needs a script that the policy forbids."""
    contexts = []

    def open_inspected(signed_in: Page) -> Page:
        state: Any = signed_in.context.storage_state()
        context = chromium.new_context(
            viewport={"width": 1280, "height": 900}, base_url=system.address, bypass_csp=True, storage_state=state
        )
        contexts.append(context)
        context.add_init_script(AXE)
        return context.new_page()

    yield open_inspected
    for context in contexts:
        context.close()


@pytest.mark.background
def test_every_page_of_every_role_is_accessible_narrow_and_free_of_script_errors(
    sign_in: SignIn, inspect: Callable[[Page], Page], keep: Keep
) -> None:
    """The content policy and the console are heard by `sign_in`; axe and the width run once for each page."""
    shown = lived_trial()
    left = dict(shown.places)
    faults: list[str] = []
    for name in (*ACTING, *OTHERS):
        page = sign_in(name)
        inspected = inspect(page)
        asked = shown.places if name in ACTING else {"my-work": "", **left}
        for title, place in list(asked.items()):
            if not opened(page, place) or title not in left:
                continue
            del left[title]
            opened(inspected, place)
            faults += [f"{title}: {fault}" for fault in faults_of(inspected)]
            keep(inspected, f"page-{title}")
            inspected.set_viewport_size({"width": NARROW, "height": 844})
            faults += [f"{title}: {fault}" for fault in too_wide(inspected)]
            keep(inspected, f"page-{title}-narrow")
            inspected.set_viewport_size({"width": 1280, "height": 900})
    assert left == {}, "nobody may open these"
    assert faults == [], "\n".join(faults)


def test_what_goes_wrong_is_as_accessible_as_what_goes_well(
    sign_in: SignIn, inspect: Callable[[Page], Page], chromium: Browser, system: RunningSystem, keep: Keep
) -> None:
    """Signing in, a wrong password, a form that cannot be completed, a value refused, two people on one value.

    And what opens over a page: the hits below the search box, the list of keys.
    """
    shown = in_screening()
    faults: list[str] = []

    def look(page: Page, title: str) -> None:
        faults.extend(f"{title}: {fault}" for fault in faults_of(page))
        keep(page, f"state-{title}")
        page.set_viewport_size({"width": NARROW, "height": 844})
        faults.extend(f"{title}: {fault}" for fault in too_wide(page))
        keep(page, f"state-{title}-narrow")
        page.set_viewport_size({"width": 1280, "height": 900})

    for scheme in ("light", "dark"):
        context = chromium.new_context(base_url=system.address, bypass_csp=True, color_scheme=scheme)  # type: ignore[arg-type]  # one of its two words
        context.add_init_script(AXE)
        page = context.new_page()
        page.goto("/sign-in/")
        look(page, f"sign-in-{scheme}")
        page.get_by_label("E-mail address").fill("chidi@example.org")
        page.get_by_label("Password").fill("not the password")
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator(".problem-summary")).to_be_visible()
        look(page, f"sign-in-refused-{scheme}")
        context.close()

    chidi, amara = inspect(sign_in("chidi")), sign_in("amara")
    address = f"/IMA402/records/{shown.vital_signs}/"
    chidi.goto(address)
    chidi.locator("#complete").click()
    expect(chidi.locator("#problem-summary")).to_be_focused()
    look(chidi, "form-incomplete")
    chidi.locator("#f-results-PULSE-value").fill("fast")
    chidi.keyboard.press("Tab")
    expect(chidi.locator('[data-feedback="results/PULSE/value"]')).to_contain_text("not a number")
    amara.goto(address)
    amara.locator("#f-results-SYSBP-value").fill("112")
    amara.keyboard.press("Tab")
    saved(amara)
    chidi.locator("#f-results-SYSBP-value").fill("118")
    chidi.keyboard.press("Tab")
    expect(chidi.locator(".conflict")).to_contain_text("Saved by Dr Amara")
    chidi.locator("#f-results-DIABP-value").fill("240")
    chidi.keyboard.press("Tab")
    expect(chidi.locator('[data-feedback="results/DIABP/value"] .confirm')).to_be_visible()
    look(chidi, "form-conflict")
    chidi.emulate_media(color_scheme="dark")
    look(chidi, "form-conflict-dark")
    for scheme in ("light", "dark"):
        chidi.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]  # one of its two words
        chidi.goto("/IMA402/")
        chidi.keyboard.press("/")
        chidi.keyboard.type("vital")
        expect(chidi.locator("#search-hits a").first).to_be_visible()
        look(chidi, f"search-hits-{scheme}")
        chidi.goto("/IMA402/")
        chidi.keyboard.press("?")
        expect(chidi.get_by_role("dialog", name="Keys")).to_be_visible()
        look(chidi, f"key-list-{scheme}")
    assert faults == [], "\n".join(faults)


def test_the_word_at_the_head_follows_what_is_saved_and_is_told_once(sign_in: SignIn) -> None:
    """Seen without a reload; heard in the one polite region of the page, which also says that it was saved."""
    shown = in_screening()
    page = sign_in("chidi")
    page.goto(f"/IMA402/records/{shown.vital_signs}/")
    head, told = page.locator(".page-head"), page.locator("#save-status")
    expect(head).to_contain_text("Not started")
    page.locator("#f-results-SYSBP-value").fill("118")
    page.keyboard.press("Enter")
    expect(head).to_contain_text("In progress")
    expect(told).to_contain_text("This form is now: In progress")
    assert told.get_attribute("aria-live") == "polite"
    assert page.locator("main [aria-live], main [role=status]").count() == 1


def test_tab_goes_from_the_head_of_a_form_straight_into_its_grid(sign_in: SignIn) -> None:
    """A region that scrolls takes a stop of its own only where nothing inside can be reached with the keyboard."""
    shown = lived_trial()
    page = sign_in("chidi")
    page.goto(f"/IMA402/{shown.places['eligibility']}")
    page.locator("#f-assessed").focus()
    page.keyboard.press("Tab")
    assert (page.evaluate("document.activeElement.name") or "").startswith("value:answers/")
    page.goto(f"/IMA402/{shown.places['tumor-grid']}")
    page.locator("#f-method").focus()
    page.keyboard.press("Tab")
    expect(page.locator("thead a").first).to_be_focused()  # the earlier scan is a link in the grid's head
    page.keyboard.press("Tab")
    expect(page.locator("#f-lesions-T1-longest_mm")).to_be_focused()


def test_the_focus_is_seen_on_every_kind_of_control(sign_in: SignIn) -> None:
    """A ring of two pixels, also on buttons, whose own style the framework would otherwise take away."""
    shown = in_screening()
    page = sign_in("chidi")
    page.goto(f"/IMA402/records/{shown.chemistry}/")
    kinds: set[str] = set()
    for _ in range(120):
        page.keyboard.press("Tab")
        kind, width, style = page.evaluate(
            """() => { const at = document.activeElement, look = getComputedStyle(at);
                return [`${at.tagName} ${at.type ?? ""}`, look.outlineWidth, look.outlineStyle]; }"""
        )
        assert (width, style) == ("2px", "solid"), kind
        kinds.add(kind)
        if kind == "SUMMARY ":
            break
    assert {"A ", "INPUT text", "INPUT radio", "SELECT select-one", "BUTTON submit"} <= kinds


def test_a_question_about_a_cell_is_asked_beside_the_listing_and_left_again(sign_in: SignIn) -> None:
    shown = lived_trial()
    page = sign_in("noor")
    page.goto(f"/IMA402/{shown.places['event-listing']}")
    box = page.locator("tr[data-row] [name=record]").first
    box.focus()
    page.keyboard.press("q")
    question = page.get_by_label("Question")
    expect(question).to_be_focused()
    expect(question).to_be_in_viewport()
    page.keyboard.press("Escape")
    expect(page.locator("#side")).to_be_empty()
    expect(box).to_be_focused()


class Keys:
    """A keyboard that counts what is pressed besides the data themselves."""

    def __init__(self, page: Page) -> None:
        self.page, self.pressed = page, 0

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)
        self.pressed += 1

    def type(self, text: str) -> None:
        self.page.keyboard.type(text)

    def at(self, place: Locator) -> None:
        """The key brought the focus to this place."""
        expect(place).to_be_focused()


def saved(page: Page) -> None:
    expect(page.locator("#save-status")).to_contain_text("All changes saved", timeout=15_000)


@dataclass
class Screening:
    """A subject whose screening visit took place, and two of its forms, still empty."""

    trial: Trial
    subject: str
    vital_signs: int
    chemistry: int


def in_screening() -> Screening:
    trial = scenarios.trial()
    subject = scenarios.subject(trial)
    with trial.acting_as("chidi") as chidi:
        schedule.plan_visits(subject=subject)
        visit = Visit.objects.get(subject=subject, code="SCR")
        schedule.start_visit(actor=chidi, visit=visit, took_place=PartialDate.parse("2026-03-02"), at=NOON)
        forms = dict(FormRecord.objects.filter(visit=visit).values_list("form", "pk"))
    return Screening(trial, subject.number, forms["vital_signs"], forms["chemistry"])


def test_the_keys_that_frequent_tasks_cost(sign_in: SignIn) -> None:
    """Vital signs, a chemistry panel and a new adverse event, without typing the data themselves."""
    shown = in_screening()
    chidi = Person(sign_in("chidi"), "IMA402")
    _vital_signs_cost_seven_and_one(chidi, shown)
    _a_panel_costs_one_enter_for_each_result_and_one(chidi, shown)
    _an_adverse_event_costs_two_and_its_eight_fields(chidi, shown)


def _vital_signs_cost_seven_and_one(chidi: Person, shown: Screening) -> None:
    """Moment and six results by keyboard alone: Tab within the head, Enter down the grid, Ctrl+Enter at the end."""
    chidi.go(f"records/{shown.vital_signs}/")
    keys = Keys(chidi.page)
    chidi.place("taken").focus()
    keys.type("2mar26 08:30")
    keys.press("Tab")  # oxygen flow, which stays empty
    keys.press("Tab")
    tests = {"SYSBP": "128", "DIABP": "76", "PULSE": "82", "RESP": "16", "TEMP": "36.8", "OXYSAT": "97"}
    for test, value in tests.items():
        keys.at(chidi.place(f"results/{test}/value"))
        keys.type(value)
        if test != "OXYSAT":
            keys.press("Enter")
    saved(chidi.page)
    assert keys.pressed <= 7
    keys.press("Control+Enter")
    expect(chidi.page).not_to_have_url(f"/IMA402/records/{shown.vital_signs}/")
    expect(chidi.page.locator("#problem-summary")).to_have_count(0)


def _a_panel_costs_one_enter_for_each_result_and_one(chidi: Person, shown: Screening) -> None:
    chidi.go(f"records/{shown.chemistry}/")
    chidi.type({"collected": "2mar26 08:40"})
    keys = Keys(chidi.page)
    tests = [each.test for each in shown.trial.version.definition.panel("chemistry").analytes]
    chidi.place(f"results/{tests[0]}/reported").focus()
    for test in tests:
        keys.at(chidi.place(f"results/{test}/reported"))
        keys.type("4")
        keys.press("Enter")
    keys.at(chidi.page.locator("#complete"))
    saved(chidi.page)
    assert keys.pressed <= 20
    keys.press("Control+Enter")
    expect(chidi.page.locator("#problem-summary")).to_have_count(0)
    expect(chidi.page.get_by_role("heading", level=1)).not_to_have_text("Chemistry")


def _an_adverse_event_costs_two_and_its_eight_fields(chidi: Person, shown: Screening) -> None:
    """From the visit: one act opens the event, each field is typed or chosen, one key completes it."""
    chidi.open_visit(shown.subject, "SCR")
    page = chidi.page
    acts = 0
    page.get_by_role("listitem").filter(has_text="Adverse events").get_by_role("button", name="New entry").press(
        "Enter"
    )
    acts += 1
    key = (page.locator('[name^="value:grade_periods/"]').first.get_attribute("name") or "").split("/")[1]
    fields = {
        "term": "Headache", "ctcae_term": "Headache", "onset": "2mar26", "is_ongoing": "True",
        "outcome": "NOT RECOVERED/NOT RESOLVED", "is_serious": "False", f"grade_periods/{key}/grade": "2",
        "attributions/IMA402/relation": "NOT RELATED",
    }  # fmt: skip
    assert len(fields) == 8
    chidi.type(fields)
    page.keyboard.press("Control+Enter")
    acts += 1
    # Completed: what was left unsaid (the action taken) stands as the system's query, which outranks the word.
    expect(page.locator(".page-head .status")).to_contain_text(re.compile("Complete|Query"))
    expect(page.locator("#problem-summary")).to_have_count(0)
    assert acts == 2


def test_without_scripts_one_signs_in_fills_a_form_and_reads_a_listing(
    chromium: Browser, system: RunningSystem, keep: Keep
) -> None:
    shown = in_screening()
    context = chromium.new_context(base_url=system.address, java_script_enabled=False)
    page = context.new_page()
    page.goto("/sign-in/")
    page.get_by_label("E-mail address").fill("chidi@example.org")
    page.get_by_label("Password").fill(scenarios.PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.goto(f"/IMA402/records/{shown.vital_signs}/")
    page.locator("#f-taken").fill("2mar26 08:30")
    for test, value in {"SYSBP": "128", "DIABP": "76", "PULSE": "82", "RESP": "16", "TEMP": "36.8"}.items():
        page.locator(f"#f-results-{test}-value").fill(value)
    page.get_by_role("button", name="Complete").click()
    expect(page.locator("#problem-summary li")).to_have_count(1)
    keep(page, "no-script-problem")
    page.locator("#f-results-OXYSAT-value").fill("97")
    page.get_by_role("button", name="Complete").click()
    expect(page.locator("#problem-summary")).to_have_count(0)
    page.goto(f"/IMA402/subjects/{shown.subject}/adverse-events/new/")
    page.get_by_label("Reported term").fill("Headache")
    page.get_by_label("Began").fill("2mar26")
    page.get_by_label("3", exact=True).check()
    page.get_by_role("button", name="Record adverse event").click()
    page.goto("/IMA402/adverse-events/")
    page.get_by_label("Grade at least").select_option("3")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("tr[data-row]")).to_have_count(1)
    expect(page).to_have_url(re.compile("grade=3"))
    keep(page, "no-script-listing")
    context.close()
