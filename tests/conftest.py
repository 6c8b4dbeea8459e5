"""Fixtures for every test. The database harness is in `tests/harness.py`."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connections
from xdist.scheduler import LoadFileScheduling

from tests import harness, scenarios

ROOT = Path(__file__).resolve().parent.parent
ORDINARY = f"tests_{os.getpid()}"

BROWSER, SERVERS = "tests/browser/", "tests/servers/"


class OneBrowserAtATime(LoadFileScheduling):
    """Shares the tests out file by file; all that drive Chromium go to one worker, which keeps the cores in use."""

    def _split_scope(self, nodeid: str) -> str:
        return BROWSER if nodeid.startswith(BROWSER) else str(super()._split_scope(nodeid))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> OneBrowserAtATime:
    return OneBrowserAtATime(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long walks in the browser come first, beside them what waits for servers more than it works."""
    items.sort(key=lambda item: [item.nodeid.startswith(each) for each in (BROWSER, SERVERS)], reverse=True)


def _reference_folder() -> Path | None:
    """The external truth: tables published by others, kept outside the project."""
    named = os.environ.get("TRIALSITE_REFERENCE")
    if named:
        return Path(named)
    return next((marker.parent for marker in ROOT.parent.glob("*/reference/README-cdisc.md")), None)


@pytest.fixture(scope="session")
def reference() -> Path:
    """The folder of published reference data, where this machine has it; the small tables in `tests/` need none."""
    folder = _reference_folder()
    if folder is None or not folder.is_dir():
        pytest.skip("the published reference data is not on this machine (set TRIALSITE_REFERENCE to its folder)")
    return folder


@pytest.fixture(scope="session")
def postgres() -> Iterator[harness.TestServer]:
    """A real PostgreSQL, migrated as the owner."""
    with harness.test_server() as server:
        yield server


@pytest.fixture(scope="session")
def django_db_setup(postgres: harness.TestServer) -> Iterator[None]:
    """Where ordinary database tests run: one clone, as the application's role, each test rolled back."""
    harness.connect_to(postgres.clone(ORDINARY))
    yield
    connections["default"].close()
    postgres.drop(ORDINARY)


@pytest.fixture
def committed(
    postgres: harness.TestServer,
    django_db_setup: None,
    django_db_blocker: pytest.FixtureRequest,
    request: pytest.FixtureRequest,
) -> Iterator[str]:
    """A database of this test's own, in which commits are real; its address as the application's role."""
    name = f"committed_{os.getpid()}_{abs(hash(request.node.nodeid)) % 10**8}"
    harness.connect_to(postgres.clone(name))
    with django_db_blocker.unblock():
        yield postgres.app_url_of(name)
    harness.connect_to(postgres.app_url_of(ORDINARY))
    postgres.drop(name)


@pytest.fixture
def ima402(db: None) -> scenarios.Trial:
    """The IMA402 trial with two sites and the whole cast."""
    return scenarios.trial("IMA402")


@pytest.fixture
def ima203(db: None) -> scenarios.Trial:
    """The IMA203 trial with two sites and the whole cast."""
    return scenarios.trial("IMA203")
