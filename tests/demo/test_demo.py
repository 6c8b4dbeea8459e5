"""The demo: the same seed tells the same trial, nothing of it lands beside real data, its people can sign in."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import models, transaction

from apps.access.roles import Role
from apps.accounts.models import User
from apps.core.transactions import acting_everywhere
from apps.demo import cast, ima203, ima402, loading, stage
from apps.deviations.models import Deviation
from apps.dosing import selectors as dosing
from apps.study.models import Study
from apps.subjects.models import Subject
from clinical.protocol import loading as protocol_loading
from clinical.protocol.definition import Definition
from trialsite.settings import BASE_DIR

TODAY = date(2026, 6, 1)
CLINICAL = (
    "subjects", "visits", "screening", "enrollment", "dosing", "assessments", "labs", "tumor", "safety", "escalation",
    "deviations", "review",
)  # fmt: skip
SAID_BY_THE_SERVER = {"recorded_at", "changed_at", "written_at", "batch", "fingerprint", "content_hash", "content"}


@pytest.fixture(scope="module")
def definition() -> Definition:
    found = protocol_loading.load((BASE_DIR / "protocols/IMA402/1.0.toml").read_text(encoding="utf-8"), "IMA402")
    assert found.definition is not None
    return found.definition


def told(rows: Any) -> Iterator[tuple[Any, ...]]:
    """The values of a table, without keys, hashes and what the server records of itself."""
    model = rows.model
    columns = [
        field.attname
        for field in model._meta.concrete_fields
        if not (field.primary_key or isinstance(field, models.ForeignKey | models.JSONField | models.UUIDField))
        and field.attname not in SAID_BY_THE_SERVER
        and not field.attname.endswith("_id")
    ]
    if not columns:  # a page that holds only lines; naming no column would give them all
        yield (str(rows.count()),)
        return
    for row in rows.order_by("pk").values_list(*columns):
        yield tuple(map(str, row))


def dump() -> dict[str, list[tuple[Any, ...]]]:
    """Every clinical table; the order in which its rows were written is no part of the trial."""
    with acting_everywhere("test"):
        return {
            model._meta.label: sorted(told(model._default_manager.all()))
            for label in CLINICAL
            for model in apps.get_app_config(label).get_models()
        }


def load(*, seed: str = "7") -> None:
    loading.load(subjects=1, sites=1, seed=seed, today=TODAY, password=cast.PASSWORD, trials=("IMA402",))


@pytest.mark.django_db
def test_the_same_seed_tells_the_same_trial_and_another_seed_another() -> None:
    dumps = []
    for seed in ("7", "7", "8"):
        with transaction.atomic():
            load(seed=seed)
            dumps.append(dump())
            transaction.set_rollback(True)
    first, again, other = dumps
    assert first["subjects.Subject"]
    assert first["labs.LabResult"]
    assert [label for label in first if first[label] != again[label]] == []
    assert first["labs.LabResult"] != other["labs.LabResult"]


@pytest.mark.django_db
def test_cells_are_given_after_their_gate_and_interleukin_each_day_until_today() -> None:
    with transaction.atomic():
        planned = cast.sites(2)
        people = cast.people(planned)
        accounts = stage.hire(people, password=cast.PASSWORD, at=datetime(2026, 5, 1, tzinfo=UTC))
        trial = stage.set_stage(
            code="IMA203", planned_sites=planned, people=people, accounts=accounts, seed="7", today=TODAY, first_day=-60
        )
        houston = trial.sites[1]
        ima203.Story(trial, ima203.Member(index=0, level=1, infusion=-9, course="SD"), houston).tell()
        trial.script.play()
        with acting_everywhere("test"):
            assert not Deviation.objects.exists()
            subject = Subject.objects.select_related("protocol_version").get()
            rows = dosing.dose_rows([subject], product="ALDESLEUKIN")[subject.pk]
            total = dosing.running_total(rows)
    given = [row.row.started.iso for row in rows if row.row and row.is_given]
    assert given[:2] == ["2026-05-24T09:05", "2026-05-25T09:05"]
    assert given[5:] == [f"2026-05-{day}T{hour}" for day in (29, 30) for hour in ("09:05", "21:05")]
    assert len(rows) == 15
    assert total is not None
    assert total.reason == "9 of 9 due"


@pytest.mark.parametrize("count", [1, 3, 4, 24, 25, 60, 87])
def test_a_ladder_takes_as_many_subjects_as_it_is_asked_for(definition: Definition, count: int) -> None:
    ladder = ima402.plan(definition, count)
    assert len(ladder.members) == min(count, ima402.room(definition))
    assert len({member.index for member in ladder.members}) == len(ladder.members)


def test_the_default_has_24_subjects_over_four_levels_with_two_toxicities(definition: Definition) -> None:
    ladder = ima402.plan(definition, 24)
    levels = [member.level for member in ladder.members]
    assert {level: levels.count(level) for level in set(levels)} == {1: 3, 2: 9, 3: 6, 4: 6}
    assert sum(member.limits is not None for member in ladder.members) == 2
    assert {"CR", "PR", "SD", "PD", "NE"} <= {member.course for member in ladder.members}


def test_everybody_has_an_address_of_their_own_whatever_the_number_of_sites() -> None:
    people = cast.people(cast.sites(40))
    assert len({person.email for person in people}) == len(people)
    assert len({site.number for site in cast.sites(40)}) == 40


@pytest.mark.django_db
def test_nobody_gets_a_default_password_outside_a_demo(settings: Any) -> None:
    settings.DEMO = False
    with pytest.raises(CommandError, match="--demo-password"):
        call_command("demo_load")
    assert not User.objects.exists()


@pytest.mark.django_db
def test_a_demo_is_refused_beside_accounts(settings: Any) -> None:
    settings.DEMO = True
    User.objects.create(email="real@example.com", full_name="Real Person", joined_at="2026-01-01T00:00Z")
    with pytest.raises(CommandError, match="holds accounts already"):
        call_command("demo_load")


@pytest.mark.django_db
def test_sign_ins_are_printed_one_a_role_with_the_password() -> None:
    with transaction.atomic():
        load()
        shown = StringIO()
        call_command("demo_signins", stdout=shown)
        lines = shown.getvalue().splitlines()
    assert [line.split("  ")[0] for line in lines[: len(Role)]] == [role.label for role in Role]
    assert lines[-1] == f"Everybody's password: {cast.PASSWORD}"


@pytest.mark.django_db
def test_a_reset_drops_no_other_study_and_no_other_account(settings: Any) -> None:
    settings.DEMO = True
    Study.objects.create(code="REAL-1", title="A real trial", sponsor="Somebody", zone="UTC")
    User.objects.create(email="real@example.com", full_name="Real Person", joined_at="2026-01-01T00:00Z")
    with pytest.raises(CommandError, match="REAL-1") as refused:
        call_command("demo_reset", "--yes")
    assert "accounts that the demo did not make" in str(refused.value)
    assert Study.objects.filter(code="REAL-1").exists()
