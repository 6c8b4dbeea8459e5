"""Three-valued logic with time: how yes, no and not yet combine."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from clinical.dlt.verdict import Truth, Verdict, all_of, any_of, lacks, no, opposite, waits, yes

MOMENTS = [datetime(2026, 3, day, tzinfo=UTC) for day in range(1, 6)]
ANSWERS = st.one_of(
    st.just(yes("fact")),
    st.just(no("fact")),
    st.just(lacks("grade")),
    st.builds(waits, st.sampled_from(MOMENTS), st.sampled_from([Truth.YES, Truth.NO])),
)


def settled(verdict: Verdict, at: datetime) -> Verdict:
    """The answer at a moment if nobody enters anything."""
    if verdict.until is None or at < verdict.until:
        return verdict
    return yes() if verdict.becomes is Truth.YES else no()


def test_a_missing_fact_does_not_matter_where_another_is_decisive() -> None:
    assert all_of([lacks("grade"), no("not related")]).facts == ("not related",)
    assert any_of([lacks("grade"), yes("fatal")]).truth is Truth.YES


def test_all_conditions_are_known_when_the_last_is() -> None:
    both = all_of([waits(MOMENTS[1], Truth.YES), waits(MOMENTS[3], Truth.YES)])
    assert (both.until, both.becomes) == (MOMENTS[3], Truth.YES)


def test_the_first_that_falls_away_settles_it() -> None:
    one = all_of([waits(MOMENTS[3], Truth.NO), waits(MOMENTS[1], Truth.NO), lacks("grade")])
    assert (one.until, one.becomes, one.missing) == (MOMENTS[1], Truth.NO, ("grade",))


def test_time_alone_does_not_settle_what_also_lacks_a_fact() -> None:
    assert all_of([waits(MOMENTS[1], Truth.YES), lacks("grade")]).until is None


@given(st.lists(ANSWERS, max_size=4))
def test_the_opposite_of_all_is_any_opposite(parts: list[Verdict]) -> None:
    left, right = opposite(all_of(parts)), any_of(map(opposite, parts))
    assert (left.truth, left.until, left.becomes) == (right.truth, right.until, right.becomes)


@given(st.lists(ANSWERS, max_size=4), st.sampled_from(MOMENTS))
def test_waiting_gives_the_answer_that_was_promised(parts: list[Verdict], at: datetime) -> None:
    for combine in (all_of, any_of):
        promised = settled(combine(parts), at)
        later = combine(settled(part, at) for part in parts)
        assert later.truth is promised.truth
