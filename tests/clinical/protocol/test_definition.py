"""What a definition answers: the schedule written out, doses, levels, ranges."""

import tarfile
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pyreadstat
import pytest

from clinical.dlt.evaluability import ExposureMinimum
from clinical.dlt.evaluation import Conventions
from clinical.dlt.window import StepDosing, WindowEnd, WindowRule
from clinical.protocol.definition import Definition
from clinical.protocol.loading import load
from clinical.protocol.pages import Page
from clinical.protocol.schedule import Anchor, AnchorSource, PlannedVisit
from tests.clinical.protocol.trial_files import PROTOCOLS, SMALL, defined


def trial(code: str) -> Definition:
    definition = load((PROTOCOLS / code / "1.0.toml").read_text(encoding="utf-8"), code).definition
    assert definition is not None
    return definition


def _days(visit: PlannedVisit) -> int | None:
    return None if visit.offset is None else visit.offset.days


def test_a_schedule_is_written_out_with_cycles_and_scans() -> None:
    visits = defined(SMALL).visits_for(part="A", through_day=70)
    assert [(visit.code, _days(visit)) for visit in visits] == [
        ("C1D1", 0),
        ("C1D8", 7),
        ("C2D1", 21),
        ("C3D1", 42),
        ("C4D1", 63),
        ("TA1", 56),
    ]


def test_a_visit_of_another_part_is_left_out() -> None:
    definition = defined(SMALL)
    assert "BIOPSY" in {visit.code for visit in definition.visits_for(part="B")}
    assert "BIOPSY" not in {visit.code for visit in definition.visits_for(part="A")}


def test_scans_keep_their_calendar_over_a_change_of_interval() -> None:
    scans = [visit for visit in defined(SMALL).visits_for(through_day=300) if visit.on_imaging_calendar]
    assert [(scan.code, scan.name, _days(scan)) for scan in scans] == [
        ("TA1", "Scan of week 8", 56),
        ("TA2", "Scan of week 16", 112),
        ("TA3", "Scan of week 28", 196),
        ("TA4", "Scan of week 40", 280),
    ]


def test_a_window_reaches_from_early_to_late_and_no_window_is_never_late() -> None:
    visits = {visit.code: visit for visit in defined(SMALL).visits_for()}
    assert (visits["C1D8"].earliest, visits["C1D8"].latest) == (timedelta(days=6), timedelta(days=8))
    assert (visits["C1D1"].earliest, visits["C1D1"].latest) == (timedelta(0), timedelta(0))
    assert (visits["TA3"].earliest, visits["TA3"].latest) == (None, None)


@pytest.mark.parametrize(
    ("anchor_day", "day", "offset"),
    [(1, 1, 0), (1, 8, 7), (1, -1, -1), (1, -28, -28), (0, 0, 0), (0, 28, 28), (0, -6, -6)],
)
def test_day_labels_have_a_day_nought_only_where_the_anchor_is_it(anchor_day: int, day: int, offset: int) -> None:
    anchor = Anchor(code="a", title="a", source=AnchorSource.PLANNED, day=anchor_day)
    assert anchor.offset(day) == timedelta(days=offset)
    assert anchor.day_at(offset) == day


@pytest.mark.parametrize(
    ("level", "visit", "doses"),
    [
        (1, "C1D1", [("priming", "5.0")]),
        (2, "C1D1", [("priming", "12.5")]),
        (2, "C1D8", [("full", "25")]),
        (2, "C7D1", [("full", "25")]),
        (2, "BIOPSY", []),
    ],
)
def test_a_step_dose_is_a_share_of_the_levels_target(level: int, visit: str, doses: list[tuple[str, str]]) -> None:
    planned = defined(SMALL).planned_doses(level=level, visit=visit)
    assert [(dose.kind.value, str(dose.amount)) for dose in planned] == doses


def test_step_dosing_begins_at_the_level_the_file_says() -> None:
    ima402 = trial("IMA402")
    first = {level.number: ima402.planned_doses(level=level.number, visit="C1D1")[0] for level in ima402.dose_levels}
    assert [number for number, dose in first.items() if dose.kind.value == "priming"] == [5, 6, 7, 8, 9, 10]
    assert first[5].amount == Decimal("0.1")
    assert ima402.planned_doses(level=5, visit="C2D15")[0].amount == 1


def test_a_lymphodepletion_day_has_two_drugs_and_the_infusion_a_range() -> None:
    ima203 = trial("IMA203")
    days = [
        [(dose.product, dose.amount) for dose in ima203.planned_doses(level=4, visit=f"LD-{n}")] for n in (6, 5, 4, 3)
    ]
    assert days == [[("FLUDARABINE", 40), ("CYCLOPHOSPHAMIDE", 500)]] * 4
    (cells,) = ima203.planned_doses(level=4, visit="INF")
    assert (cells.amount, cells.range_from, cells.range_to) == (None, Decimal("0.481"), Decimal("1.20"))
    assert ima203.planned_doses(level=4, visit="IL2-2")[0].times_a_day == 2


