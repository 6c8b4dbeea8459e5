"""A signal exists once: keys, fingerprints, and what a second run changes."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical.signals.signal import (
    Changes,
    Effect,
    Fact,
    Recipient,
    Scope,
    Severity,
    Signal,
    in_words,
    reconcile,
)


def signal(event: str = "AE-1", *, crossing: str = "DLT", grade: int = 3, rule: str = "DLT_REPORTED") -> Signal:
    return Signal(
        rule=rule,
        rule_version="1",
        scope=Scope.of(subject="101-003", event=event),
        crossing=crossing,
        severity=Severity.CRITICAL,
        sentence=f"Grade {grade}.",
        facts=(Fact("Grade", str(grade), "04-Mar-2026"),),
        recipients=(Recipient.MEDICAL_MONITOR,),
        effect=Effect.RECOMPUTE_COHORT,
        extent=grade,
    )


def run(before: Sequence[Signal], now: Sequence[Signal]) -> Changes:
    return reconcile(standing=[each.standing for each in before], now=now)


def test_the_key_is_rule_scope_and_crossing_and_can_be_read() -> None:
    assert signal().key == "DLT_REPORTED|subject=101-003/event=AE-1|DLT"


def test_a_name_with_the_keys_own_characters_makes_no_other_key() -> None:
    one, other = Scope.of(subject="1/event=2"), Scope.of(subject="1", event="2")
    assert str(one) != str(other)


def test_the_same_facts_change_nothing() -> None:
    assert run([signal()], [signal()]).is_empty


def test_facts_that_got_worse_reopen_and_facts_that_got_better_update() -> None:
    worse = run([signal(grade=3)], [signal(grade=4)])
    assert [each.extent for each in worse.reopened] == [4]
    better = run([signal(grade=4)], [signal(grade=3)])
    assert [each.extent for each in better.updated] == [3]
    assert not better.raised
    assert not better.reopened


def test_a_corrected_word_updates_the_card() -> None:
    corrected = replace(signal(), facts=(Fact("Grade", "3", "05-Mar-2026"),))
    assert run([signal()], [corrected]).updated == (corrected,)


def test_a_new_version_of_the_rule_updates_what_stands() -> None:
    assert run([signal()], [replace(signal(), rule_version="2")]).updated


def test_lost_facts_retract() -> None:
    assert run([signal()], []).retracted == (signal().key,)


def test_a_later_crossing_supersedes_the_earlier_one() -> None:
    early, late = (signal(rule="SAE_CLOCK", crossing=crossing) for crossing in ("12 h", "20 h"))
    changes = run([early], [late])
    assert (changes.raised, changes.superseded, changes.retracted) == ((late,), (early.key,), ())


def test_two_findings_under_one_key_must_agree() -> None:
    assert run([], [signal(), signal()]).raised == (signal(),)
    with pytest.raises(ValueError, match="two signals claim the key"):
        run([], [signal(grade=3), signal(grade=4)])


signals = st.lists(
    st.builds(signal, st.sampled_from(["AE-1", "AE-2", "AE-3"]), grade=st.integers(1, 5)),
    unique_by=lambda each: each.key,
    max_size=3,
)


@given(signals, signals)
def test_after_a_run_exactly_the_signals_of_now_stand(before: list[Signal], now: list[Signal]) -> None:
    changes = run(before, now)
    gone = {*changes.superseded, *changes.retracted}
    stands = {each.key: each.fingerprint for each in before if each.key not in gone}
    for each in (*changes.raised, *changes.updated, *changes.reopened):
        stands[each.key] = each.fingerprint
    assert stands == {each.key: each.fingerprint for each in now}
    assert run(now, now).is_empty


def test_moments_are_worded_as_on_the_pages() -> None:
    assert in_words(date(2026, 3, 4)) == "04-Mar-2026"
    assert in_words(datetime(2026, 3, 4, 9, 5, tzinfo=UTC)) == "04-Mar-2026 09:05 UTC"
    assert in_words(None) == ""
    assert str(Fact("Grade", "3", in_words("Mar-2026"))) == "Grade: 3 (Mar-2026)"
