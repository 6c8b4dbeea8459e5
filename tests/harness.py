"""The database under the tests: a real PostgreSQL, migrated once as the owner, used as the application's role.

Ordinary tests run in a transaction that is rolled back. What needs really committed data (races, kills, browsers,
`on_commit`) takes `committed`: a database of its own, cloned from the migrated template and dropped afterwards,
because an append-only trail refuses to be emptied.
"""

import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from django.db import connections

from trialsite.embedded.postgres import temporary_postgres

ROOT = Path(__file__).resolve().parent.parent
KEPT_SERVER = "TRIALSITE_TEST_SERVER"


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
    """A server of this run's own; or, to try things quickly, the one that `python -m tests.harness` keeps running."""
    kept = os.environ.get(KEPT_SERVER)
    if kept:
        yield _kept_template(TestServer(**json.loads(Path(kept).read_text(encoding="utf-8"))))
        return
    with temporary_postgres() as postgres:
        server = TestServer(postgres.superuser_url, postgres.owner_url, postgres.app_url)
        migrate(app_url=server.app_url, owner_url=server.owner_url)
        yield server


def _kept_template(server: TestServer) -> TestServer:
    """On a kept server: the template that was migrated from these very sources, made when there is none yet."""
    digest = hashlib.sha256()
    for pattern in ("apps/*/models.py", "apps/*/migrations/*.py", "apps/*/sql/*.sql", "apps/core/walls.py"):
        for source in sorted(ROOT.glob(pattern)):
            digest.update(source.read_bytes())
    name = f"template_{digest.hexdigest()[:16]}"
    here = replace(server, owner_url=server.owner_url_of(name), app_url=server.app_url_of(name))
    with psycopg.connect(server.superuser_url, autocommit=True) as session:
        session.execute("select pg_advisory_lock(7214, 2)")
        if session.execute("select 1 from pg_database where datname = %s", [name]).fetchone() is None:
            half = f"{name}_half"
            session.execute(f'drop database if exists "{half}" with (force)')
            session.execute(f'create database "{half}" owner trialsite_owner')
            migrate(app_url=server.app_url_of(half), owner_url=server.owner_url_of(half))
            session.execute(f'alter database "{half}" rename to "{name}"')
    return here


def keep_server(place: Path) -> None:
    """Keep a server for many test runs until Ctrl-C; its addresses are written to `place`."""
    with temporary_postgres() as postgres:
        addresses = {
            "superuser_url": postgres.superuser_url,
            "owner_url": postgres.owner_url,
            "app_url": postgres.app_url,
        }
        place.write_text(json.dumps(addresses), encoding="utf-8")
        print(f"export {KEPT_SERVER}={place}", flush=True)  # noqa: T201  # a command's answer
        signal.pause()


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


if __name__ == "__main__":
    keep_server(Path(sys.argv[1]))
