"""A study's casebooks and its design in, all its datasets out: the one call that an export makes.

    with tempfile.TemporaryDirectory() as folder:
        assembled = assemble(casebooks, design, Conventions(), Spool(Path(folder)))
        for shaped in assembled.shaped: ...

Casebooks come in the order of USUBJID and are read once. Datasets without rows are left out: an empty dataset says
nothing, and validators stumble over it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType

from clinical.sdtm import derivations, implementation_guide
from clinical.sdtm.dataset import Dataset, Value
from clinical.sdtm.derivations import number_in
from clinical.sdtm.domains import (
    ae,
    cm,
    co,
    dm,
    ds,
    dv,
    ec,
    eg,
    ex,
    fa,
    gf,
    ie,
    lb,
    mh,
    pr,
    qs,
    rs,
    se,
    ss,
    sv,
    tr,
    trial_design,
    tu,
    vs,
)
from clinical.sdtm.facts import Casebook, Conventions, ExtraItem, TrialDesign
from clinical.sdtm.records import Record, Supplement
from clinical.sdtm.shaping import Change, Problem, Shaped, UnfitForTransport, shape
from clinical.sdtm.spool import Spool

MAPPERS = MappingProxyType(
    {
        module.DOMAIN: module.records
        for module in (co, dm, se, sv, cm, ec, ex, pr, ae, ds, dv, mh, eg, gf, ie, lb, qs, rs, ss, tr, tu, vs, fa)
    }
)
FLAGGED_BEFORE_EXPOSURE = ("EG", "LB", "QS", "RS", "VS")
# Whole datasets that belong together: which lines of one go with which of the other (SDTMIG 8.3.2).
RELATED_DATASETS = (
    ("AEFA", ("AE", "AELNKID", "ONE"), ("FA", "FALNKID", "MANY")),
    ("ECEX", ("EC", "ECLNKID", "MANY"), ("EX", "EXLNKID", "ONE")),
    ("TUTR", ("TU", "TULNKID", "ONE"), ("TR", "TRLNKID", "MANY")),
    ("TRRS", ("TR", "TRLNKGRP", "MANY"), ("RS", "RSLNKGRP", "MANY")),
)


@dataclass(frozen=True)
class Assembled:
    """The datasets of a study, ready to be written, and every text that was rewritten to plain ASCII."""

    shaped: tuple[Shaped, ...]

    @property
    def datasets(self) -> tuple[Dataset, ...]:
        """Each dataset followed by its supplemental qualifiers."""
        return tuple(each for shaped in self.shaped for each in (shaped.dataset, shaped.supplemental) if each)

    @property
    def changes(self) -> tuple[Change, ...]:
        return tuple(change for shaped in self.shaped for change in shaped.changes)


class ParentMissing(LookupError):
    """An extra item stands beside a line that the casebook does not hold."""


def subject_records(book: Casebook, conventions: Conventions) -> dict[str, list[Record]]:
    """One subject's records of every domain, complete with identifiers, days, epochs and numbers."""
    times = dm.timeline(book, conventions)
    found = {}
    for domain, mapper in MAPPERS.items():
        mapped = _with_extra_items(domain, mapper(book, conventions), book)
        records = derivations.complete(domain, mapped, times)
        if conventions.flags_last_before_exposure and domain in FLAGGED_BEFORE_EXPOSURE:
            records = derivations.flag_last_before_exposure(
                domain, records, times.first_exposure, same_day_is_before=conventions.same_day_is_before_exposure
            )
        found[domain] = records
    return found


def assemble(books: Iterable[Casebook], design: TrialDesign, conventions: Conventions, spool: Spool) -> Assembled:
    """All datasets of a study. What no transport file can hold is raised together, from all datasets at once."""
    problems: list[Problem] = []
    linked: set[str] = set()
    previous = ""
    for book in books:
        if book.subject.unique_id <= previous:
            raise ValueError(
                f"casebooks must come once each in the order of USUBJID: {book.subject.unique_id} after {previous}"
            )
        previous = book.subject.unique_id
        try:
            found = subject_records(book, conventions)
        except ParentMissing as missing:
            problems.append(Problem("DM", 0, book.subject.unique_id, str(missing)))
            continue
        for domain, records in found.items():
            spool.add(domain, records)
            linked.update(
                name for record in records for name, value in record.values.items() if value and "LNK" in name
            )
    for domain, records in trial_design.records(design).items():
        spool.add(domain, records)
    spool.add("RELREC", _related(design.study, linked))
    shaped = []
    for domain in (*MAPPERS, *trial_design.DOMAINS, "RELREC"):
        if not spool.counts.get(domain):
            continue
        try:
            shaped.append(shape(domain, spool.records(domain)))
        except UnfitForTransport as unfit:
            problems += unfit.problems
    if problems:
        raise UnfitForTransport(tuple(problems))
    return Assembled(tuple(shaped))


def _related(study: str, linked: set[str]) -> list[Record]:
    return [
        Record({"STUDYID": study, "RDOMAIN": domain, "IDVAR": variable, "RELTYPE": kind, "RELID": name})
        for name, *sides in RELATED_DATASETS
        if all(variable in linked for _, variable, _ in sides)
        for domain, variable, kind in sides
    ]


def _with_extra_items(domain: str, records: list[Record], book: Casebook) -> list[Record]:
    """The records with the protocol's extra items on them: a variable of the guide is filled, else supplemented."""
    if domain == fa.DOMAIN:  # an added test of FA is a row of its own
        return records
    for item in book.extra_items:
        if item.dataset != domain:
            continue
        at = _place(domain, records, item)
        records[at] = _with_item(domain, records[at], item)
    return records


def _place(domain: str, records: list[Record], item: ExtraItem) -> int:
    if domain == dm.DOMAIN:
        return 0
    places = [at for at, record in enumerate(records) if record.values.get(f"{domain}SPID") == item.parent]
    if not places:
        raise ParentMissing(
            f"the item {item.label!r} ({item.dataset}.{item.variable}) belongs to a line of {domain} that is not there"
            f" ({item.parent or 'none named'}); name the line it stands beside."
        )
    return places[-1]


def _with_item(domain: str, record: Record, item: ExtraItem) -> Record:
    variable = implementation_guide.dataset(domain).variable(item.variable)
    if variable is None:
        return Record(
            record.values,
            (*record.supplements, Supplement(item.variable, item.label, item.value, item.origin, item.evaluator)),
        )
    value: Value = number_in(item.value) if variable.is_numeric else item.value
    return record.with_values(**{item.variable: item.value if value is None else value})
