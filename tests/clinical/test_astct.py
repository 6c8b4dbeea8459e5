"""ASTCT grades of CRS and ICANS, held to the published tables and to every combination of findings."""

import csv
import doctest
import itertools
import json
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinical import astct
from clinical.astct import (
    Consciousness,
    CrsObservation,
    CrsReading,
    Edema,
    Fever,
    Hypotension,
    Hypoxia,
    IcansObservation,
    Motor,
    Oxygen,
    Seizure,
    WithoutScore,
    crs,
    crs_readings,
    fever_of,
    hypotension_of,
    hypoxia_of,
    icans,
    ice_score,
    worst,
)

FEVERS = {
    "fever_ge_38": Fever.PRESENT,
    "no_fever_but_antipyretic_or_anticytokine_given_after_fever": Fever.MASKED,
    "no_fever": Fever.NEVER,
}
SUPPORT = {
    "none": Hypotension.NONE,
    "no_vasopressor": Hypotension.NO_VASOPRESSOR,
    "one_vasopressor_with_or_without_vasopressin": Hypotension.ONE_VASOPRESSOR,
    "multiple_vasopressors_excluding_vasopressin": Hypotension.SEVERAL_VASOPRESSORS,
}
OXYGEN = {
    "none": Hypoxia.NONE,
    "low_flow_cannula_or_blowby": Hypoxia.LOW_FLOW,
    "high_flow_mask_nonrebreather_venturi": Hypoxia.HIGH_FLOW,
    "positive_pressure": Hypoxia.POSITIVE_PRESSURE,
}
WAKING = {
    "normal": Consciousness.AWAKE,
    "awakens_spontaneously": Consciousness.AWAKENS_SPONTANEOUSLY,
    "awakens_to_voice": Consciousness.AWAKENS_TO_VOICE,
    "awakens_only_to_tactile": Consciousness.AWAKENS_TO_TOUCH,
    "unarousable_or_vigorous_tactile": Consciousness.UNAROUSABLE,
}
SEIZURES = {
    "none": Seizure.NONE,
    "resolves_rapidly_or_with_intervention": Seizure.RESOLVED,
    "prolonged_gt_5min_or_repetitive_without_return": Seizure.PROLONGED,
}
WEAKNESS = {"none": Motor.NONE, "deep_focal_weakness": Motor.DEEP_FOCAL_WEAKNESS}
SWELLING = {
    "none": Edema.NONE,
    "focal_edema_on_imaging": Edema.FOCAL,
    "diffuse_edema_or_posturing_or_CN6_or_papilledema_or_cushing": Edema.DIFFUSE,
}

KNOWN_SUPPORT = [Hypotension.NONE, Hypotension.NO_VASOPRESSOR, Hypotension.ONE_VASOPRESSOR]
KNOWN_SUPPORT += [Hypotension.SEVERAL_VASOPRESSORS]
KNOWN_OXYGEN = [Hypoxia.NONE, Hypoxia.LOW_FLOW, Hypoxia.HIGH_FLOW, Hypoxia.POSITIVE_PRESSURE]


def test_published_crs_and_icans_cases(reference: Path) -> None:
    cases = json.loads((reference / "dose-safety-astct-grading-cases.json").read_text())
    for case in cases["crs"]:
        seen = CrsObservation(FEVERS[case["fever"]], SUPPORT[case["hypotension"]], OXYGEN[case["hypoxia"]])
        assert crs(seen).grade == case["expect_grade"], case
    for case in cases["icans"]:
        seen = IcansObservation(
            ice_score=case["ice_score"],
            arousable=case["arousable"],
            consciousness=WAKING[case["consciousness"]],
            seizure=SEIZURES[case["seizure"]],
            motor=WEAKNESS[case["motor"]],
            edema=SWELLING[case["icp_edema"]],
        )
        assert icans(seen).grade == case["expect_grade"], case


