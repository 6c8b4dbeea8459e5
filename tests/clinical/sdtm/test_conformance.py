"""What the check finds in datasets that do not hold together, one fault at a time."""

import csv
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from clinical.sdtm import implementation_guide, terminology
from clinical.sdtm.assembly import assemble
from clinical.sdtm.conformance import Finding, check
from clinical.sdtm.dataset import Dataset, Row, Value
from clinical.sdtm.spool import Spool
from clinical.sdtm.xport import read_xport
from tests.clinical.sdtm import casts

Study = dict[str, Dataset]


@pytest.fixture
def study(tmp_path: Path) -> Study:
    done = assemble([casts.treated(), casts.screen_failure()], casts.design(), casts.CONVENTIONS, Spool(tmp_path))
    return {dataset.name: dataset for dataset in done.datasets}


def changed(study: Study, name: str, change: Callable[[list[dict[str, Value]]], None]) -> list[Finding]:
    """The errors once the rows of a dataset were changed by hand."""
    rows = [dict(row) for row in study[name].rows]
    change(rows)
    held = study[name]
    dataset = Dataset(name, held.label, held.columns, list[Row](rows))
    return [finding for finding in check({**study, name: dataset}.values()) if finding.is_error]


def setting(**values: Value) -> Callable[[list[dict[str, Value]]], None]:
    def change(rows: list[dict[str, Value]]) -> None:
        rows[0].update(values)

    return change


@pytest.mark.parametrize(
    ("name", "change", "sentence"),
    [
        ("AE", setting(AESEQ=2), "AESEQ (IMA402-101-101-001): number 2 stands twice"),
        ("AE", setting(USUBJID="X"), "subject X has no row in DM"),
        ("AE", setting(AESTDTC="15MAR2026"), "'15MAR2026' is not an ISO 8601 date"),
        ("AE", setting(AESTDTC="2026-02-30"), "'2026-02-30' is not an ISO 8601 date of the calendar"),
        ("AE", setting(AEENDTC="2026-03-01", AEENDY=None), "ends on 2026-03-01 before it begins"),
        ("AE", setting(AESTDY=0), "is 0 for 2026-03-15T15:00, it should be 1"),
        ("AE", setting(AESER="Yes"), "'Yes' is not a term of codelist NY (the list is closed)"),
        ("AE", setting(AESER="N"), "is N although AESHOSP is Y"),
        ("AE", setting(AESHOSP=None), "no criterion of seriousness is Y"),
        ("AE", setting(AETERM=None), "AETERM (IMA402-101-101-001): is required and empty"),
        ("AE", setting(AEOUT="FATAL"), "is 3 although the outcome is FATAL"),
        ("AE", setting(AEOUT="NOT RECOVERED/NOT RESOLVED"), "although the event is not recovered"),
        ("AE", setting(DOMAIN="CM"), "is 'CM' in dataset AE"),
        ("DM", setting(RFICDTC="2026-03-20"), "2026-03-15T10:00 is before RFICDTC 2026-03-20"),
        ("DM", setting(RFXENDTC="2026-04-01"), "is 2026-04-01, EX ends on 2026-03-15T11:00"),
        ("DM", setting(DTHDTC="2026-05-20"), "is not Y although there is a date of death"),
        ("DM", setting(ARMCD="DL9"), "'DL9' is not an arm of TA"),
        ("DM", setting(COUNTRY="Germany"), "'Germany' is not an ISO 3166 code"),
        ("LB", setting(VISIT="Day one"), "VISITNUM 2 is 'Day one' here"),
        ("LB", setting(VISITNUM=77), "visit 77 of this subject is not in SV"),
        ("LB", setting(LBSTRESN=99), "is 99 and LBSTRESC is"),
        ("LB", setting(LBSTAT="NOT DONE"), "is NOT DONE although there is the result"),
        ("LB", setting(LBTEST="Something else"), "ALT is"),
        ("SUPPAE", setting(IDVARVAL="99"), "AE has no record of this subject with AESEQ 99"),
        ("SUPPAE", setting(QNAM="AETOXGR"), "AETOXGR is a variable of AE"),
        ("CO", setting(IDVARVAL="AE-99"), "AE has no record of this subject with AESPID AE-99"),
        ("IE", setting(IEORRES="Y"), "INCLUSION answered 'Y' is no exception"),
        ("SE", setting(ETCD="XX"), "'XX' is not an element of TE"),
        ("SV", setting(VISITNUM=9), "visit 9 is planned and not in TV"),
        ("SV", setting(SVOCCUR="N"), "although the visit did not occur"),
        ("TE", setting(TEENRL=None), "when does the element end?"),
        ("EX", setting(EXDOSE=None), "is empty; EX holds only doses that were given"),
    ],
)
def test_one_fault_is_found_and_said(
    study: Study, name: str, change: Callable[[list[dict[str, Value]]], None], sentence: str
) -> None:
    assert any(sentence in str(finding) for finding in changed(study, name, change))


