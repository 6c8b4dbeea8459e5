"""Datasets as CSV: UTF-8, a header row, commas, quotes where needed; for people and tools without SAS."""

import csv
from decimal import Decimal
from typing import TextIO

from clinical.sdtm.dataset import Dataset, Value


def write_csv(dataset: Dataset, file: TextIO) -> int:
    """Write a dataset and give back the number of its rows. Open the file with `newline=""`.

    Numbers are written as they are held, never in powers of ten: a spreadsheet must not read 1E+2 as text.
    """
    writer = csv.writer(file, lineterminator="\n")
    names = dataset.column_names
    writer.writerow(names)
    written = 0
    for row in dataset.rows:
        writer.writerow([_plain(row.get(name)) for name in names])
        written += 1
    return written


def _plain(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        value = Decimal(repr(value))
    return format(value, "f") if isinstance(value, Decimal) else str(value)
