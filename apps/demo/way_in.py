"""The way into a trial: consent, criteria, signature, a place in a cohort, its release and confirmation."""

from datetime import datetime, timedelta

from apps.access.roles import Role
from apps.demo.casebook import Casebook
from apps.demo.disease import Tumor
from apps.demo.stage import Stage, proof_of
from apps.enrollment import services as enrollment
from apps.enrollment.selectors import slot_of
from apps.screening import criteria
from apps.screening import services as screening
from apps.screening.services import ConsentGiven
from apps.study.models import Site
from apps.visits.models import FormRecord
from clinical.partial_date import PartialDate
from clinical.protocol.conduct import CriterionKind, Gate
from clinical.protocol.pages import Page

RACES = ("WHITE", "WHITE", "WHITE", "WHITE", "BLACK OR AFRICAN AMERICAN", "ASIAN")
HISTORY = (
    ("Hypertension", "2015"),
    ("Type 2 diabetes mellitus", "2018-05"),
    ("Appendectomy", "1996"),
    ("Hypothyroidism", "2021-11"),
    ("Hay fever", "1990"),
    ("Osteoarthritis", "2012"),
)
THERAPIES = (
    ("Pembrolizumab", "SYSTEMIC", "PD"),
    ("Carboplatin and paclitaxel", "SYSTEMIC", "PR"),
    ("Ipilimumab and nivolumab", "SYSTEMIC", "SD"),
    ("Dacarbazine", "SYSTEMIC", "PD"),
)
MEDICINES = (
    ("Ramipril", "Hypertension", "5", "mg", "ORAL", "QD"),
    ("Pantoprazole", "Reflux", "40", "mg", "ORAL", "QD"),
    ("Levothyroxine", "Hypothyroidism", "75", "ug", "ORAL", "QD"),
    ("Enoxaparin", "Prophylaxis of thrombosis", "40", "mg", "SUBCUTANEOUS", "QD"),
)


def consent(stage: Stage, site: Site, at: datetime, *about: object) -> Casebook:
    """A new subject with the first consent, two hours before it is entered."""
    with stage.acting(Role.COORDINATOR, site) as actor:
        subject = screening.consent_new_subject(actor=actor, site=site, consent=_given(stage, site, at), at=at)
    chance = stage.chance("subject", *about)
    definition = subject.protocol_version.definition
    casebook = Casebook(
        stage=stage,
        subject=subject,
        site=site,
        chance=chance,
        sex=chance.choice("FM"),
        weight=chance.randint(58, 94),
        product=definition.dose_levels[0].product,
    )
    casebook.refresh()
    return casebook


def _given(stage: Stage, site: Site, at: datetime) -> ConsentGiven:
    local = (at - timedelta(hours=2)).astimezone(site.zone_info)
    explained_by = stage.people[Role.INVESTIGATOR, site.number].full_name
    return ConsentGiven(version="1.0", given=PartialDate.of(local), explained_by=explained_by, copy_given="Y")


def consent_again(casebook: Casebook, gate: Gate, at: datetime) -> None:
    """The consent of a later gate."""
    with casebook.stage.acting(Role.COORDINATOR, casebook.site) as actor:
        screening.record_consent(
            actor=actor,
            subject=casebook.subject,
            gate=gate,
            consent=_given(casebook.stage, casebook.site, at),
            at=at,
        )


def background(casebook: Casebook, record: FormRecord, tumor: Tumor, at: datetime, *, prame: str = "POSITIVE") -> None:
    """One page of who the subject is and what the disease was: demographics, disease history, biomarkers, biopsy."""
    chance = casebook.chance
    form = record.protocol_version.definition.form(record.form)
    match form.page:
        case Page.DEMOGRAPHICS:
            texts = {
                "birth": str(casebook.stage.today.year - chance.randint(38, 76)),
                "sex": casebook.sex,
                "ethnicity": chance.choice(("NOT HISPANIC OR LATINO",) * 4 + ("HISPANIC OR LATINO",)),
                "races/1/race": chance.choice(RACES),
            }
        case Page.DISEASE_HISTORY:
            texts = {
                "diagnosis": tumor.diagnosis,
                "diagnosed_on": f"{casebook.stage.today.year - chance.randint(2, 6)}-{chance.randint(1, 12):02d}",
                "histology": tumor.histology,
                "stage": "STAGE IV",
                "liver_metastases": tumor.liver,
                "brain_metastases": "N",
                "prior_lines": str(chance.randint(2, 4)),
            }
            texts = {name: text for name, text in texts.items() if name not in form.leave_out}
            extra = {
                "standard_options": "Y",
                "biopsy_date": (casebook.stage.today.replace(day=1)).isoformat(),
                "biopsy_site": tumor.organ.capitalize(),
            }
            for item in form.items:
                texts[f"extra/{item.code}"] = extra[item.code]
            if "extra/biopsy_date" in texts and record.visit and record.visit.took_place:
                texts["extra/biopsy_date"] = record.visit.took_place.iso
        case Page.BIOMARKERS:
            texts = {}
            for marker in form.biomarkers:
                result = {"HLA": ("reported", "A*02:01, A*24:02"), "PRAME": ("interpretation", prame)}[marker]
                texts |= {
                    f"markers/{marker}/{result[0]}": result[1],
                    f"markers/{marker}/method": "NGS" if marker == "HLA" else "IHC",
                    f"markers/{marker}/laboratory": "Central laboratory",
                    f"markers/{marker}/collected": record.visit.took_place.iso if record.visit else "",
                }
                if marker == "PRAME":
                    texts[f"markers/{marker}/score"] = str(
                        chance.randint(120, 290) if prame == "POSITIVE" else chance.randint(0, 20)
                    )
        case _:
            return
    casebook.fill(record, texts, at)


