"""What only the whole file can show wrong: names that nothing answers to, numbers given twice, clocks that disagree."""

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from clinical.ctcae.criteria import VERSIONS
from clinical.ctcae.terms import Dictionary, UnknownTerm, dictionary
from clinical.dlt.criteria import GradeRange
from clinical.escalation.catalogue import design_named
from clinical.protocol.conduct import LAB_FACT, AeCollection
from clinical.protocol.definition import Definition
from clinical.protocol.design import Alternative, Escalation
from clinical.protocol.keys import ParameterValue
from clinical.protocol.pages import Page
from clinical.protocol.problems import Findings, Path
from clinical.protocol.reading import name_of
from clinical.protocol.schedule import PlannedVisit
from clinical.sdtm import terminology
from clinical.sdtm.terminology import name_of_test, not_in_codelist
from clinical.signals import catalogue

TEN_YEARS = 3660
ALIKE = 0.92
"""From which likeness on a word is a term misspelled, rather than a term of the sponsor's own."""

SUMMARY_VALUES: Mapping[str, str] = {
    **{name: name for name in ("TPHASE", "TTYPE", "SEXPOP", "TBLIND", "TCNTRL", "TINDTP", "INTMODEL", "STYPE")},
    **{name: name for name in ("INTTYPE", "ROUTE")},
    **dict.fromkeys(("RANDOM", "ADAPT", "ADDON", "HLTSUBJI", "EXTTIND", "PDSTIND"), "NY"),
    "DOSU": "UNIT",
}
"""The codelist of a trial summary parameter's value (SDTMIG 3.4, TS)."""

ASTCT_TERMS = ("Cytokine release syndrome", "Immune effector cell-associated neurotoxicity syndrome", "ICANS", "CRS")
"""What the ASTCT consensus grades; its neurotoxicity is in CTCAE only from version 6 on."""

NO_ESCALATION = "none"


def check(definition: Definition, findings: Findings) -> None:
    """Note every fault that shows only when the tables are read together."""
    codes = _codes(definition, findings)
    for path, table, word in _references(definition, ()):
        _must_exist(path, word, table, codes[table], findings)
    for rule in RULES:
        rule(definition, findings)


def _codes(definition: Definition, findings: Findings) -> Mapping[str, tuple[str, ...]]:
    codes: dict[str, tuple[str, ...]] = {}
    for field in fields(definition):
        entries = getattr(definition, field.name)
        if isinstance(entries, tuple):
            codes[name_of(field)] = tuple(entry.code for entry in entries if hasattr(entry, "code"))
    codes["visit"] += tuple(
        visit.code for visit in _written_out(definition, findings) if visit.code not in codes["visit"]
    )
    return codes


def _written_out(definition: Definition, findings: Findings) -> tuple[PlannedVisit, ...]:
    """The schedule of ten years; without its repeating part where that is already found wrong."""
    patterns_can_be_filled(definition, findings)
    repeats = not findings.has(("cycle",)) and not findings.has(("imaging",))
    return definition.visits_for(through_day=TEN_YEARS, cycles=repeats)


def _references(entry: Any, path: Path) -> Iterator[tuple[Path, str, str]]:
    """Every word of the file that must be a code of some table, with its place."""
    for field in fields(entry):
        value, here = getattr(entry, field.name), (*path, name_of(field))
        table = field.metadata.get("refers_to")
        if isinstance(value, tuple):
            for index, each in enumerate(value):
                if table and each:
                    yield (*here, index), table, each
                elif is_dataclass(each) and "meaning" in next(iter(fields(each))).metadata:
                    yield from _references(each, (*here, index))
        elif table and value:
            yield here, table, value
        elif is_dataclass(value):
            yield from _references(value, here)


def _must_exist(path: Path, word: str, table: str, codes: tuple[str, ...], findings: Findings) -> None:
    if word in codes or findings.has(path):
        return
    near = difflib.get_close_matches(word, codes, n=1, cutoff=0.6)
    advice = f"Did you mean “{near[0]}”?" if near else f"Add a [[{table}]] with that code, or name one that exists."
    findings.add(path, f"There is no {table.replace('_', ' ')} “{word}”. {advice}")


