"""A study's way from casebooks to datasets on disk, told with two subjects of site 101."""

import io
import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyreadstat
import pytest

from clinical.sdtm import facts
from clinical.sdtm.assembly import Assembled, assemble
from clinical.sdtm.conformance import check
from clinical.sdtm.dataset import Row
from clinical.sdtm.facts import Casebook, Conventions
from clinical.sdtm.shaping import UnfitForTransport
from clinical.sdtm.spool import Spool
from clinical.sdtm.xport import write_xport
from tests.clinical.sdtm import casts

CUT = datetime(2026, 6, 1, tzinfo=UTC)


def assembled(
    folder: Path, *books: Casebook, conventions: Conventions = casts.CONVENTIONS, spool: str = "spool"
) -> Assembled:
    (folder / spool).mkdir()
    return assemble(iter(books), casts.design(), conventions, Spool(folder / spool))


@pytest.fixture
def study(tmp_path: Path) -> Assembled:
    return assembled(tmp_path, casts.treated(), casts.screen_failure())


def rows(study: Assembled, name: str) -> list[Row]:
    return next((list(dataset.rows) for dataset in study.datasets if dataset.name == name), [])


def only(found: list[Row], **wanted: Any) -> Row:
    (row,) = [row for row in found if all(row.get(name) == value for name, value in wanted.items())]
    return row


def test_every_dataset_of_the_main_job_leaves(study: Assembled) -> None:
    names = {dataset.name for dataset in study.datasets}
    assert names >= {
        *("DM", "DS", "IE", "SV", "SE", "MH", "EX", "EC", "AE", "CM", "LB", "VS", "QS", "FA", "DV", "TU", "TR", "RS"),
        *(
            "GF",
            "CO",
            "PR",
            "SS",
            "RELREC",
            "TS",
            "TA",
            "TE",
            "TV",
            "TI",
            "SUPPDM",
            "SUPPAE",
            "SUPPLB",
            "SUPPFA",
            "SUPPDV",
        ),
        *("SUPPDS", "SUPPTU", "SUPPRS", "SUPPEC", "SUPPEX", "SUPPGF"),
    }


def test_the_datasets_conform(study: Assembled) -> None:
    assert [str(finding) for finding in check(study.datasets) if finding.is_error] == []


def test_notes_name_what_is_ours_to_decide(study: Assembled) -> None:
    notes = {(finding.variable, finding.rule) for finding in check(study.datasets) if not finding.is_error}
    assert ("AEDECOD", "coded") in notes
    assert ("QSCAT", "controlled terminology") in notes


def test_an_independent_reader_finds_every_cell_that_was_written(study: Assembled, tmp_path: Path) -> None:
    for dataset in study.datasets:
        path = tmp_path / f"{dataset.name.lower()}.xpt"
        with path.open("wb") as file:
            count = write_xport(dataset, file, made_at=CUT)
        frame, metadata = pyreadstat.read_xport(str(path))
        assert tuple(metadata.column_names) == dataset.column_names
        assert len(frame) == count
        for ours, theirs in zip(dataset.rows, frame.to_dict(orient="records"), strict=True):
            for column in dataset.columns:
                value, read = ours.get(column.name), theirs[column.name]
                if column.is_numeric:
                    assert (value is None and math.isnan(read)) or float(value) == read, (dataset.name, column.name)
                else:
                    assert (value or "") == read, (dataset.name, column.name)


def test_the_same_facts_in_another_order_are_the_same_bytes(study: Assembled, tmp_path: Path) -> None:
    book = casts.treated()
    turned = {
        name: tuple(reversed(getattr(book, name)))
        for name in ("adverse_events", "lab_results", "measurements", "administrations", "visits", "biomarkers")
    }
    other = assembled(tmp_path, replace(book, **turned), casts.screen_failure(), spool="turned")

    def content(which: Assembled) -> Iterator[tuple[str, bytes]]:
        for dataset in which.datasets:
            file = io.BytesIO()
            write_xport(dataset, file, made_at=CUT)
            yield dataset.name, file.getvalue()

    assert dict(content(study)) == dict(content(other))