def history(casebook: Casebook, at: datetime) -> None:
    """What came before: other diseases, earlier lines of therapy, medicines still taken."""
    chance, year = casebook.chance, casebook.stage.today.year
    for term, began in chance.sample(HISTORY, 2):
        casebook.log("medical_history", {"term": term, "began": began, "ongoing": "Y"}, at)
    for line, (therapy, kind, best) in enumerate(chance.sample(THERAPIES, 2), start=1):
        texts = {
            "therapy": therapy,
            "type": kind,
            "line": str(line),
            "setting": "ADVANCED",
            "began": f"{year - 3 + line}-02",
            "ended": f"{year - 3 + line}-09",
            "best_response": best,
            "why_ended": "PROGRESSIVE DISEASE",
        }
        casebook.log("prior_therapy", texts, at)
    name, indication, dose, unit, route, frequency = chance.choice(MEDICINES)
    texts = {
        "name": name,
        "indication": indication,
        "given_for": "MEDICAL HISTORY" if indication != "Prophylaxis of thrombosis" else "PROPHYLAXIS",
        "dose": dose,
        "unit": unit,
        "route": route,
        "frequency": frequency,
        "started": str(year - 2),
        "is_ongoing": "Y",
    }
    casebook.log("concomitant_medication", texts, at)


def answer_criteria(casebook: Casebook, gate: str, day: int, at: datetime, *, failing: tuple[str, ...] = ()) -> None:
    """Every criterion of a gate, in the subject's favour but for those failing."""
    with casebook.stage.acting(Role.COORDINATOR, casebook.site):
        record = criteria.record_of_gate(casebook.refresh(), gate)
    assert record is not None  # its visit was started before
    texts = {"assessed": casebook.day(day)}
    for criterion in casebook.subject.protocol_version.definition.criteria_of(gate):
        met = (criterion.kind is CriterionKind.INCLUSION) is (criterion.number not in failing)
        answer = "MET" if met else "NOT MET"
        if casebook.sex == "M" and criterion.may_not_apply and criterion.kind is CriterionKind.EXCLUSION:
            answer = "NOT APPLICABLE"
        texts[f"answers/{criterion.number}/answer"] = answer
    casebook.fill(record, texts, at)


def sign(casebook: Casebook, gate: str, at: datetime) -> None:
    """The investigator's signature under a gate."""
    with casebook.stage.acting(Role.INVESTIGATOR, casebook.site) as actor:
        enrollment.sign_gate(actor=actor, subject=casebook.refresh(), gate=gate, proof=proof_of(actor), at=at)


def fail(casebook: Casebook, criteria_failed: list[str], comment: str, at: datetime) -> None:
    with casebook.stage.acting(Role.COORDINATOR, casebook.site) as actor:
        screening.fail_screening(
            actor=actor, subject=casebook.refresh(), criteria=criteria_failed, comment=comment, at=at
        )


def reserve(casebook: Casebook, level: int, first_dose: int, at: datetime, *, backfill: bool = False) -> None:
    """Ask for a place at a dose level."""
    planned = PartialDate.of(casebook.stage.today + timedelta(days=first_dose))
    with casebook.stage.acting(Role.COORDINATOR, casebook.site) as actor:
        enrollment.reserve_slot(
            actor=actor,
            subject=casebook.refresh(),
            cohort=casebook.stage.cohort(level),
            planned_first_dose=planned,
            backfill=backfill,
            at=at,
        )


def enrol(casebook: Casebook, at: datetime) -> None:
    """The medical monitor's release of the place, and the site's confirmation an hour later."""
    with casebook.stage.acting(Role.MEDICAL_MONITOR) as actor:
        slot = slot_of(casebook.subject)
        assert slot is not None  # it was reserved before
        enrollment.release_for_dosing(actor=actor, slot=slot, comment="Eligibility and planned date seen.", at=at)
    with casebook.stage.acting(Role.COORDINATOR, casebook.site) as actor:
        enrollment.confirm_slot(actor=actor, slot=slot, at=at + timedelta(hours=1))
    casebook.refresh()
