"""Tables in, responses or problems out: what is read, what is refused, and with which words."""

import csv
import io
import random
from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinical.recist import lesion_tables, tabulation
from clinical.recist.by_subject import in_order, numbered
from clinical.recist.scan_date import scan_date

TU_HEADER = "USUBJID,TULNKID,TUSTRESC,TULOC,TUEVAL,TUEVALID"
TR_HEADER = "USUBJID,TRLNKID,TRTESTCD,TRSTRESC,TRSTRESN,TRSTRESU,TRSTAT,TRREASND,TRDTC,VISIT,VISITNUM,TREVAL,TREVALID"
LIVER = "101-01,T01,TARGET,LIVER,INVESTIGATOR,"
NODE = "101-01,T02,TARGET,LYMPH NODE,INVESTIGATOR,"
BONE = "101-01,NT01,NON-TARGET,BONE,INVESTIGATOR,"
HYPHENATED = BONE.replace("-TARGET", "\u2011Target")
NODAL = NODE.replace(",LYMPH NODE", " NODAL,HILUM")
FRESH = "101-01,NEW01,NEW,BRAIN,INVESTIGATOR,"

SUM_OF_DIAMETERS = "101-01,,SUMDIAM,50,50,mm,,,2026-01-10,C1,1,INVESTIGATOR,"


def seen(
    lesion: str,
    visit: int,
    value: object,
    test: str = "LDIAM",
    *,
    unit: str | None = None,
    status: str = "",
    day: str | None = None,
    text: str | None = None,
) -> str:
    number = value if isinstance(value, int | float) else ""
    shown = str(value) if text is None else text
    unit = ("mm" if number != "" else "") if unit is None else unit
    day = f"2026-{visit:02d}-10" if day is None else day
    return f"101-01,{lesion},{test},{shown},{number},{unit},{status},,{day},C{visit},{visit},INVESTIGATOR,"


def derive(tu: list[str], tr: list[str], **asked: object) -> list[tabulation.SubjectOutcome]:
    tu_text = io.StringIO("\n".join([TU_HEADER, *tu]))
    tr_text = io.StringIO("\n".join([TR_HEADER, *tr]))
    tu_table = lesion_tables.tu_table(next(csv.reader(tu_text)))
    tr_table = lesion_tables.tr_table(next(csv.reader(tr_text)))
    assert isinstance(tu_table, lesion_tables.Table)
    assert isinstance(tr_table, lesion_tables.Table)
    with in_order(tu_text, tu_table.subject) as some, in_order(tr_text, tr_table.subject) as others:
        asked_for = tabulation.Derivation(**asked)  # type: ignore[arg-type]  # a test names the field it is about
        return list(tabulation.derive_subjects(tu_table, some, tr_table, others, asked_for))


def rows(tu: list[str], tr: list[str], **asked: object) -> list[dict[str, str]]:
    outcomes = derive(tu, tr, **asked)
    assert [problem for outcome in outcomes for problem in outcome.problems] == []
    return [dict(zip(tabulation.RS_COLUMNS, row, strict=True)) for outcome in outcomes for row in outcome.rows]


def problems(tu: list[str], tr: list[str], **asked: object) -> list[str]:
    outcomes = derive(tu, tr, **asked)
    assert all(not outcome.rows for outcome in outcomes if outcome.problems), "a subject is refused whole"
    return [problem for outcome in outcomes for problem in outcome.problems]


def overall(tu: list[str], tr: list[str], **asked: object) -> str:
    return " ".join(row["RSSTRESC"] for row in rows(tu, tr, **asked) if row["RSTESTCD"] == "OVRLRESP")


# --- Absent and normal ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "gone",
    [
        seen("T01", 1, 0),
        seen("T01", 1, 0, unit=""),
        seen("T01", 1, "", "TUMSTATE", text="ABSENT"),
        seen("T01", 1, "", text="NORMAL"),
    ],
)
def test_a_target_that_is_not_there_at_baseline_is_refused_by_name(gone: str) -> None:
    (problem,) = problems([LIVER], [seen("T01", 2, 12), gone])
    assert problem.startswith("TR row 3: target lesion T01 of subject 101-01, INVESTIGATOR, is ")
    assert "at baseline (C1); correct the diameter, or identify a lesion that appears later as NEW." in problem


