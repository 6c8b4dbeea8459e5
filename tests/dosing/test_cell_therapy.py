"""IMA203: lymphodepletion, the cell product from apheresis to infusion, interleukin-2 twice a day."""

from decimal import Decimal

import pytest

from apps.dosing import selectors
from apps.dosing.models import Administration, CellProduct
from apps.dosing.pages import cell_product_panel
from apps.dosing.services import add_dose
from apps.subjects.models import Anchor, Subject
from apps.visits import checks, services
from apps.visits.models import FormRecord, Visit
from tests import scenarios_dosing as dosing
from tests.scenarios import NOON, Trial

pytestmark = pytest.mark.django_db

RELEASED = {
    "apheresis": "2026-01-12 09:00",
    "apheresis_number": "APH-0042",
    "manufacture": "RELEASED",
    "manufacture_on": "2026-02-25",
    "release_document": "QP-2026-017",
    "lot": "LOT-42",
    "transduced_cells": "0.962",
    "body_surface": "1.85",
    "body_surface_on": "2026-02-24",
}


@pytest.fixture
def subject(ima203: Trial) -> Subject:
    """A subject whose infusion is planned for 2 March."""
    return dosing.assigned(ima203, level=4)


@pytest.fixture
def product(ima203: Trial, subject: Subject) -> FormRecord:
    """The subject's cell product page."""
    return dosing.record(ima203, dosing.started(ima203, subject, "APH", "2026-01-12"), "cell_product")


def released(trial: Trial, page: FormRecord, **other: str) -> FormRecord:
    dosing.enter(trial, page, **(RELEASED | other))
    with trial.acting_as("chidi") as chidi:
        key = services.add_line(actor=chidi, record=page, kind="bags", at=NOON)
    dosing.enter(trial, page, **{f"bags__{key}__bag": "BAG-1", f"bags__{key}__expires": "2027-02-01"})
    return dosing.complete(trial, page)


def test_lymphodepletion_days_have_their_doses_from_the_planned_infusion(ima203: Trial, subject: Subject) -> None:
    visit = dosing.started(ima203, subject, "LD-6", "2026-02-24")
    with ima203.acting_as("chidi"):
        planned = {
            row.product: (row.planned_dose, row.planned_unit, str(row.planned_on), row.step)
            for row in Administration.objects.filter(record__visit=visit)
        }
    assert planned == {
        "FLUDARABINE": (Decimal(40), "mg/m2", "2026-02-24", "fixed"),
        "CYCLOPHOSPHAMIDE": (Decimal(500), "mg/m2", "2026-02-24", "fixed"),
    }


def test_lymphodepletion_begins_treatment_and_only_the_infusion_is_the_first_dose(
    ima203: Trial, subject: Subject
) -> None:
    dosing.dose(ima203, subject, "LD-6", "2026-02-24 10:00", form="fludarabine", amount="40")
    with ima203.acting_as("chidi"):
        subject.refresh_from_db()
        assert subject.status == "on_treatment"
        assert not Anchor.objects.filter(subject=subject, name="infusion").exists()
        assert selectors.first_dose_moment(subject) is None
    dosing.dose(ima203, subject, "INF", "2026-03-03 11:00", form="ima203", amount="0.52")
    with ima203.acting_as("chidi"):
        assert Anchor.objects.get(subject=subject, name="infusion").moment.iso == "2026-03-03T11:00"
        assert str(Visit.objects.get(subject=subject, code="D28").planned_date) == "2026-03-31"


def test_the_level_is_the_one_that_the_cells_reach(ima203: Trial, subject: Subject, product: FormRecord) -> None:
    released(ima203, product)
    with ima203.acting_as("chidi"):
        row = CellProduct.objects.get(record=product)
        assert (row.cells_per_m2, row.level_reached) == (Decimal("0.52"), 4)
    dosing.enter(ima203, product, because="Source corrected", transduced_cells="0.55")
    with ima203.acting_as("chidi"):
        assert CellProduct.objects.get(record=product).level_reached == 3