def _said_once(
    findings: Findings,
    table: str,
    key: str,
    of: Callable[[Any], object],
    entries: Iterable[Any],
) -> None:
    seen: dict[object, int] = {}
    for index, entry in enumerate(entries):
        value = of(entry)
        if value in ("", None):
            continue
        if value in seen:
            findings.add(
                (table, index, key), f"“{value}” is already the {key} of {table}[{seen[value] + 1}]. Give each its own."
            )
        seen.setdefault(value, index)


def codes_are_unique(definition: Definition, findings: Findings) -> None:
    """Nothing is named twice."""
    for field in fields(definition):
        entries = getattr(definition, field.name)
        if isinstance(entries, tuple) and entries and hasattr(entries[0], "code"):
            _said_once(findings, name_of(field), "code", lambda entry: entry.code, entries)
    _said_once(findings, "criterion", "number", lambda entry: entry.number, definition.criteria)
    _said_once(findings, "dose_level", "number", lambda entry: entry.number, definition.dose_levels)


def visits_are_told_apart(definition: Definition, findings: Findings) -> None:
    """No two visits of the written-out schedule share a code, or a number with different names."""
    by_code: dict[str, PlannedVisit] = {}
    by_number: dict[object, PlannedVisit] = {}
    single = {visit.code: index for index, visit in enumerate(definition.visits)}
    for visit in _written_out(definition, findings):
        path: Path = ("imaging" if visit.on_imaging_calendar else "cycle",)
        if visit.code in single:
            path = ("visit", single[visit.code])
        if visit.code in by_code and not findings.has(path):
            findings.add(path, f"The visit “{visit.code}” comes up twice when the schedule is written out. Rename one.")
        other = by_number.get(visit.number)
        if other is not None and other.code != visit.code:
            findings.add(
                (*path, "number") if path[0] == "visit" else path,
                f"“{visit.code}” and “{other.code}” have the same visit number {visit.number}. Give each its own.",
            )
        by_code.setdefault(visit.code, visit)
        by_number.setdefault(visit.number, visit)


def patterns_can_be_filled(definition: Definition, findings: Findings) -> None:
    """Words in braces are ones that the schedule knows."""
    patterns: list[tuple[Path, str, dict[str, object]]] = []
    for index, cycle in enumerate(definition.cycles):
        words: dict[str, object] = {"cycle": 1, "day": 1}
        patterns += [(("cycle", index, "code"), cycle.code, words), (("cycle", index, "name"), cycle.name, words)]
    for index, calendar in enumerate(definition.imaging):
        words = {"n": 1, "week": 8}
        patterns += [
            (("imaging", index, "code"), calendar.code, words),
            (("imaging", index, "name"), calendar.name, words),
        ]
    patterns.append((("day_labels", "text"), definition.day_labels.text, {"day": 1}))
    patterns.append((("unscheduled", "name"), definition.unscheduled.name, {"number": "1.1"}))
    patterns.append(
        (("screening", "subject_number"), definition.screening.subject_number, {"site": "101", "sequence": 1})
    )
    for path, pattern, words in patterns:
        try:
            pattern.format(**words)
        except (KeyError, ValueError, IndexError):
            known = " and ".join(f"{{{word}}}" for word in words)
            findings.add(path, f"“{pattern}” cannot be filled in. Use {known}, and close every brace.")


def anchors_lead_somewhere(definition: Definition, findings: Findings) -> None:
    """Visits count from an anchor that exists, and no anchor waits for itself."""
    codes = tuple(anchor.code for anchor in definition.anchors)
    for index, visit in enumerate(definition.visits):
        if visit.anchor is not None:
            _must_exist(("visit", index, "anchor"), visit.anchor, "anchor", codes, findings)
    stands_in = {anchor.code: anchor.until_known for anchor in definition.anchors}
    for index, anchor in enumerate(definition.anchors):
        seen, at = {anchor.code}, anchor.until_known
        while at is not None and at in stands_in and at not in seen:
            seen.add(at)
            at = stands_in[at]
        if at in seen:
            findings.add(("anchor", index, "until_known"), f"“{anchor.code}” waits for itself. Name another anchor.")