def test_a_record_that_stands_twice_is_found(study: Study) -> None:
    def twice(rows: list[dict[str, Value]]) -> None:
        rows.append({**rows[0], "VSSEQ": 9})

    assert any("the same as row 1 in all its keys" in str(finding) for finding in changed(study, "VS", twice))


def test_the_public_sample_shows_what_core_reports_on_it(reference: Path, tmp_path: Path) -> None:
    """CDISC CORE finds these in the same files: RSDY wrong 258 times, RSSTAT beside a result 17 times, and so on."""
    with tarfile.open(reference / "core-sample" / "pv-onco-12subj-xpt.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    found = check([read_xport(path) for path in sorted(tmp_path.glob("**/*.xpt"))])

    def count(rule: str, dataset: str, variable: str) -> int:
        return sum((each.rule, each.dataset, each.variable) == (rule, dataset, variable) for each in found)

    assert count("study day", "RS", "RSDY") == 258
    assert count("not done", "RS", "RSSTAT") == 17
    assert count("visit in SV", "LB", "VISITNUM") == 5
    assert count("study day present", "CM", "CMDY") == 1
    assert count("variable present", "SV", "SVOCCUR") == 1


@pytest.mark.parametrize(
    ("codelist", "value", "told"),
    [
        ("NY", "Y", None),
        ("SEX", "X", "'X' is not a term of codelist SEX (the list is closed)"),
        ("VSRESU", "MMHG", "(the list may be extended); did you mean 'mmHg'?"),
        (("NCOMPLT", "PROTMLST", "OTHEVENT"), "ELIGIBILITY CRITERIA MET", None),
    ],
)
def test_a_value_is_held_against_its_codelist(codelist: str | tuple[str, ...], value: str, told: str | None) -> None:
    unknown = terminology.not_in_codelist(codelist, value)
    assert (unknown is None) if told is None else told in str(unknown)


def test_every_variable_fits_a_transport_file_and_every_codelist_is_held() -> None:
    for row in implementation_guide.read_table("datasets.csv"):
        for variable in implementation_guide.dataset(row["dataset"]).variables:
            assert len(variable.name) <= 8, variable
            assert len(variable.label) <= 40, variable
            for name in variable.codelists:
                assert terminology.codelist(name).terms


def test_the_tables_are_what_the_published_ones_say(reference: Path) -> None:
    with (reference / "sdtm" / "sdtmig-3.4-variables.csv").open(encoding="utf-8", newline="") as file:
        published = list(csv.DictReader(file))
    for row in published:
        if not implementation_guide.is_known(row["dataset"]):
            continue
        held = implementation_guide.dataset(row["dataset"]).variable(row["variable"])
        if held is None:
            assert row["variable"] in ("SPDEVID", "NHOID")  # devices and non-host organisms are not written by us
            continue
        assert (held.label, held.type, held.role, held.core.value, ";".join(held.codelists)) == (
            row["label"], row["type"], row["role"], row["core"], row["codelist_submission_value"],
        )  # fmt: skip
