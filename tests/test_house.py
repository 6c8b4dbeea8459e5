"""The house itself: floors hold for foreign keys too, every table is audited or says why not, no switch for walls."""

import re
import tomllib
from pathlib import Path

import pytest
from django.apps import apps

from apps.core import walls

ROOT = Path(__file__).resolve().parent.parent


def floors() -> dict[str, int]:
    """Each app's height, from the contract that imports are held to."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    layers = next(contract["layers"] for contract in contracts if "apps.demo" in contract["layers"])
    return {name.strip().removeprefix("apps."): -height for height, row in enumerate(layers) for name in row.split("|")}


def test_every_app_has_its_floor() -> None:
    ours = {config.label for config in apps.get_app_configs() if config.name.startswith("apps.")}
    assert ours == set(floors())


def test_foreign_keys_point_down_or_stay_in_their_app() -> None:
    height = floors()
    upward = [
        f"{model._meta.label}.{field.name} points at {field.related_model._meta.label}"
        for model in apps.get_models()
        if model._meta.app_label in height
        for field in model._meta.concrete_fields
        if field.related_model is not None
        and field.related_model._meta.app_label in height
        and field.related_model._meta.app_label != model._meta.app_label
        and height[field.related_model._meta.app_label] >= height[model._meta.app_label]
    ]
    assert upward == []


def test_what_is_not_audited_is_a_short_list_with_reasons() -> None:
    ours = {
        model._meta.db_table
        for model in apps.get_models()
        if model.__module__.startswith("apps.") and model._meta.db_table in walls.unaudited_tables()
    }
    assert ours <= {
        "audit_auditblock",
        "audit_auditevent",
        "core_outboxmessage",
        "core_workerheartbeat",
        "exports_exportprogress",
        "subjects_screeningsequence",
        "visits_pathversion",
    } | {table for table in ours if table.endswith(("sequence", "counter"))}
    assert all(len(why) > 10 for why in walls.unaudited_tables().values())


@pytest.mark.parametrize("folder", ["apps", "trialsite"])
def test_no_setting_or_variable_turns_the_trail_off(folder: str) -> None:
    switch = re.compile(r"(disable|without|skip|no)_?(audit|trail|trigger)", re.IGNORECASE)
    found = [
        f"{path.relative_to(ROOT)}: {match.group(0)}"
        for path in (ROOT / folder).rglob("*.py")
        if "migrations" not in path.parts
        for match in switch.finditer(path.read_text(encoding="utf-8"))
    ]
    assert found == []


def test_every_room_has_a_door_sign() -> None:
    silent = [
        str(door.relative_to(ROOT))
        for door in (ROOT / "apps").glob("*/__init__.py")
        if not door.read_text(encoding="utf-8").startswith('"""')
    ]
    assert silent == []
