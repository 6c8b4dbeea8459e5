"""SAS transport files, version 5: the format in which authorities take datasets.

Source: SAS technical note TS-140, "The Record Layout of a Data Set in SAS Transport (XPORT) Format". A file is a row of
80-byte records; numbers are IBM hexadecimal floating point, 8 bytes; text is blank-padded. The cases people get wrong:
zero is eight zero bytes but a missing number is a full stop followed by zeros; the last data record is padded with
blanks that are not rows; and the creation time stands in the header, so that the same data written twice would differ.
The time is therefore an argument, and the same cut gives the same bytes.
"""

import math
import re
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from clinical.sdtm.dataset import Column, Dataset, Row, Value

RECORD = 80
NAMESTR = 140
MISSING = b"." + bytes(7)
# IBM double precision: a sign, a power of 16 from -64 to 63 and 56 bits of fraction.
LARGEST = math.ldexp(1 - 2**-53, 252)
SMALLEST = math.ldexp(1.0, -260)
ROWS_AT_A_TIME = 4096

_SAS_VERSION, _SYSTEM = "9.4", "Linux"
_NAMESTR = struct.Struct(">hhhh8s40s8shhh2s8shhi52s")
_MARK = "HEADER RECORD*******{:<8}HEADER RECORD!!!!!!!"


class NotTransport(ValueError):
    """The file is not a transport file of version 5, in one sentence."""


class NotWritable(ValueError):
    """A value has no place in the format; `sdtm.shape` finds these beforehand and names them all."""


