"""States of a trial, reached through the services, for tests that begin in the middle of one.

The cast: Dr Amara investigates and Chidi coordinates at site 101; Iris coordinates at site 202; monitor Noor, medical
monitor Dr Mora, data manager Dana, statistician Stan and sponsor Sven work study-wide; Pia is the pharmacist of 101.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from django.contrib.auth.hashers import make_password

from apps.access import services as access_services
from apps.access.roles import Role
from apps.access.selectors import actor_in
from apps.accounts.models import User
from apps.core.actor import Actor, system_actor
from apps.core.transactions import acting
from apps.study import services as study_services
from apps.study.models import ProtocolVersion, Site, Study
from apps.subjects import services as subject_services
from apps.subjects.models import Subject

ROOT = Path(__file__).resolve().parent.parent
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
PASSWORD = "a quiet harbour in june"

CAST: dict[str, tuple[str, Role, str | None]] = {
    "amara": ("Dr Amara Okafor", Role.INVESTIGATOR, "101"),
    "chidi": ("Chidi Eze", Role.COORDINATOR, "101"),
    "pia": ("Pia Lund", Role.PHARMACIST, "101"),
    "iris": ("Iris Novak", Role.COORDINATOR, "202"),
    "ines": ("Dr Ines Prado", Role.INVESTIGATOR, "202"),
    "noor": ("Noor Haddad", Role.MONITOR, None),
    "mora": ("Dr Mora Lindqvist", Role.MEDICAL_MONITOR, None),
    "dana": ("Dana Weiss", Role.DATA_MANAGER, None),
    "stan": ("Stan Brandt", Role.STATISTICIAN, None),
    "sven": ("Sven Olsen", Role.SPONSOR, None),
    "bea": ("Bea Roth", Role.STUDY_BUILDER, None),
    "adam": ("Adam Klein", Role.ADMINISTRATOR, None),
    "agnes": ("Agnes Petit", Role.AUDITOR, None),
}
"""Each person: printed name, role, site (None: all sites of the study)."""


@dataclass
class Trial:
    """A study with its sites and people, and a way to act as any of them."""

    study: Study
    sites: dict[str, Site]
    version: ProtocolVersion
    people: dict[str, User] = field(default_factory=dict)

    def actor(self, name: str) -> Actor:
        actor = actor_in(user=self.people[name], study_code=self.study.code)
        assert actor is not None
        return actor

    @contextmanager
    def acting_as(self, name: str, *, reason: str = "") -> Iterator[Actor]:
        with acting(self.actor(name), place="test", reason=reason) as actor:
            yield actor

    def system(self) -> Actor:
        return system_actor("Trialsite", study_id=self.study.pk, site_ids=[site.pk for site in self.sites.values()])


def trial(code: str = "IMA402", *, version: str = "1.0", at: datetime = NOON) -> Trial:
    """A study on its shipped protocol file, two sites, the whole cast."""
    study = study_services.open_study(code=code, title=f"{code} test trial", sponsor="Immatics", zone="Europe/Berlin")
    setup = system_actor("Set-up", study_id=study.pk, site_ids=())
    approver = _person("approver", f"Approver of {code}", at)
    with acting(setup, place="test set-up"):
        sites = {
            number: study_services.open_site(
                actor=setup, study=study, number=number, name=name, country=country, zone=zone
            )
            for number, name, country, zone in (
                ("101", "Charité Berlin", "DEU", "Europe/Berlin"),
                ("202", "MD Anderson Houston", "USA", "America/Chicago"),
            )
        }
    setup = system_actor("Set-up", study_id=study.pk, site_ids=[site.pk for site in sites.values()])
    with acting(setup, place="test set-up"):
        approved = study_services.approve_protocol(
            actor=setup,
            study=study,
            text=(ROOT / "protocols" / code / f"{version}.toml").read_text(encoding="utf-8"),
            approver=approver,
            loaded_by=None,
            effective_date=date(2026, 1, 1),
            at=at,
        )
        for site in sites.values():
            study_services.approve_at_site(
                actor=setup, site=site, protocol_version=approved, effective_date=date(2026, 1, 1)
            )
        built = Trial(study=study, sites=sites, version=approved)
        for name, (full_name, role, site_number) in CAST.items():
            built.people[name] = _person(name, full_name, at)
            access_services.give_role(
                actor=setup,
                user=built.people[name],
                study=study,
                role=role,
                site=sites[site_number] if site_number else None,
                at=at,
            )
    return built


def _person(name: str, full_name: str, at: datetime) -> User:
    """One account a person, whatever number of trials they work in."""
    user = User.objects.filter(email=f"{name}@example.org").first()
    if user is None:
        user = User(email=f"{name}@example.org", full_name=full_name, joined_at=at, password=_password_hash())
        user.save()
    return user


_HASHES: list[str] = []


def _password_hash() -> str:
    """One real hash for everybody: hashing is slow on purpose."""
    if not _HASHES:
        _HASHES.append(make_password(PASSWORD))
    return _HASHES[0]


def subject(trial: Trial, *, by: str = "chidi", at: datetime = NOON) -> Subject:
    """A subject who just got a screening number."""
    with trial.acting_as(by) as actor:
        site_id = next(iter(actor.site_ids))
        site = next(site for site in trial.sites.values() if site.pk == site_id)
        return subject_services.enter_subject(actor=actor, site=site, protocol_version=trial.version, at=at)


def days(number: int) -> timedelta:
    return timedelta(days=number)
