"""How long a million laboratory grades take: the engine alone, and the command from CSV to CSV.

    python bench/lab_grades.py [--rows 1000000]

Aim: 10 s for a million grades. The engine goes round all criteria of CTCAE 5.0 with values across their limits. The
table holds results of three digits, as laboratories print them; the same table with eight digits shows what it costs
when no result ever comes back. Figures are processor seconds on one core.
"""

import argparse
import csv
import random
import sys
import tempfile
import time
from decimal import Decimal
from itertools import cycle, islice
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from clinical.ctcae.criteria import Criterion, Facts, UnitSystem, criteria
from clinical.ctcae.grading import assess
from clinical.ctcae.table import LabTable

HEADER = ["id", "term", "value", "unit", "lln", "uln", "baseline", "pct_change"]
VALUES = [Decimal(text) for text in ("0.3", "1.1", "2.7", "3.2", "41", "85", "127", "260", "900")]
LLN, ULN, BASELINE = Decimal("3.5"), Decimal(40), Decimal(38)


def work() -> list[tuple[Criterion, Decimal]]:
    columns = [found[0] for found in criteria("5.0").values()]
    return [(criterion, value) for criterion in columns for value in VALUES]


def engine(rows: int) -> float:
    pairs = list(islice(cycle(work()), rows))
    began = time.process_time()
    for criterion, value in pairs:
        assess(criterion, Facts(value, LLN, ULN, BASELINE))
    return time.process_time() - began


def table(rows: int, *, digits: int) -> float:
    chance = random.Random(1)
    columns = [found[0] for found in criteria("5.0").values()]
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "in.csv", Path(folder) / "out.csv"
        with source.open("w", encoding="utf-8", newline="") as out:
            writer = csv.writer(out)
            writer.writerow(HEADER)
            for number in range(rows):
                criterion = columns[number % len(columns)]
                value = f"{chance.lognormvariate(1.5, 1.5):.{digits}g}"
                writer.writerow([number, criterion.name, value, criterion.unit or "", LLN, ULN, BASELINE, ""])
        began = time.process_time()
        with source.open(encoding="utf-8", newline="") as lines, target.open("w", encoding="utf-8", newline="") as out:
            reader, writer = csv.reader(lines), csv.writer(out)
            labs = LabTable(next(reader), version="5.0", system=UnitSystem.SI)
            writer.writerow(labs.graded_header)
            writer.writerows(labs.graded(reader))
        assert not labs.problems, labs.problems[:3]
        return time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    rows = parser.parse_args().rows
    print(f"{rows:,} grades by the engine: {engine(rows):.2f} s")
    for digits in (3, 8):
        print(f"{rows:,} rows from CSV to CSV with reasons, {digits} digits: {table(rows, digits=digits):.2f} s")


if __name__ == "__main__":
    main()
