"""Records become datasets: order, what is kept, long text, and what is refused."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinical.sdtm import transliteration
from clinical.sdtm.dataset import Row, Value
from clinical.sdtm.records import Record, Supplement
from clinical.sdtm.shaping import Shaped, UnfitForTransport, shape, split_text

IDENTITY: dict[str, Value] = {"STUDYID": "ONC-101", "DOMAIN": "AE", "USUBJID": "101-001", "AESEQ": 1}


def shaped(*supplements: Supplement, **values: Value) -> Shaped:
    return shape("AE", [Record({**IDENTITY, **values}, supplements)])


def first(done: Shaped) -> Row:
    return next(iter(done.dataset.rows))


def test_variables_stand_in_the_guides_order_whatever_order_they_came_in() -> None:
    done = shaped(AESTDTC="2026-03-15", AETERM="Fever", AESPID="AE-1", EPOCH="TREATMENT", AEDTC="2026-03-16")
    names = [name for name in done.dataset.column_names if name in {"AESPID", "AETERM", "EPOCH", "AEDTC", "AESTDTC"}]
    assert names == ["AESPID", "AETERM", "EPOCH", "AEDTC", "AESTDTC"]


def test_required_and_expected_variables_stay_and_empty_permissible_ones_go() -> None:
    names = shaped(AETERM="Fever").dataset.column_names
    assert {"AEDECOD", "AELLT", "AESTDTC"} <= set(names)
    assert not {"AEMODIFY", "AELOC", "AETOXGR"} & set(names)


def test_a_date_brings_its_study_day_even_when_no_day_is_known() -> None:
    assert "AEDY" in shaped(AEDTC="2026-03").dataset.column_names


def test_text_is_as_wide_as_the_longest_and_numbers_are_eight_bytes() -> None:
    done = shape("AE", [Record({**IDENTITY, "AETERM": "Fever"}), Record({**IDENTITY, "AESEQ": 2, "AETERM": "Rash"})])
    assert {c.name: c.length for c in done.dataset.columns if c.name in {"AETERM", "AESEQ", "AELLT"}} == {
        "AETERM": 5, "AESEQ": 8, "AELLT": 1,
    }  # fmt: skip


def test_a_one_time_iterator_gives_rows_more_than_once() -> None:
    done = shape("AE", iter([Record({**IDENTITY, "AETERM": "Fever"})]))
    assert list(done.dataset.rows) == list(done.dataset.rows) != []


@settings(max_examples=50, deadline=None)
@given(st.text(alphabet="abcdefgh  ", min_size=1, max_size=900).map(lambda text: " ".join(text.split())))
def test_long_text_loses_no_letter(text: str) -> None:
    pieces = split_text(text)
    assert all(len(piece) <= 200 for piece in pieces)
    assert "".join(pieces).replace(" ", "") == text.replace(" ", "")


def test_a_term_over_200_characters_goes_on_beside_its_record() -> None:
    done = shaped(AETERM="headache " * 60)
    assert done.supplemental is not None
    continued = [(row["QNAM"], row["QLABEL"], row["IDVARVAL"]) for row in done.supplemental.rows]
    assert continued == [(f"AETERM{n}", "Reported Term for the Adverse Event", "1") for n in (1, 2)]


def test_a_supplement_over_200_characters_goes_on_under_the_next_name() -> None:
    done = shaped(Supplement("NARRATIV", "Narrative", "word " * 70), AETERM="Fever")
    assert done.supplemental is not None
    assert [row["QNAM"] for row in done.supplemental.rows] == ["NARRATIV", "NARRATI1"]


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ({"AETERM": Decimal(3)}, "AE, row 1, AETERM: is a text variable but holds the number 3."),
        ({"AESEQ": "1"}, "AE, row 1, AESEQ: is a numeric variable but holds '1'."),
        ({"AEPTCD": 1e80}, "1e+80 is outside what a transport file can hold"),
        ({"AEPTCD": float("nan")}, "nan is outside"),
        ({"AETERM": "発熱"}, "has signs without an ASCII spelling: '発' '熱'."),
        ({"AESPID": "x" * 201}, "AESPID: has 201 characters, 200 are allowed and it may not be continued"),
        ({"AEGRADE": "3"}, "AEGRADE: is not a variable of AE"),
        ({"aeterm": "Fever"}, "aeterm: is not a variable of AE"),
    ],
)
def test_what_cannot_leave_is_refused_in_words(values: dict[str, Value], sentence: str) -> None:
    with pytest.raises(UnfitForTransport) as refused:
        shaped(**values)
    assert sentence in str(refused.value)


@pytest.mark.parametrize(
    ("supplement", "sentence"),
    [
        (Supplement("TOCIGIVEN", "Tocilizumab Given", "Y"), "1 to 8 capitals"),
        (Supplement("toci", "Tocilizumab Given", "Y"), "1 to 8 capitals"),
        (Supplement("TOCI", "x" * 41, "Y"), "its label has 41 characters, 40 are allowed"),
        (Supplement("AETOXGR", "Grade", "3"), "AE has this variable; fill it instead"),
    ],
)
def test_an_unfit_supplement_is_refused_in_words(supplement: Supplement, sentence: str) -> None:
    with pytest.raises(UnfitForTransport, match=sentence):
        shaped(supplement, AETERM="Fever")


def test_a_supplement_named_twice_beside_one_record_is_refused() -> None:
    with pytest.raises(UnfitForTransport, match="stands twice"):
        shaped(Supplement("TOCI", "Tocilizumab", "Y"), Supplement("TOCI", "Tocilizumab", "N"), AETERM="Fever")


def test_all_problems_of_all_rows_come_together() -> None:
    records = [Record({**IDENTITY, "AESEQ": n, "AETERM": "熱"}) for n in range(1, 4)]
    with pytest.raises(UnfitForTransport) as refused:
        shape("AE", records)
    assert [problem.row for problem in refused.value.problems] == [1, 2, 3]


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Grade ≥3 – „schwer“", 'Grade >=3 - "schwer"'),
        ("Łódź, Côté, Ångström", "Lodz, Cote, Aangstroem"),
        ("line one\nline two", "line one line two"),
        ("5 µg/m²", "5 ug/m2"),
        ("e\u0301", "e"),
    ],
)
def test_common_signs_have_one_written_spelling(text: str, written: str) -> None:
    assert transliteration.plain(text) == transliteration.PlainText(written, ())


@given(st.text(max_size=60))
def test_text_is_either_plain_or_says_which_sign_is_not(text: str) -> None:
    done = transliteration.plain(text)
    assert done.text.isascii()
    assert done.text.isprintable()


def test_a_rewritten_text_is_listed_once_with_its_place() -> None:
    (change,) = shaped(AETERM="Übelkeit").changes
    assert str(change) == "AE, row 1, AETERM: 'Übelkeit' is written as 'Uebelkeit'."
