"""What monitors, data managers, medical monitors and investigators do with the data once they are entered."""

from datetime import datetime, timedelta
from functools import partial

from apps.access.roles import Role
from apps.alerts import services as alerts
from apps.alerts.models import Alert, State
from apps.demo.stage import Stage, proof_of
from apps.deviations import services as deviations
from apps.deviations.models import Deviation
from apps.deviations.models import State as DeviationState
from apps.review import services as queries
from apps.review import signatures, verification
from apps.review.models import Query, Scope
from apps.study.models import Site
from apps.subjects.models import Status, Subject
from apps.visits import services as entry
from apps.visits.models import EntryState, FormRecord
from clinical.protocol.pages import Page

VERIFIED_PAGES = (
    Page.CONSENT.value,
    Page.DEMOGRAPHICS.value,
    Page.ELIGIBILITY.value,
    Page.ADMINISTRATION.value,
    Page.VITAL_SIGNS.value,
    Page.ADVERSE_EVENT.value,
)
OVER = (Status.DIED, Status.WITHDRAWN, Status.COMPLETED)
ASKED_ABOUT = {
    Page.VITAL_SIGNS.value: ("results/SYSBP/value", "The source says another pressure. Please check."),
    Page.DISEASE_HISTORY.value: ("prior_lines", "The log of prior therapy has two lines. Please check."),
    Page.ADVERSE_EVENT.value: ("outcome", "The discharge letter names another outcome. Please check."),
}
LEFT_STALE = 3
"""How many verified values a site corrects afterwards, and nobody has verified again."""


def oversee(stage: Stage) -> None:
    """Put the last days' verification, queries, deviations and signatures into the script."""
    for day, hour, happens in (
        (-5, 12, verify),
        (-4, 9, ask),
        (-3, 16, settle_deviations),
        (-2, 15, sign_casebooks),
        (-1, 22, correct_after_verification),
    ):
        stage.script.add(stage.moment(day, hour), partial(happens, stage))


def _records(stage: Stage, site: Site | None = None) -> list[FormRecord]:
    found = FormRecord.objects.filter(study=stage.study, state=EntryState.COMPLETE)
    if site is not None:
        found = found.filter(site=site)
    return list(
        found.select_related("site", "study", "subject", "visit", "protocol_version").order_by("subject__number", "pk")
    )


def _first_subjects(stage: Stage) -> list[str]:
    numbers = list(Subject.objects.filter(study=stage.study).order_by("entered_at").values_list("number", flat=True))
    return numbers[: max(3, len(numbers) // 4)]


def verify(stage: Stage, at: datetime) -> None:
    """The monitor has compared what the plan asks of the first subjects."""
    with stage.acting(Role.MONITOR) as monitor:
        first = set(_first_subjects(stage))
        chosen = [each for each in _records(stage) if each.subject.number in first and each.page in VERIFIED_PAGES]
        if chosen:
            verification.verify_records(actor=monitor, records=chosen, at=at)


def ask(stage: Stage, at: datetime) -> None:
    """Queries of the monitor: some open, some answered, some closed; and one of the medical monitor."""
    raised: list[Query] = []
    with stage.acting(Role.MONITOR) as monitor:
        asked = [each for each in _records(stage) if each.page in ASKED_ABOUT]
        step = max(len(asked) // 9, 1)
        for record in asked[::step][:9]:
            path, words = ASKED_ABOUT[record.page]
            raised.append(queries.raise_query(actor=monitor, record=record, path=path, text=words, at=at))
    for place, query in enumerate(raised):
        if place % 3 == 0:
            continue  # still open
        site = next(each for each in stage.sites if each.pk == query.site_id)
        with stage.acting(Role.COORDINATOR, site) as coordinator:
            answered = queries.answer_query(
                actor=coordinator, query=query, text="Checked against the source: right as entered.",
                at=at + timedelta(hours=20),
            )  # fmt: skip
        if place % 3 == 2:
            with stage.acting(Role.MONITOR) as monitor:
                queries.close_query(actor=monitor, query=answered, at=at + timedelta(hours=26))


def correct_after_verification(stage: Stage, at: datetime) -> None:
    """A site corrects values that were verified: their marks are stale now."""
    first = set(_first_subjects(stage))
    corrected = 0
    for site in stage.sites:
        with stage.acting(Role.COORDINATOR, site) as coordinator:
            for record in _records(stage, site):
                if corrected == LEFT_STALE or record.page != Page.VITAL_SIGNS or record.subject.number not in first:
                    continue
                entry.save_values(
                    actor=coordinator,
                    record=record,
                    texts={"results/PULSE/value": "81"},
                    reason="Transcription error",
                    at=at,
                )
                corrected += 1
                break


def settle_deviations(stage: Stage, at: datetime) -> None:
    """Sites have explained every second deviation, and the data manager has closed some of those."""
    for site in stage.sites:
        with stage.acting(Role.COORDINATOR, site) as coordinator:
            found = list(
                Deviation.objects.filter(study=stage.study, site=site, state=DeviationState.OPEN).order_by("pk")
            )[::2]
            for deviation in found:
                deviations.describe_deviation(
                    actor=coordinator,
                    deviation=deviation,
                    cause="The appointment could not be kept.",
                    action_taken="Dates of the coming visits were gone through with the subject.",
                    at=at,
                )
        with stage.acting(Role.DATA_MANAGER) as manager:
            for deviation in found[::2]:
                deviations.close_deviation(actor=manager, deviation=deviation, at=at + timedelta(hours=2))


def sign_casebooks(stage: Stage, at: datetime) -> None:
    """Investigators have signed what can be signed of subjects whose trial is over."""
    for site in stage.sites:
        with stage.acting(Role.INVESTIGATOR, site) as investigator:
            ended = [each for each in _records(stage, site) if each.subject.status in OVER]
            obstacles = signatures.obstacles(ended)
            ready = [each for each in ended if each.pk not in obstacles]
            if ready:
                signatures.sign_records(
                    actor=investigator, proof=proof_of(investigator), records=ready, scope=Scope.RECORD, at=at
                )


def acknowledge(stage: Stage) -> None:
    """The medical monitor has acknowledged every second alert; the others wait on the page."""
    with stage.acting(Role.MEDICAL_MONITOR) as mora:
        raised = list(Alert.objects.filter(study=stage.study, state=State.NEW).order_by("key"))
        for alert in raised[::2]:
            alerts.acknowledge_alert(
                actor=mora, alert=alert, note="Seen, and discussed with the site on the telephone.",
                at=alert.updated_at,
            )  # fmt: skip
