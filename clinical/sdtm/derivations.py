"""What datasets derive from facts: study day, sequence number, epoch, baseline flag, results in standard form.

Source: SDTMIG 3.4, sections 4.1.5 (results), 4.4.4 (study day), 4.4.7 and 5.3 (epoch from subject elements) and the
definition of --LOBXFL. Dates are ISO 8601 texts to the precision that is known, and stay so.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation

from clinical.sdtm import implementation_guide
from clinical.sdtm.dataset import Value
from clinical.sdtm.records import Record

FULL_DATE = len("2026-03-15")
DAY_OF_DATE = {"DTC": "DY", "STDTC": "STDY", "ENDTC": "ENDY"}


def study_day(when: str | None, reference_start: str | None) -> int | None:
    """The day of the study, counted from the reference start as day 1; there is no day 0.

    A partial date has no study day, and neither has a subject without a reference start. The case people get wrong is
    the day before the first dose: it is -1.

    >>> study_day("2026-03-15T08:00", "2026-03-15T14:00"), study_day("2026-03-14", "2026-03-15")
    (1, -1)
    >>> study_day("2026-03", "2026-03-15") is None
    True
    """
    day, first = _full_date(when), _full_date(reference_start)
    if day is None or first is None:
        return None
    difference = (day - first).days
    return difference + 1 if difference >= 0 else difference


def _full_date(when: str | None) -> date | None:
    return date.fromisoformat(when[:FULL_DATE]) if when and len(when) >= FULL_DATE else None


@dataclass(frozen=True, slots=True)
class ElementPeriod:
    """A planned element as a subject went through it; `end` is the start of the next, or None while it lasts."""

    code: str
    name: str
    epoch: str
    order: int
    start: str
    end: str | None = None


def epoch_of(when: str | None, elements: Sequence[ElementPeriod]) -> str | None:
    """The epoch in which something began, or None where that cannot be told.

    An element begins at its start and gives way to the next at the next one's start. Where either side is known to the
    day only, days decide, and the day on which an element begins belongs to it. A partial date has an epoch only if
    every day it may stand for has the same one: imputing the first of the month would put a baseline event under
    treatment, or the other way round.

    >>> screening = ElementPeriod("SCRN", "Screening", "SCREENING", 1, "2026-03-01", "2026-03-15T10:00")
    >>> treated = ElementPeriod("TRT", "Treatment", "TREATMENT", 2, "2026-03-15T10:00")
    >>> epoch_of("2026-03-15T09:30", (screening, treated)), epoch_of("2026-04", (screening, treated))
    ('SCREENING', 'TREATMENT')
    >>> epoch_of("2026-03", (screening, treated)) is None
    True
    """
    if not when:
        return None
    if len(when) >= FULL_DATE:
        return _epoch_at(when, elements)
    # Text comparison needs no real calendar: no date of the period sorts after its 31st.
    first_day, last_day = f"{when}-01-01"[:FULL_DATE], (f"{when}-12-31" if len(when) == 4 else f"{when}-31")
    begun_meanwhile = {each.epoch for each in elements if first_day < each.start[:FULL_DATE] <= last_day}
    possible = {_epoch_at(first_day, elements), _epoch_at(last_day, elements), *begun_meanwhile}
    return possible.pop() if len(possible) == 1 else None


def _epoch_at(when: str, elements: Sequence[ElementPeriod]) -> str | None:
    found = None
    for element in sorted(elements, key=lambda each: (each.start, each.order)):
        if _at_or_after(when, element.start):
            ended = element.end is not None and _at_or_after(when, element.end) and when[:10] != element.end[:10]
            found = None if ended else element.epoch
    return found


def _at_or_after(when: str, start: str) -> bool:
    shared = min(len(when), len(start))
    return when[:shared] >= start[:shared]


def results(
    prefix: str,
    *,
    original: str | None,
    unit: str | None = None,
    standard: str | Decimal | None = None,
    standard_unit: str | None = None,
) -> dict[str, Value]:
    """A finding's result as collected and in standard form (--ORRES to --STRESU).

    Without a standard of its own the result stands for itself. --STRESN is filled exactly when --STRESC is a number:
    "<0.5" is a text and has none, which is the case people get wrong.

    >>> results("LB", original="<0.5", unit="mg/dL")
    {'LBORRES': '<0.5', 'LBORRESU': 'mg/dL', 'LBSTRESC': '<0.5', 'LBSTRESN': None, 'LBSTRESU': 'mg/dL'}
    """
    if standard is None:
        standard, standard_unit = original, standard_unit or unit
    text = format(standard, "f") if isinstance(standard, Decimal) else standard
    return {
        f"{prefix}ORRES": original,
        f"{prefix}ORRESU": unit,
        f"{prefix}STRESC": text,
        f"{prefix}STRESN": number_in(text),
        f"{prefix}STRESU": standard_unit,
    }


def number_in(text: str | None) -> Decimal | None:
    """The number that a text is, or None where it is not one (an operator, a word, nothing)."""
    try:
        number = Decimal(text or "")
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


# ------------------------------------------------------------------------------------------------------ order, number

# What makes a record the one it is within its subject, in the order in which a reader wants to see the records. The
# line's own identifier (--SPID) comes last and settles what is otherwise alike, so that numbers never hang on the order
# in which a database happens to answer.
KEYS: Mapping[str, tuple[str, ...]] = {
    "AE": ("AESTDTC", "AEDECOD", "AETERM", "AESPID"),
    "CM": ("CMSTDTC", "CMTRT", "CMINDC", "VISITNUM", "CMDTC", "CMSPID"),
    "CO": ("CODTC", "RDOMAIN", "IDVAR", "IDVARVAL", "COVAL"),
    "DM": ("USUBJID",),
    "DS": ("DSSTDTC", "DSCAT", "DSDECOD", "DSTERM", "DSSPID"),
    "DV": ("DVSTDTC", "DVDECOD", "DVTERM", "DVSPID"),
    "EC": ("ECSTDTC", "ECTRT", "ECMOOD", "ECSPID"),
    "EG": ("VISITNUM", "EGDTC", "EGTPTNUM", "EGTESTCD", "EGSPID"),
    "EX": ("EXSTDTC", "EXTRT", "EXSPID"),
    "FA": ("FAOBJ", "FALNKID", "FATESTCD", "VISITNUM", "FADTC", "FAEVAL", "FASPID"),
    "GF": ("VISITNUM", "GFDTC", "GFTESTCD", "GFTSTDTL", "GFSYM", "GFREFID", "GFSPID"),
    "IE": ("IETESTCD", "IEDTC", "IESPID"),
    "LB": ("VISITNUM", "LBDTC", "LBTPTNUM", "LBCAT", "LBTESTCD", "LBSPEC", "LBMETHOD", "LBSPID"),
    "MH": ("MHCAT", "MHSTDTC", "MHTERM", "MHSPID"),
    "PR": ("PRSTDTC", "PRTRT", "PRSPID"),
    "QS": ("VISITNUM", "QSDTC", "QSCAT", "QSTESTCD", "QSSPID"),
    "RS": ("RSCAT", "RSEVAL", "RSEVALID", "VISITNUM", "RSDTC", "RSTESTCD", "RSSPID"),
    "SE": ("SESTDTC", "TAETORD", "ETCD"),
    "SS": ("VISITNUM", "SSDTC", "SSTESTCD", "SSSPID"),
    "SV": ("VISITNUM", "SVSTDTC"),
    "TR": ("TREVAL", "TREVALID", "VISITNUM", "TRDTC", "TRLNKID", "TRTESTCD", "TRSPID"),
    "TU": ("TUEVAL", "TUEVALID", "VISITNUM", "TUDTC", "TULNKID", "TUTESTCD", "TUSPID"),
    "VS": ("VISITNUM", "VSDTC", "VSTPTNUM", "VSTESTCD", "VSPOS", "VSLOC", "VSSPID"),
    "TA": ("ARMCD", "TAETORD"),
    "TE": ("ETCD",),
    "TI": ("TIVERS", "IETESTCD"),
    "TS": ("TSPARMCD", "TSGRPID", "TSVAL"),
    "TV": ("ARMCD", "VISITNUM"),
    "RELREC": ("RELID", "RDOMAIN", "USUBJID", "IDVAR", "IDVARVAL"),
}


def sort_key(domain: str) -> Callable[[Record], tuple[tuple[int, Decimal, str], ...]]:
    """How the records of a domain are ordered within a subject; an unknown date comes last."""
    names = KEYS[domain]

    def key(record: Record) -> tuple[tuple[int, Decimal, str], ...]:
        return tuple(_sortable(record.values.get(name)) for name in names)

    return key


def _sortable(value: Value) -> tuple[int, Decimal, str]:
    if value is None or value == "":
        return 2, Decimal(0), ""
    if isinstance(value, str):
        return 1, Decimal(0), value
    return 0, Decimal(str(value)), ""


@dataclass(frozen=True)
class SubjectTimeline:
    """What every dataset of a subject is timed against."""

    study: str  # STUDYID
    subject: str  # USUBJID
    reference_start: str | None  # RFSTDTC
    first_exposure: str | None  # RFXSTDTC
    elements: tuple[ElementPeriod, ...] = ()


def complete(domain: str, records: Iterable[Record], timeline: SubjectTimeline) -> list[Record]:
    """One subject's records of a domain with identifiers, study days, epoch and sequence number, in their order.

    Numbers run from 1 within the subject in the order of `KEYS`, so the same facts give the same numbers however they
    arrive. A record that is later entered with an earlier date shifts the numbers after it: the lasting name of a line
    is --SPID, never --SEQ.
    """
    definition = implementation_guide.dataset(domain)
    filled = []
    for record in records:
        added: dict[str, Value] = {"STUDYID": timeline.study, "DOMAIN": domain, "USUBJID": timeline.subject}
        for date_part, day_part in DAY_OF_DATE.items():
            when, day = record.values.get(f"{domain}{date_part}"), f"{domain}{day_part}"
            if isinstance(when, str) and definition.variable(day):
                added[day] = study_day(when, timeline.reference_start)
        if definition.variable("EPOCH") and not record.values.get("EPOCH"):
            began = record.values.get(f"{domain}STDTC") or record.values.get(f"{domain}DTC")
            added["EPOCH"] = epoch_of(str(began), timeline.elements) if began else None
        filled.append(record.with_values(**added))
    filled.sort(key=sort_key(domain))
    if definition.variable(f"{domain}SEQ") is None:
        return filled
    return [record.with_values(**{f"{domain}SEQ": number}) for number, record in enumerate(filled, start=1)]


def flag_last_before_exposure(
    domain: str,
    records: Sequence[Record],
    first_exposure: str | None,
    *,
    same: tuple[str, ...] = ("SPEC", "METHOD", "POS", "LOC", "LNKID", "OBJ", "CAT", "EVAL", "EVALID", "TSTDTL", "SYM"),
    same_day_is_before: bool = True,
) -> list[Record]:
    """Records with --LOBXFL "Y" on the last result of each test before the first exposure.

    A result counts as before when it is earlier than the exposure; on the day of the exposure without a time it counts
    as before too, because protocols ask for it before the dose (`same_day_is_before` says otherwise). A result not
    done, or on a partial date, is never the last one. At most one record of a test is flagged: the case people get
    wrong is two results on one morning.
    """
    last: dict[tuple[Value, ...], int] = {}
    for at, record in enumerate(records):
        when, result = record.values.get(f"{domain}DTC"), record.values.get(f"{domain}ORRES")
        if not first_exposure or not isinstance(when, str) or not result or len(when) < FULL_DATE:
            continue
        if not _is_before(when, first_exposure, same_day_is_before=same_day_is_before):
            continue
        test = (record.values.get(f"{domain}TESTCD"), *(record.values.get(f"{domain}{name}") for name in same))
        known = last.get(test)
        if known is None or str(records[known].values[f"{domain}DTC"]) <= when:
            last[test] = at
    flagged = set(last.values())
    return [
        record.with_values(**{f"{domain}LOBXFL": "Y"}) if at in flagged else record for at, record in enumerate(records)
    ]


def _is_before(when: str, exposure: str, *, same_day_is_before: bool) -> bool:
    if when[:FULL_DATE] != exposure[:FULL_DATE]:
        return when[:FULL_DATE] < exposure[:FULL_DATE]
    if len(when) > FULL_DATE and len(exposure) > FULL_DATE:
        return when < exposure
    return same_day_is_before