def test_published_bedside_cases(reference: Path) -> None:
    devices = {
        "none": (Oxygen.NONE, None),
        "low-flow <=6 L/min": (Oxygen.NASAL_CANNULA, Decimal(6)),
        "CPAP": (Oxygen.CPAP, None),
    }
    with (reference / "toxicity/crs_cases.csv").open(newline="") as source:
        for case in csv.DictReader(source):
            device, flow = devices[case["oxygen"]]
            seen = CrsObservation(
                fever_of(Decimal(case["temp_c"]), treated_after_fever=case["fever_waived_after_therapy"] == "Y"),
                hypotension_of(
                    case["hypotension"] == "Y",
                    vasopressors=int(case["vasopressors_excluding_vasopressin"]),
                    vasopressin=case["vasopressin"] == "Y",
                ),
                hypoxia_of(device, flow_l_min=flow),
            )
            assert crs(seen).grade == int(case["expected_crs_grade"]), case
    with (reference / "toxicity/icans_cases.csv").open(newline="") as source:
        for case in csv.DictReader(source):
            seen = IcansObservation(
                ice_score=int(case["ice_score"]),
                consciousness=Consciousness(case["consciousness"]),
                seizure=Seizure.NONE,
                motor=Motor.NONE,
                edema=Edema.FOCAL if case["edema"] == "focal" else Edema.NONE,
            )
            assert icans(seen).grade == int(case["expected_icans_grade"]), case


@pytest.mark.parametrize("fever", [Fever.PRESENT, Fever.MASKED])
@pytest.mark.parametrize(("row", "support"), list(enumerate(KNOWN_SUPPORT, start=1)))
@pytest.mark.parametrize(("column", "oxygen"), list(enumerate(KNOWN_OXYGEN, start=1)))
def test_crs_grade_is_the_worse_of_pressure_and_oxygen(
    fever: Fever, row: int, support: Hypotension, column: int, oxygen: Hypoxia
) -> None:
    graded = crs(CrsObservation(fever, support, oxygen))
    assert graded.grade == max(row, column)
    assert not graded.needs_review


@pytest.mark.parametrize("support", Hypotension)
@pytest.mark.parametrize("oxygen", Hypoxia)
def test_without_any_fever_there_is_no_crs_grade_but_a_review(support: Hypotension, oxygen: Hypoxia) -> None:
    graded = crs(CrsObservation(Fever.NEVER, support, oxygen))
    assert graded.grade is None
    assert graded.needs_review
    assert "review" in graded.reason


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (
            CrsObservation(Fever.PRESENT, Hypotension.SEVERAL_VASOPRESSORS, Hypoxia.UNKNOWN),
            "CRS grade 4: several vasopressors besides vasopressin.",
        ),
        (
            CrsObservation(Fever.PRESENT, Hypotension.UNKNOWN, Hypoxia.HIGH_FLOW),
            "CRS not gradable: blood pressure support not recorded, grade 3 to 4 is possible.",
        ),
        (
            CrsObservation(Fever.UNKNOWN, Hypotension.NO_VASOPRESSOR, Hypoxia.NONE),
            "CRS not gradable: temperature not recorded, grade 2 with fever.",
        ),
        (
            CrsObservation(Fever.UNKNOWN, Hypotension.UNKNOWN, Hypoxia.UNKNOWN),
            (
                "CRS not gradable: temperature not recorded, blood pressure support not recorded and oxygen need not "
                "recorded, grade 1 to 4 is possible."
            ),
        ),
        (
            CrsObservation(Fever.UNKNOWN, Hypotension.UNKNOWN, Hypoxia.UNKNOWN, fatal=True),
            "CRS grade 5: death due to CRS.",
        ),
        (CrsObservation(Fever.PRESENT, Hypotension.NONE, Hypoxia.NONE), "CRS grade 1: fever alone."),
    ],
)
def test_crs_says_what_is_missing_only_where_it_matters(seen: CrsObservation, words: str) -> None:
    assert crs(seen).in_words == words


@pytest.mark.parametrize(
    ("device", "flow", "need"),
    [
        (Oxygen.NASAL_CANNULA, Decimal(6), Hypoxia.LOW_FLOW),
        (Oxygen.NASAL_CANNULA, Decimal("6.1"), Hypoxia.HIGH_FLOW),
        (Oxygen.NASAL_CANNULA, None, Hypoxia.LOW_FLOW),
        (Oxygen.BLOW_BY, None, Hypoxia.LOW_FLOW),
        (Oxygen.HIGH_FLOW_CANNULA, None, Hypoxia.HIGH_FLOW),
        (Oxygen.FACEMASK, None, Hypoxia.HIGH_FLOW),
        (Oxygen.NON_REBREATHER, None, Hypoxia.HIGH_FLOW),
        (Oxygen.VENTURI, None, Hypoxia.HIGH_FLOW),
        (Oxygen.BIPAP, None, Hypoxia.POSITIVE_PRESSURE),
        (Oxygen.VENTILATION, None, Hypoxia.POSITIVE_PRESSURE),
        (Oxygen.AIRWAY_PROTECTION, None, Hypoxia.NONE),
        (None, None, Hypoxia.UNKNOWN),
    ],
)
def test_the_device_tells_the_oxygen_need(device: Oxygen | None, flow: Decimal | None, need: Hypoxia) -> None:
    assert hypoxia_of(device, flow_l_min=flow) is need


