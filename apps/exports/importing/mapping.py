"""Which page and field each transferred row belongs to, by the study's protocol; and what belongs nowhere, and why."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from apps.exports.importing.source import SourceRow, Transfer
from clinical.protocol.definition import Definition
from clinical.protocol.pages import Form, Page, ResultType
from clinical.sdtm import facts


@dataclass
class PlannedPage:
    """One page to be filled: its form, its visit (none for a log), what is typed into which path, from which rows."""

    subject: str
    form: str
    visit: Decimal | None
    texts: dict[str, str] = field(default_factory=dict)
    sources: dict[str, SourceRow] = field(default_factory=dict)  # the row that each path comes from
    rows: list[SourceRow] = field(default_factory=list)
    lines: list[tuple[str, str]] = field(default_factory=list)  # lines that a new page does not have by itself
    coding: facts.MedicalCoding | None = None
    drug_class: str = ""
    is_log: bool = False

    def put(self, row: SourceRow, **texts: str) -> None:
        """Type these, double underscores for the slashes of a path; nothing is typed for an empty value."""
        if row not in self.rows:
            self.rows.append(row)
        for name, text in texts.items():
            if text:
                path = name.replace("__", "/")
                self.texts[path], self.sources[path] = text, row


@dataclass(frozen=True)
class LeftOut:
    """A row that no page has a place for, or a part of it."""

    row: SourceRow
    why: str


@dataclass
class Plan:
    """Everything that is to be entered, in order, and what is not."""

    pages: list[PlannedPage] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)


NOT_CAPTURED = {
    "SUPPDM": "Analysis populations are the analysis' own; no page captures them.",
    "SUPPAE": "Whether an event is treatment-emergent is derived from its dates.",
    "SUPPTR": "Where a lesion lies stands on the lesion itself (TU), not on each measurement.",
    "TS": "The trial's characteristics stand in the study's protocol file.",
}
"""Datasets of which no row has a page, with the reason."""


def plan(transfer: Transfer, definition: Definition) -> Plan:
    """Every row of the transfer, placed or left out with its reason."""
    made = Plan()
    mappers = {
        "DM": _demographics,
        "MH": _history,
        "AE": _adverse_events,
        "CM": _medications,
        "DS": _dispositions,
        "EX": _doses,
        "VS": _vital_signs,
        "LB": _lab_results,
    }
    visits = {(row.subject, row.text("VISITNUM")) for row in transfer.rows("SV")}
    subjects = {row.subject for row in transfer.rows("DM")}
    for dataset in sorted(transfer.tables):
        rows = []
        for row in transfer.rows(dataset):
            if dataset in NOT_CAPTURED:
                made.left_out.append(LeftOut(row, NOT_CAPTURED[dataset]))
            elif dataset not in mappers and dataset not in ("SV", "TU", "TR", "RS"):
                made.left_out.append(LeftOut(row, f"No page takes rows of the dataset {dataset}."))
            elif row.subject not in subjects:
                made.left_out.append(LeftOut(row, f"The subject {row.subject or 'without USUBJID'} is not in DM."))
            elif dataset in NEEDS_VISIT and (row.subject, row.text("VISITNUM")) not in visits:
                made.left_out.append(
                    LeftOut(row, f"Its visit {row.text('VISITNUM') or 'is not named and'} is not in SV.")
                )
            else:
                rows.append(row)
        if dataset in mappers:
            mappers[dataset](rows, definition, made)
    tumor(transfer, definition, made, visits)
    return made


NEEDS_VISIT = frozenset({"DS", "EX", "VS", "LB"})


def _forms(definition: Definition, page: Page) -> tuple[Form, ...]:
    return definition.forms_of(page)


def _visit(row: SourceRow) -> Decimal | None:
    return Decimal(row.text("VISITNUM")) if row.text("VISITNUM") else None


def _coding(row: SourceRow) -> facts.MedicalCoding:
    def word(name: str) -> str | None:
        return row.text(f"{row.dataset}{name}") or None

    return facts.MedicalCoding(
        lowest_term=word("LLT"),
        preferred_term=word("DECOD"),
        high_term=word("HLT"),
        high_group=word("HLGT"),
        body_system=word("BODSYS"),
    )


def _demographics(rows: Iterable[SourceRow], definition: Definition, made: Plan) -> None:
    for form in _forms(definition, Page.DEMOGRAPHICS)[:1]:
        visit = next((each.number for each in definition.visits_for() if form.code in each.forms), None)
        for row in rows:
            page = PlannedPage(row.subject, form.code, visit)
            page.put(
                row,
                collected=row.text("DMDTC")[:10],
                birth=row.text("BRTHDTC"),
                age=row.text("AGE") if row.text("AGEU") == "YEARS" else "",
                sex=row.text("SEX"),
                ethnicity=row.text("ETHNIC"),
                races__1__race=row.text("RACE"),
            )
            made.pages.append(page)


def _history(rows: Iterable[SourceRow], definition: Definition, made: Plan) -> None:
    for form in _forms(definition, Page.MEDICAL_HISTORY)[:1]:
        for row in rows:
            page = PlannedPage(row.subject, form.code, None, is_log=True, coding=_coding(row))
            page.put(
                row,
                term=row.text("MHTERM"),
                began=row.text("MHSTDTC")[:10],
                ended=row.text("MHENDTC")[:10],
                ongoing="Y" if row.text("MHENRTPT") == "ONGOING" else "",
                collected=row.text("MHDTC")[:10],
                grade=row.text("MHTOXGR"),
                **_extra(form, row),
            )
            made.pages.append(page)


def _extra(form: Form, row: SourceRow) -> dict[str, str]:
    """The items that the protocol adds for variables of this dataset."""
    return {
        f"extra__{item.code}": row.text(item.target.variable)
        for item in form.items
        if item.target.dataset == row.dataset and item.target.variable
    }


YES_NO = {"Y": "True", "N": "False"}


def _adverse_events(rows: Iterable[SourceRow], definition: Definition, made: Plan) -> None:
    for form in _forms(definition, Page.ADVERSE_EVENT)[:1]:
        for row in rows:
            page = PlannedPage(row.subject, form.code, None, is_log=True, coding=_coding(row))
            page.put(
                row,
                term=row.text("AETERM"),
                onset=row.text("AESTDTC"),
                ended=row.text("AEENDTC"),
                is_ongoing="True" if row.text("AEENRTPT") == "ONGOING" else "",
                outcome=row.text("AEOUT"),
                severity=row.text("AESEV"),
                relation=row.text("AEREL"),
                is_serious=YES_NO.get(row.text("AESER"), ""),
                results_in_death=YES_NO.get(row.text("AESDTH"), ""),
                is_life_threatening=YES_NO.get(row.text("AESLIFE"), ""),
                needs_hospital=YES_NO.get(row.text("AESHOSP"), ""),
                disables=YES_NO.get(row.text("AESDISAB"), ""),
                is_congenital=YES_NO.get(row.text("AESCONG"), ""),
                is_other_important=YES_NO.get(row.text("AESMIE"), ""),
                **_extra(form, row),
            )
            made.pages.append(page)


MEDICINE = ("CMSPID", "CMTRT", "CMINDC", "CMDOSE", "CMDOSU", "CMDOSFRQ", "CMROUTE", "CMSTDTC", "CMENDTC", "CMENRTPT")


def _medications(rows: Iterable[SourceRow], definition: Definition, made: Plan) -> None:
    """One entry a medicine: the source wrote it down again at every visit at which it was still taken."""
    for form in _forms(definition, Page.CONCOMITANT_MEDICATION)[:1]:
        entries: dict[tuple[str, ...], PlannedPage] = {}
        for row in rows:
            key = (row.subject, *(row.text(name) for name in MEDICINE))
            page = entries.get(key)
            if page is None:
                page = entries[key] = PlannedPage(
                    row.subject,
                    form.code,
                    None,
                    is_log=True,
                    coding=facts.MedicalCoding(preferred_term=row.text("CMDECOD") or None),
                    drug_class=row.text("CMCLAS"),
                )
                made.pages.append(page)
            page.put(
                row,
                name=row.text("CMTRT"),
                indication=row.text("CMINDC"),
                dose=row.text("CMDOSE"),
                unit=row.text("CMDOSU"),
                frequency=row.text("CMDOSFRQ"),
                route=row.text("CMROUTE"),
                started=row.text("CMSTDTC"),
                ended=row.text("CMENDTC"),
                is_ongoing="Y" if row.text("CMENRTPT") == "ONGOING" else "",
            )


def _dispositions(rows: Iterable[SourceRow], definition: Definition, made: Plan) -> None:
    """A milestone to its form, the end of participation to the end of study, another event to the end of treatment."""
    offered = {each.number: each.forms for each in definition.visits_for()}
    forms = {form.code for form in _forms(definition, Page.DISPOSITION)}
    milestones = sorted(forms - {"end_of_treatment", "end_of_study"})
    for row in rows:
        here = [form for form in offered.get(_visit(row) or Decimal(-1), ()) if form in forms]
        wanted = {
            "PROTOCOL MILESTONE": milestones,
            "DISPOSITION EVENT": ["end_of_study", "end_of_treatment"],
            "OTHER EVENT": ["end_of_treatment", "end_of_study"],
        }.get(row.text("DSCAT"), [])
        form = next((each for each in wanted if each in here), None)
        if form is None:
            made.left_out.append(
                LeftOut(row, f"No form of the visit takes a {row.text('DSCAT').lower() or 'disposition'}.")
            )
            continue
        page = PlannedPage(row.subject, form, _visit(row))
        term = row.text("DSTERM")
        page.put(
            row,
            happened=row.text("DSSTDTC")[:10],
            reason=row.text("DSDECOD"),
            detail=term if term != row.text("DSDECOD") else "",
        )
        made.pages.append(page)


def _doses(rows: Iterable[SourceRow], definition: Definition, made: Plan) -> None:
    forms = {form.product: form for form in _forms(definition, Page.ADMINISTRATION)}
    for row in rows:
        form = forms.get(row.text("EXTRT"))
        if form is None:
            made.left_out.append(LeftOut(row, f"The protocol has no form for the product {row.text('EXTRT')}."))
            continue
        page = PlannedPage(row.subject, form.code, _visit(row))
        page.put(
            row,
            was_given="Y",
            dose=row.text("EXDOSE"),
            unit=row.text("EXDOSU"),
            started=row.text("EXSTDTC"),
            ended=row.text("EXENDTC"),
            route=row.text("EXROUTE"),
            lot=row.text("EXLOT"),
        )
        made.pages.append(page)


def _vital_signs(rows: Iterable[SourceRow], definition: Definition, made: Plan) -> None:
    """One page a visit and moment, on the form of the visit that has the measurement."""
    planned = {each.number: each.forms for each in definition.visits_for()}

    def place(row: SourceRow) -> tuple[str, str] | str:
        key = row.text("VSTESTCD") + (f".{row.text('VSTPTNUM')}" if row.text("VSTPTNUM") else "")
        forms = _forms(definition, Page.VITAL_SIGNS)
        here = [form for form in forms if form.code in planned.get(_visit(row) or Decimal(-1), ())] or list(forms)
        for form in here:
            keys = {
                f"{each.test}.{point.number}" if point else each.test
                for each in form.measurements
                for point in (each.points or (None,))
            }
            if key in keys:
                return form.code, key
        return f"No form of the visit asks for {key}."

    def fill(page: PlannedPage, key: str, row: SourceRow) -> None:
        page.put(row, taken=row.text("VSDTC"))
        page.put(row, **{f"results__{key}__value": row.text("VSORRES"), f"results__{key}__unit": row.text("VSORRESU")})

    _grid(rows, made, place, fill)


def _lab_results(rows: Iterable[SourceRow], definition: Definition, made: Plan) -> None:
    """One page a panel and moment of collection."""
    panels = {panel.code: panel for panel in definition.panels}
    forms = {form.code: panels[form.panel] for form in _forms(definition, Page.LAB_PANEL) if form.panel}

    def place(row: SourceRow) -> tuple[str, str] | str:
        test, category = row.text("LBTESTCD"), row.text("LBCAT")
        for form, panel in forms.items():
            if any(each.test == test and (each.category or panel.category) == category for each in panel.analytes):
                return form, test
        return f"No panel of the protocol has {test} in {category}."

    def fill(page: PlannedPage, key: str, row: SourceRow) -> None:
        page.put(row, collected=row.text("LBDTC"))
        analyte = next(each for each in forms[page.form].analytes if each.test == key)
        has_unit = analyte.type is ResultType.NUMBER and row.text("LBORRES")
        texts = {"reported": row.text("LBORRES"), "unit": row.text("LBORRESU") if has_unit else ""}
        if row.text("LBSTAT"):
            texts = {"reported": "NOT DONE", "not_done_reason": row.text("LBREASND")}
        page.put(row, **{f"results__{key}__{name}": text for name, text in texts.items()})

    _grid(rows, made, place, fill)


def _grid(
    rows: Iterable[SourceRow],
    made: Plan,
    place: Callable[[SourceRow], tuple[str, str] | str],
    fill: Callable[[PlannedPage, str, SourceRow], None],
) -> None:
    """Rows of one moment gathered on one page; the same test twice at that moment begins another page."""
    pages: dict[tuple[str, str, str, str], list[tuple[PlannedPage, set[str]]]] = {}
    for row in rows:
        placed = place(row)
        if isinstance(placed, str):
            made.left_out.append(LeftOut(row, placed))
            continue
        form, key = placed
        held = pages.setdefault((row.subject, row.text("VISITNUM"), form, row.text(f"{row.dataset}DTC")), [])
        page = next((page for page, keys in held if key not in keys), None)
        if page is None:
            page = PlannedPage(row.subject, form, _visit(row))
            held.append((page, set()))
            made.pages.append(page)
        next(keys for kept, keys in held if kept is page).add(key)
        fill(page, key, row)


# ------------------------------------------------------------------------------------------------------ tumors


def tumor(transfer: Transfer, definition: Definition, made: Plan, visits: set[tuple[str, str]]) -> None:
    """Lesions by reader, then one assessment a reader and visit with its measurements and stated responses."""
    readers = {(each.eval, each.eval_id or ""): each.code for each in definition.evaluators}
    lesion_forms, forms = _forms(definition, Page.LESION), _forms(definition, Page.TUMOR_ASSESSMENT)
    visit_codes = {str(each.number.normalize()): each.code for each in definition.visits_for()}
    for row in (*transfer.rows("TU"), *transfer.rows("TR"), *transfer.rows("RS")):
        if (row.text(f"{row.dataset}EVAL"), row.text(f"{row.dataset}EVALID")) not in readers:
            made.left_out.append(LeftOut(row, "The protocol names no such evaluator."))
        elif not (lesion_forms and forms):
            made.left_out.append(LeftOut(row, "The protocol has no forms for lesions and their assessment."))
    if not (lesion_forms and forms):
        return
    for row in _read_by(transfer.rows("TU"), readers):
        page = PlannedPage(row.subject, lesion_forms[0].code, None, is_log=True)
        page.put(
            row,
            evaluator=readers[row.text("TUEVAL"), row.text("TUEVALID")],
            kind=row.text("TUSTRESC"),
            location=row.text("TULOC"),
            laterality=row.text("TULAT"),
            method=row.text("TUMETHOD"),
            identified=row.text("TUDTC")[:10],
            identified_at=visit_codes.get(str(Decimal(row.text("VISITNUM") or "-1").normalize()), ""),
        )
        made.pages.append(page)
    assessments: dict[tuple[str, str, str], PlannedPage] = {}
    for row in (*_read_by(transfer.rows("TR"), readers), *_read_by(transfer.rows("RS"), readers)):
        prefix = row.dataset
        if (row.subject, row.text("VISITNUM")) not in visits:
            made.left_out.append(LeftOut(row, f"Its visit {row.text('VISITNUM')} is not in SV."))
            continue
        if why := _why_not_assessed(row):
            made.left_out.append(LeftOut(row, why))
            continue
        reader = readers[row.text(f"{prefix}EVAL"), row.text(f"{prefix}EVALID")]
        key = (row.subject, row.text("VISITNUM"), reader)
        page = assessments.get(key) or PlannedPage(row.subject, forms[0].code, _visit(row))
        if key not in assessments:
            assessments[key] = page
            made.pages.append(page)
        page.put(row, evaluator=reader)
        if why := _date_of_scan(page, row):
            made.left_out.append(LeftOut(row, why))
        if prefix == "TR":
            _measurement(page, row)
        else:
            page.put(row, **{ANSWERS[row.text("RSTESTCD")]: row.text("RSSTRESC")})


def _date_of_scan(page: PlannedPage, row: SourceRow) -> str:
    """An assessment has one date: the most precise one stated. Says of another that it is not kept."""
    day, known = row.text(f"{row.dataset}DTC")[:10], page.texts.get("scanned", "")
    if day.startswith(known):
        page.put(row, scanned=day)
        return ""
    return f"The date of its assessment is {known}; {day} of this row is not kept." if day else ""


def _why_not_assessed(row: SourceRow) -> str:
    """Why a measurement or a response has no field; empty for one that has."""
    test = row.text(f"{row.dataset}TESTCD")
    if row.dataset == "RS":
        return "" if test in ANSWERS else f"No field takes the response {test}."
    if test == "SUMDIAM":
        return "The sum of the diameters is computed from the diameters."
    if test not in SIZES and test != "TUMSTATE" and not row.text("TRSTAT"):
        return f"No field takes the test {test}."
    return "" if row.text("TRLNKID") else "It names no lesion (TRLNKID)."


def _read_by(rows: Iterable[SourceRow], readers: dict[tuple[str, str], str]) -> Iterator[SourceRow]:
    for row in rows:
        if (row.text(f"{row.dataset}EVAL"), row.text(f"{row.dataset}EVALID")) in readers:
            yield row


SIZES = {"DIAMETER": "diameter_mm", "LDIAM": "longest_mm", "LPERP": "short_axis_mm"}


def _measurement(page: PlannedPage, row: SourceRow) -> None:
    test, link = row.text("TRTESTCD"), row.text("TRLNKID")
    if ("lesions", link) not in page.lines:
        page.lines.append(("lesions", link))
    page.put(row, method=row.text("TRMETHOD"))
    at = f"lesions__{link}__"
    if row.text("TRSTAT"):
        page.put(row, **{f"{at}state": "NOT EVALUABLE", f"{at}reason": row.text("TRREASND")})
    elif test in SIZES:
        page.put(row, **{f"{at}{SIZES[test]}": row.text("TRORRES")})
    else:
        page.put(row, **{f"{at}state": row.text("TRSTRESC") or row.text("TRORRES")})


ANSWERS = {
    "TRGRESP": "target_response",
    "NTRGRESP": "non_target_response",
    "NEWLPROG": "new_lesions",
    "OVRLRESP": "overall_response",
}