def test_a_product_below_its_range_counts_at_the_level_received(
    ima203: Trial, subject: Subject, product: FormRecord
) -> None:
    released(ima203, product, transduced_cells="0.555")
    page = dosing.dose(ima203, subject, "INF", "2026-03-02 11:00", form="ima203", amount="0.3")
    with ima203.acting_as("chidi"):
        row = Administration.objects.get(record=page)
        assert (row.planned_level, row.level_received) == (4, 3)
        assert (row.planned_from, row.planned_to) == (Decimal("0.481"), Decimal("1.2"))
        assert selectors.level_received(subject) == 3
        assert [dose.is_full for dose in selectors.exposures(subject)] == [True]


@pytest.mark.parametrize(
    ("state", "missing"),
    [
        ("IN MANUFACTURE", []),
        ("FAILED", []),
        ("RERUN", []),
        ("RELEASED", ["lot", "release_document", "transduced_cells", "body_surface", "body_surface_on"]),
        (
            "RELEASED OUT OF SPECIFICATION",
            ["lot", "release_document", "transduced_cells", "body_surface", "body_surface_on", "out_of_specification"],
        ),
    ],
)
def test_a_release_is_documented(ima203: Trial, product: FormRecord, state: str, missing: list[str]) -> None:
    texts = {name: RELEASED[name] for name in ("apheresis", "apheresis_number", "manufacture_on")}
    dosing.enter(ima203, product, manufacture=state, **texts)
    with ima203.acting_as("chidi"):
        found = [finding.path for finding in checks.of_record(product) if finding.check == "missing"]
    assert sorted(found) == sorted(missing)


def test_cells_of_another_lot_or_not_released_are_recorded_and_asked_about(
    ima203: Trial, subject: Subject, product: FormRecord
) -> None:
    dosing.enter(ima203, product, manufacture="IN MANUFACTURE", lot="LOT-42")
    page = dosing.dose(ima203, subject, "INF", "2026-03-02 11:00", form="ima203", amount="0.52", lot="LOT-24")
    with ima203.acting_as("chidi"):
        found = {finding.check for finding in checks.of_record(page)}
    assert {"not released", "identity"} <= found


def test_the_product_page_shows_body_surface_by_weight_and_height_and_the_infusion(
    ima203: Trial, subject: Subject, product: FormRecord
) -> None:
    vitals = dosing.record(ima203, dosing.started(ima203, subject, "LD-6", "2026-02-24"), "vital_signs")
    dosing.enter(ima203, vitals, taken="2026-02-24 08:00", results__WEIGHT__value="71.2", results__HEIGHT__value="178")
    dosing.dose(ima203, subject, "INF", "2026-03-02 11:00", form="ima203", amount="0.52")
    with ima203.acting_as("chidi"):
        panel = cell_product_panel(product)
    estimate = panel["estimate"]
    assert isinstance(estimate, dict)
    assert estimate["area"] == Decimal("1.88")
    (infusion,) = panel["infusions"]  # type: ignore[misc]  # a list of administrations
    assert infusion.started.iso == "2026-03-02T11:00"


def test_interleukin_2_has_a_page_a_dose_once_and_twice_a_day(ima203: Trial, subject: Subject) -> None:
    dosing.dose(ima203, subject, "INF", "2026-03-02 11:00", form="ima203", amount="0.52")
    once = dosing.started(ima203, subject, "IL2-1", "2026-03-03")
    twice = dosing.started(ima203, subject, "IL2-2", "2026-03-08")
    with ima203.acting_as("chidi"):
        days = {
            visit.code: [
                str(row.planned_on)
                for row in Administration.objects.filter(record__visit=visit).order_by("record__repeat")
            ]
            for visit in (once, twice)
        }
    assert days["IL2-1"] == [f"2026-03-0{day}" for day in (3, 4, 5, 6, 7)]
    assert days["IL2-2"] == [f"2026-03-{day:02d}" for day in (8, 8, 9, 9, 10, 10, 11, 11, 12, 12)]


def test_one_more_dose_of_interleukin_2_can_be_added(ima203: Trial, subject: Subject) -> None:
    dosing.dose(ima203, subject, "INF", "2026-03-02 11:00", form="ima203", amount="0.52")
    page = dosing.record(ima203, dosing.started(ima203, subject, "IL2-1", "2026-03-03"), "aldesleukin")
    with ima203.acting_as("pia") as pia:
        added = add_dose(actor=pia, record=page, at=NOON)
    assert added.repeat == 6