@pytest.mark.parametrize(
    ("cells", "level"), [("0.01", None), ("0.05", 1), ("0.3", 3), ("0.4805", 3), ("0.481", 4), ("4.7", 5), ("9", 5)]
)
def test_a_cell_product_counts_at_the_level_it_reached(cells: str, level: int | None) -> None:
    reached = trial("IMA203").level_received(product="IMA203", amount=Decimal(cells))
    assert (reached.number if reached else None) == level


def test_gates_are_passed_in_the_order_of_the_file() -> None:
    assert [gate.code for gate in trial("IMA203").gates] == ["hla", "prame", "apheresis", "lymphodepletion", "infusion"]
    assert [gate.code for gate in trial("IMA402").gates] == ["main"]
    assert [each.number for each in trial("IMA203").criteria_of("hla")] == ["I1", "I2", "I3"]


def test_a_range_of_one_sex_is_not_used_for_an_unknown_sex() -> None:
    analyte = trial("IMA402").analyte("HGB")
    assert analyte is not None
    female, male = analyte.range_for("F"), analyte.range_for("M")
    assert female is not None
    assert male is not None
    assert (female.low, male.low) == (Decimal("12.0"), Decimal("13.5"))
    assert analyte.range_for(None) is None


def test_a_protocol_sets_every_choice_of_the_dlt_rules() -> None:
    period = """
    [dlt.period]
    anchor = "first_dose"
    full_dose_anchor = "first_dose"
    days = 21
    steps = "restart at first full dose"
    ends = "hour of dose"
    priming_counts = false
    full_dose_within_days = 42
    on_delay = "extends by the delay"
    delays_not_extending = ["holiday"]
    repriming_restarts = true
    dose_day_counts = false
    [dlt.exposure]
    product = "DRUG"
    doses = 2
    fraction = 0.75
    full_dose = false
    [dlt.conventions]
    first_day_counts = true
    worse_than_at_opening = true
    haematological_terms = ["Anemia"]
    haematological_socs = ["Investigations"]
    """
    dlt = defined(SMALL.replace('period = { anchor = "first_dose", days = 21 }\n', "") + period).dlt
    assert dlt is not None
    assert dlt.period.rule == WindowRule(
        days=21,
        step_dosing=StepDosing.RESTART,
        end=WindowEnd.HOUR_OF_DOSE,
        priming_counts=False,
        full_dose_within_days=42,
        delays_extend=True,
        delays_not_extending=("holiday",),
        repriming_restarts=True,
        dose_day_counts=False,
    )
    assert dlt.exposure is not None
    assert dlt.exposure.minimum == ExposureMinimum(doses=2, fraction=Decimal("0.75"), full_dose=False)
    assert dlt.conventions.of(("DRUG",)) == Conventions(("DRUG",), True, True, ("Anemia",), ("Investigations",))


def test_a_protocol_that_says_nothing_of_them_gets_the_rules_own_choices() -> None:
    dlt = defined(SMALL).dlt
    assert dlt is not None
    assert dlt.period.rule == WindowRule(days=21)
    assert dlt.conventions.of(()) == Conventions()


def test_every_extra_item_of_the_trials_leaves() -> None:
    for code in ("IMA402", "IMA203", "PVONCO"):
        for form in trial(code).forms:
            for item in form.items:
                target = item.target
                assert target.excluded or (target.dataset and (target.variable or target.qualifier or target.finding))


def test_the_sample_declares_what_it_did_not_collect() -> None:
    sample = trial("PVONCO")
    declared = {each.page for each in sample.not_collected}
    asked = {form.page.value for form in sample.forms}
    assert {"consent", "eligibility"} <= declared
    assert {page.value for page in Page} - asked - {"cell_product"} <= declared


def test_visits_of_the_sample_are_those_of_its_datasets(reference: Path, tmp_path: Path) -> None:
    with tarfile.open(reference / "core-sample" / "pv-onco-12subj-xpt.tar.xz") as packed:
        packed.extractall(tmp_path, filter="data")
    (file,) = tmp_path.rglob("sv.xpt")
    frame, _ = pyreadstat.read_xport(file)
    numbers = [Decimal(str(round(number, 4))).normalize() for number in frame.VISITNUM]
    held = {visit for visit in zip(numbers, frame.VISIT, strict=True) if not visit[1].startswith("UNSCHEDULED")}
    assert held == {(visit.number.normalize(), visit.name) for visit in trial("PVONCO").visits_for()}