def test_a_piece_that_did_not_exist_at_baseline_is_no_target_of_its_own() -> None:
    pieces = [LIVER, LIVER.replace("T01", "T01.1"), LIVER.replace("T01", "T01.2")]
    tr = [seen("T01", 1, 30), seen("T01.1", 1, 0), seen("T01.2", 1, "", "TUMSTATE", text="ABSENT")]
    assert overall(pieces, [*tr, seen("T01.1", 2, 9), seen("T01.2", 2, 9)]) == "PR"


@pytest.mark.parametrize("word", ["NORMAL", "non-pathological"])
def test_a_normal_node_keeps_its_axis_and_is_no_disease(word: str) -> None:
    course = [seen("T02", 1, 20, "LPERP"), seen("T02", 2, 7, "LPERP"), seen("T02", 2, "", "TUMSTATE", text=word)]
    written = [row for row in rows([NODE], course) if row["RSTESTCD"] == "OVRLRESP"]
    assert [(row["RSSTRESC"], row["SUM_MM"]) for row in written] == [("CR", "7")]


@pytest.mark.parametrize("test", ["TUMSTATE", "LPERP"])
def test_a_normal_node_without_an_axis_leaves_the_sum_unknown(test: str) -> None:
    course = [seen("T02", 1, 20, "LPERP"), seen("T02", 2, "", test, text="NORMAL")]
    written = [row for row in rows([NODE], course) if row["RSTESTCD"] == "OVRLRESP"]
    assert [row["RULE"] for row in written] == ["NE: target lesions not all evaluated (T02 was seen and not measured)"]


@pytest.mark.parametrize("test", ["TUMSTATE", "LDIAM"])
def test_what_is_normal_and_no_node_is_absent(test: str) -> None:
    course = [seen("T01", 1, 20), seen("NT01", 1, "", "TUMSTATE", text="PRESENT")]
    course += [seen(name, 2, "", test, text="NORMAL") for name in ("T01", "NT01")]
    assert overall([LIVER, BONE], course) == "CR"


@pytest.mark.parametrize(
    ("diameter", "state", "problem"),
    [
        (seen("T01", 2, 8), "NORMAL", "is normal and has a diameter of 8 mm."),
        (seen("T01", 2, 8), "ABSENT", "is absent and has a diameter of 8 mm."),
        (seen("T01", 2, 0), "PRESENT", "is present and has a diameter of 0 mm."),
        (seen("T01", 2, "", text="ABSENT"), "PRESENT", "is present and, in place of its diameter, absent."),
        (seen("T01", 2, "", text="<5"), "ABSENT", "is absent and, in place of its diameter, too small to measure."),
    ],
)
def test_a_diameter_and_a_state_that_cannot_both_be_right_are_refused(diameter: str, state: str, problem: str) -> None:
    course = [seen("T01", 1, 20), diameter, seen("T01", 2, "", "TUMSTATE", text=state)]
    assert problems([LIVER], course) == [f"Subject 101-01: lesion T01 {problem}"]


@pytest.mark.parametrize(("instead", "sum_mm"), [("TOO SMALL TO MEASURE", "5"), ("MERGED", "0"), ("NOT EVALUABLE", "")])
def test_a_lesion_that_is_present_counts_by_what_stands_in_place_of_its_diameter(instead: str, sum_mm: str) -> None:
    course = [seen("T01", 1, 20), seen("T01", 2, "", text=instead), seen("T01", 2, "", "TUMSTATE", text="PRESENT")]
    (written,) = [row for row in rows([LIVER], course) if row["RSTESTCD"] == "OVRLRESP"]
    assert written["SUM_MM"] == sum_mm


def test_a_new_node_that_is_normal_is_no_progression() -> None:
    node = "101-01,NEW02,NEW,LYMPH NODE,INVESTIGATOR,"
    course = [seen("T01", 1, 20), seen("T01", 2, 20), seen("NEW02", 2, "", "TUMSTATE", text="NORMAL")]
    assert overall([LIVER, node], course) == "SD"


# --- What is written ------------------------------------------------------------------------------------------------


