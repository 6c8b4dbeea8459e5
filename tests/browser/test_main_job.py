"""The main job from consent to datasets, by the people whose work it is, in the browser with the real worker."""

import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pyreadstat
import pytest
from playwright.sync_api import Locator, Page, expect

from apps.core.in_print import inside_a_sentence
from apps.subjects.models import Subject
from clinical.protocol.conduct import CriterionKind
from tests import scenarios, scenarios_dosing, scenarios_enrollment, scenarios_escalation, scenarios_labs
from tests.browser.person import Person

pytestmark = [pytest.mark.browser, pytest.mark.committed, pytest.mark.background]
SignIn = Callable[[str], Page]
Keep = Callable[[Page, str], None]

TODAY = datetime.now(UTC).astimezone(ZoneInfo("Europe/Berlin")).date()
FIRST_DOSE = TODAY - timedelta(days=60)
BLOOD_COUNT = {"HGB": "12.4", "WBC": "6.1", "NEUT": "4.0", "LYM": "1.4", "PLAT": "210"}
CHEMISTRY = {
    "ALT": "22", "AST": "25", "ALP": "80", "GGT": "30", "BILI": "0.6", "CREAT": "0.8", "CREATCLR": "88", "UREAN": "14",
    "SODIUM": "139", "K": "4.2", "CA": "9.3", "MG": "2.0", "PHOS": "3.4", "GLUC": "94", "ALB": "4.1", "LDH": "190",
    "URATE": "4.4",
}  # fmt: skip


def day(number: int, time: str = "") -> str:
    """A day counted from the first dose, as somebody types it."""
    return f"{FIRST_DOSE + timedelta(days=number):%d%b%Y}".lower() + (f" {time}" if time else "")


def shown(number: int) -> str:
    """The same day as pages show it."""
    return f"{FIRST_DOSE + timedelta(days=number):%d-%b-%Y}"


VITALS = {
    "results/SYSBP/value": "128", "results/DIABP/value": "76", "results/PULSE/value": "82",
    "results/RESP/value": "16", "results/TEMP/value": "36.8", "results/OXYSAT/value": "97",
}  # fmt: skip


@dataclass
class Office:
    """The people of a trial, each with a browser of their own, opened when first needed."""

    study: str
    sign_in: SignIn

    def __post_init__(self) -> None:
        self.people: dict[str, Person] = {}

    def __getitem__(self, name: str) -> Person:
        if name not in self.people:
            self.people[name] = Person(self.sign_in(name), self.study)
        return self.people[name]


def new_subject(chidi: Person, *, on: int, version: str = "1.0") -> str:
    """Step 1: consent with version, date and time gives a screening number."""
    chidi.go("screening/new/")
    chidi.page.get_by_label("Version of the consent form").fill(version)
    chidi.page.get_by_label("Date and time of consent").fill(day(on, "09:10"))
    chidi.page.get_by_label("Explained by").fill("Dr Amara Okafor")
    chidi.page.get_by_role("group", name="Copy given to the subject").get_by_label("Yes").check()
    chidi.press("Record consent")
    heading = chidi.page.get_by_role("heading", level=1)
    expect(heading).to_contain_text("Subject 101-")
    return heading.inner_text().removeprefix("Subject ").strip()


def results(panel: dict[str, str]) -> dict[str, str]:
    """A panel's results by the paths of the page."""
    return {f"results/{test}/reported": text for test, text in panel.items()}


def answers(gate: list[tuple[str, bool]]) -> dict[str, str]:
    """Criteria answered in the subject's favour: an inclusion is met, an exclusion is not."""
    return {f"answers/{number}/answer": "MET" if inclusion else "NOT MET" for number, inclusion in gate}


def criteria_of(trial: scenarios.Trial, gate: str) -> list[tuple[str, bool]]:
    return [(each.number, each.kind is CriterionKind.INCLUSION) for each in trial.version.definition.criteria_of(gate)]


def lesions(chidi: Person, subject: str, *, scanned: int, visit: str) -> None:
    """The baseline lesions: two targets and one non-target, named by the system."""
    for kind, location, name in (("TARGET", "LIVER", "T1"), ("TARGET", "LUNG", "T2"), ("NON-TARGET", "BONE", "NT1")):
        chidi.new_log_entry(subject, "Lesions")
        chidi.type({"kind": kind, "location": location, "node": "N", "method": "CT SCAN", "identified": day(scanned)})
        chidi.type({"identified_at": visit})
        chidi.complete()
        expect(chidi.page.get_by_text(f"This lesion is {name}")).to_be_visible()


