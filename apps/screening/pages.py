"""The typed pages of screening, and what is checked when they are completed."""

from collections.abc import Iterator
from typing import Any

from apps.screening import criteria
from apps.screening.facts import alleles
from apps.screening.forms import (
    HLA,
    BiomarkerResultForm,
    BiomarkersForm,
    ConsentForm,
    CriterionAnswerForm,
    DemographicsForm,
    DiseaseHistoryForm,
    EligibilityForm,
    MedicalHistoryForm,
    PriorTherapyForm,
    RaceForm,
)
from apps.screening.models import (
    BiomarkerResult,
    Biomarkers,
    Consent,
    CriterionAnswer,
    Demographics,
    DiseaseHistory,
    Eligibility,
    MedicalHistory,
    PriorTherapy,
    Race,
    RaceLine,
    YesNo,
)
from apps.subjects.models import ConsentGate
from apps.visits import pages
from apps.visits.models import CrfLine, FormRecord
from apps.visits.pages import Finding, LineType, PageType, Weight
from clinical.partial_date import Order, PartialDate, Precision
from clinical.protocol.conduct import CriterionKind
from clinical.protocol.pages import Page

MARKER_WORDS = {"HLA": "HLA type", "PRAME": "PRAME expression"}


def _consent_checks(record: FormRecord) -> Iterator[Finding]:
    row = Consent.objects.get(record=record)
    if row.given is not None and row.given.precision < Precision.MINUTE:
        yield Finding(
            "given",
            f"{row.given} leaves out the time. Add it, or say why it is not known: procedures of the same day need it.",
            check="consent time",
        )
    if row.copy_given == YesNo.NO:
        yield Finding("copy_given", "The subject got no copy. Correct it, or say why.", check="consent copy")
    if row.withdrawn is not None:
        if row.given is not None and row.withdrawn.compare(row.given) is Order.BEFORE:
            yield Finding(
                "withdrawn", f"Withdrawn {row.withdrawn}, before it was given {row.given}.", Weight.BLOCKS, "order"
            )
        if row.withdrawal_scope is None:
            yield Finding("withdrawal_scope", "Say what the withdrawal covers.", Weight.BLOCKS, "scope")
    elif row.withdrawal_scope is not None:
        yield Finding("withdrawn", "Enter when the consent was withdrawn.", Weight.BLOCKS, "withdrawn")


def _consent_summary(record: FormRecord) -> str:
    row = Consent.objects.get(record=record)
    words = f"Version {row.version or '–'}, {row.given or '–'}"
    return f"{words}, withdrawn {row.withdrawn}" if row.withdrawn else words


def _open_demographics(record: FormRecord) -> None:
    RaceLine.objects.create(record=record, site=record.site, key="1")


def _demographics_checks(record: FormRecord) -> Iterator[Finding]:
    row = Demographics.objects.get(record=record)
    left_out = set(record.protocol_version.definition.form(record.form).leave_out)
    explained = {"birth", "age"} & record.blank_reasons.keys()
    if row.birth is None and row.age is None and not explained and not {"birth", "age"} <= left_out:
        yield Finding(
            "birth", "Enter as much of the date of birth as may be recorded, or the age.", Weight.BLOCKS, "birth or age"
        )
    races = [line.race for line in _races(record)]
    if Race.OTHER in races and not row.race_other:
        yield Finding("race_other", "Say in words which other race.", Weight.BLOCKS, "other race")
    stand_ins = {Race.NOT_REPORTED, Race.UNKNOWN} & set(races)
    if stand_ins and len(set(races)) > 1:
        yield Finding("races/1/race", "A race is named beside “not reported” or “unknown”.", check="races")


def _races(record: FormRecord) -> list[RaceLine]:
    return list(RaceLine.objects.filter(record=record, is_removed=False).order_by("pk"))


def _period_checks(began: PartialDate | None, ended: PartialDate | None) -> Iterator[Finding]:
    if began is not None and ended is not None and ended.compare(began) is Order.BEFORE:
        yield Finding("ended", f"Ended {ended}, before it began {began}.", Weight.BLOCKS, "order")


def _history_checks(record: FormRecord) -> Iterator[Finding]:
    row = MedicalHistory.objects.get(record=record)
    yield from _period_checks(row.began, row.ended)
    if row.ended is not None and row.ongoing == YesNo.YES:
        yield Finding("ongoing", f"It ended {row.ended}, so it is not ongoing.", Weight.BLOCKS, "ongoing")
    consents = ConsentGate.objects.filter(subject=record.subject).order_by("given_earliest")
    first = consents.first()
    if row.began is not None and first is not None and row.began.compare(first.given) is Order.AFTER:
        yield Finding(
            "began",
            f"It began {row.began}, after consent on {first.given}. Record it as an adverse event, or say why here.",
            check="after consent",
        )


def _therapy_checks(record: FormRecord) -> Iterator[Finding]:
    row = PriorTherapy.objects.get(record=record)
    yield from _period_checks(row.began, row.ended)


