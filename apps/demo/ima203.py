"""The demo of IMA203: gates, leukapheresis, lymphodepletion, infusion, interleukin-2, two dose levels, one DLT."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial

from apps.access.roles import Role
from apps.demo import disease, harm, visit_pages, way_in
from apps.demo.casebook import Casebook
from apps.demo.committee import decide
from apps.demo.disease import Course
from apps.demo.harm import Harm
from apps.demo.stage import Stage
from apps.demo.visit_pages import VisitFacts
from apps.escalation.models import DecisionKind
from apps.study.models import Site
from apps.visits import services as entry
from apps.visits.models import FormRecord

CODE = "IMA203"
OPENED = -200

PRODUCTS = (("0.09", "1.80", "0.05"), ("0.08", "2.00", "0.04"), ("0.0855", "1.90", "0.045"), ("0.216", "1.80", "0.12"),
            ("0.19", "1.90", "0.10"), ("0.30", "2.00", "0.15"))  # fmt: skip
"""Transduced cells (10^9), body surface (m2) and the cells per m2 that they make: three of each of the two levels."""

INFUSED = ((1, -112), (1, -97), (1, -96), (2, -44), (2, -29), (2, -11))
"""Dose level and day of the infusion, from today: the watch after a level's first subject is 14 days."""
DECIDED = -62
INTERLEUKIN = (("IL2-1", range(1, 6)), ("IL2-2", range(6, 11)))
"""The visits that last the days of interleukin-2, and these days from the infusion."""
COURSES: tuple[Course, ...] = ("PR", "SD", "PD", "PR", "SD", "SD")
LIMITED = 3
"""Whose toxicity limits the dose."""

CRS = (
    Harm("Cytokine release syndrome", 2, ((0, 1), (1, 2), (3, 1)), 5, treatment="Tocilizumab 8 mg/kg",
         action="NOT APPLICABLE", interest="CYTOKINE RELEASE SYNDROME"),
    Harm("Cytokine release syndrome", 3, ((0, 1),), 2, treatment="Paracetamol 1 g",
         action="NOT APPLICABLE", interest="CYTOKINE RELEASE SYNDROME"),
)  # fmt: skip
CRS_THAT_LIMITS = Harm(
    "Cytokine release syndrome",
    2,
    ((0, 2), (1, 3), (6, 2)),
    10,
    action="NOT APPLICABLE",
    treatment="Tocilizumab twice, methylprednisolone, norepinephrine",
    serious={"needs_hospital": "True", "is_life_threatening": "False"},
    interest="CYTOKINE RELEASE SYNDROME",
    reported_hours=7,
)
CYTOPENIA = Harm(
    "Neutrophil count decreased", -1, ((0, 3), (4, 4), (9, 3)), 16, related=False, action="NOT APPLICABLE",
    other_cause="LYMPHODEPLETION",
)  # fmt: skip


@dataclass(frozen=True)
class Member:
    """One subject: dose level, day of the infusion from today, course of the tumor."""

    index: int
    level: int
    infusion: int
    course: Course


