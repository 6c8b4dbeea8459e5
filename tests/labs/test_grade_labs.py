"""`manage.py grade_labs`: a table in, the same table graded out, or nothing and every problem named."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from apps.labs.management.commands import grade_labs

HEADER = (
    "id,ctcae_version,unit_system,term,direction,value,unit,lln,uln,baseline,baseline_indicator,"
    "high_indicator,low_indicator,pct_change"
)


def graded(tmp_path: Path, table: str, **options: Any) -> list[dict[str, str]]:
    source, target = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_text(table, encoding="utf-8")
    call_command(grade_labs.Command(), str(source), out=target, stdout=io.StringIO(), **options)
    with target.open(encoding="utf-8", newline="") as result:
        return list(csv.DictReader(result))


def test_the_published_cases_come_out_with_their_grades(reference: Path, tmp_path: Path) -> None:
    target = tmp_path / "out.csv"
    call_command(
        grade_labs.Command(), str(reference / "lab-grading/ctcae_lab_cases.csv"), out=target, stdout=io.StringIO()
    )
    with target.open(encoding="utf-8", newline="") as result:
        rows = list(csv.DictReader(result))
    assert len(rows) >= 1735
    assert [row["id"] for row in rows if row["GRADE"] != row["expected_grade"]] == []
    assert all(row["WHY"] for row in rows)


def test_a_row_comes_back_with_grade_also_and_why(tmp_path: Path) -> None:
    (row,) = graded(tmp_path, f"{HEADER}\nA1,5.0,SI,hypokalemia,L,3.2,mmol/L,3.5,5.1,,,HIGH,LOW,\n")
    assert row["id"] == "A1"
    assert row["value"] == "3.2"
    assert (row["GRADE"], row["ALSO"]) == ("2", "1")
    assert row["WHY"].startswith("Grade 2: 3.2 < LLN (3.5) (taken as: symptomatic or intervention indicated)")
    assert row["WHY"].endswith("Is the subject symptomatic, or is an intervention indicated? If not, grade 1.")


def test_a_rows_own_version_and_units_win_and_the_options_fill_the_blanks(tmp_path: Path) -> None:
    table = (
        "term,value,unit,lln,uln,ctcae_version,unit_system\n"
        "Anemia,7.9,g/dL,12,16,,\n"
        "Anemia,79,g/L,120,160,,SI\n"
        "Thrombocytopenia,9,10^3/uL,150,400,6.0,\n"
    )
    rows = graded(tmp_path, table, criteria="ctcae-4.03", units="us")
    assert [row["GRADE"] for row in rows] == ["3", "3", "4"]
    assert "CTCAE 4.03" in rows[0]["WHY"]


def test_a_table_is_read_as_other_systems_write_it(tmp_path: Path) -> None:
    table = (
        "\ufeffUnit,TERM,Value,LLN,uln,CTCAE_VERSION,unit_system,baseline_indicator,baseline,pct_change,note\r\n"
        '"mmol/L",hypokalemia,3.2,3.5,5.1,v5.0,si,,,,"low, again"\r\n'
        "\r\n"
        "U/L,Alanine aminotransferase increased,250,,40,5,Us,H,60,,\r\n"
        "g/L,FIBRINOGEN decreased,1.4,2,4,4.03,SI,,,−60,\r\n"
    )
    rows = graded(tmp_path, table)
    assert [row["GRADE"] for row in rows] == ["2", "2", "3"]
    assert rows[0]["note"] == "low, again"


def test_what_cannot_be_graded_is_empty_with_its_reason(tmp_path: Path) -> None:
    table = "term,value,unit,lln,uln\nAnemia,,g/L,120,\nAnemia,110,g/L,,\nAnemia,110,g/dL,120,\nWrong,1,,,\n"
    rows = graded(tmp_path, table)
    assert [row["GRADE"] for row in rows] == [""] * 4
    assert [row["WHY"] for row in rows] == [
        "Not graded: the value is missing.",
        "Not graded: the lower limit of normal is missing.",
        "Not graded: the unit is g/dL, the SI criterion is in g/L.",
        "Not graded: CTCAE 5.0 has no laboratory criterion for 'Wrong'.",
    ]


def test_a_high_baseline_is_seen_in_the_laboratorys_own_words_or_in_the_numbers(tmp_path: Path) -> None:
    table = (
        "term,value,unit,lln,uln,baseline,baseline_indicator,high_indicator\n"
        "GGT increased,300,,,40,90,HH,HH\n"
        "GGT increased,300,,,40,90,,\n"
        "GGT increased,300,,,40,90,NORMAL,HH\n"
    )
    assert [row["GRADE"] for row in graded(tmp_path, table)] == ["2", "2", "3"]


def test_a_graded_table_can_be_graded_again(tmp_path: Path) -> None:
    first = graded(tmp_path, "term,value,unit,lln,uln\nAnemia,79,g/L,120,\n")
    again = (tmp_path / "out.csv").read_text(encoding="utf-8")
    assert graded(tmp_path, again) == first


def test_the_order_and_the_bytes_are_the_same_every_time(tmp_path: Path) -> None:
    table = "term,value,unit,lln,uln\n" + "".join(f"Anemia,{value},g/L,120,\n" for value in range(60, 130))
    graded(tmp_path, table)
    once = (tmp_path / "out.csv").read_bytes()
    graded(tmp_path, table)
    assert (tmp_path / "out.csv").read_bytes() == once
    assert b"\r" not in once


@pytest.mark.parametrize(
    ("table", "problems"),
    [
        ("term,value\nAnemia,80\n", ["The table has no column: unit, lln, uln."]),
        ("term,value,unit,lln,uln,value\n", ["The table has a column twice: value."]),
        ("", ["The table has no column: term, value, unit, lln, uln."]),
        (
            (
                "term,value,unit,lln,uln,ctcae_version,unit_system,direction\n"
                "Anemia,<5,g/L,120,,,,\n"
                'Anemia,80,g/L,"1,5",,,,\n'
                "Anemia,80,g/L,120,,3.0,Metric,up\n"
                "Anemia,80,g/L,120\n"
                "Anemia,NaN,g/L,120,,,,\n"
            ),
            [
                "Row 2: value '<5' is not a number.",
                "Row 3: lln '1,5' is not a number.",
                "Row 4: direction 'up' is neither H nor L.",
                "Row 4: CTCAE 3.0 is not among the versions here: 4.03, 5.0, 6.0.",
                "Row 4: unit system 'Metric' is neither SI nor US.",
                "Row 5 has 4 cells, the header has 8.",
                "Row 6: value 'NaN' is not a number.",
            ],
        ),
    ],
)
def test_bad_input_is_refused_whole_with_every_problem_and_nothing_is_written(
    tmp_path: Path, table: str, problems: list[str]
) -> None:
    with pytest.raises(CommandError) as refused:
        graded(tmp_path, table)
    assert str(refused.value).splitlines() == problems
    assert not (tmp_path / "out.csv").exists()


def test_an_older_result_survives_a_refused_table(tmp_path: Path) -> None:
    graded(tmp_path, "term,value,unit,lln,uln\nAnemia,79,g/L,120,\n")
    before = (tmp_path / "out.csv").read_bytes()
    with pytest.raises(CommandError):
        graded(tmp_path, "term,value,unit,lln,uln\nAnemia,79,g/L,120,\nAnemia,low,g/L,120,\n")
    assert (tmp_path / "out.csv").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "out.csv"]


def test_a_file_that_cannot_be_read_or_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"nowhere\.csv: No such file"):
        call_command(grade_labs.Command(), str(tmp_path / "nowhere.csv"), out=tmp_path / "out.csv")
    (tmp_path / "latin.csv").write_bytes(b"term,value\n\xe4,1\n")
    with pytest.raises(CommandError, match="is not UTF-8 text"):
        call_command(grade_labs.Command(), str(tmp_path / "latin.csv"), out=tmp_path / "out.csv")
    (tmp_path / "in.csv").write_text("term,value,unit,lln,uln\n", encoding="utf-8")
    with pytest.raises(CommandError, match="no does not exist\\. Create it"):
        call_command(grade_labs.Command(), str(tmp_path / "in.csv"), out=tmp_path / "no" / "out.csv")