def adverse_event(chidi: Person, subject: str, *, product: str, keep: Keep, shot: str) -> None:
    """Step 5: an event with awareness first, the CTCAE term, three grade periods and attribution."""
    chidi.go(f"subjects/{subject}/adverse-events/new/")
    chidi.page.get_by_label("Reported term").fill("Tired and weak, in bed all day")
    chidi.page.get_by_label("Began").fill(day(3))
    chidi.page.get_by_label("2", exact=True).check()
    chidi.press("Record adverse event")
    chidi.type(
        {"is_serious": "True", "site_aware_at": day(6, "10:30"), "needs_hospital": "True", "ctcae_term": "Fatigue"}
    )
    for grade, began in (("3", day(5)), ("1", day(16))):
        chidi.press("Grade changed: add a line")
        place = chidi.page.locator('[name^="value:grade_periods/"][name$="/began"]').last
        key = (place.get_attribute("name") or "").split("/")[1]
        chidi.type({f"grade_periods/{key}/grade": grade, f"grade_periods/{key}/began": began})
    chidi.type(
        {
            f"attributions/{product}/relation": "RELATED",
            "is_ongoing": "False",
            "ended": day(22),
            "outcome": "RECOVERED/RESOLVED",
        }
    )
    chidi.complete()
    keep(chidi.page, shot)


def test_the_main_job_of_ima402(sign_in: SignIn, keep: Keep, tmp_path: Path) -> None:
    trial = scenarios.trial()
    office = Office("IMA402", sign_in)
    chidi = office["chidi"]

    subject = new_subject(chidi, on=-20)
    keep(chidi.page, "job-402-01-subject")
    screen_ima402(chidi, subject, trial, keep)
    sign_eligibility(office["amara"], subject, "eligibility", keep, "job-402-02-eligibility")
    enrol(office, subject, "Phase Ia, DL1", keep, "job-402-03")
    first_cycle_day(office, subject, keep)
    adverse_event(chidi, subject, product="IMA402", keep=keep, shot="job-402-05-event")
    judge_toxicity(office, subject, keep, "job-402")
    tumor_follow_up(chidi, subject, "TA1", 55, keep, "job-402-07-tumor")
    query_on_a_cell(office, subject, keep, "job-402-08")
    export_datasets(office["sven"], subject, keep, tmp_path)


def screen_ima402(chidi: Person, subject: str, trial: scenarios.Trial, keep: Keep) -> None:
    """Step 2: the forms of screening, the baseline lesions, the criteria with what the data say beside them."""
    chidi.start_visit(subject, "SCR", day(-5))
    keep(chidi.page, "job-402-02-screening")
    chidi.open_form(subject, "SCR", "Demographics")
    chidi.fill({"birth": "1961", "sex": "F", "ethnicity": "NOT HISPANIC OR LATINO", "races/1/race": "ASIAN"})
    chidi.fill(
        {
            "diagnosis": "Uveal melanoma", "diagnosed_on": "mar 2021", "histology": "Melanoma", "stage": "STAGE IV",
            "liver_metastases": "Y", "brain_metastases": "N", "prior_lines": "2", "extra/standard_options": "Y",
        }
    )  # fmt: skip
    chidi.fill({"assessed": "v", "ecog": "1"})
    marker = {"method": "NGS", "laboratory": "Central laboratory", "collected": day(-12)}
    chidi.fill(
        {"markers/HLA/reported": "A*02:01, A*24:02", "markers/PRAME/interpretation": "POSITIVE"}
        | {f"markers/{each}/{name}": text for each in ("HLA", "PRAME") for name, text in marker.items()}
    )
    chidi.fill({"taken": day(-5, "09:30")} | VITALS | {"results/WEIGHT/value": "64.5", "results/HEIGHT/value": "168"})
    chidi.fill(
        {"taken": day(-5, "09:45"), "interpretation": "NORMAL", "results/EGHRMN/value": "71"}
        | {"results/QTCFAG/value": "412", "extra/lvef": "61"}
    )
    chidi.fill({"collected": day(-5, "09:50")} | results(BLOOD_COUNT))
    chidi.fill({"collected": day(-5, "09:50")} | results(CHEMISTRY))
    chidi.new_log_entry(subject, "Medical history")
    chidi.fill({"term": "Hypertension", "began": "2009", "ongoing": "Y"})
    lesions(chidi, subject, scanned=-5, visit="SCR")
    chidi.open_form(subject, "SCR", "Tumor assessment")
    chidi.type(
        {"scanned": day(-5), "method": "CT SCAN", "lesions/T1/longest_mm": "42", "lesions/T2/longest_mm": "28"}
        | {"lesions/NT1/state": "PRESENT"}
    )
    keep(chidi.page, "job-402-02-baseline")
    chidi.complete()
    chidi.open_form(subject, "SCR", "Inclusion and exclusion criteria")
    chidi.type({"assessed": day(-3)} | answers(criteria_of(trial, "main")) | {"answers/E2/answer": "NOT APPLICABLE"})
    expect(chidi.page.locator("tr", has=chidi.page.locator("#answers-I8"))).to_contain_text("Met")
    keep(chidi.page, "job-402-02-criteria")
    chidi.complete()


