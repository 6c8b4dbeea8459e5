"""Rows of a table taken subject by subject, in order, in memory that does not grow with the number of subjects."""

import csv
import heapq
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import groupby, islice
from operator import itemgetter
from typing import TextIO

ROWS_IN_MEMORY = 20_000

NumberedRow = tuple[int, list[str]]
"""A row of a table with its number in the file; the header is row 1."""


def numbered(rows: Iterable[list[str]]) -> Iterator[NumberedRow]:
    """The rows below a header with their numbers; a line without any entry is no row but counts."""
    return ((number, row) for number, row in enumerate(rows, start=2) if row and (row[0] or any(row)))


@contextmanager
def in_order(table: TextIO, subject: int, *, rows_in_memory: int = ROWS_IN_MEMORY) -> Iterator[Iterator[NumberedRow]]:
    """The rows of a CSV table sorted by subject, those of one subject in the order of the file.

    `subject` is the place of the column that names the subject. A file that stands in order already, as most exports
    do, is read straight through; of any other, sorted runs are kept on disk and merged.
    """
    if _is_in_order(_below_header(table), subject):
        yield numbered(_below_header(table))
        return
    with ExitStack() as open_files:
        runs = []
        rows = numbered(_below_header(table))
        while run := list(islice(rows, rows_in_memory)):
            run.sort(key=lambda pair: _subject(pair, subject))
            scratch = open_files.enter_context(tempfile.TemporaryFile("w+", encoding="utf-8", newline=""))
            csv.writer(scratch).writerows([number, *row] for number, row in run)
            runs.append(scratch)
        yield heapq.merge(*map(_read_back, runs), key=lambda pair: (_subject(pair, subject), pair[0]))


def _below_header(table: TextIO) -> Iterator[list[str]]:
    table.seek(0)
    rows = csv.reader(table)
    next(rows, None)
    return rows


def _is_in_order(rows: Iterable[Sequence[str]], subject: int) -> bool:
    last = ""
    for row in rows:
        if len(row) > subject and (row[0] or any(row)):
            now = row[subject].strip()
            if now < last:
                return False
            last = now
    return True


def _read_back(scratch: TextIO) -> Iterator[NumberedRow]:
    scratch.seek(0)
    return ((int(row[0]), row[1:]) for row in csv.reader(scratch))


def _subject(numbered_row: NumberedRow, subject: int) -> str:
    row = numbered_row[1]
    return row[subject].strip() if len(row) > subject else ""


def together(
    first: Iterator[NumberedRow], first_subject: int, second: Iterator[NumberedRow], second_subject: int
) -> Iterator[tuple[str, list[NumberedRow], list[NumberedRow]]]:
    """Two tables in order, as (subject, rows of the first, rows of the second); either may lack a subject."""
    both = heapq.merge(
        ((subject, 0, list(rows)) for subject, rows in groupby(first, key=lambda pair: _subject(pair, first_subject))),
        (
            (subject, 1, list(rows))
            for subject, rows in groupby(second, key=lambda pair: _subject(pair, second_subject))
        ),
        key=itemgetter(0),
    )
    for subject, parts in groupby(both, key=itemgetter(0)):
        sides: tuple[list[NumberedRow], list[NumberedRow]] = ([], [])
        for _, side, rows in parts:
            sides[side].extend(rows)
        yield subject, *sides
