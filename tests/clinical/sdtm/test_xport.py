"""The transport format, held against an independent reader (pyreadstat)."""

import io
import math
import struct
import tarfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyreadstat
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinical.sdtm.dataset import Column, Dataset, Row
from clinical.sdtm.delimited import write_csv
from clinical.sdtm.xport import (
    LARGEST,
    SMALLEST,
    NotTransport,
    NotWritable,
    ibm_from_ieee,
    ieee_from_ibm,
    read_xport,
    write_xport,
)

CUT = datetime(2026, 3, 15, 14, 5, tzinfo=UTC)
NUMBERS = st.one_of(
    st.none(),
    st.just(0.0),
    st.integers(-(2**53), 2**53).map(float),
    st.floats(min_value=SMALLEST, max_value=LARGEST),
    st.floats(min_value=-LARGEST, max_value=-SMALLEST),
)
TEXTS = st.text(alphabet=[chr(code) for code in range(32, 127)], max_size=20).map(str.rstrip)


def vital_signs(rows: list[Row], width: int = 20) -> Dataset:
    return Dataset(
        "VS",
        "Vital Signs",
        (
            Column("STUDYID", "Study Identifier", "Char", 7),
            Column("VSSTRESN", "Numeric Result/Finding in Standard Units", "Num", 8),
            Column("VSORRES", "Result or Finding in Original Units", "Char", width),
        ),
        rows,
    )


def written(dataset: Dataset) -> bytes:
    file = io.BytesIO()
    write_xport(dataset, file, made_at=CUT)
    return file.getvalue()


@pytest.mark.parametrize(
    ("number", "image"),
    [
        (0.0, "0000000000000000"),
        (1.0, "4110000000000000"),
        (-1.0, "C110000000000000"),
        (-118.625, "C276A00000000000"),
        (0.1, "401999999999999A"),
        (16.0, "4210000000000000"),
        (15.0, "41F0000000000000"),
        (1 / 16, "4010000000000000"),
        (2.0**-260, "0010000000000000"),
        (math.nan, "2E00000000000000"),
    ],
)
def test_a_number_is_ibm_hexadecimal_floating_point(number: float, image: str) -> None:
    converted = ibm_from_ieee(np.array([number]))
    assert f"{int(converted[0]):016X}" == image
    assert ieee_from_ibm(converted)[0] == pytest.approx(number, abs=0, rel=0, nan_ok=True)


@given(st.lists(NUMBERS.filter(lambda number: number is not None), min_size=1, max_size=30))
def test_every_number_in_range_survives_exactly(numbers: list[float]) -> None:
    assert ieee_from_ibm(ibm_from_ieee(np.array(numbers))).tolist() == numbers


@pytest.mark.parametrize("number", [1e80, -1e80, 1e-90, math.inf])
def test_a_number_outside_the_format_is_refused_not_made_infinite(number: float) -> None:
    with pytest.raises(NotWritable, match="outside"):
        ibm_from_ieee(np.array([number]))


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.tuples(NUMBERS, TEXTS), max_size=40))
def test_an_independent_reader_reads_what_was_written(
    rows: list[tuple[float | None, str]], tmp_path_factory: Any
) -> None:
    path = tmp_path_factory.mktemp("xpt") / "vs.xpt"
    data: list[Row] = [{"STUDYID": "ONC-101", "VSSTRESN": number, "VSORRES": text} for number, text in rows]
    path.write_bytes(written(vital_signs(data)))
    frame, metadata = pyreadstat.read_xport(str(path))
    assert (metadata.table_name, metadata.file_label) == ("VS", "Vital Signs")
    assert metadata.column_labels[1] == "Numeric Result/Finding in Standard Units"
    theirs = [
        (None if math.isnan(number) else number, text)
        for number, text in zip(frame["VSSTRESN"], frame["VSORRES"], strict=True)
    ]
    assert theirs == rows
    assert [(row["VSSTRESN"], row["VSORRES"]) for row in read_xport(path).rows] == rows


def test_the_same_data_at_the_same_cut_are_the_same_bytes() -> None:
    dataset = vital_signs([{"STUDYID": "ONC-101", "VSSTRESN": 120, "VSORRES": "120"}])
    first, second = written(dataset), written(dataset)
    assert first == second
    assert b"15MAR26:14:05:00" in first
    assert len(first) % 80 == 0