@pytest.mark.parametrize(
    ("hypotensive", "vasopressors", "vasopressin", "support"),
    [
        (False, 0, False, Hypotension.NONE),
        (True, 0, False, Hypotension.NO_VASOPRESSOR),
        (True, 1, False, Hypotension.ONE_VASOPRESSOR),
        (True, 1, True, Hypotension.ONE_VASOPRESSOR),
        (True, 0, True, Hypotension.ONE_VASOPRESSOR),
        (True, 2, None, Hypotension.SEVERAL_VASOPRESSORS),
        (True, 0, None, Hypotension.UNKNOWN),
        (None, 0, False, Hypotension.UNKNOWN),
        (True, None, False, Hypotension.UNKNOWN),
        (False, None, None, Hypotension.NONE),
    ],
)
def test_vasopressin_is_not_counted_among_several_vasopressors(
    hypotensive: bool | None, vasopressors: int | None, vasopressin: bool | None, support: Hypotension
) -> None:
    assert hypotension_of(hypotensive, vasopressors=vasopressors, vasopressin=vasopressin) is support


def reading(temperature: str | None, *, treated: bool, vasopressors: int = 0) -> CrsReading:
    return CrsReading(Decimal(temperature) if temperature else None, treated, True, vasopressors, False, Oxygen.NONE)


def test_once_a_fever_was_treated_the_episode_needs_no_fever_to_be_graded() -> None:
    graded = crs_readings(
        [reading("38.9", treated=False), reading("36.8", treated=True), reading(None, treated=True, vasopressors=1)]
    )
    assert [one.grade for one in graded] == [2, 2, 3]


def test_premedication_before_any_fever_masks_nothing_that_was_documented() -> None:
    graded = crs_readings([reading("36.8", treated=True), reading("37.9", treated=True)])
    assert [one.grade for one in graded] == [None, None]


NOTHING_FOUND = IcansObservation(10, Consciousness.AWAKE, Seizure.NONE, Motor.NONE, Edema.NONE)


def ice_grade(score: int, *, awake: bool) -> int:
    if score == 0:
        return 3 if awake else 4
    return 3 if score <= 2 else 2 if score <= 6 else 1 if score <= 9 else 0


def test_icans_grade_is_the_worst_of_the_five_domains_in_every_combination() -> None:
    seizures = {Seizure.NONE: 0, Seizure.RESOLVED: 3, Seizure.PROLONGED: 4}
    edemas = {Edema.NONE: 0, Edema.FOCAL: 3, Edema.DIFFUSE: 4}
    motors = {Motor.NONE: 0, Motor.DEEP_FOCAL_WEAKNESS: 4}
    for score, (woken, waking), seizure, motor, edema in itertools.product(
        range(11), enumerate(Consciousness), seizures, motors, edemas
    ):
        awake = waking is not Consciousness.UNAROUSABLE
        expected = max(ice_grade(score, awake=awake), woken, seizures[seizure], motors[motor], edemas[edema])
        assert icans(IcansObservation(score, waking, seizure, motor, edema)).grade == expected


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (NOTHING_FOUND, "ICANS grade 0: no finding."),
        (
            IcansObservation(0, None, Seizure.NONE, Motor.NONE, Edema.NONE, arousable=False),
            "ICANS grade 4: ICE 0 and cannot be woken.",
        ),
        (
            IcansObservation(8, None, Seizure.RESOLVED, Motor.NONE, Edema.NONE, arousable=True),
            "ICANS grade 3: seizure that resolved rapidly or with intervention.",
        ),
        (
            IcansObservation(8, None, Seizure.NONE, Motor.NONE, Edema.NONE, arousable=True),
            "ICANS not gradable: consciousness not recorded, grade 1 to 3 is possible.",
        ),
        (
            IcansObservation(0, None, Seizure.NONE, Motor.NONE, Edema.NONE),
            "ICANS not gradable: ICE 0 and consciousness not recorded, grade 3 to 4 is possible.",
        ),
        (
            IcansObservation(None, Consciousness.AWAKENS_TO_VOICE, Seizure.NONE, Motor.NONE, Edema.NONE),
            "ICANS at least grade 2: awakens to voice; ICE score not recorded.",
        ),
        (
            IcansObservation(None, Consciousness.AWAKE, Seizure.NONE, Motor.NONE, Edema.NONE),
            "ICANS not gradable: ICE score not recorded, grade 0 to 3 is possible.",
        ),
        (
            IcansObservation(None, Consciousness.UNAROUSABLE, None, None, None),
            (
                "ICANS grade 4: unarousable, ICE cannot be tested and unarousable, or needs vigorous or repetitive "
                "touch; stupor or coma."
            ),
        ),
        (
            IcansObservation(8, Consciousness.AWAKE, None, Motor.NONE, Edema.NONE),
            "ICANS not gradable: seizure not recorded, grade 1 to 4 is possible.",
        ),
        (IcansObservation(fatal=True), "ICANS grade 5: death due to ICANS."),
        (
            IcansObservation(None, Consciousness.AWAKENS_TO_VOICE, Seizure.NONE, Motor.NONE, Edema.NONE, None, True, 6),
            "ICANS grade 2: awakens to voice.",
        ),
        (
            IcansObservation(None, Consciousness.AWAKE, Seizure.NONE, Motor.NONE, Edema.NONE, None, True, 9),
            "ICANS grade 3: CAPD 9.",
        ),
    ],
)
def test_icans_says_what_is_missing_only_where_it_matters(seen: IcansObservation, words: str) -> None:
    assert icans(seen).in_words == words