def sign_eligibility(amara: Person, subject: str, gate: str, keep: Keep, shot: str) -> None:
    """The investigator signs a gate with the password."""
    amara.go(f"subjects/{subject}/enrolment/")
    keep(amara.page, shot)
    amara.sign(f"Sign {gate}")
    expect(amara.page.get_by_role("main")).to_contain_text("Dr Amara Okafor")


def enrol(office: Office, subject: str, cohort: str, keep: Keep, shot: str) -> None:
    """Step 3: a place, the medical monitor's release, the dose level."""
    chidi, mora = office["chidi"], office["mora"]
    chidi.go(f"subjects/{subject}/enrolment/")
    chidi.page.get_by_label("Planned first dose").fill(day(0))
    chidi.press("Reserve")
    expect(chidi.page.get_by_role("main")).to_contain_text(f"{cohort}: reserved")
    mora.go("enrolment/slots/")
    keep(mora.page, f"{shot}-slots")
    mora.page.get_by_role("link", name=subject).click()
    mora.press("Release")
    expect(mora.page.get_by_role("main")).to_contain_text("released by Dr Mora Lindqvist")
    chidi.go(f"subjects/{subject}/enrolment/")
    chidi.press("Confirm and enrol")
    expect(chidi.page.locator(".subject-chip")).to_contain_text("dose level 1")
    keep(chidi.page, f"{shot}-enrolled")


def first_cycle_day(office: Office, subject: str, keep: Keep) -> None:
    """Step 4: day 1 in its window: vital signs, a panel, and the dose with its planned amount beside it."""
    chidi, pia = office["chidi"], office["pia"]
    chidi.open_visit(subject, "C1D1")
    expect(chidi.page.get_by_role("main")).to_contain_text(f"Planned {shown(0)}")
    chidi.start_visit(subject, "C1D1", day(0))
    keep(chidi.page, "job-402-04-day-1")
    chidi.open_form(subject, "C1D1", "Vital signs")
    chidi.type({"taken": day(0, "08:30")} | VITALS)
    keep(chidi.page, "job-402-04-vital-signs")
    chidi.complete()
    chidi.open_form(subject, "C1D1", "Chemistry")
    chidi.type({"collected": day(0, "08:40")} | results(CHEMISTRY | {"ALT": "61"}))
    keep(chidi.page, "job-402-04-chemistry")
    chidi.complete()
    pia.open_form(subject, "C1D1", "IMA402 infusion")
    pia.type({"was_given": "Y", "dose": "0.02", "started": day(0, "10:00"), "ended": day(0, "11:05")})
    pia.type({"modification": "INTERRUPTED", "modification_reason": "LOGISTICS", "modification_detail": "Pump alarm"})
    pia.complete()
    pia.open_form(subject, "C1D1", "IMA402 infusion")
    expect(pia.page.get_by_label("Plan and running totals")).to_contain_text("0.02 mg")
    keep(pia.page, "job-402-04-dose")


