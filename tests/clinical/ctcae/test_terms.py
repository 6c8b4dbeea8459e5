"""CTCAE terms: what each version has, how it is found, and the refusal of a grade that does not exist."""

import csv
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from apps.safety.management.commands import ctcae_terms
from clinical.ctcae import terms
from clinical.ctcae.criteria import VERSIONS
from clinical.ctcae.terms import (
    SheetProblems,
    UnknownTerm,
    dictionary,
    from_sheet,
    read,
    refusal,
    search,
    term,
    written,
)

HEADINGS = ["MedDRA Code", "MedDRA SOC", "CTCAE Term", "Grade 1  ", "Grade 2", "Grade 3", "Grade 4", "Grade 5"]
HEADINGS += ["Definition", "Navigational Note", "CTCAE v5.0 Change"]


def sheet_row(code: str, soc: str, name: str, *cells: str) -> dict[str, str]:
    return dict(zip(HEADINGS, [code, soc, name, *cells, *[""] * 8], strict=False))


@pytest.mark.parametrize("version", VERSIONS)
def test_every_term_of_the_published_sheet_is_here(reference: Path, version: str) -> None:
    with (reference / f"ctcae/ctcae_v{version}_terms.csv").open(encoding="utf-8", newline="") as source:
        rows = list(csv.DictReader(source))
    assert len(dictionary(version).terms) == len(rows)
    for row in rows:
        found = term(version, row["term"])
        assert (found.code, found.soc) == (row["code"], row["soc"])
        assert found.grades == tuple(grade for grade in terms.GRADES if row[f"has_grade_{grade}"] == "Y")
        assert all(found.text(grade) == " ".join(row[f"grade_{grade}"].split()) for grade in found.grades)


@pytest.mark.parametrize("version", VERSIONS)
def test_the_terms_file_reads_back_as_it_was_written(version: str) -> None:
    assert read(written(dictionary(version)), version=version) == dictionary(version)


@pytest.mark.parametrize(("version", "count"), [("4.03", 790), ("5.0", 837), ("6.0", 850)])
def test_the_versions_have_as_many_terms_as_the_nci_counts(version: str, count: int) -> None:
    assert len(dictionary(version).terms) == count
    assert len(dictionary(version).socs) == 26


@pytest.mark.parametrize(
    ("version", "name", "grade", "sentence"),
    [
        ("5.0", "Alopecia", 4, "CTCAE 5.0 has no grade 4 for Alopecia: 1 or 2."),
        ("5.0", "alopecia", 2, None),
        ("6.0", "HDL decreased", 2, "CTCAE 6.0 has no grade 2 for HDL decreased: only 1."),
        ("5.0", "Hyperuricemia", 2, "CTCAE 5.0 has no grade 2 for Hyperuricemia: 1, 3, 4 or 5."),
        ("5.0", "Platelet count decreased", 5, "CTCAE 5.0 has no grade 5 for Platelet count decreased: 1, 2, 3 or 4."),
        ("5.0", "Cytokine release syndrome", 5, None),
        ("6.0", "Platelet count decreased", 3, "CTCAE 6.0 has no term 'Platelet count decreased'."),
        ("5.0", "Anemia", 0, "CTCAE 5.0 has no grade 0 for Anemia: 1, 2, 3, 4 or 5."),
    ],
)
def test_a_grade_that_the_term_does_not_have_is_refused_in_a_sentence(
    version: str, name: str, grade: int, sentence: str | None
) -> None:
    assert refusal(version, name, grade) == sentence


def test_a_term_is_found_by_name_in_any_letters_and_by_code() -> None:
    assert term("5.0", "  FEBRILE   neutropenia ").code == "10016288"
    assert term("5.0", "10016288").name == "Febrile neutropenia"
    assert "ANC" in term("5.0", "10016288").text(3)
    with pytest.raises(ValueError, match="no grade 1 for Febrile neutropenia: 3, 4 or 5"):
        term("5.0", "10016288").text(1)


