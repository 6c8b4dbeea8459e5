"""The criteria of a gate: the site's answer, what the entered data say, and where they say it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from apps.screening.models import Answer, CriterionAnswer, Eligibility
from apps.subjects.models import Subject
from apps.visits import facts, values
from apps.visits.models import EntryState, FormRecord
from clinical import eligibility
from clinical.eligibility import Fact, Finding
from clinical.partial_date import PartialDate
from clinical.protocol.conduct import LAB_FACT, Criterion, CriterionKind
from clinical.protocol.definition import Definition
from clinical.protocol.pages import Form, Page

FACT_PAGES = {
    "age": Page.DEMOGRAPHICS,
    "sex": Page.DEMOGRAPHICS,
    "consent": Page.CONSENT,
    "hla": Page.BIOMARKERS,
    "prame": Page.BIOMARKERS,
    "liver_metastases": Page.DISEASE_HISTORY,
    "brain_metastases": Page.DISEASE_HISTORY,
    "prior_lines": Page.DISEASE_HISTORY,
    "ecog": Page.PERFORMANCE_STATUS,
    "measurable_disease": Page.LESION,
    "weight": Page.VITAL_SIGNS,
    "oxygen_saturation": Page.VITAL_SIGNS,
    "qtcf": Page.ECG,
}
"""The typed page on which a fact is entered; laboratory results and extra items are found through the protocol."""

FACT_TESTS = {"pregnancy_test": "HCG", "creatinine_clearance": "CREATCLR"}
"""Facts that are laboratory results under a name of their own."""


@dataclass(frozen=True)
class Evidence:
    """One sentence of what the data say, with the form that says it (none: nothing was entered yet)."""

    sentence: str
    answer: eligibility.Answer
    record: int | None
    form_title: str


@dataclass(frozen=True)
class CriterionView:
    """One criterion with both answers beside each other."""

    criterion: Criterion
    answer: str | None
    comment: str
    finding: Finding | None
    evidence: tuple[Evidence, ...]

    @property
    def answer_words(self) -> str:
        return Answer(self.answer).label if self.answer else ""

    @property
    def site_lets_in(self) -> bool | None:
        """Whether the subject can take part by the site's answer; None while it is not assessed."""
        if self.answer is None or self.answer == Answer.NOT_ASSESSED:
            return None
        if self.answer == Answer.NOT_APPLICABLE:
            return True
        return (self.answer == Answer.MET) is (self.criterion.kind is CriterionKind.INCLUSION)

    @property
    def data_let_in(self) -> bool | None:
        """The same by the entered data; None where there is no machine check, or it cannot tell."""
        return None if self.finding is None else self.finding.lets_in

    @property
    def disagrees(self) -> bool:
        return None not in (self.site_lets_in, self.data_let_in) and self.site_lets_in is not self.data_let_in

    @property
    def needs_comment(self) -> bool:
        """The site lets in a subject whom the data keep out, and has not said why."""
        return self.site_lets_in is True and self.data_let_in is False and not self.comment

    @property
    def data_words(self) -> str:
        """What the data say, in the words of the answer column."""
        if self.finding is None:
            return "No machine check"
        return {
            eligibility.Answer.MET: "Met",
            eligibility.Answer.NOT_MET: "Not met",
            eligibility.Answer.CANNOT_TELL: "Cannot tell",
        }[self.finding.answer]


def record_of_gate(subject: Subject, gate: str) -> FormRecord | None:
    """The criteria page of a gate: of the newest screening where there were several."""
    form = subject.protocol_version.definition.gate(gate).eligibility_form
    if form is None:
        return None
    found: FormRecord | None = (
        FormRecord.objects.filter(subject=subject, form=form)
        .exclude(state=EntryState.REMOVED)
        .select_related("site", "visit", "subject__protocol_version", "protocol_version")
        .order_by("-pk")
        .first()
    )
    return found