def judge_toxicity(office: Office, subject: str, keep: Keep, shot: str) -> None:
    """Steps 5 and 6: what the engine says, the site's answer, the alert by the worker, the sponsor's decision."""
    amara, mora = office["amara"], office["mora"]
    mora.go("alerts/")
    alert = mora.page.locator(".alert-card", has_text="DLT").filter(has_text=subject)
    expect_within_seconds(mora, alert.first)
    keep(mora.page, f"{shot}-06-alerts")
    amara.go(f"subjects/{subject}/dlt/")
    amara.page.get_by_role("link", name=re.compile("answers on event")).click()
    question = amara.page.locator("#dlt")
    expect(question).to_contain_text("Met")
    keep(amara.page, f"{shot}-05-question")
    question.get_by_label("Yes").check()
    question.get_by_label("Reason").first.fill("Grade 3 for eleven days in spite of rest and fluids")
    amara.press("Give this answer")
    mora.go("cohorts/")
    keep(mora.page, f"{shot}-05-board-before")
    mora.go(f"subjects/{subject}/dlt/")
    mora.page.get_by_role("link", name=re.compile("answers on event")).click()
    mora.page.get_by_label("Confirmed as a DLT").check()
    mora.page.locator("#judged-reason").fill("Agree with the site")
    mora.sign("Sign", label="Your password, as your signature")
    expect(mora.page.locator("#dlt")).to_contain_text("Signed by Dr Mora Lindqvist")
    keep(mora.page, f"{shot}-05-judged")
    mora.go("cohorts/")
    row = mora.page.get_by_role("region", name="Counts per dose level").get_by_role("row", name=re.compile(r"^DL1\b"))
    expect(row.get_by_role("cell").nth(5)).to_have_text("1")
    keep(mora.page, f"{shot}-05-board")
    mora.go("alerts/")
    card = alert.first
    card.get_by_label("Your note").first.fill("Seen; the next slots wait for the committee")
    card.get_by_role("button", name="Acknowledge").click()
    expect(mora.page.get_by_text("Acknowledged by Dr Mora Lindqvist").first).to_be_visible()
    keep(mora.page, f"{shot}-06-acknowledged")
    mora.go("alerts/?shown=all")
    titles = alert.get_by_role("heading").all_inner_texts()
    assert len(titles) == len(set(titles)), "the same facts raised a second alert"


def expect_within_seconds(person: Person, place: Locator) -> None:
    """Something that the worker makes: the page is opened again until it is there."""
    for _ in range(40):
        if place.count():
            return
        person.page.wait_for_timeout(500)
        person.page.reload()
    raise AssertionError(f"The worker did not bring it within seconds: {person.page.inner_text('main')}")


def tumor_follow_up(chidi: Person, subject: str, visit: str, scanned: int, keep: Keep, shot: str) -> None:
    """Step 7: a follow-up scan; the response is computed with its reason beside the investigator's own."""
    chidi.start_visit(subject, visit, day(scanned))
    chidi.open_form(subject, visit, "Tumor assessment")
    chidi.type(
        {"scanned": day(scanned), "method": "CT SCAN", "lesions/T1/longest_mm": "27", "lesions/T2/longest_mm": "19"}
        | {"lesions/NT1/state": "PRESENT", "new_lesions": "N", "target_response": "PR", "overall_response": "PR"}
    )
    table = chidi.page.locator(".response-table")
    expect(table).to_contain_text("PR")
    expect(chidi.page.locator(".response-rule").first).to_contain_text("from baseline 70 mm")
    keep(chidi.page, shot)
    chidi.type({"non_target_response": "NON-CR/NON-PD"})
    chidi.complete()