def test_a_visit_is_four_rows_and_a_course_two_best_responses() -> None:
    written = rows([LIVER], [seen("T01", 1, 50), seen("T01", 2, 30.5), seen("T01", 3, 30.5)])
    assert [row["RSTESTCD"] for row in written] == ["TRGRESP", "NTRGRESP", "NEWLPROG", "OVRLRESP"] * 2 + [
        "BESTRESP",
        "BESTRESP",
    ]
    first, best, confirmed = written[3], written[-2], written[-1]
    assert first == {
        "USUBJID": "101-01",
        "RSCAT": "RECIST 1.1",
        "RSTESTCD": "OVRLRESP",
        "RSSTRESC": "PR",
        "RSSCAT": "",
        "RSEVAL": "INVESTIGATOR",
        "RSEVALID": "",
        "VISIT": "C2",
        "VISITNUM": "2",
        "RSDTC": "2026-02-10",
        "SUM_MM": "30.5",
        "BASELINE_MM": "50",
        "NADIR_MM": "50",
        "CHANGE_BASELINE_PCT": "-39",
        "CHANGE_NADIR_PCT": "-39",
        "CHANGE_NADIR_MM": "-19.5",
        "RULE": "PR: −39 % from baseline 50 mm",
    }
    assert (best["RSSCAT"], best["RSSTRESC"], best["RSDTC"]) == ("UNCONFIRMED", "PR", "2026-02-10")
    assert best["RULE"] == "Unconfirmed: PR at C2, 2026-02-10"
    assert (confirmed["RSSCAT"], confirmed["RSSTRESC"], confirmed["VISIT"]) == ("CONFIRMED", "PR", "C2")


def test_each_evaluator_is_derived_alone() -> None:
    reader = [line.replace("INVESTIGATOR,", "INDEPENDENT ASSESSOR,RADIOLOGIST 1") for line in (LIVER,)]
    by_reader = [
        seen("T01", visit, size).replace("INVESTIGATOR,", "INDEPENDENT ASSESSOR,RADIOLOGIST 1")
        for visit, size in ((1, 50), (2, 70))
    ]
    written = rows([LIVER, *reader], [seen("T01", 1, 50), seen("T01", 2, 20), *by_reader])
    found = {row["RSEVALID"]: row["RSSTRESC"] for row in written if row["RSTESTCD"] == "OVRLRESP"}
    assert found == {"": "PR", "RADIOLOGIST 1": "PD"}


def test_irecist_is_written_with_its_own_letters() -> None:
    tr = [seen("T01", 1, 50), seen("T01", 2, 70), seen("T01", 4, 76)]
    written = rows([LIVER], tr, criteria=tabulation.Criteria.IRECIST)
    assert [row["RSSTRESC"] for row in written if row["RSTESTCD"] == "OVRLRESP"] == ["iUPD", "iCPD"]
    assert [row["RSSTRESC"] for row in written if row["RSTESTCD"] == "BESTRESP"] == ["iCPD", "iCPD"]
    assert {row["RSCAT"] for row in written} == {"iRECIST"}


