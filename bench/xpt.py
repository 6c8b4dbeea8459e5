"""What writing a transport file costs: rows of a laboratory dataset, our writer beside pyreadstat's through pandas.

    python bench/xpt.py [ROWS]

Both are measured in this run, each in a process of its own (peak memory is a process's). Rows are made by a generator,
so our figures include making them; pyreadstat needs the whole frame first, which is part of its way and its figures.
"""

import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from clinical.sdtm import xport
from clinical.sdtm.dataset import Column, Dataset, Row
from clinical.sdtm.records import Record
from clinical.sdtm.shaping import shape

TESTS = ("ALT", "AST", "BILI", "CREAT", "HGB", "PLAT", "WBC", "NEUT", "ALB", "LDH")


class LaboratoryRecords:
    """Records of subjects with ten analytes at many visits, made anew each time."""

    def __init__(self, rows: int) -> None:
        self.rows = rows

    def __iter__(self) -> Iterator[Record]:
        for n in range(self.rows):
            test = TESTS[n % 10]
            value = Decimal(n % 4000) / 10
            yield Record(
                {
                    "STUDYID": "IMA402-101", "DOMAIN": "LB", "USUBJID": f"IMA402-101-{n // 1000:05d}",
                    "LBSEQ": n % 1000 + 1, "LBSPID": f"LB-{n}", "LBTESTCD": test, "LBTEST": test, "LBCAT": "CHEMISTRY",
                    "LBORRES": str(value), "LBORRESU": "U/L", "LBORNRLO": "5", "LBORNRHI": "40",
                    "LBSTRESC": str(value), "LBSTRESN": value, "LBSTRESU": "U/L", "LBSTNRLO": 5, "LBSTNRHI": 40,
                    "LBNRIND": "NORMAL", "LBNAM": "Central", "LBSPEC": "SERUM", "LBTOXGR": "1", "VISITNUM": n % 100,
                    "VISIT": f"CYCLE {n % 100}", "EPOCH": "TREATMENT", "LBDTC": "2026-03-15T08:00", "LBDY": n % 300,
                }
            )  # fmt: skip


def ours(rows: int, path: Path) -> None:
    shaped = shape("LB", LaboratoryRecords(rows))
    with path.open("wb") as file:
        xport.write_xport(shaped.dataset, file, made_at=datetime(2026, 6, 1, tzinfo=UTC))


def writer_only(rows: int, path: Path) -> None:
    class Rows:
        def __iter__(self) -> Iterator[Row]:
            return (record.values for record in LaboratoryRecords(rows))

    first = next(iter(Rows()))
    columns = tuple(Column(n, n, "Char" if isinstance(v, str) else "Num", 20) for n, v in first.items())
    with path.open("wb") as file:
        xport.write_xport(Dataset("LB", "LB", columns, Rows()), file, made_at=datetime(2026, 6, 1, tzinfo=UTC))


def only_making(rows: int, path: Path) -> None:
    for _ in LaboratoryRecords(rows):
        pass


def theirs(rows: int, path: Path) -> None:
    import pandas
    import pyreadstat

    frame = pandas.DataFrame(record.values for record in LaboratoryRecords(rows))
    frame["LBSTRESN"] = frame["LBSTRESN"].astype(float)
    pyreadstat.write_xport(frame, str(path), table_name="LB", file_format_version=5)


def measured(way: Callable[[int, Path], None], rows: int) -> tuple[float, float, int]:
    """Seconds, peak megabytes and bytes of one way, in a fresh process."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lb.xpt"
        queue: multiprocessing.Queue[tuple[float, float]] = multiprocessing.get_context("spawn").Queue()
        process = multiprocessing.get_context("spawn").Process(target=_timed, args=(way, rows, path, queue))
        process.start()
        seconds, megabytes = queue.get()
        process.join()
        return seconds, megabytes, path.stat().st_size if path.exists() else 0


def _timed(way: Callable[[int, Path], None], rows: int, path: Path, queue: object) -> None:
    began = time.perf_counter()
    way(rows, path)
    seconds = time.perf_counter() - began
    queue.put((seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024))  # type: ignore[attr-defined]  # a queue of multiprocessing


def main(rows: int) -> None:
    print(f"{rows:,} rows x 26 columns")
    for name, way in (
        ("making the rows, writing nothing", only_making),
        ("our writer alone", writer_only),
        ("shape (measure, check) and write", ours),
        ("pandas frame and pyreadstat", theirs),
    ):
        seconds, megabytes, size = measured(way, rows)
        print(f"{name:<34} {seconds:7.1f} s {megabytes:7.0f} MB peak {size / 1e6:8.1f} MB file")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