def test_an_unknown_term_is_refused_with_the_nearest_names() -> None:
    with pytest.raises(UnknownTerm, match=r"CTCAE 5.0 has no term 'Anaemia'. Nearest: Anemia"):
        term("5.0", "Anaemia")
    with pytest.raises(ValueError, match="CTCAE 7 is not among the versions here"):
        dictionary("7")


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("anaem", "Anemia"),
        ("neutro", "Neutrophil count decreased"),
        ("cytok", "Cytokine release syndrome"),
        ("count plate", "Platelet count decreased"),
        ("diarrhoea", "Diarrhea"),
    ],
)
def test_search_finds_what_is_half_typed(typed: str, first: str) -> None:
    assert search("5.0", typed)[0].name == first


def test_search_looks_into_definitions_after_names_and_knows_when_to_stop() -> None:
    assert search("5.0", "   ") == ()
    assert search("5.0", "zzzz") == ()
    assert len(search("5.0", "disorder", limit=7)) == 7
    assert "Alopecia" in [found.name for found in search("5.0", "hair")]


def test_the_other_specify_terms_ask_for_the_reporters_words() -> None:
    asking = [found for found in dictionary("5.0").terms if found.needs_specification]
    assert len(asking) == 26
    assert not term("5.0", "Anemia").needs_specification


def test_the_ncis_own_headings_are_understood() -> None:
    row = sheet_row("10001760", "Skin", "Alopecia", "Hair loss of <50%", "Hair loss of >=50%", " - ", "", "", "Thin.")
    found = from_sheet([row], version="5.0").term("alopecia")
    assert (found.grades, found.definition, found.note) == ((1, 2), "Thin.", "")


@pytest.mark.parametrize(
    ("rows", "problems"),
    [
        ([], ["The sheet has no rows."]),
        ([dict.fromkeys(HEADINGS[1:7], "x")], ["The sheet has no column for: code, grade 5."]),
        (
            [
                sheet_row("x1", "Skin", "Alopecia", "a"),
                sheet_row("2", "", "Rash", ""),
                sheet_row("2", "Skin", "alopecia", "a"),
            ],
            [
                "Row 2: 'x1' is not a MedDRA code.",
                "Row 3: the term or its system organ class is empty.",
                "Row 3: Rash has no grade at all.",
                "Row 4: 2 stands in the sheet twice.",
                "Row 4: alopecia stands in the sheet twice.",
            ],
        ),
    ],
)  # fmt: skip
def test_a_sheet_that_is_none_is_refused_with_every_fault(rows: list[dict[str, str]], problems: list[str]) -> None:
    with pytest.raises(SheetProblems) as refused:
        from_sheet(rows, version="5.0")
    assert refused.value.problems == problems


def test_the_command_makes_a_terms_file_from_a_sheet(tmp_path: Path) -> None:
    sheet, made = tmp_path / "sheet.csv", tmp_path / "terms.txt"
    row = sheet_row("10001760", "Skin", "Alopecia", "Hair loss of <50%", "Hair loss of >=50%")
    with sheet.open("w", encoding="utf-8-sig", newline="") as target:
        table = csv.DictWriter(target, HEADINGS)
        table.writeheader()
        table.writerow(row)
    call_command(ctcae_terms.Command(), "5.0", str(sheet), "--out", str(made), verbosity=0)
    assert read(made.read_text(encoding="utf-8"), version="5.0").term("10001760").grades == (1, 2)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(b"a,b\n1,2\n", "no column for: code"), (b"\xff\xfe\x00", "is not UTF-8"), (None, "No such file")],
)
def test_the_command_writes_nothing_from_a_sheet_it_cannot_read(
    tmp_path: Path, content: bytes | None, sentence: str
) -> None:
    sheet, made = tmp_path / "sheet.csv", tmp_path / "terms.txt"
    if content is not None:
        sheet.write_bytes(content)
    with pytest.raises(CommandError, match=sentence):
        call_command(ctcae_terms.Command(), "5.0", str(sheet), "--out", str(made))
    assert not made.exists()
