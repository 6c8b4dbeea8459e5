"""The forms of the triage: what each asks, what it shows again after a refusal, and how its text is read."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.http import QueryDict

from apps.core.refusal import Refusal
from apps.safety.authority import REPORT_WORDS, ProductView, TriageCase
from apps.safety.models import AuthorityReport, ReferenceInformation
from apps.safety.triage import Answers, Moment, ProductAnswer, Sending
from clinical.clocks import Report
from clinical.partial_date import AskBack, Precision, read_typed

Choices = tuple[tuple[str, str], ...]
YES_NO: Choices = (("yes", "Yes"), ("no", "No"))


@dataclass(frozen=True)
class Field:
    """One question of a form, with what was typed and what is wrong with it."""

    form: str
    path: str
    label: str
    kind: str
    """`radio`, `checks`, `select`, `text` or `area`."""
    values: tuple[str, ...] = ()
    choices: Choices = ()
    help: str = ""
    problem: str = ""

    @property
    def dom(self) -> str:
        return f"{self.form}-{self.path}"

    @property
    def longest(self) -> int:
        """What the columns hold: 60 characters of a version, 100 of an authority; a moment is shorter."""
        return 60 if self.path == "version" else 100

    @property
    def value(self) -> str:
        return self.values[0] if self.values else ""


@dataclass(frozen=True)
class Form:
    """A form as the page shows it, with everything that is wrong, each with the element to go to."""

    fields: tuple[Field, ...]
    problems: tuple[tuple[str, str, str], ...] = ()


def _form(fields: Sequence[Field], typed: QueryDict | None, refusal: Refusal | None) -> Form:
    """The fields with what was typed in place of what they begin with, and their problems."""
    findings = getattr(refusal, "findings", ())
    wrong = {each.path: each.sentence for each in reversed(findings)}
    shown = tuple(
        replace(
            each,
            values=each.values if typed is None else tuple(typed.getlist(each.path)),
            problem=wrong.get(each.path, ""),
        )
        for each in fields
    )
    places = {each.path: each.dom for each in shown}
    return Form(shown, tuple((each.path, places.get(each.path, "content"), each.sentence) for each in findings))


def triage(case: TriageCase, *, typed: QueryDict | None = None, refusal: Refusal | None = None) -> Form:
    """How the sponsor sees the event; it begins with what was said last."""
    latest = case.latest
    fields = [
        Field("triage", "is_serious", "Serious, as the sponsor sees it", "radio",
              _said(latest.is_serious if latest else None), YES_NO, "Serious to either party counts as serious."),
        Field("triage", "is_fatal", "Fatal or life threatening", "radio",
              _said(latest.is_fatal if latest else None), YES_NO),
        Field("triage", "fatal_known_at", "When the sponsor learnt that it is", "text",
              _moment_said(latest.fatal_known_at if latest else None, case.zone),
              help=f"Day and time in {case.zone.key}. Leave it empty if you know it from the site's page."),
    ]  # fmt: skip
    for view in case.products:
        fields += _product_fields(view)
    fields.append(Field("triage", "reason", "Reason", "area"))
    return _form(fields, typed, refusal)


def _product_fields(view: ProductView) -> list[Field]:
    choices = tuple((str(each.pk), _version_words(each)) for each in view.references)
    chosen = view.judged_against if view.judged_against in view.references else None
    if len(view.references) == 1:
        (chosen,) = view.references
    else:
        first = "Choose the version" if choices else "No version of that time is entered"
        choices = (("", first), *choices)
    return [
        Field("triage", f"{view.code}-related", f"Related to {view.name}, as the sponsor sees it", "radio",
              _said(view.opinion.sponsor), YES_NO,
              f"The investigator: {view.investigator_words}. You may add a relation, never take one away."),
        Field("triage", f"{view.code}-expected", f"Expected with {view.name}", "radio",
              _said(view.opinion.expected), YES_NO, "Needed where the event counts as related."),
        Field("triage", f"{view.code}-reference", f"Judged against, for {view.name}", "select",
              (str(chosen.pk),) if chosen else (), choices,
              "Reference safety information in force when the event began."),
    ]  # fmt: skip


def sending(
    case: TriageCase,
    *,
    corrects: AuthorityReport | None = None,
    typed: QueryDict | None = None,
    refusal: Refusal | None = None,
) -> Form:
    """A report that went out, or the correction of one."""
    form = "sending" if corrects is None else "correction"
    first = () if case.sent else tuple(each.clock.report.value for each in case.owed[:1])
    owed = {each.clock.report for each in (case.owed if corrects is None else case.due)}
    if corrects is not None:
        owed |= {Report(word) for word in corrects.answers}
    fields = [
        Field(form, "answers", "Sent as", "checks",
              tuple(corrects.answers) if corrects else first,
              tuple((each.value, REPORT_WORDS[each]) for each in REPORT_WORDS if each in owed),
              "A further follow-up is none of these."),
        Field(form, "authority", "To", "text", (corrects.authority,) if corrects else (),
              help="The authority or its gateway, such as EudraVigilance."),
        Field(form, "submitted_at", "Went out", "text",
              _moment_said(corrects.submitted_at if corrects else None, case.zone),
              help=f"Day and time in {case.zone.key}, like 15mar2026 14:05."),
    ]  # fmt: skip
    if corrects is not None:
        fields = [
            Field(form, "was_sent", "Was it sent?", "radio", ("yes",), YES_NO, "If not, its clock runs on."),
            *fields,
            Field(form, "reason", "Why it is corrected", "area"),
        ]
    return _form([each for each in fields if each.kind != "checks" or each.choices], typed, refusal)


def reference(
    products: Choices,
    *,
    corrects: ReferenceInformation | None = None,
    typed: QueryDict | None = None,
    refusal: Refusal | None = None,
) -> Form:
    """A version of the reference safety information, or the correction of one."""
    only = tuple(code for code, _ in products[:1]) if len(products) == 1 else ()
    fields = [
        Field("reference", "product", "Study product", "select", (corrects.product,) if corrects else only,
              products if only else (("", "Choose the product"), *products)),
        Field("reference", "version", "Version", "text", (corrects.version,) if corrects else (),
              help="As the document names itself, such as “Investigator's brochure 6, section 7.3”."),
        Field("reference", "in_force_from", "In force from", "text",
              (f"{corrects.in_force_from:%d-%b-%Y}",) if corrects else (),
              help="The first day. It is in force until the next version is."),
    ]  # fmt: skip
    if corrects is not None:
        fields.append(Field("reference", "reason", "Why it is corrected", "area"))
    return _form(fields, typed, refusal)


def _version_words(version: ReferenceInformation) -> str:
    return f"{version.version}, in force from {version.in_force_from:%d-%b-%Y}"


def _said(answer: bool | None) -> tuple[str, ...]:
    return () if answer is None else ("yes",) if answer else ("no",)


def _moment_said(moment: datetime | None, zone: ZoneInfo) -> tuple[str, ...]:
    return () if moment is None else (f"{moment.astimezone(zone):%d-%b-%Y %H:%M}",)


# -- what was typed ---------------------------------------------------------------------------------------------------


def read_answers(case: TriageCase, typed: QueryDict) -> Answers:
    return Answers(
        is_serious=yes_or_no(typed, "is_serious"),
        is_fatal=yes_or_no(typed, "is_fatal"),
        fatal_known_at=_moment(typed, "fatal_known_at", case),
        products={
            view.code: ProductAnswer(
                is_related=yes_or_no(typed, f"{view.code}-related"),
                is_expected=yes_or_no(typed, f"{view.code}-expected"),
                reference=key(typed, f"{view.code}-reference"),
            )
            for view in case.products
        },
        reason=typed.get("reason", ""),
    )


def read_sending(case: TriageCase, typed: QueryDict) -> Sending:
    known = {each.value: each for each in Report}
    return Sending(
        answers=frozenset(known[word] for word in typed.getlist("answers") if word in known),
        authority=typed.get("authority", ""),
        submitted_at=_moment(typed, "submitted_at", case),
    )


def read_day(typed: Mapping[str, str], path: str, *, today: date) -> date | AskBack | None:
    text = typed.get(path, "").strip()
    if not text:
        return None
    read = read_typed(text, today=today, at_least=Precision.DAY, at_most=Precision.DAY)
    return read if isinstance(read, AskBack) else read.full_date


def _moment(typed: QueryDict, path: str, case: TriageCase) -> Moment:
    """A day and time as typed, in the sponsor's zone."""
    text = typed.get(path, "").strip()
    if not text:
        return None
    read = read_typed(text, today=case.today, at_least=Precision.MINUTE)
    return read if isinstance(read, AskBack) else read.earliest_at(case.zone)


def yes_or_no(typed: QueryDict, path: str) -> bool | None:
    return {"yes": True, "no": False}.get(typed.get(path, ""))


def key(typed: QueryDict, path: str) -> int | None:
    """The key of a chosen row; nothing where none was chosen."""
    text = typed.get(path, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None