@pytest.mark.parametrize(
    ("tu", "tr", "expected"),
    [
        ([NODE], [seen("T02", 1, 25), seen("T02", 1, 20, "LPERP"), seen("T02", 2, 12, "LPERP")], "PR"),
        ([NODE], [seen("T02", 1, 20, "DIAMETER"), seen("T02", 2, 9, "DIAMETER")], "CR"),
        ([LIVER], [seen("T01", 1, 20), seen("T01", 2, "", "DIAMETER", status="NOT DONE"), seen("T01", 2, 14)], "PR"),
        ([LIVER], [seen("T01", 1, 20), seen("T01", 1, 15, "LPERP"), seen("T01", 2, 13)], "PR"),
        ([LIVER], [seen("T01", 1, 5, unit="cm"), seen("T01", 2, 35)], "PR"),
        ([LIVER], [seen("T01", 1, 50), seen("T01", 2, "TOO SMALL TO MEASURE")], "PR"),
        ([LIVER], [seen("T01", 1, 50), seen("T01", 2, "ABSENT", "TUMSTATE")], "CR"),
        ([LIVER], [seen("T01", 1, 50), seen("T01", 2, "", status="NOT DONE")], "NE"),
        ([LIVER], [seen("T01", 1, 50), seen("T01", 2, "PRESENT", "TUMSTATE")], "NE"),
        ([LIVER], [seen("T01", 1, 50), seen("T01", 2, "")], "NE"),
        ([NODE], [seen("T02", 1, 20, "LPERP"), seen("T02", 2, 12)], "NE"),
        ([LIVER], [seen("T01", 1, 50), seen("T01", 2, 50), seen("T01", 2, 50, text="50.0")], "SD"),
        ([BONE], [seen("NT01", 1, "PRESENT", "TUMSTATE"), seen("NT01", 2, "ABSENT", "TUMSTATE")], "CR"),
        ([BONE], [seen("NT01", 1, "PRESENT", "TUMSTATE"), seen("NT01", 2, "UNEQUIVOCAL", "TUMSTATE")], "PD"),
        ([BONE], [seen("NT01", 1, "PRESENT", "TUMSTATE"), seen("NT01", 2, "EQUIVOCAL", "TUMSTATE")], "NON-CR/NON-PD"),
        ([BONE], [seen("NT01", 1, 30), seen("NT01", 2, 60), seen("NT01", 2, "UNEQUIVOCAL", "TUMSTATE")], "PD"),
        ([LIVER, FRESH], [seen("T01", 1, 50), seen("T01", 2, 50), seen("NEW01", 2, 8)], "PD"),
        ([LIVER, FRESH], [seen("T01", 1, 50), seen("T01", 2, 50), seen("NEW01", 2, "UNEQUIVOCAL", "TUMSTATE")], "PD"),
        ([LIVER, FRESH], [seen("T01", 1, 50), seen("T01", 2, 50), seen("NEW01", 2, "EQUIVOCAL", "TUMSTATE")], "SD"),
        ([LIVER], [seen("T01", 1, 50), SUM_OF_DIAMETERS, seen("T01", 2, 50)], "SD"),
        ([LIVER], [seen("T01", 1, 50, "ldiam"), seen("T01", 2, 35, "Ldiam", unit="MM")], "PR"),
        ([LIVER.replace("TARGET", "Target ")], [seen("T01", 1, 50), seen("T01", 2, 35)], "PR"),
        ([HYPHENATED], [seen("NT01", 1, "Present", "TUMSTATE"), seen("NT01", 2, "nd", "TUMSTATE")], "NE"),
        ([NODAL], [seen("T02", 1, 20, "LPERP"), seen("T02", 2, 9, "LPERP")], "CR"),
        ([NODE.replace("LYMPH NODE", "Left LN")], [seen("T02", 1, 20, "LPERP"), seen("T02", 2, 9, "LPERP")], "CR"),
        ([LIVER], [seen("T01", 1, "5.0E1", unit="mm"), seen("T01", 2, 60)], "PD"),
        ([LIVER], [seen("T01", 1, 50), "", ",,,,,,,,,,,,", seen("T01", 2, 60)], "PD"),
    ],
)  # fmt: skip
def test_what_a_row_means(tu: list[str], tr: list[str], expected: str) -> None:
    assert overall(tu, tr) == expected


def test_a_target_that_split_is_followed_by_its_pieces() -> None:
    pieces = [LIVER.replace("T01", "T01.1"), LIVER.replace("T01", "T01.2")]
    tr = [seen("T01", 1, 50), seen("T01.1", 2, 20), seen("T01.2", 2, 10)]
    written = rows([LIVER, *pieces], tr)
    assert (written[3]["RSSTRESC"], written[3]["SUM_MM"]) == ("PR", "30")


def test_rows_may_stand_in_any_order_and_lines_may_be_blank() -> None:
    tr = [
        line.replace("101-01", subject)
        for subject in ("101-01", "101-02", "202-01")
        for line in (seen("T01", 1, 50), seen("T01", 2, 30), seen("T01", 3, 50))
    ]
    tu = [LIVER.replace("101-01", subject) for subject in ("202-01", "101-01", "101-02")]
    in_file_order = rows(tu, tr)
    shuffled = [*tr, ""]
    random.Random(3).shuffle(shuffled)
    assert rows(list(reversed(tu)), shuffled) == in_file_order
    assert [row["USUBJID"] for row in in_file_order if row["RSSCAT"] == "CONFIRMED"] == ["101-01", "101-02", "202-01"]


def test_sorted_runs_on_disk_give_the_rows_back_in_order() -> None:
    lines = [f"{subject},{place}" for place, subject in enumerate("cabcabacb")]
    table = io.StringIO("\n".join(["SUBJECT,PLACE", *lines]))
    with in_order(table, 0, rows_in_memory=2) as found:
        ordered = list(found)
    assert [row[0] for _, row in ordered] == list("aaabbbccc")
    assert [number for number, _ in ordered] == [3, 6, 8, 4, 7, 10, 2, 5, 9]


