"""The sponsor's triage: whose answers count, against which reference, and where a serious event stands."""

import doctest
from datetime import date

import pytest

from clinical import triage
from clinical.partial_date import PartialDate
from clinical.triage import Case, Determination, Opinion, Reference, determination, in_force, in_words, leading, stage

EDITIONS = [
    Reference("A", "6", date(2026, 3, 10)),
    Reference("A", "5", date(2025, 6, 1)),
    Reference("B", "2", date(2024, 1, 1)),
]


def test_the_examples_in_the_module_hold() -> None:
    assert doctest.testmod(triage).failed == 0


@pytest.mark.parametrize(
    ("onset", "versions"),
    [
        ("2025-05-31", []),  # before the first
        ("2025-06-01", ["5"]),
        ("2026-03-09T23:59", ["5"]),
        ("2026-03-10", ["6"]),
        ("2026-03", ["5", "6"]),
        ("2026-04", ["6"]),
        ("2025", ["5"]),
        (None, ["5", "6"]),
    ],
)
def test_the_reference_is_the_one_in_force_at_the_onset(onset: str | None, versions: list[str]) -> None:
    found = in_force(EDITIONS, product="A", onset=PartialDate.parse(onset) if onset else None)
    assert [each.version for each in found] == versions


def test_a_product_without_a_version_has_none_in_force() -> None:
    assert in_force(EDITIONS, product="C", onset=PartialDate.parse("2026-03-01")) == ()


YES, NO = True, False


@pytest.mark.parametrize(
    ("investigator", "sponsor", "expected", "is_reaction"),
    [
        (YES, NO, NO, True),  # the sponsor does not take the relation away
        (NO, YES, NO, True),  # and may add one
        (NO, NO, NO, False),
        (NO, NO, None, False),
        (YES, YES, YES, False),
        (YES, YES, None, None),
        (None, NO, NO, None),
        (None, NO, YES, False),
        (None, None, None, None),
    ],
)
def test_a_product_has_an_unexpected_reaction_when_either_relates_it_and_it_is_not_listed(
    investigator: bool | None, sponsor: bool | None, expected: bool | None, is_reaction: bool | None
) -> None:
    assert Opinion("A", investigator, sponsor, expected).is_reaction is is_reaction


@pytest.mark.parametrize(
    ("investigator", "sponsor", "differs"),
    [(YES, NO, True), (NO, YES, True), (YES, YES, False), (None, YES, False), (YES, None, False)],
)
def test_both_opinions_are_told_where_they_differ(
    investigator: bool | None, sponsor: bool | None, differs: bool
) -> None:
    assert Opinion("A", investigator, sponsor).differs is differs


def test_related_to_one_product_and_unexpected_for_another_is_no_susar() -> None:
    listed, unlisted = Opinion("A", YES, YES, expected=YES), Opinion("B", NO, NO, expected=NO)
    assert leading([listed, unlisted]).is_reaction is False
    assert leading([listed, Opinion("B", NO, YES, expected=NO)]).product == "B"
    assert leading([listed, Opinion("B", NO, None, expected=NO)]).is_reaction is None


def test_a_trial_without_study_products_leaves_the_question_open() -> None:
    assert leading([]).is_reaction is None


SUSAR, NOT, OPEN = (determination(answer) for answer in (True, False, None))


@pytest.mark.parametrize(
    ("reported", "triaged", "determined", "latest", "answered", "known", "words"),
    [
        (NO, NO, OPEN, None, NO, NO, "Not reported to the sponsor yet, not triaged"),
        (YES, NO, OPEN, None, NO, YES, "Reported to the sponsor, not triaged yet"),
        (NO, YES, SUSAR, None, NO, NO, "Triaged, a SUSAR"),
        (YES, YES, OPEN, None, NO, NO, "Triaged, an answer is missing"),
        (YES, YES, NOT, None, YES, NO, "Triaged, not reportable"),
        (YES, YES, NOT, None, YES, YES, "Closed: nothing is due and the outcome is known"),
        (YES, YES, SUSAR, 0, NO, YES, "Initial report submitted"),
        (YES, YES, SUSAR, 0, YES, NO, "Initial report submitted"),
        (YES, YES, SUSAR, 2, YES, NO, "Follow-up 2 submitted"),
        (YES, YES, SUSAR, 2, YES, YES, "Closed: nothing is due and the outcome is known"),
        (YES, YES, NOT, 0, YES, NO, "Initial report submitted"),  # an answer changed after it went out
    ],
)
def test_an_event_stands_where_the_records_say(
    reported: bool,
    triaged: bool,
    determined: Determination,
    latest: int | None,
    answered: bool,
    known: bool,
    words: str,
) -> None:
    case = Case(reported, triaged, determined, latest, answered, known)
    assert in_words(case) == words
    assert stage(case) in triage.Stage
