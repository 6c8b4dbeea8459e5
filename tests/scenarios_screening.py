"""Subjects in screening, reached through the services, for both trials."""

from datetime import datetime, timedelta

from apps.screening import criteria as criteria_of
from apps.screening import services
from apps.screening.models import CriterionAnswer
from apps.screening.services import ConsentGiven
from apps.subjects.models import Subject
from apps.visits import schedule, values
from apps.visits import services as entry
from apps.visits.models import FormRecord, Visit, VisitStatus
from clinical.partial_date import PartialDate
from clinical.protocol.conduct import CriterionKind
from tests.scenarios import NOON, Trial


def consent_of(at: datetime, trial: Trial, *, site: str = "101", version: str = "1.0") -> ConsentGiven:
    """A consent signed two hours before `at`, by the site's clock."""
    local = (at - timedelta(hours=2)).astimezone(trial.sites[site].zone_info)
    return ConsentGiven(version=version, given=PartialDate.of(local), explained_by="Dr Amara Okafor", copy_given="Y")


def consented(trial: Trial, *, by: str = "chidi", at: datetime = NOON) -> Subject:
    """A subject with a first consent and a screening number."""
    with trial.acting_as(by) as actor:
        site = next(site for site in trial.sites.values() if site.pk in actor.site_ids)
        return services.consent_new_subject(
            actor=actor, site=site, consent=consent_of(at, trial, site=site.number), at=at
        )


def start(trial: Trial, subject: Subject, visit: str, *, by: str = "chidi", at: datetime = NOON) -> Visit:
    """A visit that takes place on the day of `at`."""
    with trial.acting_as(by) as actor:
        found = Visit.objects.get(subject=subject, code=visit)
        if found.status == VisitStatus.STARTED:
            return found
        day = PartialDate.of(at.astimezone(subject.site.zone_info).date())
        return schedule.start_visit(actor=actor, visit=found, took_place=day, at=at)


def fill(
    trial: Trial, subject: Subject, form: str, texts: dict[str, str], *, by: str = "chidi", at: datetime = NOON
) -> FormRecord:
    """The newest page of a form, filled and completed."""
    with trial.acting_as(by) as actor:
        record = FormRecord.objects.filter(subject=subject, form=form).order_by("-pk").first()
        assert record is not None, f"no {form} is open for {subject}"
        record = entry.save_values(actor=actor, record=record, texts=texts, at=at)
        return entry.complete_record(actor=actor, record=record, at=at)


def demographics(trial: Trial, subject: Subject, *, birth: str = "1961", by: str = "chidi") -> FormRecord:
    return fill(
        trial,
        subject,
        "demographics",
        {"birth": birth, "sex": "F", "ethnicity": "NOT HISPANIC OR LATINO", "races/1/race": "ASIAN"},
        by=by,
    )


def biomarkers(
    trial: Trial,
    subject: Subject,
    form: str = "biomarkers",
    *,
    hla: str = "A*02:01, A*24:02",
    prame: str = "POSITIVE",
    by: str = "chidi",
) -> FormRecord:
    """The markers that the form asks for."""
    asked = trial.version.definition.form(form).biomarkers
    texts = {}
    for marker in asked:
        value = {"HLA": ("reported", hla), "PRAME": ("interpretation", prame)}[marker]
        texts |= {
            f"markers/{marker}/{value[0]}": value[1],
            f"markers/{marker}/method": "NGS" if marker == "HLA" else "IHC",
            f"markers/{marker}/laboratory": "Central laboratory",
            f"markers/{marker}/collected": "2026-02-20",
        }
    return fill(trial, subject, form, texts, by=by)


def answer_criteria(
    trial: Trial,
    subject: Subject,
    gate: str,
    *,
    failing: tuple[str, ...] = (),
    comment: str = "Seen in the source",
    by: str = "chidi",
    at: datetime = NOON,
) -> FormRecord:
    """All criteria of a gate answered in the subject's favour, but for those failing."""
    with trial.acting_as(by) as actor:
        record = criteria_of.record_of_gate(subject, gate)
        assert record is not None, f"the criteria of {gate} are not open yet"
        local = at.astimezone(subject.site.zone_info).date()
        texts = {"assessed": local.isoformat()}
        for criterion in trial.version.definition.criteria_of(gate):
            fulfilled = criterion.number not in failing
            met = fulfilled is (criterion.kind is CriterionKind.INCLUSION)
            texts[f"answers/{criterion.number}/answer"] = "MET" if met else "NOT MET"
            texts[f"answers/{criterion.number}/comment"] = comment
        assert set(CriterionAnswer.objects.filter(record=record).values_list("key", flat=True)) == {
            place.path.split("/")[1] for place in values.all_places(record) if place.path.startswith("answers/")
        }
        record = entry.save_values(actor=actor, record=record, texts=texts, at=at)
        return entry.complete_record(actor=actor, record=record, at=at)


def screened(trial: Trial, *, by: str = "chidi", at: datetime = NOON, failing: tuple[str, ...] = ()) -> Subject:
    """A subject whose first gate is answered: IMA402's only one, or IMA203's HLA typing."""
    subject = consented(trial, by=by, at=at)
    gate = trial.version.definition.gates[0]
    assert gate.consent_form is not None
    visit = next(each for each in trial.version.definition.visits_for() if gate.eligibility_form in each.forms)
    start(trial, subject, visit.code, by=by, at=at)
    demographics(trial, subject, by=by)
    markers = next(form.code for form in trial.version.definition.forms if "HLA" in form.biomarkers)
    biomarkers(trial, subject, markers, by=by)
    answer_criteria(trial, subject, gate.code, failing=failing, by=by, at=at)
    return subject


def screen_failed(trial: Trial, *, criterion: str = "I4", by: str = "chidi", at: datetime = NOON) -> Subject:
    """A subject who cannot take part because of one criterion."""
    subject = screened(trial, by=by, at=at, failing=(criterion,))
    with trial.acting_as(by) as actor:
        services.fail_screening(actor=actor, subject=subject, criteria=[criterion], at=at)
        return Subject.objects.select_related("site", "study", "protocol_version").get(pk=subject.pk)
