"""Loading the demo: both trials, everything in one transaction, so that a load that is killed leaves nothing."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from time import perf_counter

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.core import outbox
from apps.core.models import OutboxMessage
from apps.core.refusal import Refusal
from apps.core.transactions import acting_everywhere
from apps.demo import cast, ima203, ima402, oversight, stage
from apps.demo.cast import SitePlan
from apps.demo.stage import Stage

JUDGED_ONCE = {
    "apps.alerts.listeners.evaluate_subject": "subject",
    "apps.alerts.listeners.evaluate_study": "study_id",
    "apps.escalation.reactions.close_places_when_safety_asks": "study_id",
}
"""Handlers that judge the data as they stand, and what each judges: after a load, once is as good as many times."""


class NotEmpty(Refusal): ...


class TooSmall(Refusal): ...


@dataclass(frozen=True)
class Loaded:
    """What was loaded, and how long it took."""

    subjects: int
    sites: int
    seconds: float


def load(
    *,
    subjects: int,
    sites: int,
    seed: str,
    today: date,
    password: str,
    trials: Sequence[str] = (ima402.CODE, ima203.CODE),
    tell: Callable[[str], None] = lambda sentence: None,
) -> Loaded:
    """Load the demo into an empty database: both trials, or those named. `tell` hears how far it has come."""
    if subjects < 1 or sites < 1:
        raise TooSmall("A demo needs at least one subject and one site.")
    began = perf_counter()
    with transaction.atomic():
        if User.objects.exists():
            raise NotEmpty(
                "This database holds accounts already, and a demo goes into an empty one only. "
                "To load it anew: manage.py demo_reset."
            )
        loaded = _play(subjects, sites, trials, seed=seed, today=today, password=password, tell=tell)
    return Loaded(subjects=loaded, sites=sites, seconds=perf_counter() - began)


def _play(
    subjects: int,
    sites: int,
    codes: Sequence[str],
    *,
    seed: str,
    today: date,
    password: str,
    tell: Callable[[str], None],
) -> int:
    planned = cast.sites(sites)
    people = cast.people(planned)
    joined = datetime.combine(today - timedelta(days=1), time(9), tzinfo=UTC)
    accounts = stage.hire(people, password=password, at=joined)

    def open_trial(code: str, at_sites: list[SitePlan], first_day: int) -> Stage:
        return stage.set_stage(
            code=code,
            planned_sites=at_sites,
            people=people,
            accounts=accounts,
            seed=seed,
            today=today,
            first_day=first_day,
        )

    trials, total = [], 0
    if ima402.CODE in codes:
        trial = open_trial(ima402.CODE, planned, ima402.OPENED)
        treated = min(subjects, ima402.room(trial.version.definition))
        beside = max(subjects // 6, 1) + subjects - treated
        ima402.tell(trial, ima402.plan(trial.version.definition, treated), beside=beside)
        trials.append(trial)
        total += treated + beside
    if ima203.CODE in codes:
        trial = open_trial(ima203.CODE, planned[:2], ima203.OPENED)
        total += ima203.tell(trial)
        trials.append(trial)
    for trial in trials:
        oversight.oversee(trial)
        trial.script.play(partial(_say_when, tell, trial.study.code))
    tell("The safety rules look at everything.")
    _deliver()
    for trial in trials:
        oversight.acknowledge(trial)
    return total


def _say_when(tell: Callable[[str], None], code: str, at: datetime) -> None:
    tell(f"{code} has come to {at:%d-%b-%Y}.")


def _deliver() -> None:
    """Let the background's handlers run as the worker would, each judging once what it judges."""
    with acting_everywhere("demo"):
        latest: dict[tuple[str, object], int] = {}
        waiting = OutboxMessage.objects.filter(delivered_at=None, handler__in=JUDGED_ONCE).order_by("id")
        for pk, handler, payload in waiting.values_list("pk", "handler", "payload"):
            latest[handler, payload[JUDGED_ONCE[handler]]] = pk
        superseded = OutboxMessage.objects.filter(delivered_at=None, handler__in=JUDGED_ONCE)
        superseded.exclude(pk__in=latest.values()).update(delivered_at=timezone.now())
    while outbox.drain():
        pass