def test_the_clock_starts_at_baseline_or_at_the_reference_date() -> None:
    tr = [seen("T01", 1, 50, day="2026-01-10"), seen("T01", 2, 50, day="2026-02-07")]

    def best(**asked: object) -> str:
        return rows([LIVER], tr, **asked)[-1]["RSSTRESC"]

    assert best() == "SD"
    assert best(references={"101-01": scan_date("2026-01-11")}) == "NE"


def test_every_scan_up_to_the_reference_date_belongs_to_the_baseline() -> None:
    tr = [
        seen("T01", 1, 40, day="2026-01-01"),
        seen("T02", 2, 20, "LPERP", day="2026-01-08"),
        seen("T01", 3, 60, day="2026-02-10"),
        seen("T02", 3, 20, "LPERP", day="2026-02-10"),
    ]
    written = rows([LIVER, NODE], tr, references={"101-01": scan_date("2026-01-09")})
    assert (written[3]["BASELINE_MM"], written[3]["RSSTRESC"]) == ("60", "PD")


def test_assessments_follow_their_numbers_or_if_asked_their_dates() -> None:
    tr = [
        seen("T01", 1, 100, day="2026-01-10"),
        seen("T01", 2, 60, day="2026-04-10"),
        seen("T01", 3, 75, day="2026-03-10"),
        seen("T01", 4, 65, day="2026-05-10"),
    ]
    assert overall([LIVER], tr) == "PR PD PR"
    assert overall([LIVER], tr, order_by_date=True) == "SD PR PR"
    (outcome,) = derive([LIVER], tr)
    assert outcome.findings == [
        "Subject 101-01, INVESTIGATOR: Visit 3 (C3) of 2026-03-10 is numbered after visit 2 (C2) of 2026-04-10."
    ]


def test_a_partial_date_finds_its_place_between_dates_that_are_known() -> None:
    tr = [
        seen("T01", 1, 100, day="2026-01-10"),
        seen("T01", 3, 50, day="2026-03"),
        seen("T01", 2, 70, day="2026-02-10"),
        seen("T01", 9, 65, day="2026-04-10"),
    ]
    found = [row["RSDTC"] for row in rows([LIVER], tr, order_by_date=True) if row["RSTESTCD"] == "OVRLRESP"]
    assert found == ["2026-02-10", "2026-03", "2026-04-10"]


UNNUMBERED = "101-01,T01,LDIAM,{mm},{mm},mm,,,{day},UNSCHEDULED,,INVESTIGATOR,"


def test_visits_without_a_number_stand_where_their_dates_say() -> None:
    tr = [
        seen("T01", 1, 50),
        UNNUMBERED.format(mm=30, day="2026-01-25"),
        seen("T01", 2, 36),
        UNNUMBERED.format(mm=30, day="2026-03-01"),
        seen("T01", 4, 52),
    ]
    for asked in ({}, {"order_by_date": True}):
        found = [row for row in rows([LIVER], tr, **asked) if row["RSTESTCD"] in ("OVRLRESP", "BESTRESP")]
        assert [row["RSSTRESC"] for row in found] == ["PR", "PD", "PR", "PD", "PR", "PD"]
        assert found[1]["RULE"] == "PD: +20 % and +6 mm from nadir 30 mm, UNSCHEDULED (2026-01-25)"
        assert [(row["VISIT"], row["VISITNUM"]) for row in found[:2]] == [("UNSCHEDULED", ""), ("C2", "2")]
    assert problems([LIVER], [UNNUMBERED.format(mm=30, day="")]) == [
        "TR row 2: lesion T01 of subject 101-01 has neither a visit number nor a date."
    ]


def test_two_visits_of_one_name_stay_two() -> None:
    tr = [seen("T01", 1, 50), seen("T01", 2, 48), seen("T01", 3, 30)]
    unscheduled = [line.replace(",C2,", ",UNSCHEDULED,").replace(",C3,", ",UNSCHEDULED,") for line in tr]
    best = [row for row in rows([LIVER], unscheduled) if row["RSTESTCD"] == "BESTRESP"]
    assert [(row["RSSTRESC"], row["VISIT"], row["VISITNUM"]) for row in best] == [
        ("PR", "UNSCHEDULED", "3"),
        ("SD", "UNSCHEDULED", "2"),
    ]