def doses_fit_their_products(definition: Definition, findings: Findings) -> None:
    """The ladder rises, in the unit of its product; cohorts stand on levels that exist."""
    units = {product.code: product.unit for product in definition.products}
    numbers = tuple(level.number for level in definition.dose_levels)
    for index, level in enumerate(definition.dose_levels):
        place: Path = ("dose_level", index)
        unit = units.get(level.product)
        if unit is not None and level.unit and level.unit != unit:
            findings.add(
                (*place, "unit"), f"The level is in {level.unit}, its product {level.product} in {unit}. Use one unit."
            )
        before = definition.dose_levels[index - 1] if index else None
        if before is None:
            continue
        if level.number <= before.number:
            findings.add(
                (*place, "number"), f"Level {level.number} stands after level {before.number}. Order the ladder."
            )
        low, high = level.target or level.range_from, before.target or before.range_to
        if low is not None and high is not None and level.product == before.product and low < high:
            findings.add(
                place, f"Level {level.number} gives less than level {before.number}. Order the ladder by dose."
            )
    for index, cohort in enumerate(definition.cohorts):
        if cohort.dose_level is not None and cohort.dose_level not in numbers:
            findings.add(
                ("cohort", index, "dose_level"),
                f"There is no dose level {cohort.dose_level}. The ladder has {', '.join(map(str, numbers)) or 'none'}.",
            )
    if definition.cohorts and not any(cohort.open_at_start for cohort in definition.cohorts):
        findings.add(("cohort",), "No cohort has `open_at_start = true`, so the first subject could not be enrolled.")


def full_dose_is_planned(definition: Definition, findings: Findings) -> None:
    """A regimen that primes also reaches its target."""
    for index, regimen in enumerate(definition.regimens):
        kinds = {step.kind.value for step in regimen.steps}
        if "priming" in kinds and "full" not in kinds:
            findings.add(
                ("regimen", index), "The regimen primes but never reaches the full dose. Add a step of kind full."
            )


def machine_checks_can_be_answered(definition: Definition, findings: Findings) -> None:
    """A check on a laboratory result asks for an analyte that some panel measures, in a unit it may come in."""
    analytes = {analyte.test: analyte for panel in definition.panels for analyte in panel.analytes}
    for index, criterion in enumerate(definition.criteria):
        for number, each in enumerate(criterion.checks):
            place: Path = ("criterion", index, "check", number)
            if not each.fact.startswith(LAB_FACT):
                continue
            test = each.fact.removeprefix(LAB_FACT)
            analyte = analytes.get(test)
            if analyte is None:
                near = difflib.get_close_matches(test, analytes, n=1, cutoff=0.5)
                advice = f"Did you mean “lab.{near[0]}”?" if near else "Add it to a panel, or remove the check."
                findings.add((*place, "fact"), f"No lab panel measures {test}. {advice}")
            elif each.unit is not None and each.unit not in (analyte.unit, *analyte.units):
                findings.add(
                    (*place, "unit"),
                    f"{test} is measured in {analyte.unit}, the check is in {each.unit}. Use one unit.",
                )


def pages_stand_for_gates(definition: Definition, findings: Findings) -> None:
    """The forms that a gate names are its own consent and eligibility forms."""
    forms = {form.code: form for form in definition.forms}
    for index, gate in enumerate(definition.gates):
        for key, page in (("consent_form", Page.CONSENT), ("eligibility_form", Page.ELIGIBILITY)):
            form = forms.get(getattr(gate, key) or "")
            if form is None:
                continue
            if form.page is not page:
                findings.add(
                    ("gate", index, key), f"“{form.code}” is a form of the page {form.page.value}, not {page.value}."
                )
            elif form.gate != gate.code:
                findings.add(("gate", index, key), f"“{form.code}” belongs to the gate “{form.gate}”, not to this one.")
    if definition.gates and definition.gates[0].consent_form is None and not _declared(definition, "consent"):
        findings.add(
            ("gate", 0, "consent_form"), "The first gate needs a consent form, or consent is declared not collected."
        )
    asked = [gate.ae_collection for gate in definition.gates]
    if asked and AeCollection.ALL not in asked:
        findings.add(("gate",), 'At no gate are all adverse events recorded. Set `ae_collection = "all"` at one.')


def _declared(definition: Definition, page: str) -> bool:
    return any(each.page == page for each in definition.not_collected)


def declarations_name_pages(definition: Definition, findings: Findings) -> None:
    """What is declared not collected is a page the system knows."""
    known = [page.value for page in Page]
    for index, each in enumerate(definition.not_collected):
        if each.page is not None:
            _must_exist(("not_collected", index, "page"), each.page, "page", tuple(known), findings)


