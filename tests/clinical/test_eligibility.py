"""What the entered data say about a criterion: met, not met, or cannot tell, with the evidence."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical.eligibility import Answer, Fact, Operator, check_criterion
from clinical.partial_date import PartialDate
from clinical.protocol.conduct import Criterion, CriterionKind, Instead, MachineCheck

TODAY = PartialDate.parse("2026-03-12")
TEN = PartialDate.parse("2026-03-10")


def criterion(*checks: MachineCheck, kind: CriterionKind = CriterionKind.INCLUSION) -> Criterion:
    return Criterion(number="I1", kind=kind, text="...", gate="main", name="...", checks=checks)


def platelets(value: str, *, unit: str = "10^9/L", on: str = "2026-03-10", operator: str = "") -> Fact:
    return Fact(
        name="lab.PLAT",
        label="Platelets",
        value=Decimal(value),
        unit=unit,
        on=PartialDate.parse(on),
        operator=Operator(operator),
    )


AT_LEAST_75 = MachineCheck(fact="lab.PLAT", at_least=Decimal(75), unit="10^9/L")


@pytest.mark.parametrize(
    ("fact", "answer", "sentence"),
    [
        (platelets("96"), "met", "Platelets 96 10^9/L, 10-Mar-2026, needs ≥ 75"),
        (platelets("75"), "met", "Platelets 75 10^9/L, 10-Mar-2026, needs ≥ 75"),
        (platelets("74.9"), "not met", "Platelets 74.9 10^9/L, 10-Mar-2026, needs ≥ 75"),
        (platelets("96", unit="10^3/uL"), "met", "Platelets 96 10^3/uL, 10-Mar-2026, needs ≥ 75"),
        (platelets("96", unit="mg"), "cannot tell", None),
        (platelets("80", operator="<"), "cannot tell", "Platelets <80 10^9/L, 10-Mar-2026, needs ≥ 75"),
        (platelets("50", operator="<"), "not met", "Platelets <50 10^9/L, 10-Mar-2026, needs ≥ 75"),
        (platelets("75", operator="<"), "not met", "Platelets <75 10^9/L, 10-Mar-2026, needs ≥ 75"),
        (platelets("80", operator=">"), "met", "Platelets >80 10^9/L, 10-Mar-2026, needs ≥ 75"),
    ],
)
def test_a_limit_includes_its_own_value_and_a_reported_side_is_not_a_value(
    fact: Fact, answer: str, sentence: str | None
) -> None:
    finding = check_criterion(criterion(AT_LEAST_75), [fact], on=TODAY)
    assert finding is not None
    assert finding.answer == answer
    if sentence:
        assert str(finding) == sentence


@pytest.mark.parametrize(
    ("on", "answer", "says"),
    [
        ("2026-03-10", "met", ""),
        ("2026-03-05", "met", ""),
        ("2026-03-04", "cannot tell", "older than 7 days"),
        ("2026-03", "cannot tell", "may be older than 7 days"),
        ("2026-02", "cannot tell", "older than 7 days"),
    ],
)
def test_an_old_result_decides_nothing(on: str, answer: str, says: str) -> None:
    check = MachineCheck(fact="lab.PLAT", at_least=Decimal(75), unit="10^9/L", within_days=7)
    finding = check_criterion(criterion(check), [platelets("96", on=on)], on=TODAY)
    assert finding is not None
    assert finding.answer == answer
    assert says in str(finding)


ALT_LIMIT = MachineCheck(
    fact="lab.ALT",
    at_most_times_uln=Decimal(3),
    instead=(Instead(when="liver_metastases", at_most_times_uln=Decimal(5)),),
)


@pytest.mark.parametrize(
    ("alt", "metastases", "answer"),
    [
        ("105", None, "met"),
        ("106", None, "cannot tell"),
        ("106", False, "not met"),
        ("106", True, "met"),
        ("175", True, "met"),
        ("176", True, "not met"),
        ("176", None, "not met"),
    ],
)
def test_another_limit_holds_with_liver_metastases_and_matters_only_between_the_two(
    alt: str, metastases: bool | None, answer: str
) -> None:
    facts = [Fact(name="lab.ALT", label="ALT", value=Decimal(alt), unit="U/L", on=TEN, upper_limit=Decimal(35))]
    if metastases is not None:
        facts.append(Fact(name="liver_metastases", label="Liver metastases", value=metastases))
    finding = check_criterion(criterion(ALT_LIMIT), facts, on=TODAY)
    assert finding is not None
    assert finding.answer == answer


def test_a_multiple_of_a_missing_upper_limit_cannot_be_told() -> None:
    fact = Fact(name="lab.ALT", label="ALT", value=Decimal(40), unit="U/L", on=TEN)
    finding = check_criterion(criterion(ALT_LIMIT), [fact], on=TODAY)
    assert finding is not None
    assert finding.answer is Answer.CANNOT_TELL
    assert "upper limit of normal is missing" in str(finding)


@pytest.mark.parametrize(
    ("alleles", "answer"),
    [
        (("A*02:01", "A*24:02"), "met"),
        (("HLA-A*02:01:01", "A*24:02"), "met"),
        (("A*02:05", "A*24:02"), "not met"),
        (("A*02:010", "A*24:02"), "not met"),
        (("A*02", "A*24:02"), "cannot tell"),
        ((), "not met"),
    ],
)
def test_a_finer_hla_type_is_of_its_type_and_a_coarser_one_is_open(alleles: tuple[str, ...], answer: str) -> None:
    check = MachineCheck(fact="hla", one_of=("A*02:01",))
    finding = check_criterion(criterion(check), [Fact(name="hla", label="HLA type", value=alleles)], on=TODAY)
    assert finding is not None
    assert finding.answer == answer


@pytest.mark.parametrize(
    ("kind", "answers", "answer", "lets_in"),
    [
        ("inclusion", (True, True), "met", True),
        ("inclusion", (True, None), "cannot tell", None),
        ("inclusion", (False, None), "not met", False),
        ("exclusion", (False, False), "not met", True),
        ("exclusion", (False, None), "cannot tell", None),
        ("exclusion", (True, None), "met", False),
    ],
)
def test_an_inclusion_needs_all_and_an_exclusion_is_met_by_any(
    kind: str, answers: tuple[bool | None, bool | None], answer: str, lets_in: bool | None
) -> None:
    names = ("brain_metastases", "measurable_disease")
    checks = [MachineCheck(fact=name, true=True) for name in names]
    facts = [Fact(name=name, label=name, value=value) for name, value in zip(names, answers, strict=True)]
    finding = check_criterion(criterion(*checks, kind=CriterionKind(kind)), facts, on=TODAY)
    assert finding is not None
    assert (finding.answer, finding.lets_in) == (answer, lets_in)


def test_a_missing_value_is_said_and_a_criterion_without_a_check_gets_no_answer() -> None:
    assert check_criterion(criterion(), [], on=TODAY) is None
    finding = check_criterion(criterion(MachineCheck(fact="ecog", at_most=Decimal(1))), [], on=TODAY)
    assert str(finding) == "ECOG performance status: no value yet"


@given(
    st.decimals("0", "500", places=1),
    st.decimals("0", "500", places=1),
    st.sampled_from(list(Operator)),
)
def test_a_better_value_never_turns_met_into_not_met(low: Decimal, high: Decimal, operator: Operator) -> None:
    worse, better = sorted((low, high))
    answers = []
    for value in (worse, better):
        finding = check_criterion(criterion(AT_LEAST_75), [platelets(str(value), operator=operator)], on=TODAY)
        assert finding is not None
        answers.append([Answer.NOT_MET, Answer.CANNOT_TELL, Answer.MET].index(finding.answer))
    assert answers == sorted(answers)