def test_more_rows_than_one_block_are_streamed_from_an_iterator(tmp_path: Path) -> None:
    class Counted:
        def __iter__(self) -> Any:
            return ({"STUDYID": "ONC-101", "VSSTRESN": n, "VSORRES": str(n)} for n in range(10_000))

    path = tmp_path / "vs.xpt"
    path.write_bytes(written(Dataset("VS", "Vital Signs", vital_signs([]).columns, Counted())))
    rows = list(read_xport(path).rows)
    assert (len(rows), rows[-1]["VSORRES"]) == (10_000, "9999")


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ({"VSSTRESN": "120"}, "VS.VSSTRESN is numeric but holds the text '120'"),
        ({"VSORRES": 120}, "VS.VSORRES is text but holds the number 120"),
        ({"VSORRES": "37 °C"}, "not plain ASCII"),
        ({"VSORRES": "x" * 21}, "20 bytes wide but a value has 21"),
    ],
)
def test_the_writer_refuses_rather_than_cuts(row: Row, sentence: str) -> None:
    with pytest.raises(NotWritable, match=sentence):
        written(vital_signs([row]))


def test_a_row_of_blanks_that_would_be_lost_in_the_padding_is_refused() -> None:
    with pytest.raises(NotWritable, match="padding"):
        written(Dataset("CO", "Comments", (Column("COVAL", "Comment", "Char", 4),), [{"COVAL": ""}]))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is not a SAS transport file"),
        (b"STUDYID,DOMAIN\nONC-101,AE\n", "is not a SAS transport file"),
        (b"HEADER RECORD*******LIBV8   HEADER RECORD!!!!!!!" + b"0" * 30 + b"  ", "version 8"),
        (written(vital_signs([]))[:400], "may be cut off"),
        (written(vital_signs([]))[:720], "cut off"),
        (written(vital_signs([{"STUDYID": "A" * 7}] * 9))[:-7], "whole record"),
        (written(vital_signs([])) + written(vital_signs([]))[240:], "more than one dataset"),
    ],
)
def test_what_is_not_one_transport_dataset_is_refused_in_one_sentence(
    content: bytes, sentence: str, tmp_path: Path
) -> None:
    path = tmp_path / "ae.xpt"
    path.write_bytes(content)
    with pytest.raises(NotTransport, match=sentence) as refused:
        list(read_xport(path).rows)
    assert "ae.xpt" in str(refused.value)


def test_text_of_another_encoding_is_named_with_its_row(tmp_path: Path) -> None:
    content = written(vital_signs([{"STUDYID": "ONC-101", "VSORRES": "37 ?C"}])).replace(b"37 ?C", b"37 \xb0C")
    path = tmp_path / "vs.xpt"
    path.write_bytes(content)
    with pytest.raises(NotTransport, match="VSORRES in row 1 is not utf-8 text"):
        list(read_xport(path).rows)
    assert next(iter(read_xport(path, encoding="latin-1").rows))["VSORRES"] == "37 °C"


def test_short_numbers_and_special_missing_values_of_other_writers_are_read(tmp_path: Path) -> None:
    content = bytearray(written(vital_signs([{"STUDYID": "ONC-101", "VSSTRESN": 1.5, "VSORRES": "a"}] * 2)))
    first = content.index(struct.pack(">Q", 0x4118000000000000))
    content[first : first + 8] = b"A" + bytes(7)
    path = tmp_path / "vs.xpt"
    path.write_bytes(bytes(content))
    assert [row["VSSTRESN"] for row in read_xport(path).rows] == [None, 1.5]


def test_the_public_oncology_sample_reads_as_the_independent_reader_reads_it(reference: Path, tmp_path: Path) -> None:
    with tarfile.open(reference / "core-sample" / "pv-onco-12subj-xpt.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    files = sorted(tmp_path.glob("**/*.xpt"))
    assert len(files) >= 16
    for path in files:
        dataset, (frame, metadata) = read_xport(path), pyreadstat.read_xport(str(path))
        assert list(dataset.column_names) == metadata.column_names
        assert [column.label for column in dataset.columns] == metadata.column_labels
        theirs = [
            {name: None if isinstance(cell, float) and math.isnan(cell) else cell for name, cell in row.items()}
            for row in frame.to_dict(orient="records")
        ]
        assert list(dataset.rows) == theirs, path.name
        again = tmp_path / f"again-{path.name}"
        again.write_bytes(written(dataset))
        assert pyreadstat.read_xport(str(again))[0].equals(frame), path.name


def test_csv_has_a_header_and_plain_numbers() -> None:
    file = io.StringIO()
    count = write_csv(vital_signs([{"STUDYID": "ONC-101", "VSSTRESN": 1e-7, "VSORRES": 'a "b", °C'}, {}]), file)
    assert count == 2
    assert file.getvalue() == 'STUDYID,VSSTRESN,VSORRES\nONC-101,0.0000001,"a ""b"", °C"\n,,\n'