def test_demographics_hold_the_reference_dates(study: Assembled) -> None:
    treated = only(rows(study, "DM"), SUBJID="101-001")
    assert (treated["RFSTDTC"], treated["RFXENDTC"], treated["RFICDTC"], treated["AGE"], treated["RACE"]) == (
        "2026-03-15T10:00", "2026-03-15T11:00", "2026-03-01T09:10", 65, "MULTIPLE",
    )  # fmt: skip
    failure = only(rows(study, "DM"), SUBJID="101-002")
    assert "ARMCD" not in failure
    assert failure["ARMNRS"] == "SCREEN FAILURE"
    assert "AGE" not in failure  # a month of birth is not an age
    assert {row["QNAM"]: row["QVAL"] for row in rows(study, "SUPPDM") if row["USUBJID"].endswith("001")} == {
        "RACE1": "ASIAN", "RACE2": "WHITE", "SCRNNUM": "S101-003", "COHORT": "Cohort 2",
        "DOSELVL": "2 (0.06 mg)", "BRTHPLC": "Luebeck",
    }  # fmt: skip


def test_an_event_leaves_with_its_worst_grade_and_each_products_part(study: Assembled) -> None:
    event = only(rows(study, "AE"), AESPID="AE-1")
    assert (event["AETOXGR"], event["AEREL"], event["AEACN"], event["AESTDY"], event["EPOCH"]) == (
        "3", "RELATED", "MULTIPLE", 1, "TREATMENT",
    )  # fmt: skip
    beside = {row["QNAM"]: row["QVAL"] for row in rows(study, "SUPPAE") if row["IDVARVAL"] == str(event["AESEQ"])}
    assert beside["AEREL1"] == "RELATED"  # IMA402 is the protocol's first product, whatever the form's order
    assert beside["AEACN2"] == "DOSE INCREASED"
    assert beside["TOCIGIVN"] == "Y"
    assert " ".join((str(event["AETERM"]), beside["AETERM1"])) == casts.LONG_TERM.strip()


def test_grades_and_both_judgements_of_a_dose_limiting_toxicity_are_findings_about_the_event(study: Assembled) -> None:
    found = rows(study, "FA")
    assert [row["FASTRESN"] for row in found if row["FATESTCD"] == "TOXGR" and row["FALNKID"] == "AE-1"] == [1, 3]
    judged = {row["FAEVAL"]: row["FASTRESC"] for row in found if row["FATESTCD"] == "DLT"}
    assert judged == {"INVESTIGATOR": "N", "ADJUDICATION COMMITTEE": "Y"}
    assert only(rows(study, "SUPPFA"), QNAM="DLTCRIT")["QVAL"] == "Grade 3 CRS not back to grade 2 within 72 h"


def test_a_partial_date_passes_and_has_no_study_day(study: Assembled) -> None:
    event = only(rows(study, "AE"), AESPID="AE-2")
    assert event["AESTDTC"] == "2026-04"
    assert "AESTDY" not in event
    assert event["EPOCH"] == "TREATMENT"  # every day of that April was under treatment
    assert (event["AEENRTPT"], event["AEENTPT"]) == ("ONGOING", "2026-05-10")


def test_what_was_rewritten_to_ascii_is_listed(study: Assembled) -> None:
    assert [(change.variable, change.was, change.now) for change in study.changes if change.dataset == "AE"] == [
        ("AETERM", "Müdigkeit ≥ 2 Wochen", "Muedigkeit >= 2 Wochen")
    ]


def test_a_dose_left_out_is_collected_and_not_exposure(study: Assembled) -> None:
    collected = only(rows(study, "EC"), ECSPID="EC-2", ECMOOD="PERFORMED")
    assert (collected["ECOCCUR"], collected["ECREASOC"]) == ("N", "Adverse event")
    assert "ECDOSE" not in collected
    assert [row["EXSPID"] for row in rows(study, "EX")] == ["EC-1"]
    assert only(rows(study, "CM"), CMTRT="DEXAMETHASONE")["CMCAT"] == "PREMEDICATION"


def test_only_criteria_against_the_subject_are_exceptions(study: Assembled) -> None:
    assert [(row["IETESTCD"], row["IEORRES"]) for row in rows(study, "IE")] == [("INCL04", "N")]


def test_laboratory_results_keep_what_was_reported(study: Assembled) -> None:
    high = only(rows(study, "LB"), LBSPID="LB-1/ALT")
    assert (high["LBORRES"], high["LBSTRESN"], high["LBNRIND"], high["LBTOXGR"]) == ("412", Decimal(412), "HIGH", "3")
    below = only(rows(study, "LB"), LBTESTCD="CRP")
    assert (below["LBSTRESC"], below["LBORNRHI"]) == ("<5", "0.5")
    assert "LBSTRESN" not in below
    missing = only(rows(study, "LB"), LBTESTCD="LDH")
    assert (missing["LBSTAT"], missing["LBREASND"]) == ("NOT DONE", "Haemolysed")
    assert [row["LBSPID"] for row in rows(study, "LB") if row.get("LBLOBXFL")] == ["LB-0/ALT", "LB-0/CRP"]