def _not_yet_known(definition: Definition, known: Sequence[Fact]) -> list[Fact]:
    """The laboratory tests that nobody has a result of, so that a check asks for them by their names."""
    names = {fact.name for fact in known}
    return [
        Fact(name=f"{LAB_FACT}{analyte.test}", label=analyte.label, value=None)
        for panel in definition.panels
        for analyte in panel.analytes
        if f"{LAB_FACT}{analyte.test}" not in names
    ]


@dataclass(frozen=True)
class Known:
    """What all rooms know of a subject now, and the newest begun record of each form."""

    facts: tuple[Fact, ...]
    records: Mapping[str, int]


def known_of(subject: Subject) -> Known:
    rows = (
        FormRecord.objects.filter(subject=subject)
        .exclude(state__in=[EntryState.EXPECTED, EntryState.REMOVED])
        .order_by("pk")
        .values_list("form", "pk")
    )
    return Known(facts=tuple(facts.known_facts(subject)), records=dict(rows))


def of_record(record: FormRecord, known: Known | None = None) -> list[CriterionView]:
    """The criteria on a page, in the protocol's order, with the data's answer worked out now.

    The data are judged as of the day of assessment once it is entered, until then as of today at the site. Who looks
    at several pages of a subject hands in what is `known`, so that it is asked once.
    """
    known = known or known_of(record.subject)
    definition = record.protocol_version.definition
    assessed = Eligibility.objects.filter(record=record).values_list("assessed", flat=True).first()
    on = assessed or PartialDate.of(values.entry_context(record).today)
    newest_facts = newest(known.facts, on=on)
    newest_facts += _not_yet_known(definition, newest_facts)
    answers = {line.key: line for line in CriterionAnswer.objects.filter(record=record, is_removed=False)}
    views = []
    for criterion in definition.criteria_of(definition.form(record.form).gate or ""):
        line = answers.get(criterion.number)
        finding = eligibility.check_criterion(criterion, newest_facts, on=on)
        views.append(
            CriterionView(
                criterion=criterion,
                answer=line.answer if line else None,
                comment=(line.comment or "") if line else "",
                finding=finding,
                evidence=tuple(
                    Evidence(each.sentence, each.answer, *_source(each.fact, definition, known.records))
                    for each in (finding.evidence if finding else ())
                ),
            )
        )
    return views


def newest(known: Iterable[Fact], *, on: PartialDate) -> list[Fact]:
    """One fact a name: the newest that does not lie after the day. A value outranks a result that is only awaited."""
    chosen: dict[str, Fact] = {}
    for fact in known:
        if fact.on is not None and fact.on.earliest() > on.latest():
            continue
        other = chosen.get(fact.name)
        if other is None or _rank(fact) >= _rank(other):
            chosen[fact.name] = fact
    return list(chosen.values())


def _rank(fact: Fact) -> tuple[bool, bool, str]:
    return fact.value is not None, fact.on is not None, fact.on.latest().isoformat() if fact.on else ""


def _source(fact: str, definition: Definition, sources: Mapping[str, int]) -> tuple[int | None, str]:
    forms = [form for form in definition.forms if _asks(form, fact, definition)]
    entered = [form for form in forms if form.code in sources]
    if entered:
        newest_form = max(entered, key=lambda form: sources[form.code])
        return sources[newest_form.code], newest_form.title
    return None, forms[0].title if forms else ""


def _asks(form: Form, fact: str, definition: Definition) -> bool:
    """Whether the form is where the fact is entered."""
    if any(item.code == fact for item in form.items):
        return True
    test = fact.removeprefix(LAB_FACT) if fact.startswith(LAB_FACT) else FACT_TESTS.get(fact)
    if test is not None:
        return form.panel is not None and any(each.test == test for each in definition.panel(form.panel).analytes)
    if form.page is Page.BIOMARKERS and FACT_PAGES.get(fact) is Page.BIOMARKERS:
        return fact.upper() in form.biomarkers
    if form.page is Page.DISEASE_HISTORY and fact in form.leave_out:
        return False
    return FACT_PAGES.get(fact) is form.page