def query_on_a_cell(office: Office, subject: str, keep: Keep, shot: str) -> None:
    """Step 8: the monitor filters the listing and asks on a cell, the site answers, the monitor closes."""
    noor, chidi = office["noor"], office["chidi"]
    noor.go("adverse-events/")
    noor.page.get_by_label("Grade at least").select_option("3")
    noor.page.get_by_label("Serious").select_option("yes")
    noor.press("Show")
    expect(noor.page).to_have_url(re.compile("grade=3.*serious=yes"))
    row = noor.page.locator("tr[data-row]", has_text=subject)
    expect(row).to_have_count(1)
    keep(noor.page, f"{shot}-listing")
    row.get_by_role("link", name=re.compile("^Query")).click()
    noor.page.get_by_label("About", exact=True).select_option("outcome")
    noor.page.get_by_label("Question", exact=True).fill(
        "The discharge letter says recovering. Please check the outcome."
    )
    keep(noor.page, f"{shot}-question")
    noor.press("Send question")
    expect(noor.page).to_have_url(re.compile("grade=3.*serious=yes"))
    chidi.go("queries/?state=open")
    keep(chidi.page, f"{shot}-site")
    chidi.page.get_by_role("row", name=re.compile("discharge letter")).get_by_role("rowheader").get_by_role(
        "link"
    ).click()
    chidi.page.locator("#query-text").fill("Checked with the source: recovered on the day given.")
    chidi.page.locator('[name="act"][value="answer"]').click()
    expect(chidi.page.get_by_role("heading", level=1)).to_contain_text("Answered")
    noor.go("queries/?state=answered")
    noor.page.get_by_role("row", name=re.compile("discharge letter")).get_by_role("rowheader").get_by_role(
        "link"
    ).click()
    keep(noor.page, f"{shot}-answered")
    noor.page.locator('[name="act"][value="close"]').click()
    expect(noor.page.get_by_role("heading", level=1)).to_contain_text("Closed")


def export_datasets(sven: Person, subject: str, keep: Keep, folder: Path) -> None:
    """Step 9: the sponsor's job with its progress; the files are read back by an independent reader."""
    sven.go("exports/")
    keep(sven.page, "job-402-09-exports")
    for box in sven.page.get_by_role("checkbox").all():
        box.check()
    sven.press("Make datasets")
    link = sven.page.get_by_role("link", name=re.compile("^Download "))
    if "exports/" in sven.page.url and not re.search(r"exports/\d+/", sven.page.url):
        sven.page.locator("#table th a").first.click()
    keep(sven.page, "job-402-09-progress")
    expect(link).to_be_visible(timeout=60_000)
    keep(sven.page, "job-402-09-done")
    with sven.page.expect_download() as saving:
        link.click()
    with zipfile.ZipFile(saving.value.path()) as archive:
        names = archive.namelist()
        archive.extractall(folder / "datasets")
    files = {Path(name).name.lower(): folder / "datasets" / name for name in names}
    events, _ = pyreadstat.read_xport(files["ae.xpt"])
    fatigue = events[events["USUBJID"].str.endswith(subject)]
    assert set(fatigue["AETERM"]) == {"Tired and weak, in bed all day"}
    assert fatigue["AESER"].iloc[0] == "Y"
    doses, _ = pyreadstat.read_xport(files["ex.xpt"])
    dose = doses[doses["USUBJID"].str.endswith(subject)].iloc[0]
    assert (dose["EXTRT"], dose["EXDOSE"], dose["EXDOSU"]) == ("IMA402", 0.02, "mg")
    assert dose["EXSTDTC"].startswith(FIRST_DOSE.isoformat())


def test_the_signed_decision_of_the_committee_opens_the_next_level(sign_in: SignIn, keep: Keep) -> None:
    """Three subjects without a DLT lead up; only the signature opens the level, and the next subject gets it."""
    trial = scenarios.trial()
    dosed_at = datetime.combine(FIRST_DOSE, time(9), tzinfo=UTC)
    for _ in range(3):
        scenarios_escalation.treated(trial, day=dosed_at)
    waiting = scenarios_enrollment.eligible(trial).number
    office = Office("IMA402", sign_in)
    mora, chidi = office["mora"], office["chidi"]
    chidi.go(f"subjects/{waiting}/enrolment/")
    expect(chidi.page.get_by_role("main")).not_to_contain_text("Phase Ia, DL2")

    mora.go("cohorts/")
    counts = mora.page.get_by_role("region", name="Counts per dose level")
    expect(counts.get_by_role("row", name=re.compile(r"^DL2\b"))).not_to_contain_text("Open")
    mora.page.get_by_role("link", name="Record a committee decision").click()
    expect(mora.page.get_by_role("main")).to_contain_text("escalate to DL2, 0.06 mg")
    mora.page.get_by_label("Escalate", exact=True).check()
    mora.page.get_by_label("Dose level of the next subjects").select_option("2")
    mora.page.get_by_label("Rationale").fill("No dose-limiting toxicity in three subjects.")
    for number, name in enumerate(("Dr Mora Lindqvist", "Dr Amara Okafor", "Stan Brandt"), start=1):
        mora.page.get_by_label(f"Name {number}", exact=True).fill(name)
    keep(mora.page, "job-402-10-decision")
    mora.page.get_by_label("Your password, as your signature").fill("not the password")
    mora.press("Sign the decision")
    expect(mora.page.get_by_label("Rationale")).to_have_value("No dose-limiting toxicity in three subjects.")
    mora.sign("Sign the decision", label="Your password, as your signature")
    expect(mora.page.get_by_role("heading", level=1)).to_contain_text("Escalate")
    expect(mora.page.get_by_role("main")).to_contain_text("Signed by")
    keep(mora.page, "job-402-10-signed")
    mora.go("cohorts/")
    expect(counts.get_by_role("row", name=re.compile(r"^DL2\b"))).to_contain_text("Open")
    expect(mora.page.get_by_role("region", name="Decisions")).to_contain_text("escalate to DL2, 0.06 mg")
    keep(mora.page, "job-402-10-board")

    chidi.go(f"subjects/{waiting}/enrolment/")
    chidi.page.get_by_label("Phase Ia, DL2: 3 of 3 free").check()
    chidi.page.get_by_label("Planned first dose").fill(f"{TODAY + timedelta(days=3):%d%b%Y}".lower())
    chidi.press("Reserve")
    expect(chidi.page.get_by_role("main")).to_contain_text("Phase Ia, DL2: reserved")