def test_a_protocol_may_refuse_a_grade_without_ice_score() -> None:
    seen = IcansObservation(None, Consciousness.AWAKENS_TO_VOICE, Seizure.NONE, Motor.NONE, Edema.NONE)
    graded = icans(seen, without_score=WithoutScore.NOT_GRADABLE)
    assert (graded.grade, graded.lowest, graded.highest) == (None, 2, 3)


def test_the_ice_score_is_the_sum_of_its_parts_and_unknown_while_one_is_untested() -> None:
    assert ice_score(orientation=4, naming=3, commands=1, writing=1, attention=1) == 10
    assert ice_score(orientation=4, naming=3, commands=1, writing=None, attention=1) is None
    with pytest.raises(ValueError, match="ICE naming has 0 to 3 points, not 4"):
        ice_score(orientation=4, naming=4, commands=1, writing=1, attention=1)


@pytest.mark.parametrize("seen", [IcansObservation(ice_score=11), IcansObservation(under_12=True, capd_score=33)])
def test_a_score_outside_its_scale_is_refused(seen: IcansObservation) -> None:
    with pytest.raises(ValueError, match="score is 0 to"):
        icans(seen)


def test_the_worst_of_an_episode_is_a_lower_bound_while_a_worse_moment_is_open() -> None:
    two = crs(CrsObservation(Fever.PRESENT, Hypotension.NO_VASOPRESSOR, Hypoxia.NONE))
    three = crs(CrsObservation(Fever.PRESENT, Hypotension.ONE_VASOPRESSOR, Hypoxia.NONE))
    blank = crs(CrsObservation(Fever.PRESENT, Hypotension.NONE, Hypoxia.UNKNOWN))
    assert worst([]) is None
    assert worst([two, three]) == three
    settled = worst([two, blank])
    assert settled is not None
    assert (settled.grade, settled.highest, settled.needs_review) == (2, 4, True)
    assert settled.missing == ("oxygen need not recorded",)
    only_blank = worst([blank])
    assert only_blank is not None
    assert only_blank.grade is None


crs_observations = st.builds(
    CrsObservation, st.sampled_from(Fever), st.sampled_from(Hypotension), st.sampled_from(Hypoxia), st.just(False)
)


@given(seen=crs_observations, support=st.sampled_from(KNOWN_SUPPORT), oxygen=st.sampled_from(KNOWN_OXYGEN))
@settings(max_examples=60, deadline=None)
def test_filling_a_gap_never_leaves_the_range_that_was_possible(
    seen: CrsObservation, support: Hypotension, oxygen: Hypoxia
) -> None:
    before = crs(seen)
    after = crs(
        CrsObservation(
            Fever.PRESENT if seen.fever is Fever.UNKNOWN else seen.fever,
            support if seen.hypotension is Hypotension.UNKNOWN else seen.hypotension,
            oxygen if seen.hypoxia is Hypoxia.UNKNOWN else seen.hypoxia,
        )
    )
    if after.grade is not None:
        assert before.lowest is not None
        assert before.highest is not None
        assert before.lowest <= after.grade <= before.highest


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(astct).failed == 0
