"""An amendment is told in words, entry by entry."""

import pytest

from clinical.protocol.difference import differences
from tests.clinical.protocol.trial_files import SMALL, defined

C1D8 = SMALL[SMALL.index('[[visit]]\ncode = "C1D8"') : SMALL.index('[[visit]]\ncode = "BIOPSY"')]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('version = "1.0"', 'version = "1.1"', ()),
        ("days = 21 }", "days = 28 }", ("dlt.period.days changes from 21 to 28.",)),
        (
            "days = 21 }",
            'days = 21, ends = "hour of dose" }',
            ("dlt.period.ends changes from “midnight” to “hour of dose”.",),
        ),
        (
            "[dlt]\n",
            "[dlt]\nconventions = { worse_than_at_opening = true }\n",
            ("dlt.conventions.worse_than_at_opening changes from false to true.",),
        ),
        ("before = 1", "before = 2", ("visit C1D8.window.before changes from 1 to 2.",)),
        ("at_least = 75", "at_least = 100", ("criterion I1.check lab.PLAT.at_least changes from 75 to 100.",)),
        ("capacity = 6", "capacity = 9", ("cohort A1.capacity changes from 6 to 9.",)),
        ('forms = ["hematology", "drug"]', 'forms = ["drug"]', ("visit C1D8.forms no longer has “hematology”.",)),
        ("window = {}\n", "", ("visit C1D1.window is no longer set; it was its defaults.",)),
        ('parts = ["B"]', 'parts = ["A", "B"]', ("visit BIOPSY.parts now has “A”.",)),
    ],
)
def test_a_change_is_a_sentence(old: str, new: str, words: tuple[str, ...]) -> None:
    assert differences(defined(SMALL), defined(SMALL.replace(old, new, 1))) == words


def test_a_visit_moved_is_not_a_visit_removed_and_added() -> None:
    moved = SMALL.replace(C1D8, "").replace('[[visit]]\ncode = "C1D1"', C1D8 + '[[visit]]\ncode = "C1D1"')
    assert differences(defined(SMALL), defined(moved)) == ("visit: the order is now C1D8, C1D1, BIOPSY.",)


def test_what_is_added_is_removed_the_other_way_round() -> None:
    more = SMALL + '\n[[deviation]]\ncode = "DOSE"\ntitle = "Dose differs from plan"\n'
    assert differences(defined(SMALL), defined(more)) == ("deviation DOSE is added: Dose differs from plan.",)
    assert differences(defined(more), defined(SMALL)) == ("deviation DOSE is removed: Dose differs from plan.",)


def test_two_trials_are_not_an_amendment() -> None:
    other = defined(SMALL.replace("ONC-101", "ONC-102"))
    assert differences(defined(SMALL), other)[0] == "These are two trials: ONC-101 and ONC-102."