def test_a_reader_who_found_no_lesion_at_baseline_sees_a_new_one_as_progression() -> None:
    by_reader = [FRESH.replace("INVESTIGATOR,", "INDEPENDENT ASSESSOR,RADIOLOGIST 1")]
    seen_by_reader = seen("NEW01", 3, 12).replace("INVESTIGATOR,", "INDEPENDENT ASSESSOR,RADIOLOGIST 1")
    written = rows([LIVER, *by_reader], [seen("T01", 1, 50), seen("T01", 3, 50), seen_by_reader])
    found = [row for row in written if row["RSEVALID"] == "RADIOLOGIST 1"]
    assert [row["RSSTRESC"] for row in found] == ["NONE", "NONE", "Y", "PD", "PD", "PD"]
    assert found[3]["RULE"] == "PD: new lesion NEW01"


def test_columns_and_identifications_beside_the_lesions_do_not_matter() -> None:
    header = "tulnkid, USUBJID ,TUTESTCD,TUSTRESC,TULOC,TUEVAL,TUEVALID,STUDYID"
    table = lesion_tables.tu_table(header.split(","))
    assert isinstance(table, lesion_tables.Table)
    lines = [
        "T01,101-01,TUMIDENT,TARGET,LIVER,INVESTIGATOR,,X",
        "T01,101-01,MEASIND,Y,LIVER,INVESTIGATOR,,X",
        "T01.1,101-01,TUSPLIT,TARGET,LIVER,INVESTIGATOR,,X",
        "T01,101-01,TUMERGE,Y,LIVER,INVESTIGATOR,,X",
    ]
    said: list[str] = []
    numbered_lines = list(numbered(line.split(",") for line in lines))
    identified, _ = lesion_tables.read_lesions("101-01", table, numbered_lines, said)
    assert said == []
    assert list(identified["INVESTIGATOR", ""]) == ["T01", "T01.1"]


