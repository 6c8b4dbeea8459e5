"""Does a finished set of datasets hold together? The checks a reviewer's software makes first, in words.

Source: SDTMIG 3.4 and the CDISC conformance rules for it, restated; controlled terminology 2025-03-28 in full, which
validators check only in part. An error breaks the standard; a note is something to look at (a sponsor's own term in an
extensible list, an event not yet coded). The check reads the datasets as written: give it what `shape` made or what
`read_xport` reads, also of another origin.
"""

import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from clinical.sdtm import implementation_guide, terminology
from clinical.sdtm.dataset import Dataset, Row
from clinical.sdtm.derivations import DAY_OF_DATE, KEYS, number_in, study_day
from clinical.sdtm.implementation_guide import Core, DatasetDefinition, Variable

_ISO_DATE = re.compile(
    r"(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T(\d{2})(?::(\d{2})(?::(\d{2}))?)?(?:Z|[+-]\d{2}:\d{2})?)?)?)?"
)
_ISO_DURATION = re.compile(r"[+-]?P(?=.)(?:\d+W|(?:\d+Y)?(?:\d+M)?(?:\d+D)?(?:T(?=.)(?:\d+H)?(?:\d+M)?(?:\d+S)?)?)")
# One value that stands for several, whose own values are in SUPP-- (SDTMIG 4.2.8.3), also where the list is closed.
STANDS_FOR_SEVERAL = "MULTIPLE"
MAY_BE_SEVERAL = frozenset({"RACE", "AEACN"})
# Lists of single instruments, which supplement the general list of tests.
INSTRUMENT_CODELISTS = {"RSTESTCD": ("ECOG1TC",), "RSTEST": ("ECOG1TN",), "RSSTRESC": ("ECOG101STR",)}
SERIOUSNESS = ("AESCAN", "AESCONG", "AESDISAB", "AESDTH", "AESHOSP", "AESLIFE", "AESOD", "AESMIE")
# Which variable, alone, may be empty although required, until someone has done their part.
AWAITS_CODING = frozenset({"AEDECOD"})


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where the datasets do not hold together. Row 0 means the dataset as a whole."""

    rule: str
    dataset: str
    row: int
    variable: str
    subject: str
    sentence: str
    is_error: bool = True

    def __str__(self) -> str:
        row = f", row {self.row}" if self.row else ""
        subject = f" ({self.subject})" if self.subject else ""
        return f"{self.dataset}{row}, {self.variable}{subject}: {self.sentence}"


@dataclass
class _Study:
    """What is remembered across datasets: identifiers and dates, never whole rows but those of DM."""

    demographics: dict[str, Row] = field(default_factory=dict)
    visits: dict[Decimal, str] = field(default_factory=dict)
    subject_visits: set[tuple[str, Decimal]] = field(default_factory=set)
    values: dict[tuple[str, str], set[tuple[str, str]]] = field(default_factory=lambda: defaultdict(set))
    planned_visits: set[Decimal] = field(default_factory=set)
    elements: set[str] = field(default_factory=set)
    arms: set[str] = field(default_factory=set)
    last_exposure: dict[str, str] = field(default_factory=dict)
    present: set[str] = field(default_factory=set)


def check(datasets: Iterable[Dataset]) -> tuple[Finding, ...]:
    """Every finding in a set of datasets, in the order of the datasets and their rows."""
    found = list(datasets)
    study = _gathered(found)
    findings: list[Finding] = []
    for dataset in found:
        if not implementation_guide.is_known(dataset.name):
            continue
        findings += _check_variables(dataset)
        findings += _check_rows(dataset, study)
    return tuple(findings)


# ------------------------------------------------------------------------------------------------------ what is there


def _gathered(datasets: list[Dataset]) -> _Study:
    """One passage over all datasets: subjects, visits, and the values that others refer to."""
    study = _Study(present={dataset.name for dataset in datasets})
    wanted: set[tuple[str, str]] = set()
    for dataset in datasets:
        if dataset.name.startswith("SUPP") or dataset.name in ("RELREC", "CO"):
            for row in dataset.rows:
                wanted.add((_text(row, "RDOMAIN"), _text(row, "IDVAR")))
    for dataset in datasets:
        name = dataset.name
        referred = [variable for domain, variable in wanted if domain == name and variable]
        for row in dataset.rows:
            subject = _text(row, "USUBJID")
            if name == "DM":
                study.demographics.setdefault(subject, row)
            elif name == "SV" and (number := _number(row, "VISITNUM")) is not None:
                study.subject_visits.add((subject, number))
            elif name == "TV" and (number := _number(row, "VISITNUM")) is not None:
                study.planned_visits.add(number)
            elif name == "TE":
                study.elements.add(_text(row, "ETCD"))
            elif name == "TA":
                study.arms.add(_text(row, "ARMCD"))
            elif name == "EX":
                last = max(_text(row, "EXSTDTC"), _text(row, "EXENDTC"))
                study.last_exposure[subject] = max(study.last_exposure.get(subject, ""), last)
            for variable in referred:
                study.values[name, variable].add((subject, _text(row, variable)))
    return study


def _text(row: Row, name: str) -> str:
    value = row.get(name)
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return format(Decimal(str(value)).normalize(), "f")


def _number(row: Row, name: str) -> Decimal | None:
    value = row.get(name)
    return None if value is None or isinstance(value, str) else Decimal(str(value)).normalize()


# ------------------------------------------------------------------------------------------------------ the columns


def _check_variables(dataset: Dataset) -> Iterator[Finding]:
    definition = implementation_guide.dataset(dataset.name)
    names = dataset.column_names

    def finding(rule: str, variable: str, sentence: str) -> Finding:
        return Finding(rule, dataset.name, 0, variable, "", sentence)

    for variable in definition.variables:
        if variable.core in (Core.REQUIRED, Core.EXPECTED) and variable.name not in names:
            word = "required" if variable.core is Core.REQUIRED else "expected"
            yield finding("variable present", variable.name, f"is {word} in {dataset.name} and is not there.")
    known = [name for name in names if definition.variable(name)]
    order = [variable.name for variable in definition.variables if variable.name in names]
    if known != order:
        first = next(ours for ours, theirs in zip(known, order, strict=True) if ours != theirs)
        yield finding("variable order", first, "stands in another place than the guide gives it.")
    for column in dataset.columns:
        guided = definition.variable(column.name)
        if guided is None:
            if not re.fullmatch(r"(COVAL|TSVAL)\d+", column.name):
                yield finding("variable known", column.name, f"is not a variable of {dataset.name}.")
        elif column.type != guided.type:
            yield finding("variable type", column.name, f"is {column.type} and the guide has it as {guided.type}.")
    for first_part, day_part in DAY_OF_DATE.items():
        day = f"{dataset.name}{day_part}"
        if f"{dataset.name}{first_part}" in names and definition.variable(day) and day not in names:
            yield finding("study day present", day, f"is missing beside {dataset.name}{first_part}.")


# ------------------------------------------------------------------------------------------------------ the rows


@dataclass
class _Seen:
    """What has been seen of one dataset so far."""

    keys: dict[tuple[str, ...], int] = field(default_factory=dict)
    sequences: set[tuple[str, ...]] = field(default_factory=set)
    tests: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    terms: set[tuple[str, str]] = field(default_factory=set)


def _check_rows(dataset: Dataset, study: _Study) -> Iterator[Finding]:
    definition = implementation_guide.dataset(dataset.name)
    seen = _Seen()
    special = SPECIAL_CHECKS.get("SUPP" if definition.name == "SUPPQUAL" else dataset.name)
    variables = [variable for variable in definition.variables if variable.name in dataset.column_names]
    for number, row in enumerate(dataset.rows, start=1):
        subject = _text(row, "USUBJID")

        def finding(
            rule: str, variable: str, sentence: str, *, is_error: bool = True, number: int = number,
            subject: str = subject,
        ) -> Finding:  # fmt: skip
            return Finding(rule, dataset.name, number, variable, subject, sentence, is_error)

        yield from _check_values(variables, row, finding, seen)
        yield from _check_identity(definition, row, finding, seen, study, dataset.name)
        if definition.is_general_observation or dataset.name in ("SV", "SE"):
            yield from _check_timing(dataset.name, row, finding, study)
        if definition.observation_class in ("Findings", "Findings About"):
            yield from _check_result(dataset.name, row, finding, seen)
        if special:
            yield from special(row, finding, study, seen)


Report = Callable[..., Finding]


def _check_values(variables: list[Variable], row: Row, finding: Report, seen: _Seen) -> Iterator[Finding]:
    for variable in variables:
        value = _text(row, variable.name)
        if not value:
            if variable.core is Core.REQUIRED:
                if variable.name in AWAITS_CODING:
                    yield finding("coded", variable.name, "is empty: the term is not coded yet.", is_error=False)
                else:
                    yield finding("required value", variable.name, "is required and empty.")
            continue
        if variable.name.endswith("DTC") and not _is_iso_date(value):
            yield finding("ISO 8601 date", variable.name, f"{value!r} is not an ISO 8601 date of the calendar.")
        if variable.name.endswith(("DUR", "ELTM")) and "ISO 8601" in variable.described and not _is_duration(value):
            yield finding("ISO 8601 duration", variable.name, f"{value!r} is not an ISO 8601 duration.")
        if variable.codelists and (variable.name, value) not in seen.terms:
            seen.terms.add((variable.name, value))
            yield from _check_term(variable, value, finding)


def _check_term(variable: Variable, value: str, finding: Report) -> Iterator[Finding]:
    """Each value of a coded variable once. Numbers among the results are no terms, codelists of results hold words."""
    if value == STANDS_FOR_SEVERAL and variable.name in MAY_BE_SEVERAL:
        return
    if variable.name.endswith("STRESC") and number_in(value.lstrip("<>= ")) is not None:
        return
    lists = (*variable.codelists, *INSTRUMENT_CODELISTS.get(variable.name, ()))
    unknown = terminology.not_in_codelist(lists, value)
    if unknown:
        yield finding("controlled terminology", variable.name, f"{unknown}.", is_error=not unknown.is_extensible)


def _is_iso_date(value: str) -> bool:
    match = _ISO_DATE.fullmatch(value)
    if not match:
        return False
    year, month, day, hour, minute, second = (int(part) if part else None for part in match.groups())
    try:
        date(year or 0, month or 1, day or 1)
    except ValueError:
        return False
    return (hour or 0) <= 23 and (minute or 0) <= 59 and (second or 0) <= 59


def _is_duration(value: str) -> bool:
    return _ISO_DURATION.fullmatch(value) is not None


def _check_identity(
    definition: DatasetDefinition, row: Row, finding: Report, seen: _Seen, study: _Study, name: str
) -> Iterator[Finding]:
    subject = _text(row, "USUBJID")
    if subject and "DM" in study.present and subject not in study.demographics:
        yield finding("subject known", "USUBJID", f"subject {subject} has no row in DM.")
    if "DOMAIN" in row and _text(row, "DOMAIN") != name:
        yield finding("domain", "DOMAIN", f"is {_text(row, 'DOMAIN')!r} in dataset {name}.")
    sequence = f"{name}SEQ"
    if definition.variable(sequence):
        within = (subject, _text(row, "TSPARMCD"), _text(row, sequence))
        if within in seen.sequences:
            yield finding("sequence unique", sequence, f"number {within[2]} stands twice for this subject.")
        seen.sequences.add(within)
    names = KEYS.get(name, ("RDOMAIN", "IDVAR", "IDVARVAL", "QNAM") if definition.name == "SUPPQUAL" else ())
    key = (subject, *(_text(row, each) for each in names))
    if names and key in seen.keys:
        yield finding("keys unique", names[-1], f"the record is the same as row {seen.keys[key]} in all its keys.")
    seen.keys.setdefault(key, len(seen.keys) + 1)


def _check_timing(name: str, row: Row, finding: Report, study: _Study) -> Iterator[Finding]:
    subject = _text(row, "USUBJID")
    number, visit = _number(row, "VISITNUM"), _text(row, "VISIT")
    if number is not None:
        if visit and study.visits.setdefault(number, visit) != visit:
            yield finding(
                "visit", "VISIT", f"VISITNUM {number:f} is {visit!r} here and {study.visits[number]!r} before."
            )
        if study.subject_visits and (subject, number) not in study.subject_visits:
            yield finding("visit in SV", "VISITNUM", f"visit {number:f} of this subject is not in SV.")
    began, ended = _text(row, f"{name}STDTC"), _text(row, f"{name}ENDTC")
    shared = min(len(began), len(ended))
    if shared and ended[:shared] < began[:shared]:
        yield finding("end after start", f"{name}ENDTC", f"ends on {ended} before it begins on {began}.")
    reference = _text(study.demographics.get(subject, {}), "RFSTDTC")
    for date_part, day_part in DAY_OF_DATE.items():
        when, day = _text(row, f"{name}{date_part}"), _number(row, f"{name}{day_part}")
        if not when or not _is_iso_date(when) or (reference and not _is_iso_date(reference)):
            continue
        right = study_day(when, reference or None)
        if day is not None and day != right:
            told = f"is {day:f} for {when}" + (f", it should be {right}." if right is not None else ", which has none.")
            yield finding("study day", f"{name}{day_part}", told)


def _check_result(name: str, row: Row, finding: Report, seen: _Seen) -> Iterator[Finding]:
    code, test = _text(row, f"{name}TESTCD"), _text(row, f"{name}TEST")
    if code and test and seen.tests.setdefault(code, test) != test:
        yield finding("test", f"{name}TEST", f"{code} is {test!r} here and {seen.tests[code]!r} before.")
    result, status = _text(row, f"{name}ORRES"), _text(row, f"{name}STAT")
    if status and result:
        yield finding("not done", f"{name}STAT", f"is {status} although there is the result {result!r}.")
    standard = _text(row, f"{name}STRESC")
    expected, held = number_in(standard), _number(row, f"{name}STRESN")
    if held is not None and (expected is None or not math.isclose(expected, held, rel_tol=1e-9)):
        yield finding("numeric result", f"{name}STRESN", f"is {held} and {name}STRESC is {standard!r}.")
    flag = f"{name}LOBXFL"
    exposure = _text(row, flag)
    if exposure and not result:
        yield finding("last before exposure", flag, "flags a record without a result.")


# ------------------------------------------------------------------------------------------------------ one domain


def _check_demographics(row: Row, finding: Report, study: _Study, seen: _Seen) -> Iterator[Finding]:
    def after(first: str, second: str) -> bool:
        shared = min(len(_text(row, first)), len(_text(row, second)))
        return bool(shared) and _text(row, first)[:shared] > _text(row, second)[:shared]

    for first, second in (
        ("RFSTDTC", "RFENDTC"), ("RFXSTDTC", "RFXENDTC"), ("RFICDTC", "RFSTDTC"), ("RFXENDTC", "RFPENDTC"),
        ("BRTHDTC", "RFICDTC"), ("RFXSTDTC", "DTHDTC"),
    ):  # fmt: skip
        if after(first, second):
            yield finding("dates in order", second, f"{_text(row, second)} is before {first} {_text(row, first)}.")
    if _text(row, "DTHDTC") and _text(row, "DTHFL") != "Y":
        yield finding("death", "DTHFL", "is not Y although there is a date of death.")
    if bool(_text(row, "ARMCD")) != bool(_text(row, "ARM")):
        yield finding("arm", "ARM", "ARMCD and ARM are filled both or neither.")
    if not (_text(row, "ARMCD") and _text(row, "ACTARMCD")) and not _text(row, "ARMNRS"):
        yield finding("arm", "ARMNRS", "says nothing, although the subject has no planned or no actual arm.")
    if study.arms and _text(row, "ARMCD") and _text(row, "ARMCD") not in study.arms:
        yield finding("arm", "ARMCD", f"{_text(row, 'ARMCD')!r} is not an arm of TA.")
    subject = _text(row, "USUBJID")
    last = study.last_exposure.get(subject, "")
    if "EX" in study.present and _text(row, "RFXENDTC") != last:
        yield finding(
            "last exposure", "RFXENDTC", f"is {_text(row, 'RFXENDTC') or 'empty'}, EX ends on {last or 'nothing'}."
        )
    if not re.fullmatch(r"[A-Z]{3}", _text(row, "COUNTRY")):
        yield finding("country", "COUNTRY", f"{_text(row, 'COUNTRY')!r} is not an ISO 3166 code of three letters.")


def _check_adverse_event(row: Row, finding: Report, study: _Study, seen: _Seen) -> Iterator[Finding]:
    met = [name for name in SERIOUSNESS if _text(row, name) == "Y"]
    if _text(row, "AESER") == "N" and met:
        yield finding("seriousness", "AESER", f"is N although {', '.join(met)} is Y.")
    if _text(row, "AESER") == "Y" and not met:
        yield finding("seriousness", "AESER", "is Y and no criterion of seriousness is Y.")
    outcome, ended = _text(row, "AEOUT"), _text(row, "AEENDTC")
    if outcome == "FATAL":
        died = _text(study.demographics.get(_text(row, "USUBJID"), {}), "DTHDTC")
        if _text(row, "AETOXGR") not in ("", "5"):
            yield finding("fatal", "AETOXGR", f"is {_text(row, 'AETOXGR')} although the outcome is FATAL.")
        if ended[:10] != died[:10]:
            yield finding(
                "fatal", "AEENDTC", f"is {ended or 'empty'} and the subject died on {died or 'no known date'}."
            )
    if outcome == "NOT RECOVERED/NOT RESOLVED" and ended:
        yield finding("outcome", "AEENDTC", f"is {ended} although the event is not recovered.")


def _check_exposure(row: Row, finding: Report, study: _Study, seen: _Seen) -> Iterator[Finding]:
    if _number(row, "EXDOSE") is None and not _text(row, "EXDOSTXT"):
        yield finding("dose", "EXDOSE", "is empty; EX holds only doses that were given.")
    if _number(row, "EXDOSE") is not None and not _text(row, "EXDOSU"):
        yield finding("dose", "EXDOSU", "is empty beside a dose.")


def _check_criterion(row: Row, finding: Report, study: _Study, seen: _Seen) -> Iterator[Finding]:
    if (_text(row, "IECAT"), _text(row, "IEORRES")) not in (("INCLUSION", "N"), ("EXCLUSION", "Y")):
        yield finding(
            "exception", "IEORRES", f"{_text(row, 'IECAT')} answered {_text(row, 'IEORRES')!r} is no exception."
        )


def _check_path(row: Row, finding: Report, study: _Study, seen: _Seen) -> Iterator[Finding]:
    code = _text(row, "ETCD")
    if study.elements and code and code not in study.elements:
        yield finding("element", "ETCD", f"{code!r} is not an element of TE.")


def _check_visit(row: Row, finding: Report, study: _Study, seen: _Seen) -> Iterator[Finding]:
    number, occurred = _number(row, "VISITNUM"), _text(row, "SVOCCUR")
    if _text(row, "SVPRESP") == "Y" and study.planned_visits and number not in study.planned_visits:
        yield finding("planned visit", "VISITNUM", f"visit {_text(row, 'VISITNUM')} is planned and not in TV.")
    if occurred == "N" and _text(row, "SVSTDTC"):
        yield finding("visit missed", "SVSTDTC", f"is {_text(row, 'SVSTDTC')} although the visit did not occur.")


def _check_element(row: Row, finding: Report, study: _Study, seen: _Seen) -> Iterator[Finding]:
    if not _text(row, "TEENRL") and not _text(row, "TEDUR"):
        yield finding("element ends", "TEENRL", "says nothing, and neither does TEDUR: when does the element end?")


def _check_supplement(row: Row, finding: Report, study: _Study, seen: _Seen) -> Iterator[Finding]:
    name, label = _text(row, "QNAM"), _text(row, "QLABEL")
    if seen.labels.setdefault(name, label) != label:
        yield finding("label", "QLABEL", f"{name} is {label!r} here and {seen.labels[name]!r} before.")
    domain = _text(row, "RDOMAIN")
    if implementation_guide.is_known(domain) and implementation_guide.dataset(domain).variable(name):
        yield finding("supplement", "QNAM", f"{name} is a variable of {domain} and may not be supplemented.")
    yield from _check_parent(row, finding, study, seen)


def _check_parent(row: Row, finding: Report, study: _Study, seen: _Seen) -> Iterator[Finding]:
    domain, variable, value = _text(row, "RDOMAIN"), _text(row, "IDVAR"), _text(row, "IDVARVAL")
    subject = _text(row, "USUBJID")
    if not domain:
        return
    if domain not in study.present:
        yield finding("parent", "RDOMAIN", f"there is no dataset {domain}.")
    elif variable and value and (subject, value) not in study.values[domain, variable]:
        yield finding("parent", "IDVARVAL", f"{domain} has no record of this subject with {variable} {value}.")


SPECIAL_CHECKS: Mapping[str, Callable[[Row, Report, _Study, _Seen], Iterator[Finding]]] = {
    "DM": _check_demographics,
    "AE": _check_adverse_event,
    "EX": _check_exposure,
    "IE": _check_criterion,
    "SV": _check_visit,
    "TA": _check_path,
    "TE": _check_element,
    "SE": _check_path,
    "SUPP": _check_supplement,
    "CO": _check_parent,
    "RELREC": _check_parent,
}