def relations_are_in_their_list(definition: Definition, findings: Findings) -> None:
    """The answers that mean “related” are answers one can give."""
    lists = {codelist.code: codelist for codelist in definition.codelists}
    codelist = lists.get(definition.safety.relation_terms)
    if codelist is None:
        return
    values = tuple(term.value for term in codelist.terms)
    for index, word in enumerate(definition.safety.related_terms):
        _must_exist(("safety", "related_terms", index), word, f"term of {codelist.code}", values, findings)


def alert_rules_can_run(definition: Definition, findings: Findings) -> None:
    """Each alert is a rule of the catalogue, with parameters that the rule has."""
    for index, alert in enumerate(definition.alerts):
        place: Path = ("alert", index)
        if alert.rule and not findings.has(place):
            for sentence in catalogue.problems(alert.rule, alert.parameters):
                findings.add(place, sentence)
    _said_once(findings, "alert", "rule", lambda alert: alert.rule, definition.alerts)


def dlt_terms_are_in_ctcae(definition: Definition, findings: Findings) -> None:
    """Every term of a DLT criterion is one of the trial's CTCAE version, and so is the grade asked of it."""
    version = next((each.version for each in definition.dictionaries if each.name == "CTCAE" and each.shipped), None)
    if definition.dlt is None or version not in VERSIONS or findings.has(("dlt", "criterion")):
        return
    terms = dictionary(version)
    socs = {soc.casefold() for soc in terms.socs}
    for index, criterion in enumerate(definition.dlt.criteria):
        place: Path = ("dlt", "criterion", index)
        said: dict[str, None] = {}
        for clause in (*criterion.alternatives, *criterion.unless):
            asked = [(clause.terms, clause.scale, clause.grades)]
            asked += [
                (each.terms, each.scale, each.grades) for each in (clause.symptom_of, clause.together_with) if each
            ]
            for chosen, scale, grades in asked:
                if chosen is None:
                    continue
                said |= dict.fromkeys(_strange_terms(terms, (*chosen.terms, *chosen.other_than)))
                said |= dict.fromkeys(
                    f"CTCAE {version} has no class “{soc}”." for soc in chosen.socs if soc.casefold() not in socs
                )
                if scale == "CTCAE" and grades is not None:
                    said |= dict.fromkeys(_grades_never_given(terms, chosen.terms, grades))
        for sentence in said:
            findings.add(place, sentence)


def _strange_terms(terms: Dictionary, names: Iterable[str]) -> Iterator[str]:
    known_elsewhere = {name.casefold() for name in ASTCT_TERMS}
    for name in names:
        if name.casefold() not in known_elsewhere:
            try:
                terms.term(name)
            except UnknownTerm as fault:
                yield str(fault)


def _grades_never_given(terms: Dictionary, names: Iterable[str], grades: GradeRange) -> Iterator[str]:
    """Terms of which CTCAE has no grade in the range, so that the criterion could never be met by them."""
    for name in names:
        term = terms.find(name)
        if term is not None and not any(grade in grades for grade in term.grades):
            grade = grades.at_least if grades.at_least > max(term.grades) else grades.at_most
            yield term.refusal(grade) or ""


def coded_words_are_sdtm_terms(definition: Definition, findings: Findings) -> None:
    """Words that leave in a coded variable are terms of its codelist, or the sponsor's own where it may be extended."""
    for path, codelist, word in _coded(definition, ()):
        _must_be_term(path, word, codelist, findings)
    for index, summary in enumerate(definition.summary):
        place: Path = ("summary", index)
        title = name_of_test("TSPARMCD", "TSPARM", summary.parameter)
        if title is not None and title != summary.title:
            findings.add((*place, "title"), f"{summary.parameter} is called “{title}”. Write it so.")
        values = SUMMARY_VALUES.get(summary.parameter)
        if values is None or summary.value is None:
            continue
        _must_be_term((*place, "value"), summary.value, values, findings)
        code = terminology.codelist(values).terms.get(summary.value)
        if code is not None and (summary.code_system or "").startswith("CDISC") and summary.term_code != code:
            findings.add((*place, "term_code"), f"The code of “{summary.value}” is {code}. Correct it.")