def ibm_from_ieee(numbers: npt.NDArray[np.float64]) -> npt.NDArray[np.uint64]:
    """Numbers as IBM hexadecimal floating point, exactly; NaN becomes the missing value.

    Every IEEE double between `SMALLEST` and `LARGEST` has an exact image: its 53 bits fit in IBM's 56 even after the
    up to three leading zero bits that a power of 16 costs.

    >>> hex(int(ibm_from_ieee(np.array([-118.625]))[0]))
    '0xc276a00000000000'
    """
    missing = np.isnan(numbers)
    size = np.abs(np.where(missing, 0.0, numbers))
    if bool(np.any((size > LARGEST) | ((size > 0) & (size < SMALLEST)))):
        raise NotWritable(f"a number lies outside ±{SMALLEST:.2e} to ±{LARGEST:.2e}, which the transport format holds")
    fraction, exponent = np.frexp(size)
    sixteens = -(-exponent // 4)
    digits = np.ldexp(fraction, 56 + exponent - 4 * sixteens).astype(np.uint64)
    sign = np.signbit(numbers).astype(np.uint64) << np.uint64(63)
    image = sign | ((sixteens + 64).astype(np.uint64) << np.uint64(56)) | digits
    image = np.where(size == 0, np.uint64(0), image)
    return np.where(missing, np.uint64(int.from_bytes(MISSING, "big")), image)


def ieee_from_ibm(image: npt.NDArray[np.uint64]) -> npt.NDArray[np.float64]:
    """IBM hexadecimal floating point as doubles, rounded to nearest; a missing value (also `.A` to `._`) becomes NaN.

    >>> float(ieee_from_ibm(np.array([0xC276A00000000000], dtype=np.uint64))[0])
    -118.625
    """
    digits = image & np.uint64(0x00FFFFFFFFFFFFFF)
    first = (image >> np.uint64(56)).astype(np.uint8)
    exponent = (first & np.uint8(0x7F)).astype(np.int64)
    size = np.ldexp(digits.astype(np.float64), (exponent - 64) * 4 - 56)
    marks = np.frombuffer(b"._ABCDEFGHIJKLMNOPQRSTUVWXYZ", dtype=np.uint8)
    missing = (digits == 0) & np.isin(first, marks)
    return np.where(missing, np.nan, np.where(first & np.uint8(0x80), -size, size))


# ------------------------------------------------------------------------------------------------------ writing


def write_xport(dataset: Dataset, file: BinaryIO, *, made_at: datetime) -> int:
    """Write a dataset and give back the number of its rows. Memory does not grow with the rows.

    The dataset is expected as `sdtm.shape` leaves it (plain ASCII, names and labels within their limits); anything
    else is refused rather than cut.
    """
    columns = dataset.columns
    _refuse_unwritable_names(dataset)
    file.write(_headers(dataset, _stamp(made_at)))
    layout = np.dtype({
        "names": [column.name for column in columns],
        "formats": [">u8" if column.is_numeric else f"S{column.length}" for column in columns],
    })  # fmt: skip
    written, rows = 0, iter(dataset.rows)
    while batch := list(islice(rows, ROWS_AT_A_TIME)):
        file.write(_block(dataset.name, columns, layout, batch))
        written += len(batch)
    file.write(_padding(written * layout.itemsize))
    return written


def _block(name: str, columns: Sequence[Column], layout: np.dtype[Any], batch: list[Row]) -> bytes:
    """One batch of rows as the bytes of the file."""
    block = np.zeros(len(batch), dtype=layout)
    for column in columns:
        values = [row.get(column.name) for row in batch]
        if column.is_numeric:
            block[column.name] = ibm_from_ieee(np.array([_number(value, name, column) for value in values]))
        else:
            block[column.name] = [_text(value, name, column) for value in values]
    flat = block.view(np.uint8).reshape(len(batch), layout.itemsize)
    for column in columns:
        if not column.is_numeric:
            start = layout.fields[column.name][1] if layout.fields else 0
            text = flat[:, start : start + column.length]
            text[text == 0] = 0x20  # numpy pads text with NUL, the format with blanks
    if not any(column.is_numeric for column in columns) and bool(np.any(np.all(flat == 0x20, axis=1))):
        raise NotWritable(f"{name}: a row without any value cannot be told from the padding at the end of the file")
    return flat.tobytes()


def _number(value: Value, name: str, column: Column) -> float:
    if value is None or value == "":
        return math.nan
    if isinstance(value, (str, bool)):
        raise NotWritable(f"{name}.{column.name} is numeric but holds the text {value!r}")
    return float(value)


def _text(value: Value, name: str, column: Column) -> bytes:
    if value is None:
        return b""
    if not isinstance(value, str):
        raise NotWritable(f"{name}.{column.name} is text but holds the number {value!r}")
    if not value.isascii() or "\x00" in value:
        raise NotWritable(f"{name}.{column.name} holds {value!r}, which is not plain ASCII")
    if len(value) > column.length:
        raise NotWritable(f"{name}.{column.name} is {column.length} bytes wide but a value has {len(value)}")
    return value.encode("ascii")


def _refuse_unwritable_names(dataset: Dataset) -> None:
    names = [("dataset", dataset.name, dataset.label), *(("variable", c.name, c.label) for c in dataset.columns)]
    for kind, name, label in names:
        if not re.fullmatch(r"[A-Z_][A-Z0-9_]{0,7}", name):
            raise NotWritable(f"the {kind} name {name!r} is not 1 to 8 capitals and digits beginning with a capital")
        if not label.isascii() or len(label) > 40:
            raise NotWritable(f"the label of {kind} {name} is not plain ASCII of at most 40 characters: {label!r}")
    if any(not 1 <= column.length <= 200 for column in dataset.columns if not column.is_numeric):
        raise NotWritable(f"{dataset.name}: a text variable of version 5 is 1 to 200 bytes wide")


def _headers(dataset: Dataset, stamp: str) -> bytes:
    def header(kind: str, tail: str = "0" * 30) -> str:
        return f"{_MARK.format(kind)}{tail}  "

    system = f"{_SAS_VERSION:<8}{_SYSTEM:<8}{'':24}{stamp}"
    records = (
        header("LIBRARY"),
        f"{'SAS':<8}{'SAS':<8}{'SASLIB':<8}{system}",
        f"{stamp:<80}",
        header("MEMBER", "000000000000000001600000000140"),
        header("DSCRPTR"),
        f"{'SAS':<8}{dataset.name:<8}{'SASDATA':<8}{system}",
        f"{stamp}{'':16}{dataset.label:<40}{'':8}",
        header("NAMESTR", f"000000{len(dataset.columns):04d}00000000000000000000"),
    )
    descriptions, position = b"", 0
    for number, column in enumerate(dataset.columns, start=1):
        width = 8 if column.is_numeric else column.length
        descriptions += _namestr(column, number, width, position)
        position += width
    return "".join(records).encode("ascii") + descriptions + _padding(len(descriptions)) + header("OBS").encode("ascii")


def _namestr(column: Column, number: int, width: int, position: int) -> bytes:
    def text(value: str, length: int) -> bytes:
        return value.encode("ascii").ljust(length)

    kind = 1 if column.is_numeric else 2
    return _NAMESTR.pack(
        kind, 0, width, number, text(column.name, 8), text(column.label, 40),
        text(column.format, 8), 0, 0, 0, bytes(2), text("", 8), 0, 0, position, bytes(52),
    )  # fmt: skip


def _padding(length: int) -> bytes:
    return b" " * (-length % RECORD)


def _stamp(at: datetime) -> str:
    """A time as the headers hold it, `15MAR26:14:05:00`, whatever the language of the machine."""
    month = ("", "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")[at.month]
    return f"{at.day:02d}{month}{at.year % 100:02d}:{at:%H:%M:%S}"


# ------------------------------------------------------------------------------------------------------ reading


@dataclass(frozen=True)
class _Layout:
    """Where the rows of a transport file begin and how each is laid out."""

    name: str
    label: str
    columns: tuple[Column, ...]
    positions: tuple[int, ...]
    row_length: int
    data_begins: int


@dataclass(frozen=True)
class _Rows:
    """The rows of a transport file, read from the disk anew each time they are iterated."""

    path: Path
    layout: _Layout
    encoding: str

    def __iter__(self) -> Iterator[dict[str, str | float | None]]:
        layout, end = self.layout, _end_of_rows(self.path, self.layout)
        if layout.row_length == 0:
            return
        left = (end - layout.data_begins) // layout.row_length
        done = 0
        with self.path.open("rb") as file:
            file.seek(layout.data_begins)
            while left:
                count = min(left, ROWS_AT_A_TIME)
                data = file.read(count * layout.row_length)
                yield from self._rows(np.frombuffer(data, dtype=np.uint8).reshape(count, layout.row_length), done)
                left, done = left - count, done + count

    def _rows(self, block: npt.NDArray[np.uint8], done: int) -> Iterator[dict[str, str | float | None]]:
        values: list[Sequence[str | float | None]] = []
        for column, start in zip(self.layout.columns, self.layout.positions, strict=True):
            cells = np.ascontiguousarray(block[:, start : start + column.length])
            values.append(_numbers(cells) if column.is_numeric else self._texts(cells, column, done))
        names = [column.name for column in self.layout.columns]
        for row in zip(*values, strict=True):
            yield dict(zip(names, row, strict=True))

    def _texts(self, cells: npt.NDArray[np.uint8], column: Column, done: int) -> list[str]:
        raw = [cell.tobytes().rstrip(b" \x00") for cell in cells]
        try:
            return [value.decode(self.encoding) for value in raw]
        except UnicodeDecodeError:
            for number, value in enumerate(raw, start=done + 1):
                try:
                    value.decode(self.encoding)
                except UnicodeDecodeError:
                    raise NotTransport(
                        f"{self.path.name}: {column.name} in row {number} is not {self.encoding} text; "
                        "name the encoding in which the file was written."
                    ) from None
            raise


def _numbers(cells: npt.NDArray[np.uint8]) -> list[float | None]:
    full = np.zeros((len(cells), 8), dtype=np.uint8)
    full[:, : cells.shape[1]] = cells  # a number of fewer bytes has lost the end of its fraction
    numbers = ieee_from_ibm(full.view(">u8").reshape(-1).astype(np.uint64))
    return [None if math.isnan(number) else number for number in numbers.tolist()]


def read_xport(path: Path, *, encoding: str = "utf-8") -> Dataset:
    """A transport file as a dataset whose rows are read as they are asked for.

    Numbers come as float or None, text without its trailing blanks. What is not a version 5 transport file of one
    dataset is refused with one sentence.
    """
    layout = _read_layout(path, encoding)
    return Dataset(layout.name, layout.label, layout.columns, _Rows(path, layout, encoding))


def _read_layout(path: Path, encoding: str) -> _Layout:
    with path.open("rb") as file:
        head = file.read(8 * RECORD)
        if head.startswith(b"HEADER RECORD*******LIBV8"):
            raise NotTransport(f"{path.name} is a transport file of version 8; write it as version 5.")
        if not head.startswith(_MARK.format("LIBRARY").encode()):
            raise NotTransport(f"{path.name} is not a SAS transport file (it does not begin with a library header).")
        marks = {3: "MEMBER", 4: "DSCRPTR", 7: "NAMESTR"}
        if len(head) < 8 * RECORD or any(
            not head[at * RECORD :].startswith(_MARK.format(kind).encode()) for at, kind in marks.items()
        ):
            raise NotTransport(
                f"{path.name} is a SAS transport file without a whole dataset header; it may be cut off."
            )
        count = _count(head[7 * RECORD + 54 : 7 * RECORD + 58], path)
        size = _count(head[3 * RECORD + 75 : 3 * RECORD + 78], path)
        length = count * size
        described = file.read(length + (-length % RECORD))
        data_begins = file.tell() + RECORD
        if len(described) < length or not file.read(RECORD).startswith(_MARK.format("OBS").encode()):
            raise NotTransport(f"{path.name} ends inside the description of its variables; it is cut off.")
    columns, positions = [], []
    for number in range(count):
        fields = _NAMESTR.unpack(described[number * size : number * size + NAMESTR][:NAMESTR].ljust(NAMESTR))
        kind, _, width, _, name, label, form, *_rest = fields
        columns.append(
            Column(
                name=name.decode("ascii", "replace").strip(),
                label=label.decode(encoding, "replace").rstrip(" \x00"),
                type="Num" if kind == 1 else "Char",
                length=width,
                format=form.decode("ascii", "replace").rstrip(" \x00"),
            )
        )
        positions.append(fields[14])
    if any(c.length < 1 or (c.is_numeric and c.length > 8) for c in columns) or any(p < 0 for p in positions):
        raise NotTransport(f"{path.name} describes a variable of impossible width; it is damaged.")
    return _Layout(
        name=head[5 * RECORD + 8 : 5 * RECORD + 16].decode("ascii", "replace").rstrip(" \x00"),
        label=head[6 * RECORD + 32 : 6 * RECORD + 72].decode(encoding, "replace").rstrip(" \x00"),
        columns=tuple(columns),
        positions=tuple(positions),
        row_length=max((p + c.length for p, c in zip(positions, columns, strict=True)), default=0),
        data_begins=data_begins,
    )


def _count(digits: bytes, path: Path) -> int:
    if not digits.strip().isdigit():
        raise NotTransport(f"{path.name} has a damaged header: the number of its variables cannot be read.")
    return int(digits)


def _end_of_rows(path: Path, layout: _Layout) -> int:
    """Where the rows end: before the blanks that fill the last record, and before a second dataset, which is refused.

    A row that is all blanks can only be padding when it lies in the last 79 bytes; a number is never blank.
    """
    size = path.stat().st_size
    whole = (size - layout.data_begins) // RECORD * RECORD + layout.data_begins
    if whole != size:
        raise NotTransport(f"{path.name} does not end at a whole record of {RECORD} bytes; it is cut off.")
    another = _MARK.format("MEMBER").encode()
    with path.open("rb") as file:
        file.seek(layout.data_begins)
        while part := file.read(RECORD * ROWS_AT_A_TIME):
            at = part.find(another)
            while at != -1:
                if at % RECORD == 0:
                    raise NotTransport(f"{path.name} holds more than one dataset; give one file per dataset.")
                at = part.find(another, at + 1)
        file.seek(max(layout.data_begins, size - RECORD))
        tail = file.read()
    if layout.row_length == 0:
        return layout.data_begins
    end = size - (size - layout.data_begins) % layout.row_length
    while end - layout.row_length >= size - RECORD + 1 and not tail[end - layout.row_length - size :].strip(b" "):
        end -= layout.row_length
    return max(end, layout.data_begins)