def test_the_main_job_of_ima203(sign_in: SignIn, keep: Keep) -> None:
    """What differs for cells: gate after gate, lymphodepletion, the product, one infusion, interleukin-2."""
    trial = scenarios.trial("IMA203")
    office = Office("IMA203", sign_in)
    chidi, amara = office["chidi"], office["amara"]

    subject = new_subject(chidi, on=-50)
    chidi.start_visit(subject, "SCR1", day(-50))
    chidi.open_form(subject, "SCR1", "Demographics")
    chidi.fill({"birth": "1968", "sex": "F", "ethnicity": "NOT HISPANIC OR LATINO", "races/1/race": "WHITE"})
    marker = {"method": "NGS", "laboratory": "Central laboratory", "collected": day(-50)}
    chidi.fill({"markers/HLA/reported": "A*02:01"} | {f"markers/HLA/{name}": text for name, text in marker.items()})
    pass_gate(office, subject, trial, "hla", visit="SCR1", on=-49)

    chidi.start_visit(subject, "SCR2", day(-45))
    consent(chidi, subject, "SCR2", "Consent to biopsy", on=-45)
    chidi.open_form(subject, "SCR2", "Tumor biopsy")
    chidi.fill({"histology": "Melanoma", "extra/biopsy_date": day(-45), "extra/biopsy_site": "Liver"})
    chidi.fill(
        {"markers/PRAME/interpretation": "POSITIVE"} | {f"markers/PRAME/{name}": text for name, text in marker.items()}
    )
    pass_gate(office, subject, trial, "prame", visit="SCR2", on=-40)
    amara.go(f"subjects/{subject}/enrolment/")
    keep(amara.page, "job-203-02-gates")

    chidi.start_visit(subject, "APH", day(-30))
    consent(chidi, subject, "APH", "Main informed consent", on=-30)
    chidi.open_form(subject, "APH", "ECOG performance status")
    chidi.fill({"assessed": "v", "ecog": "0"})
    known = subject_of(trial, subject)
    for panel, values in (("hematology", BLOOD_COUNT), ("chemistry", CHEMISTRY)):
        collected = f"{FIRST_DOSE - timedelta(days=30):%Y-%m-%d}T08:00"
        scenarios_labs.enter(
            trial,
            scenarios_labs.panel(trial, known, form=panel, visit="APH", collected=collected),
            results(values),
        )
    pass_gate(office, subject, trial, "apheresis", visit="APH", on=-29)
    enrol(office, subject, "Phase 1a, DL1", keep, "job-203-03")

    chidi.start_visit(subject, "BASELINE", day(-12))
    lesions(chidi, subject, scanned=-12, visit="BASELINE")
    chidi.open_form(subject, "BASELINE", "Tumor assessment")
    chidi.fill(
        {"scanned": day(-12), "method": "CT SCAN", "lesions/T1/longest_mm": "42", "lesions/T2/longest_mm": "28"}
        | {"lesions/NT1/state": "PRESENT"}
    )
    chidi.open_form(subject, "APH", "Leukapheresis and product")
    chidi.type(
        {
            "apheresis": day(-30, "11:00"), "apheresis_number": "A-1001", "manufacture": "RELEASED",
            "manufacture_on": day(-9), "lot": "L-77", "release_document": "QP-77", "transduced_cells": "0.09",
            "body_surface": "1.8", "body_surface_on": day(-12),
        }
    )  # fmt: skip
    chidi.press("Add a bag")
    bag = chidi.page.locator('[name^="value:bags/"]').last
    key = (bag.get_attribute("name") or "").split("/")[1]
    chidi.type({f"bags/{key}/bag": "A-1001-1", f"bags/{key}/expires": day(700)})
    keep(chidi.page, "job-203-04-product")
    chidi.complete()
    pass_gate(office, subject, trial, "lymphodepletion", visit="BASELINE", on=-8)

    pia = office["pia"]
    chidi.start_visit(subject, "LD-6", day(-6))
    for product, amount in (("Fludarabine", "72"), ("Cyclophosphamide", "900")):
        pia.open_form(subject, "LD-6", product)
        pia.fill(given(amount, -6))
    keep(pia.page, "job-203-04-lymphodepletion")
    for number in (-5, -4, -3):
        for form, amount in (("fludarabine", "72"), ("cyclophosphamide", "900")):
            moment = f"{FIRST_DOSE + timedelta(days=number):%Y-%m-%d}T09:00"
            scenarios_dosing.dose(trial, known, f"LD{number}", moment, form=form, amount=amount)

    chidi.start_visit(subject, "INF", day(0))
    chidi.open_form(subject, "INF", "Vital signs")
    chidi.fill({"taken": day(0, "08:30")} | VITALS)
    pass_gate(office, subject, trial, "infusion", visit="INF", on=0)
    pia.open_form(subject, "INF", "IMA203 infusion")
    pia.fill(given("0.05", 0) | {"extra/body_surface": "1.8"})
    pia.open_form(subject, "INF", "IMA203 infusion")
    expect(pia.page.get_by_label("Plan and running totals")).to_contain_text("DL1")
    keep(pia.page, "job-203-04-infusion")
    chidi.start_visit(subject, "IL2-1", day(1))
    pia.open_form(subject, "IL2-1", "Interleukin-2")
    pia.fill(given("1", 1))

    adverse_event(chidi, subject, product="IMA203", keep=keep, shot="job-203-05-event")
    judge_toxicity(office, subject, keep, "job-203")
    tumor_follow_up(chidi, subject, "W6", 42, keep, "job-203-07-tumor")