def _coded(entry: Any, path: Path) -> Iterator[tuple[Path, str, str]]:
    """Every word of the file that leaves in a coded variable, with its place and codelist."""
    for field in fields(entry):
        value, here = getattr(entry, field.name), (*path, name_of(field))
        codelist = field.metadata.get("codelist")
        if codelist and value:
            yield here, codelist, value
        for index, each in enumerate(value if isinstance(value, tuple) else ()):
            if is_dataclass(each) and "meaning" in next(iter(fields(each))).metadata:
                yield from _coded(each, (*here, index))
        if is_dataclass(value):
            yield from _coded(value, here)


def _must_be_term(path: Path, word: str, codelist: str, findings: Findings) -> None:
    unknown = not_in_codelist(codelist, word)
    if unknown is None or findings.has(path):
        return
    near = unknown.suggestion
    if near is None and not any(letter.isdigit() for letter in word):
        near = next(
            iter(difflib.get_close_matches(word, terminology.codelist(codelist).terms, n=1, cutoff=ALIKE)), None
        )
    if near is not None:
        findings.add(path, f"“{word}” is not a term of the codelist {codelist}. Did you mean “{near}”?")
    elif not unknown.is_extensible:
        terms = sorted(terminology.codelist(codelist).terms)
        findings.add(path, f"“{word}” is not a term of the codelist {codelist}. Use one of {', '.join(terms)}.")


def zone_exists(definition: Definition, findings: Findings) -> None:
    """Clocks of the sponsor run in a zone that exists."""
    if not definition.study.sponsor_zone:
        return
    try:
        ZoneInfo(definition.study.sponsor_zone)
    except (ZoneInfoNotFoundError, ValueError):
        findings.add(
            ("study", "sponsor_zone"),
            f"There is no time zone “{definition.study.sponsor_zone}”. Write it as Europe/Berlin.",
        )


def captured_leaves_once(definition: Definition, findings: Findings) -> None:
    """No two extra items of one page claim the same name in the same dataset."""
    taken: dict[tuple[object, ...], str] = {}
    for index, form in enumerate(definition.forms):
        for number, item in enumerate(form.items):
            target = item.target
            place = (target.dataset, target.variable, target.qualifier, target.finding)
            if target.excluded is not None or not any(place[1:]):
                continue
            name = target.variable or target.qualifier or target.finding
            owner = f"{form.page.value}.{item.code}"
            if taken.setdefault(place, owner) != owner:
                findings.add(
                    ("form", index, "item", number, "target"),
                    f"{target.dataset} {name} already holds {taken[place]}. Give this item another name there.",
                )


def designs_can_be_built(definition: Definition, findings: Findings) -> None:
    """The escalation design, and each it could be switched to, is one we have, with parameters it takes."""
    escalation = definition.escalation
    if escalation.design == NO_ESCALATION:
        if definition.dose_levels:
            findings.add(("escalation", "design"), "There is a ladder of dose levels, so name its design.")
    else:
        _design_can_be_built(escalation, ("escalation",), findings)
        if not definition.dose_levels:
            findings.add(("dose_level",), "The design escalates, but there is no ladder. Add [[dose_level]] tables.")
    for index, alternative in enumerate(escalation.alternatives):
        _design_can_be_built(alternative, ("escalation", "alternative", index), findings)


def _design_can_be_built(design: Escalation | Alternative, place: Path, findings: Findings) -> None:
    if not design.design or findings.has(place):
        return
    try:
        design_named(design.design, {name: _plain(value) for name, value in design.parameters.items()})
    except (ValueError, TypeError) as fault:
        for sentence in str(fault).splitlines():
            findings.add((*place, "design"), sentence)


def _plain(value: ParameterValue) -> object:
    """Designs calculate in floating point."""
    if isinstance(value, tuple):
        return tuple(_plain(each) for each in value)
    return float(value) if isinstance(value, Decimal) else value


RULES: tuple[Callable[[Definition, Findings], None], ...] = (
    codes_are_unique,
    visits_are_told_apart,
    anchors_lead_somewhere,
    doses_fit_their_products,
    full_dose_is_planned,
    machine_checks_can_be_answered,
    pages_stand_for_gates,
    declarations_name_pages,
    relations_are_in_their_list,
    alert_rules_can_run,
    designs_can_be_built,
    dlt_terms_are_in_ctcae,
    coded_words_are_sdtm_terms,
    zone_exists,
    captured_leaves_once,
)
