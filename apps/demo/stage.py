"""The stage of a demo trial: its study, sites and people, who acts, and the script in the order of its moments."""

import heapq
import random
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from django.conf import settings
from django.contrib.auth.hashers import make_password

from apps.access import services as access
from apps.access.roles import Role
from apps.access.selectors import actor_in
from apps.accounts.models import User
from apps.core.actor import Actor, system_actor
from apps.core.transactions import acting
from apps.demo.cast import Person, SitePlan
from apps.enrollment.models import Cohort
from apps.enrollment.services import ensure_cohorts
from apps.labs import services as labs
from apps.review.signatures import Proof
from apps.safety import triage
from apps.study import services as study_services
from apps.study.models import ProtocolVersion, Site, Study
from clinical.protocol import loading

PLACE = "demo"
OPENED_BEFORE = timedelta(days=60)
"""How long before its first consent a trial was opened."""


@dataclass
class Stage:
    """One trial of the demo and everybody in it."""

    study: Study
    version: ProtocolVersion
    sites: list[Site]
    people: dict[tuple[Role, str | None], User]
    seed: str
    today: date
    script: "Script" = field(default_factory=lambda: Script())
    laboratories: dict[str, str] = field(default_factory=dict)
    references: dict[str, int] = field(default_factory=dict)
    """The reference safety information in force, by study product."""
    _actors: dict[int, Actor] = field(default_factory=dict)
    _acting: list[Actor] = field(default_factory=list)

    def actor(self, role: Role, site: Site | None = None) -> Actor:
        """The person of that role, at the site where the role is a site's."""
        user = self.people[role, site.number if site else None]
        if user.pk not in self._actors:
            found = actor_in(user=user, study_code=self.study.code)
            assert found is not None  # everybody was given a role above
            self._actors[user.pk] = found
        return self._actors[user.pk]

    @contextmanager
    def acting(self, role: Role, site: Site | None = None) -> Iterator[Actor]:
        """Act as that person; who acts already goes on."""
        person = self.actor(role, site)
        if self._acting and self._acting[-1] is person:
            yield person
            return
        with acting(person, place=PLACE) as actor:
            self._acting.append(actor)
            try:
                yield actor
            finally:
                self._acting.pop()

    def chance(self, *about: object) -> random.Random:
        """Chance that depends on the seed and on what it is asked for, and not on what was drawn before."""
        return random.Random("/".join([self.seed, self.study.code, *map(str, about)]))  # a tale, no secret

    def moment(self, day: int, hour: int = 10, minute: int = 0, zone: tzinfo = UTC) -> datetime:
        """A moment so many days from today (before it: negative), by the clock of a zone."""
        return datetime.combine(self.today + timedelta(days=day), time(hour, minute), tzinfo=zone).astimezone(UTC)

    def cohort(self, level: int) -> Cohort:
        """The cohort in which the level is escalated."""
        return Cohort.objects.filter(study=self.study, dose_level=level).order_by("position")[0]


class Script:
    """Everything that happens, told in the order of time: cohorts open and fill as they would have."""

    def __init__(self) -> None:
        self._waiting: list[tuple[datetime, int, Callable[[datetime], None]]] = []
        self._count = 0

    def add(self, at: datetime, happens: Callable[[datetime], None]) -> None:
        """Let something happen at a moment; what is added meanwhile for later comes in its turn."""
        self._count += 1
        heapq.heappush(self._waiting, (at, self._count, happens))

    def play(self, tell: Callable[[datetime], None] = lambda at: None) -> None:
        """Let everything happen, and tell ten times how far the time of the trial has come."""
        if not self._waiting:
            return
        first, last = self._waiting[0][0], max(at for at, _, _ in self._waiting)
        marks = [first + (last - first) * tenth / 10 for tenth in range(1, 10)]
        while self._waiting:
            at, _, happens = heapq.heappop(self._waiting)
            if marks and at >= marks[0]:
                tell(at)
                marks = [mark for mark in marks if mark > at]
            happens(at)


def proof_of(actor: Actor) -> Proof:
    """That the person has just given the password: the demo's people do whenever they sign."""
    assert actor.user_id is not None  # only people are on the stage
    return Proof(user_id=actor.user_id, batch=uuid.uuid4())


def hire(people: list[Person], *, password: str, at: datetime) -> dict[str, User]:
    """One account for each person, by address, whatever number of trials they work in."""
    hashed = make_password(password)  # once: hashing is slow on purpose
    return {
        person.email: User.objects.create(email=person.email, full_name=person.full_name, joined_at=at, password=hashed)
        for person in people
    }


def set_stage(
    *,
    code: str,
    planned_sites: list[SitePlan],
    people: list[Person],
    accounts: dict[str, User],
    seed: str,
    today: date,
    first_day: int,
) -> Stage:
    """Open a study on its shipped protocol file, with its sites, roles, laboratories and cohorts."""
    opened = datetime.combine(today + timedelta(days=first_day) - OPENED_BEFORE, time(9), tzinfo=UTC)
    text = (settings.BASE_DIR / "protocols" / code / "1.0.toml").read_text(encoding="utf-8")
    plan = loading.load(text, code).definition
    assert plan is not None  # shipped files are checked
    about = plan.study
    study = study_services.open_study(code=code, title=about.title, sponsor=about.sponsor, zone=about.sponsor_zone)
    with acting(system_actor("Demo", study_id=study.pk, site_ids=()), place=PLACE) as system:
        sites = [
            study_services.open_site(
                actor=system, study=study, number=each.number, name=each.name, country=each.country, zone=each.zone
            )
            for each in planned_sites
        ]
    numbers = {site.number: site for site in sites}
    here = [person for person in people if person.site is None or person.site in numbers]
    of_role = {(person.role, person.site): accounts[person.email] for person in here}
    with acting(system_actor("Demo", study_id=study.pk, site_ids=[site.pk for site in sites]), place=PLACE) as system:
        version = study_services.approve_protocol(
            actor=system,
            study=study,
            text=text,
            approver=of_role[Role.ADMINISTRATOR, None],
            loaded_by=of_role[Role.STUDY_BUILDER, None],
            effective_date=opened.date(),
            at=opened,
        )
        for site in sites:
            study_services.approve_at_site(
                actor=system, site=site, protocol_version=version, effective_date=opened.date()
            )
        for person in here:
            access.give_role(
                actor=system,
                user=accounts[person.email],
                study=study,
                role=person.role,
                site=numbers[person.site] if person.site else None,
                at=opened,
            )
    stage = Stage(study=study, version=version, sites=sites, people=of_role, seed=seed, today=today)
    with stage.acting(Role.MEDICAL_MONITOR) as medical_monitor:
        ensure_cohorts(study=study, at=opened)
        for product in version.definition.products:
            if product.study_product:
                reference = triage.enter_reference(
                    actor=medical_monitor,
                    study=study,
                    product=product.code,
                    version="Investigator's brochure 4, section 6.8",
                    in_force_from=opened.date(),
                    at=opened,
                )
                stage.references[product.code] = reference.pk
    for site in sites:
        with stage.acting(Role.COORDINATOR, site) as coordinator:
            name = f"Laboratory of {site.name}"
            laboratory = labs.register_laboratory(actor=coordinator, site=site, name=name, at=opened)
            stage.laboratories[site.number] = str(laboratory.pk)
    return stage
