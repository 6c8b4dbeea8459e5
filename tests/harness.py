"""The database under the tests: a real PostgreSQL, migrated once as the owner, used as the application's role.

Ordinary tests run in a transaction that is rolled back. What needs really committed data (races, kills, browsers,
`on_commit`) takes `committed`: a database of its own, cloned from the migrated template and dropped afterwards,
because an append-only trail refuses to be emptied.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from django.db import connections

from trialsite.embedded.postgres import temporary_postgres

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class TestServer:
    """A migrated PostgreSQL that databases can be cloned from."""

    __test__ = False

    superuser_url: str
    owner_url: str
    app_url: str

    @property
    def template(self) -> str:
        return urlsplit(self.app_url).path.strip("/")

    def clone(self, name: str) -> str:
        """A fresh database of that name with everything migrated; the application's address of it."""
        with psycopg.connect(self.superuser_url, autocommit=True) as session:
            session.execute(f'drop database if exists "{name}" with (force)')
            session.execute(f'create database "{name}" template "{self.template}"')
        return self.app_url_of(name)

    def drop(self, name: str) -> None:
        with psycopg.connect(self.superuser_url, autocommit=True) as session:
            session.execute(f'drop database if exists "{name}" with (force)')

    def app_url_of(self, name: str) -> str:
        return _with_database(self.app_url, name)

    def owner_url_of(self, name: str) -> str:
        return _with_database(self.owner_url, name)

    def superuser_url_of(self, name: str) -> str:
        return _with_database(self.superuser_url, name)


def _with_database(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


@contextmanager
def test_server() -> Iterator[TestServer]:
    with temporary_postgres() as postgres:
        server = TestServer(postgres.superuser_url, postgres.owner_url, postgres.app_url)
        migrate(app_url=server.app_url, owner_url=server.owner_url)
        yield server


def migrate(*, app_url: str, owner_url: str) -> None:
    """Migrate as a deployment does: another process, as the owner."""
    subprocess.run(
        [sys.executable, "manage.py", "migrate", "--verbosity", "0"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": app_url, "DATABASE_OWNER_URL": owner_url},
        check=True,
    )


def connect_to(url: str) -> None:
    """Let this process's connection be the application's role in the database of that address."""
    parts = urlsplit(url)
    connections["default"].close()
    connections["default"].settings_dict.update(
        NAME=parts.path.strip("/"),
        USER=parts.username,
        PASSWORD=parts.password,
        HOST=parts.hostname,
        PORT=str(parts.port),
        CONN_MAX_AGE=0,
    )
