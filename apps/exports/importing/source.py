"""The transferred files: read, checked to be one study's, each row with its place."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from apps.core.refusal import Refusal
from clinical.sdtm.dataset import Value
from clinical.sdtm.xport import NotTransport, read_xport

NEEDED = ("DM", "SV")
"""Without subjects and their visits nothing else has a place."""


class NotATransfer(Refusal):
    """The folder does not hold the datasets of this study; every reason is named."""


@dataclass(frozen=True)
class SourceRow:
    """One row of a transferred dataset."""

    dataset: str
    file: str
    number: int
    values: dict[str, Value]

    def text(self, variable: str) -> str:
        """The value as text: numbers as they were meant, without a needless fraction; blanks trimmed.

        A number that a program computed may read 9.299999999999999. Fifteen digits are what a double holds for sure.
        """
        value = self.values.get(variable)
        if value is None:
            return ""
        if isinstance(value, float):
            value = Decimal(format(value, ".15g"))
        if isinstance(value, Decimal):
            return format(value.quantize(Decimal(1)) if value == value.to_integral_value() else value, "f")
        return str(value).strip()

    @property
    def subject(self) -> str:
        return self.text("USUBJID")

    @property
    def natural_key(self) -> str:
        """What names the row within its dataset, wherever it stands: the subject, and its number or its visit."""
        sequence = self.text(f"{self.dataset}SEQ")
        visit = self.text("VISITNUM") if self.dataset == "SV" else ""
        parent = [self.text(name) for name in ("RDOMAIN", "IDVAR", "IDVARVAL", "QNAM")]
        return " ".join(part for part in (self.subject, sequence or visit, *parent) if part)

    @property
    def digest(self) -> str:
        content = {name: self.text(name) for name in sorted(self.values) if self.text(name)}
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

    @property
    def place(self) -> str:
        return f"{self.file} row {self.number}"


@dataclass(frozen=True)
class Transfer:
    """The datasets of a folder."""

    tables: dict[str, tuple[SourceRow, ...]]

    def rows(self, dataset: str) -> tuple[SourceRow, ...]:
        return self.tables.get(dataset, ())


def read_transfer(folder: Path, *, known_as: frozenset[str]) -> Transfer:
    """Read every transport file of the folder; all that is wrong with them is said at once."""
    if not folder.is_dir():
        raise NotATransfer(f"There is no folder {folder}.")
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() == ".xpt")
    if not paths:
        raise NotATransfer(f"{folder} holds no transport file (.xpt).")
    problems: list[str] = []
    tables: dict[str, tuple[SourceRow, ...]] = {}
    for path in paths:
        try:
            dataset = read_xport(path)
            rows = tuple(
                SourceRow(dataset.name, path.name, number, dict(row))
                for number, row in enumerate(dataset.rows, start=1)
            )
        except NotTransport as problem:
            problems.append(f"{path.name}: {problem}")
            continue
        if dataset.name in tables:
            problems.append(f"{path.name}: the dataset {dataset.name} is also in {tables[dataset.name][0].file}.")
            continue
        tables[dataset.name] = rows
        problems += _of_another_study(path.name, rows, known_as)
    missing = [] if problems else [name for name in NEEDED if name not in tables]
    problems += [f"The dataset {name} is missing; without it no row has a place." for name in missing]
    if problems:
        raise NotATransfer("These files cannot be brought over.", problems=problems)
    return Transfer(tables)


def _of_another_study(file: str, rows: tuple[SourceRow, ...], known_as: frozenset[str]) -> Iterator[str]:
    for study in sorted({row.text("STUDYID") for row in rows} - known_as):
        wanted = " or ".join(sorted(known_as))
        yield f"{file}: it holds rows of study {study or 'without a STUDYID'}, not of {wanted}."
