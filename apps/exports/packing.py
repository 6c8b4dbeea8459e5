"""Datasets as files in a folder, with a manifest of what they are; and the folder as one ZIP."""

import csv
import hashlib
import json
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.conf import settings

from apps.core.refusal import Refusal
from apps.exports import trial_design
from apps.exports.casebooks import book
from apps.exports.images import Cut
from apps.exports.models import Format
from apps.study.models import Study
from clinical.sdtm import conformance, implementation_guide, terminology
from clinical.sdtm.assembly import Assembled, assemble
from clinical.sdtm.conformance import Finding
from clinical.sdtm.dataset import Dataset
from clinical.sdtm.delimited import write_csv
from clinical.sdtm.spool import Spool
from clinical.sdtm.xport import write_xport

MANIFEST, FINDINGS, REWRITTEN = "manifest.json", "conformance.csv", "rewritten.csv"


class NoProtocolThen(Refusal):
    """At the cut nothing had been approved that datasets could be made by."""


@dataclass(frozen=True)
class Order:
    """What is to be made: whose datasets, of which sites, in which formats, at which cut, for whom."""

    study: Study
    site_ids: frozenset[int]
    formats: tuple[str, ...]
    cut: Cut
    asked_by: str


@dataclass(frozen=True)
class Made:
    """What was made."""

    manifest: dict[str, Any]
    findings: tuple[Finding, ...]

    @property
    def rows(self) -> int:
        return sum(dataset["rows"] for dataset in self.manifest["datasets"])


def make_datasets(order: Order, folder: Path, *, tell: Callable[[int, int], None] = lambda done, total: None) -> Made:
    """Write every dataset of the order into the folder. The same order gives the same bytes again."""
    shared = book.study_at(order.study, site_ids=order.site_ids, cut=order.cut)
    versions = sorted(shared.versions.values(), key=lambda each: (each.effective_date, each.pk))
    if not versions:
        raise NoProtocolThen(f"Study {order.study.code} had no approved protocol at that time. Ask for a later one.")
    found = book.subjects(order.study, site_ids=order.site_ids, cut=order.cut)
    with TemporaryDirectory(prefix="datasets-") as scratch:
        assembled = assemble(
            book.casebooks(found, shared, tell=tell),
            trial_design.trial_design(order.study.code, versions),
            trial_design.conventions(versions[-1].definition),
            Spool(Path(scratch)),
        )
        listed = [_written(dataset, order, folder) for dataset in assembled.datasets]
        findings = conformance.check(assembled.datasets)
        _write_findings(findings, folder / FINDINGS)
        _write_changes(assembled, folder / REWRITTEN)
    manifest: dict[str, Any] = {
        "study": order.study.code,
        "title": order.study.title,
        "sites": sorted(shared.sites[site].number for site in order.site_ids if site in shared.sites),
        "subjects": len(found),
        "cut": {"position": order.cut.block, "at": order.cut.at.astimezone(UTC).isoformat()},
        "asked_by": order.asked_by,
        "software": f"Trialsite {settings.VERSION}",
        "standards": [
            f"SDTMIG {implementation_guide.VERSION}",
            f"SDTM {implementation_guide.MODEL_VERSION}",
            terminology.PACKAGE,
        ],
        "protocol_versions": [{"version": each.version, "sha256": each.sha256} for each in versions],
        "datasets": listed,
        "conformance": {
            "errors": sum(each.is_error for each in findings),
            "notes": sum(not each.is_error for each in findings),
            "file": FINDINGS,
        },
        "rewritten_texts": {"count": len(assembled.changes), "file": REWRITTEN},
    }
    text = json.dumps(manifest, indent=2, ensure_ascii=False) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8")
    return Made(manifest, findings)


def _written(dataset: Dataset, order: Order, folder: Path) -> dict[str, Any]:
    """One dataset in each format, as the manifest lists it."""
    rows, files = 0, []
    for kind in order.formats:
        path = folder / f"{dataset.name.lower()}.{kind}"
        if kind == Format.XPT:
            with path.open("wb") as binary:
                rows = write_xport(dataset, binary, made_at=order.cut.at)
        else:
            with path.open("w", encoding="utf-8", newline="") as text:
                rows = write_csv(dataset, text)
        files.append({"name": path.name, "bytes": path.stat().st_size, "sha256": sha256(path)})
    return {"name": dataset.name, "label": dataset.label, "rows": rows, "files": files}


def _write_findings(findings: Sequence[Finding], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["weight", "rule", "dataset", "row", "variable", "subject", "sentence"])
        for each in findings:
            weight = "error" if each.is_error else "note"
            writer.writerow(
                [weight, each.rule, each.dataset, each.row or "", each.variable, each.subject, each.sentence]
            )


def _write_changes(assembled: Assembled, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["dataset", "row", "variable", "was", "now"])
        for each in assembled.changes:
            writer.writerow([each.dataset, each.row, each.variable, each.was, each.now])


def zip_folder(folder: Path, out: Any, *, at: datetime) -> None:
    """The folder's files as one ZIP, in the order of their names and dated with the cut: the same bytes again."""
    moment = at.astimezone(UTC)
    stamp = (moment.year, moment.month, moment.day, moment.hour, moment.minute, moment.second)
    with zipfile.ZipFile(out, "w", compression=zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(folder.iterdir()):
            entry = zipfile.ZipInfo(path.name, date_time=stamp)
            entry.compress_type, entry.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
            with path.open("rb") as source, archive.open(entry, "w") as target:
                while chunk := source.read(1 << 20):
                    target.write(chunk)


def sha256(path: Path) -> str:
    """The checksum of a file, read piece by piece."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()
