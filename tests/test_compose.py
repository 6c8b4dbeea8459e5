"""`docker-compose.yml` without an engine: valid by the compose specification, and true of this project."""

import importlib
import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = ("migrate", "web", "worker", "beat")
SETTINGS_TABLE = (ROOT / "docs" / "settings.md").read_text()


def problems(compose: dict[str, Any]) -> list[str]:
    schema = json.loads((ROOT / "tests" / "compose_spec" / "compose-spec.json").read_text())
    return [error.message for error in jsonschema.Draft201909Validator(schema).iter_errors(compose)]


def test_the_file_follows_the_compose_specification() -> None:
    assert problems(COMPOSE) == []


@pytest.mark.parametrize(
    "misspelt",
    [
        {"image": "postgres:18", "dependson": ["db"]},
        {"image": "postgres:18", "healthcheck": {"tests": ["CMD", "true"]}},
        {"image": "postgres:18", "depends_on": {"db": {"condition": "healthy"}}},
    ],
)
def test_the_specification_in_use_would_catch_a_misspelling(misspelt: dict[str, Any]) -> None:
    assert problems({"services": {"web": misspelt}})


def test_the_parts_are_database_queue_migration_web_worker_and_beat() -> None:
    assert list(SERVICES) == ["db", "redis", *OURS]
    assert SERVICES["db"]["image"] == "postgres:18"
    assert "database:/var/lib/postgresql" in SERVICES["db"]["volumes"]
    assert SERVICES["migrate"]["restart"] == "no", "the migration runs once"


@pytest.mark.parametrize("name", ["db", "redis", "web", "worker", "beat"])
def test_every_part_that_stays_has_a_health_check(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}


@pytest.mark.parametrize("name", ["web", "worker", "beat"])
def test_parts_that_serve_wait_for_healthy_servers_and_a_finished_migration(name: str) -> None:
    waits = {other: on["condition"] for other, on in SERVICES[name]["depends_on"].items()}
    assert waits == {
        "db": "service_healthy",
        "redis": "service_healthy",
        "migrate": "service_completed_successfully",
    }


@pytest.mark.parametrize("name", SERVICES)
def test_no_part_runs_as_root(name: str) -> None:
    assert SERVICES[name]["user"].partition(":")[0] not in {"", "root", "0"}


@pytest.mark.parametrize("name", ["web", "worker"])
def test_web_and_worker_scale_by_replica(name: str) -> None:
    service = SERVICES[name]
    assert "container_name" not in service
    assert service["deploy"]["replicas"] == 1
    for port in service.get("ports", []):
        assert re.search(r"\d+-\d+\}?:8000$", port), "one fixed port would serve one replica only"


def test_only_the_migration_learns_the_owner_s_address() -> None:
    knowing = [name for name in SERVICES if "DATABASE_OWNER_URL" in SERVICES[name]["environment"]]
    assert knowing == ["migrate"]


def test_secrets_come_from_the_environment_and_are_demanded() -> None:
    required = set(re.findall(r"\$\{(\w+):\?", TEXT))
    assert required == {
        "POSTGRES_PASSWORD",
        "TRIALSITE_OWNER_PASSWORD",
        "TRIALSITE_APP_PASSWORD",
        "REDIS_PASSWORD",
        "TRIALSITE_SECRET_KEY",
    }
    example = dict(line.split("=", 1) for line in (ROOT / ".env.example").read_text().splitlines() if "=" in line[:30])
    assert required <= example.keys()
    assert all(example[name] == "" for name in required), "an example that works is a default password"
    used = set(re.findall(r"(?<!\$)\$\{(\w+)", TEXT))
    assert example.keys() <= used


@pytest.mark.parametrize("name", OURS)
def test_every_variable_given_to_our_parts_is_a_setting(name: str) -> None:
    for variable in SERVICES[name]["environment"]:
        assert f"`{variable}`" in SETTINGS_TABLE


@pytest.mark.parametrize("name", OURS)
def test_every_command_exists(name: str) -> None:
    command = [str(word) for word in SERVICES[name]["command"]]
    assert command[0] == "python"
    if command[1] == "-m":
        assert importlib.util.find_spec(command[2])
    else:
        assert (ROOT / command[1]).is_file()
    for word in command:
        if found := re.search(r"(trialsite\.\w+):(\w+)$", word):
            assert (ROOT / f"{found[1].replace('.', '/')}.py").is_file()
            assert re.search(rf"^{found[2]} = ", (ROOT / f"{found[1].replace('.', '/')}.py").read_text(), re.MULTILINE)


@pytest.mark.parametrize("name", ["web", "worker", "beat"])
def test_the_demo_and_the_containers_run_the_same_programs(name: str) -> None:
    from trialsite.embedded.supervisor import Place
    from trialsite.supervise import demo_plan

    place = Place.from_environment(ROOT, {})
    demo = next(service for service in demo_plan(place).services if service.name == name)
    module = SERVICES[name]["command"][2]
    assert module in demo.command
    assert [word for word in SERVICES[name]["command"] if word.startswith(("trialsite.", "--app"))] == [
        word for word in demo.command if word.startswith(("trialsite.", "--app"))
    ]


def test_named_volumes_and_mounted_files_exist() -> None:
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert (ROOT / source).exists() if source.startswith(".") else source in COMPOSE["volumes"]


def test_the_image_holds_what_the_docker_file_copies() -> None:
    docker = (ROOT / "Dockerfile").read_text()
    ignore = (ROOT / ".dockerignore").read_text().splitlines()
    copied = re.findall(r"^COPY (?!--from)(\S+)", docker, re.MULTILINE)
    for source in copied:
        assert (ROOT / source).exists()
        assert f"!{source}" in ignore
    assert re.search(r"^USER 10001", docker, re.MULTILINE)


def test_the_container_s_roles_are_those_of_the_embedded_server() -> None:
    script = (ROOT / "scripts" / "create_roles.sh").read_text()
    server = (ROOT / "trialsite" / "embedded" / "postgres.py").read_text()
    rights = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS"
    assert script.count(rights) == 2
    assert rights in server