# --- What is refused ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tu", "tr", "said"),
    [
        (
            [LIVER],
            [seen("T01", 1, 50), seen("T09", 2, 50), seen("T09", 3, 50)],
            (
                "TR row 3: lesion T09 of subject 101-01 is measured by INVESTIGATOR and never identified in TU; add it "
                "there or correct TRLNKID."
            ),
        ),
        (
            [LIVER],
            [seen("T01", 1, 50), seen("T01", 1, 52)],
            "TR rows 2 and 3: subject 101-01, INVESTIGATOR, visit 1 (C1): LDIAM of lesion T01 is 50 mm and 52 mm.",
        ),
        (
            [LIVER],
            [seen("T01", 1, "large")],
            (
                "TR row 2: LDIAM of lesion T01 is 'large', which is not a number; write the diameter, ABSENT, TOO "
                "SMALL TO MEASURE, MERGED or NOT EVALUABLE."
            ),
        ),
        (
            [LIVER],
            ["101-01,T01,LDIAM,5O,5O,mm,,,2026-01-10,C1,1,INVESTIGATOR,"],
            "TR row 2: LDIAM of lesion T01 is '5O' in TRSTRESN, which is not a number.",
        ),
        (
            [LIVER],
            ["101-01,T01,LDIAM,NaN,NaN,mm,,,2026-01-10,C1,1,INVESTIGATOR,"],
            "TR row 2: LDIAM of lesion T01 is 'NaN' in TRSTRESN, which is not a number.",
        ),
        (
            [LIVER],
            ["101-01,T01,LDIAM,1_0,1_0,mm,,,2026-01-10,C1,1,INVESTIGATOR,"],
            "TR row 2: LDIAM of lesion T01 is '1_0' in TRSTRESN, which is not a number.",
        ),
        (
            [LIVER],
            ['101-01,T01,LDIAM,"12,5","12,5",mm,,,2026-01-10,C1,1,INVESTIGATOR,'],
            "TR row 2: LDIAM of lesion T01 is '12,5' in TRSTRESN, which is not a number.",
        ),
        ([LIVER], [seen("T01", 1, -3)], "TR row 2: LDIAM of lesion T01 is -3; a diameter is not negative."),
        (
            [LIVER],
            [seen("T01", 1, 2, unit="in")],
            "TR row 2: LDIAM of lesion T01 is in 'in'; only mm and cm are known.",
        ),
        (
            [LIVER],
            [seen("T01", 1, 2, unit="")],
            "TR row 2: LDIAM of lesion T01 is without a unit; only mm and cm are known.",
        ),
        (
            [LIVER],
            [seen("T01", 1, 50, day="")],
            "TR row 2: visit C1 of subject 101-01 has no date in TRDTC on any row.",
        ),
        (
            [LIVER],
            [seen("T01", 1, 50, status="MAYBE")],
            "TR row 2: TRSTAT 'MAYBE' is not understood; leave it empty or write NOT DONE.",
        ),
        (
            [LIVER],
            [seen("T01", 1, 50), seen("T01", 1, "ABSENT", "TUMSTATE")],
            "Subject 101-01: lesion T01 is absent and has a diameter of 50 mm.",
        ),
        (
            [LIVER, LIVER.replace("TARGET", "NON-TARGET")],
            [],
            (
                "TU row 3: lesion T01 of subject 101-01 is NON-TARGET here and TARGET in an earlier row; a lesion "
                "keeps its kind."
            ),
        ),
        (
            [LIVER.replace("TARGET", "MAIN")],
            [],
            "TU row 2: lesion T01 of subject 101-01 is 'MAIN'; write TARGET, NON-TARGET or NEW in TUSTRESC.",
        ),
        (
            [LIVER.replace("T01", "")],
            [],
            "TU row 2: subject 101-01 has a lesion without a name in TULNKID.",
        ),
        (
            [LIVER],
            [seen("", 1, 50)],
            "TR row 2: subject 101-01 has a measurement without a lesion in TRLNKID.",
        ),
        (
            [LIVER],
            [seen("T01", 1, 50).replace(",1,INV", ",one,INV")],
            "TR row 2: visit number 'one' is not a number.",
        ),
        (
            [LIVER, FRESH],
            [seen("T01", 1, 50)],
            "TU row 3: new lesion NEW01 of subject 101-01 has no row in TR that says when it was seen.",
        ),
        ([LIVER.replace("101-01", "")], [], "TU row 2 has no USUBJID."),
        (
            [LIVER],
            [seen("T01", 1, 50) + ",extra"],
            "TR row 2 has 14 cells and the header has 13; quote cells that contain commas.",
        ),
    ],
)
def test_bad_input_is_named_with_its_row(tu: list[str], tr: list[str], said: str) -> None:
    assert problems(tu, tr) == [said]


def test_a_date_that_is_none_and_a_state_nobody_knows_are_named() -> None:
    (bad_date,) = problems([LIVER], [seen("T01", 1, 50, day="2026-02-30"), seen("T01", 1, 50)])
    assert bad_date.startswith("TR row 2: TRDTC: ")
    (bad_state,) = problems([LIVER], [seen("T01", 1, 50), seen("T01", 2, "HUGE", "TUMSTATE")])
    assert bad_state.startswith("TR row 3: tumor state 'HUGE' of lesion T01 is not understood; write PRESENT, ABSENT,")


def test_every_problem_of_every_subject_is_named_at_once() -> None:
    tu = [LIVER, LIVER.replace("101-01", "101-02")]
    tr = [seen("T01", 1, "big"), seen("T07", 1, 5), seen("T01", 1, 2, unit="in").replace("101-01", "101-02")]
    assert len(problems(tu, tr)) == 3


@pytest.mark.parametrize("column", lesion_tables.TR_REQUIRED)
def test_a_missing_column_is_named(column: str) -> None:
    header = [name for name in TR_HEADER.split(",") if name != column]
    assert lesion_tables.tr_table(header) == [f"TR has no column {column}."]


def test_missing_and_doubled_columns_are_named_together() -> None:
    assert lesion_tables.tu_table(["USUBJID", "USUBJID", "TULNKID"]) == [
        "TU has no column TULOC.",
        "TU has no column TUEVAL.",
        "TU has no column TUEVALID.",
        "TU has the column USUBJID more than once.",
        "TU has neither a column TUSTRESC nor TUORRES, one of which says what a lesion is.",
    ]


TWO_SCANS = [
    seen("T01", 1, 50, day="2026-01-10"),
    seen("T01", 2, 50, day="2026-02-10"),
    seen("T01", 2, 30, day="2026-03-10"),
]


