"""The public oncology sample, unpacked, and its study opened."""

import tarfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from django.core.management import call_command

from apps.accounts.models import User
from apps.study.models import Study
from clinical.sdtm.dataset import Dataset
from clinical.sdtm.xport import read_xport, write_xport

ROOT = Path(__file__).resolve().parents[2]
MADE = datetime(2026, 1, 1, tzinfo=UTC)
APPROVER = "adam@example.org"


def unpacked(reference: Path, folder: Path, *, until: Mapping[str, float] | None = None) -> Path:
    """The sample's transport files: all of them, or of these subjects up to a visit each."""
    whole = folder / "whole"
    whole.mkdir()
    with tarfile.open(reference / "core-sample" / "pv-onco-12subj-xpt.tar.xz") as archive:
        for member in archive.getmembers():
            if member.name.endswith(".xpt"):
                member.name = Path(member.name).name
                archive.extract(member, whole, filter="data")
    if until is None:
        return whole
    some = folder / "some"
    some.mkdir()
    for path in sorted(whole.glob("*.xpt")):
        dataset = read_xport(path)
        rows = [
            row
            for row in dataset.rows
            if not row.get("USUBJID") or float(str(row.get("VISITNUM") or 0)) <= until.get(str(row["USUBJID"]), -1)
        ]
        write(Dataset(dataset.name, dataset.label, dataset.columns, rows), some / path.name)
    return some


def write(dataset: Dataset, path: Path) -> None:
    with path.open("wb") as file:
        write_xport(dataset, file, made_at=MADE)


def opened_study() -> Study:
    """Study PVONCO, opened as an administrator would."""
    if not User.objects.filter(email=APPROVER).exists():
        User.objects.create(email=APPROVER, full_name="Adam Klein", joined_at=MADE)
    call_command(
        "study_open", "PVONCO", "--approver", APPROVER, "--site", "701:Boston General:USA:America/New_York", verbosity=0
    )
    return Study.objects.get(code="PVONCO")
