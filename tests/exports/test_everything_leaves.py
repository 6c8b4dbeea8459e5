"""A subject with something in every field of every page: each value is found in the dataset that its target names."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyreadstat
import pytest
from django import forms

from apps.core.actor import Actor
from apps.exports import packing, targets
from apps.exports.casebooks.beside import text_of
from apps.exports.images import Cut
from apps.subjects.models import Subject
from apps.visits import pages, schedule, values
from apps.visits import services as entry
from apps.visits.forms import Measured, TypedDate
from apps.visits.models import FormRecord, Visit, VisitStatus
from clinical.partial_date import PartialDate, Precision
from tests import scenarios

NOW = Cut(None, datetime(2026, 6, 1, tzinfo=UTC))
BEGINS = {"onset", "began", "started", "given", "taken", "observed", "collected", "contacted", "scanned", "apheresis"}
ENDS = {"ended", "withdrawn", "withdrawal_scope"}
STANDS_AS = {
    "is_ongoing": "ONGOING",
    "ongoing": "ONGOING",
}
"""Fields whose answer leaves in other words than the one chosen."""


@dataclass(frozen=True)
class Entered:
    """One value that was saved."""

    page: str
    path: str
    text: str
    target: Any

    @property
    def field(self) -> str:
        """The path without the key of a line."""
        parts = self.path.split("/")
        return f"{parts[0]}/{parts[2]}" if len(parts) == 3 else self.path


def text_for(place: values.ValuePlace) -> str:
    """Something that the field takes."""
    field, name = place.field, place.name
    if isinstance(field, TypedDate):
        day = "2026-03-05" if name in ENDS or name.endswith("_on") else "2026-03-03"
        return f"{day}T09:30" if field.at_most >= Precision.MINUTE else day
    if isinstance(field, forms.ModelChoiceField):
        return ""
    if isinstance(field, forms.ChoiceField):
        choices = [str(value) for value, _ in field.choices if value not in (None, "")]
        if name == "was_given":
            return "Y"
        return choices[0] if choices else ""
    if isinstance(field, Measured):
        return "36.6" if "temp" in name or "TEMP" in place.path else "2"
    if isinstance(field, forms.IntegerField):
        return "1"
    if type(field).__name__ == "GradedTerm":
        return "Pyrexia"
    if name in ("reported", "not_done_reason"):  # of the first tests of a panel none is done
        is_done = not place.path.split("/")[1].startswith("A")
        return ("12.5" if is_done else "nd") if name == "reported" else "" if is_done else "Clotted"
    return f"{place.label} in words"[:60]


def fill(actor: Actor, record: FormRecord, *, leave: set[str]) -> Iterator[Entered]:
    """Type into every field of a page, again and again until what appears meanwhile is filled too."""
    table = targets.TARGETS[record.page]
    items = {item.code: item for item in record.protocol_version.definition.form(record.form).items}
    for line_type in pages.page(record.page).lines:
        if line_type.can_add and not values.lines(record, line_type.kind):
            entry.add_line(actor=actor, record=record, kind=line_type.kind, at=scenarios.NOON)
    tried: set[str] = set()
    for _ in range(3):
        record.refresh_from_db()
        places = [place for place in values.all_places(record) if place.path not in tried and place.name not in leave]
        tried |= {place.path for place in places}
        texts = {place.path: text for place in places if (text := text_for(place))}
        while texts:
            try:
                entry.save_values(actor=actor, record=record, texts=texts, at=scenarios.NOON)
                break
            except entry.Incomplete as refused:
                for finding in refused.findings:
                    del texts[finding.path]
    record.refresh_from_db()
    for place in values.all_places(record):
        stored = text_of(place.stored)
        if stored is None or place.name in leave or is_unit_of_nothing(place):
            continue
        parts = place.path.split("/")
        field = f"{parts[0]}/{parts[2]}" if len(parts) == 3 else place.path
        target = items[parts[1]].target if parts[0] == "extra" else table[field]
        yield Entered(record.page, place.path, stored, target)


def is_unit_of_nothing(place: values.ValuePlace) -> bool:
    """A unit that a page presets says nothing until there is a result."""
    result = getattr(place.row, "reported", getattr(place.row, "value", ""))
    return place.name == "unit" and result in (None, "NOT DONE")


def enter_everything(trial: scenarios.Trial, subject: Subject) -> list[Entered]:
    """Every form of the protocol, at its visit or as entries of its log: one still going on, one that has ended."""
    found: list[Entered] = []
    definition = trial.version.definition
    with trial.acting_as("amara") as actor:
        schedule.plan_visits(subject=subject)
        visit = Visit.objects.filter(subject=subject).order_by("number")[0]
        visit.status, visit.took_place = VisitStatus.STARTED, PartialDate.parse("2026-03-03")
        visit.save(update_fields=["status", "took_place"])
        for form in sorted(definition.forms, key=lambda each: not each.is_log):
            variants = [{"ended", "dose_text"}, {"is_ongoing", "ongoing", "dose"}] if form.is_log else [set()]
            for leave in variants:
                record = (
                    entry.open_record(
                        actor=actor,
                        subject=subject,
                        form=form.code,
                        visit=None,
                        protocol_version=trial.version,
                        at=scenarios.NOON,
                    )
                    if form.is_log
                    else schedule.open_form(actor=actor, visit=visit, form=form.code, at=scenarios.NOON)
                )
                found += fill(actor, record, leave=leave)
                if form.is_log:
                    FormRecord.objects.filter(pk=record.pk).update(completed_at=scenarios.NOON)
    return found


def exported(trial: scenarios.Trial, folder: Path) -> dict[str, list[dict[str, str]]]:
    """The datasets as an independent reader gets them from XPT; CSV is held against it cell by cell."""
    sites = frozenset({trial.sites["101"].pk})
    with trial.acting_as("amara"):
        packing.make_datasets(packing.Order(trial.study, sites, ("xpt", "csv"), NOW, "test"), folder)
    datasets = {}
    for path in sorted(folder.glob("*.xpt")):
        frame, _ = pyreadstat.read_xport(str(path))
        with path.with_suffix(".csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert [list(row) for row in rows[:1]] in ([], [list(frame.columns)])
        for row, (_, other) in zip(rows, frame.iterrows(), strict=True):
            for name, text in row.items():
                assert plain(other[name]) == plain(text), (path.name, name)
        datasets[path.stem.upper()] = rows
    return datasets


def plain(value: Any) -> str:
    """A cell whatever read it: numbers by their value, nothing as nothing."""
    text = "" if value is None or value != value else str(value)
    try:
        return format(Decimal(text).normalize(), "f")
    except ArithmeticError:
        return text.rstrip()


def cells(datasets: dict[str, list[dict[str, str]]], target: Any, entered: Entered) -> set[str]:
    """Everything that stands where the target says."""
    if isinstance(target, targets.Leaves):
        found = set()
        for dataset, variable, at in re.findall(r"([A-Z]{2,6})\.([A-Z]+n?)(?: of ([A-Z ]+))?", target.variables):
            found |= of_variable(datasets, dataset, variable, at.strip())
        return found
    if isinstance(target, targets.Beside):
        found = {
            cell for dataset in target.datasets for cell in of_variable(datasets, f"SUPP{dataset}", target.name, "")
        }
        found |= {cell for dataset in target.datasets for cell in of_variable(datasets, dataset, target.name, "")}
        return found | of_variable(datasets, "FA", "FAORRES", target.name)
    if isinstance(target, targets.About):
        return of_variable(datasets, "FA", "FAORRES", target.test)
    test = target.finding or target.qualifier or target.variable
    found = of_variable(datasets, "FA", "FAORRES", test)
    if target.qualifier:
        found |= of_variable(datasets, f"SUPP{target.dataset}", target.qualifier, "")
    if target.variable:
        found |= of_variable(datasets, target.dataset, target.variable, "")
    return found


def of_variable(datasets: dict[str, list[dict[str, str]]], dataset: str, variable: str, at: str) -> set[str]:
    rows = datasets.get(dataset, [])
    if dataset.startswith("SUPP"):
        pattern = re.compile(re.escape(variable.removesuffix("n")) + (r"\d+" if variable.endswith("n") else ""))
        return {plain(row["QVAL"]) for row in rows if pattern.fullmatch(row["QNAM"])}
    codes = (f"{dataset}TESTCD", f"{dataset}DECOD", f"{dataset}TERM")
    chosen = [row for row in rows if not at or at in {row.get(code) for code in codes}]
    return {plain(row[variable]) for row in chosen if row.get(variable)}


def leaves_as(entered: Entered, trial: scenarios.Trial) -> set[str]:
    """The words in which a value may stand in the datasets."""
    definition = trial.version.definition
    name = entered.path.split("/")[-1]
    if name in STANDS_AS:
        return {STANDS_AS[name], plain(entered.text)}
    if name == "evaluator":
        return {each.eval for each in definition.evaluators}
    if name == "identified_at":
        return {plain(str(each.name)) for each in definition.visits_for()}
    if name == "answer":
        return {"Y", "N"}
    return {plain(entered.text), plain(entered.text[:10]), plain(entered.text.replace("≥", ">="))}


@pytest.mark.parametrize("code", ["IMA402", "IMA203"])
def test_every_value_entered_is_in_the_dataset_that_its_target_names(code: str, db: None, tmp_path: Path) -> None:
    trial = scenarios.trial(code)
    entered = enter_everything(trial, scenarios.subject(trial))
    datasets = exported(trial, tmp_path)
    assert len({(each.page, each.field) for each in entered}) > 150
    lost = sorted(
        {
            f"{each.page} {each.field}: {each.text!r} not in {sorted(cells(datasets, each.target, each))[:4]}"
            for each in entered
            if not isinstance(each.target, targets.Stays)
            and not leaves_as(each, trial) & cells(datasets, each.target, each)
        }
    )
    assert lost == [], "\n".join(lost)