def test_two_scans_under_one_visit_number_are_refused_and_can_be_told_apart_by_date() -> None:
    assert problems([LIVER], TWO_SCANS) == [
        (
            "TR rows 3 and 4: subject 101-01, INVESTIGATOR, visit 2 (C2): LDIAM of lesion T01 is 50 mm and 30 mm. "
            "The rows are of 2026-02-10 and 2026-03-10: --visit-by-date takes them for two scans."
        )
    ]
    written = [row for row in rows([LIVER], TWO_SCANS, visit_by_date=True) if row["RSTESTCD"] == "OVRLRESP"]
    assert [(row["VISITNUM"], row["RSDTC"], row["RSSTRESC"]) for row in written] == [
        ("2", "2026-02-10", "SD"),
        ("2", "2026-03-10", "PR"),
    ]


def test_scans_of_several_days_that_do_not_contradict_each_other_stay_one_assessment() -> None:
    tr = [
        seen("T01", 1, 50),
        seen("T02", 1, 20, "LPERP"),
        seen("T01", 2, 30, day="2026-02-10"),
        seen("T02", 2, 12, "LPERP", day="2026-02-12"),
    ]
    written = [row for row in rows([LIVER, NODE], tr, visit_by_date=True) if row["RSTESTCD"] == "OVRLRESP"]
    assert [(row["RSDTC"], row["SUM_MM"]) for row in written] == [("2026-02-10", "42")]


def test_a_row_whose_date_does_not_say_which_of_two_scans_it_belongs_to_is_named() -> None:
    unclear = [*TWO_SCANS, seen("T02", 2, 9, "LPERP", day="2026")]
    (said,) = problems([LIVER, NODE], unclear, visit_by_date=True)
    assert said == (
        "TR row 5: subject 101-01, visit 2 (C2) is 2 scans (2026-02-10, 2026-03-10), and the date of this row does not "
        "say which one it belongs to."
    )


def test_reference_dates_are_read_or_refused() -> None:
    header = ["USUBJID", "RFSTDTC"]

    def read(*lines: list[str]) -> object:
        return lesion_tables.read_references(header, numbered(iter(lines)))

    assert read(["101-01", "2026-01-10"]) == {"101-01": scan_date("2026-01-10")}
    assert read(["101-03", ""]) == {}, "a subject never treated has no reference date"
    found = read(["101-01", "soon"], ["101-02", "2026-01-10"], ["101-02", "2026-01-11"])
    assert isinstance(found, list)
    assert [problem.partition(":")[0] for problem in found] == ["REF row 2", "REF row 4"]
    assert lesion_tables.read_references(["USUBJID"], iter(())) == ["REF has no column RFSTDTC."]
    assert problems([LIVER], [seen("T01", 1, 50)], references={}) == ["Subject 101-01 has no reference date."]


CELLS = st.tuples(st.sampled_from(["T01", "T02", "NT01", "NEW01"]), st.integers(1, 4))
EDITS = st.lists(st.tuples(CELLS, st.one_of(st.none(), st.integers(0, 60))), max_size=15)


@given(EDITS, st.randoms(use_true_random=False))
@settings(max_examples=60, deadline=None)
def test_responses_after_any_sequence_of_edits_are_those_of_a_derivation_from_scratch(
    edits: list[tuple[tuple[str, int], int | None]], chance: random.Random
) -> None:
    """A value entered, corrected and removed leaves nothing behind, in whatever order the rows then stand."""
    tu = [LIVER, NODE, BONE, FRESH]
    table: dict[tuple[str, int], int] = {("T01", 1): 30, ("T02", 1): 20, ("NT01", 1): 10, ("NEW01", 3): 8}
    for cell, value in edits:
        if value is None and cell != ("T01", 1):
            table.pop(cell, None)
        elif value is not None:
            table[cell] = value

    def lines(cells: Iterable[tuple[str, int]]) -> list[str]:
        return [seen(name, visit, table[name, visit], "DIAMETER") for name, visit in cells]

    shuffled = list(table)
    chance.shuffle(shuffled)
    afresh, edited = derive(tu, lines(sorted(table)))[0], derive(tu, lines(shuffled))[0]
    assert edited.rows == afresh.rows
    assert bool(edited.problems) == bool(afresh.problems)
