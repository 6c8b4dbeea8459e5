"""How long RECIST takes from CSV to CSV, against reading the same files and computing nothing.

Run from the project's root: `python bench/recist_csv.py [SUBJECTS]`. It makes tables of a believable trial (12 visits,
5 target lesions each), reads them, derives them, and prints both times, their ratio and the peak memory of deriving
that trial and one four times its size.
"""

import csv
import random
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from clinical.recist import lesion_tables, tabulation
from clinical.recist.by_subject import in_order

VISITS, LESIONS = 12, 5
ORGANS = ("LIVER", "LUNG", "LYMPH NODE, MEDIASTINAL", "ADRENAL GLAND", "BONE")


def make_tables(folder: Path, subjects: int) -> tuple[Path, Path]:
    """TU and TR of so many subjects, in order."""
    chance = random.Random(subjects)
    tu_path, tr_path = folder / f"tu-{subjects}.csv", folder / f"tr-{subjects}.csv"
    with tu_path.open("w", encoding="utf-8", newline="") as tu, tr_path.open("w", encoding="utf-8", newline="") as tr:
        lesions, measurements = csv.writer(tu), csv.writer(tr)
        lesions.writerow(["USUBJID", "TULNKID", "TUSTRESC", "TULOC", "TUEVAL", "TUEVALID"])
        measurements.writerow([*lesion_tables.TR_REQUIRED, "TRSTAT"])
        for number in range(1, subjects + 1):
            subject = f"BENCH-{number:06d}"
            sizes = {f"T{place:02d}": chance.randint(15, 60) for place in range(1, LESIONS + 1)}
            for organ, name in zip(ORGANS, sizes, strict=True):
                lesions.writerow([subject, name, "TARGET", organ, "INVESTIGATOR", ""])
            for visit in range(VISITS):
                day = date(2026, 1, 5) + timedelta(days=56 * visit)
                for organ, name in zip(ORGANS, sizes, strict=True):
                    test = "LPERP" if organ.startswith("LYMPH") else "LDIAM"
                    row = [subject, name, test, sizes[name], sizes[name], "mm", day, f"C{visit}", visit + 1]
                    measurements.writerow([*row, "INVESTIGATOR", "", ""])
                    sizes[name] = max(0, sizes[name] + chance.randint(-6, 4))
    return tu_path, tr_path


def read_only(tu_path: Path, tr_path: Path) -> None:
    """Reads every row of both tables into a dict and computes nothing."""
    for path in (tu_path, tr_path):
        with path.open(encoding="utf-8", newline="") as table:
            for _ in csv.DictReader(table):
                pass


def derive(tu_path: Path, tr_path: Path, rs_path: Path) -> None:
    """Reads, derives and writes, as the command does."""
    with (
        tu_path.open(encoding="utf-8", newline="") as tu_file,
        tr_path.open(encoding="utf-8", newline="") as tr_file,
        rs_path.open("w", encoding="utf-8", newline="") as rs_file,
    ):
        tu, tr = lesion_tables.tu_table(next(csv.reader(tu_file))), lesion_tables.tr_table(next(csv.reader(tr_file)))
        assert isinstance(tu, lesion_tables.Table)
        assert isinstance(tr, lesion_tables.Table)
        writer = csv.writer(rs_file)
        writer.writerow(tabulation.RS_COLUMNS)
        with in_order(tu_file, tu.subject) as lesions, in_order(tr_file, tr.subject) as measurements:
            for subject in tabulation.derive_subjects(tu, lesions, tr, measurements, tabulation.Derivation()):
                if subject.problems:
                    raise ValueError("\n".join(subject.problems))
                writer.writerows(subject.rows)


def seconds(work: Callable[[], None], *, times: int = 3) -> float:
    """The best of a few runs."""
    best = float("inf")
    for _ in range(times):
        began = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - began)
    return best


def peak_megabytes(work: Callable[[], None]) -> float:
    """The most memory that Python held at once."""
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1_000_000


def main() -> None:
    subjects = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        tables = make_tables(folder, subjects)
        rs_path = folder / "rs.csv"
        reading, deriving = seconds(lambda: read_only(*tables)), seconds(lambda: derive(*tables, rs_path))
        print(f"{subjects} subjects, {VISITS} visits, {LESIONS} lesions")
        print(f"reading  {reading:6.2f} s")
        print(f"deriving {deriving:6.2f} s, {deriving / reading:.1f} times reading")
        larger = make_tables(folder, subjects * 4)
        small, large = (peak_megabytes(lambda pair=pair: derive(*pair, rs_path)) for pair in (tables, larger))
        print(f"memory   {small:6.2f} MB, of four times the subjects {large:.2f} MB")


if __name__ == "__main__":
    main()