class Story:
    """What one subject goes through, told to the script."""

    def __init__(self, stage: Stage, member: Member, site: Site) -> None:
        self.stage, self.member, self.site = stage, member, site
        self.tumor = stage.chance("tumor", member.index).choice(disease.TUMORS)
        self.baseline = (0, 0)
        self.book: Casebook

    def tell(self) -> None:
        day = self.member.infusion
        self._at(day - 50, 12, self._consent)
        self._at(day - 49, 16, partial(self._gate, "SCR1", "hla", day - 49))
        self._at(day - 42, 16, partial(self._gate, "SCR2", "prame", day - 42))
        self._at(day - 36, 16, partial(self._gate, "APH", "apheresis", day - 36))
        self._at(max(day - 17, DECIDED + 1) if self.member.level == 2 else day - 17, 10, self._reserve)
        self._at(day - 15, 10, lambda at: way_in.enrol(self.book, at))
        self._at(day - 12, 17, partial(self._release_product, day - 13))
        self._at(day - 9, 16, partial(self._gate, "BASELINE", "lymphodepletion", day - 9))
        for code, before in (("LD-6", 6), ("LD-5", 5), ("LD-4", 4), ("LD-3", 3)):
            self._at(day - before, 19, partial(self._visit, code, day - before, 0))
        self._at(day, 9, partial(self._open_infusion, day), zone=self.site.zone_info)
        self._at(day, 18, partial(self._infuse, day))
        for code, days in INTERLEUKIN:
            self._at(day + days.start, 20, partial(self._visit, code, day + days.start, 0))
            for after in days:
                self._at(day + after + 1, 8, partial(self._interleukin, code, day + days.start, day + after))
        for code, after, crs in (
            ("D3", 3, 1),
            ("D7", 7, 0),
            ("D14", 14, 0),
            ("D21", 21, 0),
            ("D28", 28, 0),
        ):
            self._at(day + after, 20, partial(self._visit, code, day + after, crs))
        for number, (code, after) in enumerate((("W6", 42), ("W12", 84)), start=1):
            self._at(day + after, 19, partial(self._scan, code, number, day + after))
        self._tell_harms()

    def _at(self, day: int, hour: int, happens: Callable[[datetime], None], zone: tzinfo = UTC) -> None:
        if day >= 0:
            return

        def at_the_site(now: datetime) -> None:
            with self.stage.acting(Role.COORDINATOR, self.site):
                happens(now)

        self.stage.script.add(self.stage.moment(day, hour, self.member.index, zone), at_the_site)

    def _consent(self, at: datetime) -> None:
        self.book = way_in.consent(self.stage, self.site, at, self.member.index)

    def _gate(self, visit: str, gate_code: str, day: int, at: datetime) -> None:
        """A visit of screening: its consent, its pages, its criteria, and the signature that opens the next."""
        book = self.book
        definition = book.subject.protocol_version.definition
        gate = next(each for each in definition.gates if each.code == gate_code)
        book.hold_visit(visit, day, at)
        if gate.consent_form is not None and gate is not definition.gates[0]:
            way_in.consent_again(book, gate, at - timedelta(hours=1))
        for record in book.records(visit):
            way_in.background(book, record, self.tumor, at)
        visit_pages.enter(book, visit, day, at, VisitFacts(ecog=1))
        if visit == "APH":
            way_in.history(book, at)
            texts = {
                "apheresis": f"{book.day(day)}T11:30",
                "apheresis_number": f"APH-{book.subject.number}",
                "manufacture": "IN MANUFACTURE",
                "manufacture_on": book.day(day),
            }
            book.fill(book.record("APH", "cell_product"), texts, at, complete=False)
        if visit == "BASELINE":
            self.baseline = disease.find_lesions(book, self.tumor, visit, day, at)
        way_in.answer_criteria(book, gate_code, day, at)
        way_in.sign(book, gate_code, at + timedelta(hours=1))

    def _reserve(self, at: datetime) -> None:
        way_in.reserve(self.book, self.member.level, self.member.infusion, at)

    def _release_product(self, day: int, at: datetime) -> None:
        """The cells are made and released; their bag is labelled."""
        book = self.book
        cells, surface, _ = PRODUCTS[self.member.index]
        record = book.record("APH", "cell_product")
        with self.stage.acting(Role.PHARMACIST, self.site) as pharmacist:
            key = entry.add_line(actor=pharmacist, record=record, kind="bags", at=at)
        texts = {
            "manufacture": "RELEASED",
            "manufacture_on": book.day(day),
            "release_document": f"CoA {book.subject.number}",
            "lot": self._lot,
            "transduced_cells": cells,
            "body_surface": surface,
            "body_surface_on": book.day(day),
            f"bags/{key}/bag": f"{self._lot}-1",
            f"bags/{key}/expires": book.day(day + 300),
        }
        book.fill(record, texts, at, by=Role.PHARMACIST)

    @property
    def _lot(self) -> str:
        return f"P{self.member.index + 1:03d}"

    def _open_infusion(self, day: int, at: datetime) -> None:
        """The last gate, passed in the morning before the cells are given."""
        self.book.hold_visit("INF", day, at)
        way_in.answer_criteria(self.book, "infusion", day, at)
        way_in.sign(self.book, "infusion", at + timedelta(minutes=10))

    def _infuse(self, day: int, at: datetime) -> None:
        """The pages of the day, and those of the infusion when it is over."""
        book = self.book
        _, surface, dose = PRODUCTS[self.member.index]
        facts = VisitFacts(
            ecog=1, dose=dose, dose_texts={"lot": self._lot, "extra/body_surface": surface, "extra/viability": "86"},
            left_open=frozenset({"ima203"}),
        )  # fmt: skip
        visit_pages.enter(book, "INF", day, at, facts)
        infusion = book.record("INF", "ima203")
        visit_pages.enter_dose(book, infusion, day, at + timedelta(hours=4), facts)

    def _visit(self, code: str, day: int, crs: int, at: datetime) -> None:
        self.book.hold_visit(code, day, at)
        grade = crs and (3 if self.member.index == LIMITED else 1 + self.member.index % 2)
        unusual = {}
        if code in ("LD-3", "D3", "D7"):
            low = {"LD-3": ("1.9", "0.3"), "D3": ("0.4", "0.1"), "D7": ("0.6", "0.1")}[code]
            unusual = {"NEUT": low[0], "LYM": low[1], "WBC": "1.1", "PLAT": str(self.book.chance.randint(45, 110))}
        if code == "D3":
            unusual |= {"CRP": str(self.book.chance.randint(60, 190)), "FERRITIN": "2400"}
        visit_pages.enter(self.book, code, day, at, VisitFacts(ecog=1, crs=grade, unusual=unusual))

    def _interleukin(self, code: str, first: int, day: int, at: datetime) -> None:
        """The doses of one day, entered on the next."""
        visit_pages.enter_doses_of_day(self.book, code, first, day, at)

    def _scan(self, code: str, number: int, day: int, at: datetime) -> None:
        book = self.book
        book.hold_visit(code, day, at)
        visit_pages.enter(book, code, day, at, VisitFacts(ecog=1))
        disease.scan(book, self.member.course, number, self.baseline, code, day, at)

    # -- harm

    def _tell_harms(self) -> None:
        day = self.member.infusion
        self._at(min(day + 18, -1), 13, partial(self._harm, CYTOPENIA))
        if self.member.index == LIMITED:
            self._at(day + 13, 13, self._limit)
        else:
            self._at(min(day + 9, -1), 13, partial(self._harm, CRS[self.member.index % 2]))

    def _harm(self, each: Harm, at: datetime) -> None:
        harm.enter_and_answer(self.book, each, self.member.infusion, at)

    def _limit(self, at: datetime) -> None:
        record: FormRecord = harm.enter(self.book, CRS_THAT_LIMITS, self.member.infusion, at)
        onset = self.stage.moment(self.member.infusion + CRS_THAT_LIMITS.onset, 21)
        harm.report(self.book, record, onset + timedelta(hours=CRS_THAT_LIMITS.reported_hours or 0))
        harm.answer(self.book, record, is_dlt=True, why="Grade 3 for five days.", at=at + timedelta(hours=2))
        why = "Not back to grade 2 within 72 hours under two doses of tocilizumab. It limits the dose."
        harm.adjudicate(self.book, record, is_dlt=True, why=why, at=at + timedelta(hours=6))
        harm.triage(self.book, CRS_THAT_LIMITS, record, at + timedelta(hours=8))


def tell(stage: Stage) -> int:
    """Put the whole trial into the script; says how many subjects it has."""
    for index, ((level, infusion), course) in enumerate(zip(INFUSED, COURSES, strict=True)):
        member = Member(index, level, infusion, course)
        Story(stage, member, stage.sites[index % len(stage.sites)]).tell()
    why = "Three subjects without dose-limiting toxicity. The next level opens."
    stage.script.add(stage.moment(DECIDED, 15), partial(decide, stage, DecisionKind.ESCALATE, 2, why))
    return len(INFUSED)