def subject_of(trial: scenarios.Trial, number: str) -> Subject:
    with trial.acting_as("chidi"):
        return Subject.objects.select_related("site", "study", "protocol_version").get(number=number)


def consent(chidi: Person, subject: str, visit: str, title: str, *, on: int) -> None:
    """The consent of a later gate."""
    chidi.open_form(subject, visit, title)
    chidi.fill({"version": "1.0", "given": day(on, "09:10"), "explained_by": "Dr Amara Okafor", "copy_given": "Y"})


def given(amount: str, number: int) -> dict[str, str]:
    """A dose given as planned."""
    return {
        "was_given": "Y", "dose": amount, "started": day(number, "09:00"), "ended": day(number, "10:00"),
        "modification": "NONE",
    }  # fmt: skip


def pass_gate(office: Office, subject: str, trial: scenarios.Trial, code: str, *, visit: str, on: int) -> None:
    """The criteria of a gate answered by the coordinator and signed by the investigator."""
    definition = trial.version.definition
    gate = definition.gate(code)
    assert gate.eligibility_form is not None
    chidi, amara = office["chidi"], office["amara"]
    chidi.open_form(subject, visit, definition.form(gate.eligibility_form).title)
    comments = {f"answers/{number}/comment": "Seen in the source" for number, _ in criteria_of(trial, code)}
    chidi.fill({"assessed": day(on)} | answers(criteria_of(trial, code)) | comments)
    amara.go(f"subjects/{subject}/enrolment/")
    amara.sign(f"Sign {inside_a_sentence(gate.title)}")
    row = amara.page.get_by_role("row").filter(has=amara.page.get_by_role("rowheader", name=gate.title, exact=True))
    expect(row).to_contain_text("Dr Amara Okafor")