def test_lesions_keep_their_names_and_readers(study: Assembled) -> None:
    assert {(row["TULNKID"], row["TUEVAL"]) for row in rows(study, "TU")} == {
        ("T01", "INVESTIGATOR"), ("NT01", "INVESTIGATOR"), ("R2-T01", "INDEPENDENT ASSESSOR"),
    }  # fmt: skip
    small = only(rows(study, "TR"), TRSPID="TR-2")
    assert (small["TRORRES"], small["TRSTRESN"], small["TRSTRESU"]) == ("TOO SMALL TO MEASURE", 5, "mm")
    assert {row.get("RSDRVFL", ""): row["RSSTRESC"] for row in rows(study, "RS")} == {"": "PR", "Y": "NE"}


def test_the_computed_sum_stands_beside_the_measurements(study: Assembled) -> None:
    total = only(rows(study, "TR"), TRTESTCD="SUMDIAM")
    assert (total["TRSTRESN"], total["TRDRVFL"], total["TRLNKGRP"]) == (Decimal("32.5"), "Y", "A1")


def test_casebooks_out_of_order_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="in the order of USUBJID"):
        assembled(tmp_path, casts.screen_failure(), casts.treated())


def test_a_missed_visit_is_a_row_and_an_unscheduled_one_says_why(study: Assembled) -> None:
    missed = only(rows(study, "SV"), VISIT="C1D8")
    assert (missed["SVOCCUR"], missed["SVREASOC"]) == ("N", "Subject in hospital elsewhere")
    extra = only(rows(study, "SV"), VISIT="UNSCHEDULED 3.1")
    assert "SVOCCUR" not in extra
    assert extra["SVUPDES"] == "Fever"


def test_performance_status_goes_where_the_sponsor_wants_it(study: Assembled, tmp_path: Path) -> None:
    assert only(rows(study, "QS"), QSCAT="ECOG")["QSORRES"] == "1"
    conventions = Conventions(performance_status_domain="RS")
    other = assembled(tmp_path, casts.treated(), conventions=conventions, spool="rs")
    assert rows(other, "QS") == []
    assert only(rows(other, "RS"), RSCAT="ECOG")["RSTESTCD"] == "ECOG101"


def test_a_comment_over_200_characters_goes_on_in_the_next_variable(study: Assembled) -> None:
    comment = only(rows(study, "CO"), RDOMAIN="AE")
    assert (comment["IDVAR"], comment["IDVARVAL"]) == ("AESPID", "AE-1")
    assert f"{comment['COVAL']} {comment['COVAL1']}" == ("Seen by Dr Amara. " * 20).strip()


def test_related_datasets_are_joined(study: Assembled) -> None:
    assert [(row["RELID"], row["RDOMAIN"], row["IDVAR"], row["RELTYPE"]) for row in rows(study, "RELREC")][:2] == [
        ("AEFA", "AE", "AELNKID", "ONE"),
        ("AEFA", "FA", "FALNKID", "MANY"),
    ]


def test_everything_unfit_is_named_at_once_with_its_place(tmp_path: Path) -> None:
    book = casts.treated()
    unfit = replace(
        book,
        subject=replace(book.subject, investigator_name="天羅"),
        vital_signs=(facts.Finding(reference="VS-1", test_code="TEMPERATURE", test="Temperature", result="38"),),
        extra_items=(
            facts.ExtraItem(
                reference="X", dataset="AE", variable="tociGiven", label="x" * 41, value="Y", parent="AE-1"
            ),
        ),
    )
    with pytest.raises(UnfitForTransport) as refused:
        assembled(tmp_path, unfit)
    sentences = str(refused.value).splitlines()
    assert any(sentence.startswith("DM, row 1, INVNAM:") and "ASCII" in sentence for sentence in sentences)
    assert "VS, row 1, VSTESTCD: 'TEMPERATURE' has 11 characters, 8 are allowed." in sentences
    assert any(sentence.startswith("AE, row 1, tociGiven:") and "capitals" in sentence for sentence in sentences)
    assert any("its label has 41 characters" in sentence for sentence in sentences)


def test_an_extra_item_beside_a_line_that_is_not_there_is_named(tmp_path: Path) -> None:
    item = facts.ExtraItem(
        reference="X", dataset="AE", variable="TOCIGIVN", label="Tocilizumab", value="Y", parent="AE-9"
    )
    with pytest.raises(UnfitForTransport, match=r"'Tocilizumab' .* line of AE that is not there"):
        assembled(tmp_path, replace(casts.treated(), extra_items=(item,)))
