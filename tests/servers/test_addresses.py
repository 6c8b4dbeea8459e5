"""Commands in another terminal find the servers of a running Trialsite, and only then."""

from pathlib import Path

import pytest

from trialsite.embedded import addresses

RUNNING = {
    "DATABASE_URL": "postgresql://a",
    "DATABASE_OWNER_URL": "postgresql://o",
    "REDIS_URL": "redis://q",
    "HOME": "/x",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / ".trialsite").mkdir()
    addresses.publish(tmp_path / ".trialsite", RUNNING)
    return tmp_path


def test_the_addresses_are_for_this_account_only_and_nothing_else_is_written(root: Path) -> None:
    file = root / ".trialsite" / "addresses.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert "HOME" not in file.read_text()


def test_a_command_beside_a_running_trialsite_uses_its_servers(root: Path) -> None:
    environment: dict[str, str] = {}
    addresses.adopt(root, environment)
    assert environment["DATABASE_OWNER_URL"] == "postgresql://o"


def test_servers_named_by_the_environment_win_whole(root: Path) -> None:
    environment = {"DATABASE_URL": "postgresql://mine"}
    addresses.adopt(root, environment)
    assert environment == {"DATABASE_URL": "postgresql://mine"}


@pytest.mark.parametrize("content", [None, "", "{"])
def test_without_a_running_trialsite_nothing_is_assumed(root: Path, content: str | None) -> None:
    file = root / ".trialsite" / "addresses.json"
    file.unlink() if content is None else file.write_text(content)
    environment: dict[str, str] = {}
    addresses.adopt(root, environment)
    assert environment == {}
