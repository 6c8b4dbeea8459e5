"""Fields that the table of targets alone sends off, and the items that protocols add."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from apps.exports import targets
from apps.exports.casebooks import safety, treatment
from apps.exports.casebooks.reading import Page, SubjectReading, iso
from clinical.partial_date import PartialDate
from clinical.protocol.pages import Item
from clinical.sdtm import facts

ABOUT_PAGE = "PROTOCOL ITEM"


def extra_items(reading: SubjectReading, book: facts.Casebook) -> tuple[facts.ExtraItem, ...]:
    """Everything captured that no fact of the casebook has a place for.

    What should stand beside a row that the page does not have (a volume of a dose not given) is not lost: it becomes a
    finding about the page.
    """
    rows = references(book)
    found: list[facts.ExtraItem] = []
    for page in reading.all_pages():
        found += _by_table(page, rows)
        found += [_item(page, item, rows) for item in page.form.items if page.record.extra.get(item.code) is not None]
    return (
        *found,
        *safety.judgements_without_event(reading),
        *treatment.lots_of_premedication(book.administrations),
    )


def references(book: facts.Casebook) -> dict[str, list[str]]:
    """The lasting names of the rows that each dataset will have."""
    given = [each for each in book.administrations if each.is_study_treatment]
    premedication = [each for each in book.administrations if not each.is_study_treatment and each.was_given]
    rows: dict[str, list[Any]] = {
        "AE": [*book.adverse_events],
        "CM": [*book.medications, *premedication],
        "DS": [*book.consents, *book.milestones],
        "EC": [each for each in given if each.was_given is not None or each.planned_dose is not None],
        "EX": [each for each in given if each.was_given and (each.dose != 0 or each.is_placebo)],
        "EG": [*book.ecgs],
        "GF": [*book.biomarkers],
        "LB": [*book.lab_results],
        "MH": [*book.history],
        "PR": [*book.procedures],
        "QS": [*book.performance_status],
        "RS": [*book.responses],
        "SS": [*book.survival],
        "TR": [*book.measurements],
        "TU": [*book.lesions],
        "VS": [*book.vital_signs],
    }
    return {dataset: [each.reference for each in found] for dataset, found in rows.items()}


def _by_table(page: Page, rows: dict[str, list[str]]) -> Iterator[facts.ExtraItem]:
    table = targets.TARGETS.get(page.record.page, {})
    for path, target in table.items():
        if not isinstance(target, targets.Beside | targets.About):
            continue
        kind, _, column = path.rpartition("/")
        sources = [(page.reference, page.head)]
        if kind:
            sources = [(page.line_reference(line), line) for line in page.lines.get(kind, ())]
        for reference, row in sources:
            text = text_of(getattr(row, column))
            if text is not None:
                yield _sent(page, target, reference, f"{reference}.{column}", text, rows)


def _sent(
    page: Page,
    target: targets.Beside | targets.About,
    reference: str,
    name: str,
    text: str,
    rows: dict[str, list[str]],
) -> facts.ExtraItem:
    if isinstance(target, targets.About):
        return _finding(page, name, target.test, target.label, text, about=target.object, unit=target.unit)
    for dataset in target.datasets:
        parent = _parent(reference, rows.get(dataset, []))
        if parent is not None:
            return facts.ExtraItem(
                reference=name, dataset=dataset, variable=target.name, label=target.label, value=text, parent=parent
            )
    return _finding(page, name, target.name, target.label, text, about=page.form.title.upper())


def _item(page: Page, item: Item, rows: dict[str, list[str]]) -> facts.ExtraItem:
    """An item of the protocol, at the target that its file names."""
    target, name = item.target, f"{page.reference}.{item.code}"
    text = str(page.record.extra[item.code])
    variable = target.variable or target.qualifier
    parent = _parent(page.reference, rows.get(target.dataset or "", []))
    if variable and target.dataset and (parent is not None or target.dataset == "DM"):
        return facts.ExtraItem(
            reference=name, dataset=target.dataset, variable=variable, label=item.label[:40], value=text, parent=parent
        )
    test = target.finding or variable or ""
    return _finding(page, name, test, item.label, text, about=page.form.title.upper(), unit=item.unit)


def _finding(
    page: Page, name: str, test: str, label: str, text: str, *, about: str, unit: str | None = None
) -> facts.ExtraItem:
    return facts.ExtraItem(
        reference=name,
        dataset="FA",
        variable=test,
        label=label[:40],
        value=text,
        unit=unit,
        parent=page.reference if page.record.page == "adverse_event" else None,
        object=about,
        category=ABOUT_PAGE,
        collected=_date(page),
        visit=page.visit_fact,
    )


def _date(page: Page) -> str | None:
    column = targets.PAGE_DATES.get(page.record.page)
    stated = iso(getattr(page.head, column)) if column else None
    return stated or (iso(page.visit.took_place) if page.visit else None)


def _parent(reference: str, known: list[str]) -> str | None:
    """The row of the page itself, else the last of its lines' rows."""
    if reference in known:
        return reference
    of_lines = [each for each in known if each.startswith(f"{reference}.")]
    return of_lines[-1] if of_lines else None


def text_of(value: object) -> str | None:
    """A captured value as a dataset's text; None where there is none."""
    match value:
        case None | "":
            return None
        case bool():
            return "Y" if value else "N"
        case PartialDate():
            return value.iso
        case Decimal():
            return format(value, "f")
    return str(value)