def _open_biomarkers(record: FormRecord) -> None:
    """One line a marker that the protocol's form asks for."""
    asked = record.protocol_version.definition.form(record.form).biomarkers
    BiomarkerResult.objects.bulk_create(
        BiomarkerResult(record=record, site=record.site, key=marker) for marker in asked
    )


def _marker_label(line: CrfLine) -> str:
    return MARKER_WORDS.get(line.key, line.key)


def _biomarker_checks(record: FormRecord) -> Iterator[Finding]:
    for line in BiomarkerResult.objects.filter(record=record, is_removed=False, key=HLA):
        if line.reported and not alleles(line.reported):
            yield Finding(
                f"markers/{HLA}/reported",
                f"“{line.reported}” names no allele. Type alleles such as A*02:01, or say why there is none.",
                check="alleles",
            )


def _open_eligibility(record: FormRecord) -> None:
    """One line a criterion that the protocol asks at the form's gate."""
    definition = record.protocol_version.definition
    asked = definition.criteria_of(definition.form(record.form).gate or "")
    CriterionAnswer.objects.bulk_create(
        CriterionAnswer(record=record, site=record.site, key=criterion.number) for criterion in asked
    )


def _criterion_label(line: CrfLine) -> str:
    return line.key


def _eligibility_checks(record: FormRecord) -> Iterator[Finding]:
    for view in criteria.of_record(record):
        if view.disagrees and not view.comment:
            yield Finding(
                f"answers/{view.criterion.number}/comment",
                f"{view.criterion.number} is answered “{view.answer_words}”, the data say “{view.data_words}” "
                f"({view.finding}). Correct one of them, or say why in the comment.",
                check="data say otherwise",
            )


def _eligibility_context(record: FormRecord) -> dict[str, Any]:
    views = criteria.of_record(record)
    return {
        "criteria": {view.criterion.number: view for view in views},
        "disagreements": [view for view in views if view.disagrees],
        "keeps_out": [view for view in views if view.site_lets_in is False],
        "open": [view for view in views if view.site_lets_in is None],
        "total": len(views),
        "exclusion": CriterionKind.EXCLUSION,
    }


def _summary(model: Any, *names: str) -> Any:
    def say(record: FormRecord) -> str:
        row = model.objects.get(record=record)
        return ", ".join(str(getattr(row, name)) for name in names if getattr(row, name) is not None)

    return say


def register() -> None:
    """Make the pages of screening known."""
    pages.register(
        PageType(
            code=Page.CONSENT.value,
            title="Informed consent",
            model=Consent,
            form=ConsentForm,
            checks=_checked(_consent_checks),
            summary=_consent_summary,
        )
    )
    pages.register(
        PageType(
            code=Page.DEMOGRAPHICS.value,
            title="Demographics",
            model=Demographics,
            form=DemographicsForm,
            lines=(
                LineType(
                    title="Race",
                    row_title="",
                    model=RaceLine,
                    form=RaceForm,
                    can_add=True,
                    add_words="Add a race",
                ),
            ),
            opened=_open_demographics,
            checks=_checked(_demographics_checks),
        )
    )
    pages.register(
        PageType(
            code=Page.MEDICAL_HISTORY.value,
            title="Medical history",
            model=MedicalHistory,
            form=MedicalHistoryForm,
            is_log=True,
            checks=_checked(_history_checks),
            summary=_summary(MedicalHistory, "term", "began"),
        )
    )
    pages.register(
        PageType(
            code=Page.DISEASE_HISTORY.value,
            title="Disease history",
            model=DiseaseHistory,
            form=DiseaseHistoryForm,
            summary=_summary(DiseaseHistory, "diagnosis"),
        )
    )
    pages.register(
        PageType(
            code=Page.PRIOR_THERAPY.value,
            title="Prior anticancer therapy",
            model=PriorTherapy,
            form=PriorTherapyForm,
            is_log=True,
            checks=_checked(_therapy_checks),
            summary=_summary(PriorTherapy, "therapy", "began"),
        )
    )
    pages.register(
        PageType(
            code=Page.BIOMARKERS.value,
            title="Biomarkers",
            model=Biomarkers,
            form=BiomarkersForm,
            lines=(
                LineType(
                    title="Results",
                    row_title="Marker",
                    model=BiomarkerResult,
                    form=BiomarkerResultForm,
                    label=_marker_label,
                ),
            ),
            opened=_open_biomarkers,
            checks=_checked(_biomarker_checks),
        )
    )
    pages.register(
        PageType(
            code=Page.ELIGIBILITY.value,
            title="Inclusion and exclusion criteria",
            model=Eligibility,
            form=EligibilityForm,
            lines=(
                LineType(
                    title="Criteria",
                    row_title="Criterion",
                    model=CriterionAnswer,
                    form=CriterionAnswerForm,
                    label=_criterion_label,
                ),
            ),
            opened=_open_eligibility,
            checks=_checked(_eligibility_checks),
            context=_eligibility_context,
            panel="screening/eligibility_panel.html",
            template="screening/eligibility.html",
        )
    )


def _checked(check: Any) -> pages.Checks:
    """A check written as a generator, as the list that completion wants."""
    return lambda record: list(check(record))
