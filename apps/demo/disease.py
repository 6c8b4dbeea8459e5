"""Tumors of the demo: lesions found at baseline, what each scan shows of them, the investigator's own words on it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from apps.access.roles import Role
from apps.demo.casebook import Casebook
from apps.tumor.models import SystemResponse
from apps.visits import services as entry
from apps.visits.models import FormRecord
from clinical.protocol.pages import Page

Course = Literal["CR", "PR", "SD", "PD", "NE", "NEW"]


@dataclass(frozen=True)
class Tumor:
    """A kind of tumor: diagnosis, histology, and where its target lesion lies."""

    diagnosis: str
    histology: str
    organ: str
    liver: str


TUMORS = (
    Tumor("Cutaneous melanoma", "Melanoma, BRAF wild type", "LUNG", "N"),
    Tumor("Uveal melanoma", "Melanoma of the uvea", "LIVER", "Y"),
    Tumor("Ovarian carcinoma", "High-grade serous carcinoma", "PERITONEUM", "N"),
    Tumor("Non-small cell lung cancer", "Squamous cell carcinoma", "LUNG", "N"),
    Tumor("Synovial sarcoma", "Synovial sarcoma, biphasic", "SOFT TISSUE", "N"),
    Tumor("Endometrial carcinoma", "Endometrioid carcinoma", "PELVIS", "N"),
)

SHRINKAGE: dict[Course, tuple[str, ...]] = {
    "CR": ("0.45", "0", "0", "0"),
    "PR": ("0.60", "0.48", "0.50", "0.52"),
    "SD": ("0.94", "0.90", "0.97", "1.02"),
    "PD": ("1.38", "1.50", "1.60", "1.70"),
    "NE": ("NE", "NE", "NE", "NE"),
    "NEW": ("0.92", "0.95", "1.00", "1.00"),
}
"""Each scan's diameters as a share of baseline; 0: the lesion is gone, NE: it could not be evaluated."""

STRENGTH: dict[Course, tuple[float, float]] = {"PD": (0.7, 1.6)}
"""How much more or less than that a subject's tumor changes; never so much that the response is another one."""

PROGRESSES_AT: dict[Course, int] = {"PD": 1, "NEW": 2}
"""The scan that shows progression, where one does."""


def find_lesions(casebook: Casebook, tumor: Tumor, visit: str, day: int, at: datetime) -> tuple[int, int]:
    """Two targets and a non-target at baseline, and their measurement; the two diameters in mm."""
    organ, node = casebook.chance.randint(26, 61), casebook.chance.randint(17, 27)
    form = casebook.subject.protocol_version.definition.forms_of(Page.LESION)[0].code
    for kind, place, is_node in (
        ("TARGET", tumor.organ, "N"),
        ("TARGET", "MEDIASTINAL LYMPH NODE", "Y"),
        ("NON-TARGET", "BONE", "N"),
    ):
        texts = {
            "kind": kind,
            "location": place,
            "node": is_node,
            "method": "CT SCAN",
            "identified": casebook.day(day),
            "identified_at": visit,
        }
        casebook.log(form, texts, at)
    record = _page(casebook, visit)
    casebook.fill(
        record,
        {
            "scanned": casebook.day(day),
            "method": "CT SCAN",
            "lesions/T1/longest_mm": str(organ),
            "lesions/T2/short_axis_mm": str(node),
            "lesions/NT1/state": "PRESENT",
        },
        at,
    )
    return organ, node


def _page(casebook: Casebook, visit: str) -> FormRecord:
    form = casebook.subject.protocol_version.definition.forms_of(Page.TUMOR_ASSESSMENT)[0].code
    return casebook.record(visit, form)


def scan(
    casebook: Casebook,
    course: Course,
    number: int,
    baseline: tuple[int, int],
    visit: str,
    day: int,
    at: datetime,
    *,
    disagrees: bool = False,
) -> None:
    """A follow-up scan. The investigator says what the system derives, unless the story has them differ."""
    record = _page(casebook, visit)
    texts = {"scanned": casebook.day(day), "method": "CT SCAN"}
    share = SHRINKAGE[course][min(number, 4) - 1]
    if share == "NE":
        for name in ("T1", "T2"):
            texts |= {f"lesions/{name}/state": "NOT EVALUABLE", f"lesions/{name}/reason": "Scan without contrast"}
        texts["lesions/NT1/state"] = "NOT EVALUABLE"
        texts["lesions/NT1/reason"] = "Scan without contrast"
    elif share == "0":
        texts |= {"lesions/T1/state": "ABSENT", "lesions/T2/short_axis_mm": "7", "lesions/NT1/state": "ABSENT"}
    else:
        least, most = STRENGTH.get(course, (0.85, 1.1))
        change = (float(share) - 1) * casebook.stage.chance("tumor", casebook.subject.number).uniform(least, most)
        organ, node = (round(mm * (1 + change)) for mm in baseline)
        texts |= {
            "lesions/T1/longest_mm": str(organ),
            "lesions/T2/short_axis_mm": str(node),
            "lesions/NT1/state": "PRESENT",
        }
    if course == "NEW" and number >= PROGRESSES_AT["NEW"]:
        _find_new_lesion(casebook, visit, day, at)
        texts["lesions/N1/state"] = "PRESENT"
    casebook.fill(record, texts, at, complete=False)
    _state_response(casebook, record, at, disagrees=disagrees)


def _find_new_lesion(casebook: Casebook, visit: str, day: int, at: datetime) -> None:
    form = casebook.subject.protocol_version.definition.forms_of(Page.LESION)[0].code
    texts = {
        "kind": "NEW",
        "location": "BRAIN",
        "node": "N",
        "method": "MRI",
        "identified": casebook.day(day),
        "identified_at": visit,
    }
    casebook.log(form, texts, at)


def _state_response(casebook: Casebook, record: FormRecord, at: datetime, *, disagrees: bool) -> None:
    with casebook.stage.acting(Role.COORDINATOR, casebook.site) as actor:
        derived = SystemResponse.objects.get(record=record)
        said = {
            "overall_response": derived.overall,
            "target_response": derived.target,
            "non_target_response": derived.non_target,
            "new_lesions": derived.new_lesion,
        }
        texts = {path: value for path, value in said.items() if value and value != "NONE"}
        if disagrees:
            texts["overall_response"] = "SD" if derived.overall != "SD" else "PR"
            texts["why_different"] = "Seen with the earlier scan side by side; slices differ."
        record = entry.save_values(actor=actor, record=record, texts=texts, at=at)
        entry.complete_record(actor=actor, record=record, at=at)
