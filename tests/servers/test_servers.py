"""PostgreSQL and the queue as embedded servers: what they grant, what they survive, what they refuse."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import redis

from trialsite.embedded import postgres, processes, refusal
from trialsite.embedded.accounts import Account
from trialsite.embedded.postgres import EmbeddedPostgres
from trialsite.embedded.queue_server import EmbeddedQueue
from trialsite.embedded.refusal import ServerRefusal

pytestmark = pytest.mark.servers


def test_the_application_role_has_no_right_that_would_take_the_wall_down(data: Path) -> None:
    with EmbeddedPostgres(data / "postgres", durable=False) as server:
        with psycopg.connect(server.superuser_url) as connection:
            rights = connection.execute(
                "SELECT rolname, rolsuper OR rolbypassrls OR rolcreatedb OR rolcreaterole OR rolreplication"
                " FROM pg_roles WHERE rolname LIKE 'trialsite%%' ORDER BY 1"
            ).fetchall()
            database = connection.execute(
                "SELECT pg_get_userbyid(datdba), pg_encoding_to_char(encoding), datlocprovider, datlocale"
                " FROM pg_database WHERE datname = 'trialsite'"
            ).fetchone()
        with psycopg.connect(server.app_url) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("CREATE TABLE mine (x int)")
    assert rights == [("trialsite_app", False), ("trialsite_owner", False)]
    assert database == ("trialsite_owner", "UTF8", "b", "C.UTF-8")


def test_nobody_enters_without_a_password_and_only_from_this_machine(data: Path) -> None:
    with EmbeddedPostgres(data / "postgres", durable=False) as server:
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(host="127.0.0.1", port=server.port, user="postgres", dbname="postgres", password="guess")
        with psycopg.connect(server.superuser_url) as connection:
            methods = connection.execute("SELECT DISTINCT auth_method FROM pg_hba_file_rules").fetchall()
            listens = connection.execute("SELECT current_setting('listen_addresses')").fetchone()
        private = (server.home / "passwords.json").stat().st_mode & 0o777
    assert methods == [("scram-sha-256",)]
    assert listens == ("127.0.0.1",)
    assert private == 0o600


def test_what_is_committed_is_synced_to_disk_unless_a_test_says_otherwise(data: Path) -> None:
    with EmbeddedPostgres(data / "postgres") as server, psycopg.connect(server.app_url) as connection:
        settings = [connection.execute(f"SHOW {name}").fetchone() for name in postgres.NOT_DURABLE]
    assert settings == [("on",), ("on",), ("on",)]


def test_a_killed_server_and_its_stale_lock_file_do_not_stop_the_next_start(data: Path) -> None:
    server = EmbeddedPostgres(data / "postgres")
    server.start()
    with psycopg.connect(server.owner_url) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    assert server.pid
    os.kill(server.pid, signal.SIGKILL)
    server.stop()
    lock = server.home / "cluster" / "postmaster.pid"
    assert lock.exists()
    # The number in the lock file belongs by now to a living process that is no server: this one.
    lock.write_text(f"{os.getpid()}\n" + lock.read_text().split("\n", 1)[1])
    with EmbeddedPostgres(data / "postgres") as again, psycopg.connect(again.owner_url) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)


def test_a_server_left_running_by_a_killed_start_is_ended_and_started_anew(data: Path) -> None:
    script = (
        "import sys, time; from pathlib import Path; from trialsite.embedded.postgres import EmbeddedPostgres\n"
        "s = EmbeddedPostgres(Path(sys.argv[1])); s.start(); print(s.pid, flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(data / "postgres")], stdout=subprocess.PIPE) as starter:
        assert starter.stdout
        left = int(starter.stdout.readline())
        with pytest.raises(ServerRefusal, match="in use by a running Trialsite"):
            EmbeddedPostgres(data / "postgres").start()
        starter.kill()
    with EmbeddedPostgres(data / "postgres") as server:
        assert server.pid != left
        assert processes.birth_of(left) is None


def test_a_record_never_ends_a_process_that_took_the_number_since(data: Path) -> None:
    record = data / "worker.pid"
    record.write_text(json.dumps({"pid": os.getpid(), "birth": "another boot 123"}))
    program = processes.Program("worker", record=record, log=data / "log", end_with=((signal.SIGTERM, 1),))
    assert program.end_leftover() is False
    assert not record.exists()


@pytest.mark.parametrize("record", ["", "{", '{"pid": 1}', "[]", '{"pid": "x", "birth": ""}'])
def test_a_record_cut_short_by_a_full_disk_ends_nothing(data: Path, record: str) -> None:
    (data / "web.pid").write_text(record)
    program = processes.Program("web", record=data / "web.pid", log=data / "log", end_with=())
    assert program.end_leftover() is False


def test_a_first_start_cut_off_half_way_is_begun_again(data: Path) -> None:
    (data / "postgres" / "cluster.new" / "base").mkdir(parents=True)
    (data / "postgres" / "passwords.new").write_text('{"postg')
    with EmbeddedPostgres(data / "postgres", durable=False) as server, psycopg.connect(server.app_url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    assert not (server.home / "cluster.new").exists()


def test_an_initialisation_that_outlived_its_killed_start_does_not_write_into_the_next(data: Path) -> None:
    home = data / "postgres"
    home.mkdir()
    scribbler = (
        "import time; from pathlib import Path\n"
        f"while True: Path({str(home / 'cluster.new')!r}).mkdir(exist_ok=True); time.sleep(0.01)"
    )
    left = processes.Program("initdb", record=home / "initdb.pid", log=data / "log", end_with=((signal.SIGTERM, 3),))
    left.start([sys.executable, "-c", scribbler], cwd=Path("/"), env=dict(os.environ))
    with EmbeddedPostgres(home, durable=False) as server:
        assert left.pid is None
        assert server.pid
        assert not (home / "cluster.new").exists()
        assert not (home / "password.once").exists()
    left.stop()


def test_a_first_start_cut_off_before_the_roles_is_completed(data: Path) -> None:
    with (
        EmbeddedPostgres(data / "postgres", durable=False) as server,
        psycopg.connect(server.superuser_url, autocommit=True) as connection,
    ):
        connection.execute("DROP DATABASE trialsite")
        connection.execute("DROP ROLE trialsite_app")
    with EmbeddedPostgres(data / "postgres", durable=False) as server, psycopg.connect(server.app_url) as connection:
        assert connection.execute("SELECT current_user").fetchone() == ("trialsite_app",)


def test_a_cluster_of_another_major_version_is_refused_untouched(data: Path) -> None:
    cluster = data / "postgres" / "cluster"
    cluster.mkdir(parents=True)
    (cluster / "PG_VERSION").write_text("16\n")
    (data / "postgres" / "passwords.json").write_text(
        json.dumps(dict.fromkeys((postgres.SUPERUSER, postgres.OWNER_ROLE, postgres.APP_ROLE), "x"))
    )
    with pytest.raises(ServerRefusal, match=r"made by PostgreSQL 16, and this is 18"):
        EmbeddedPostgres(data / "postgres").start()
    assert [entry.name for entry in cluster.iterdir()] == ["PG_VERSION"]


def test_lost_passwords_are_refused_with_the_way_out(data: Path) -> None:
    with EmbeddedPostgres(data / "postgres", durable=False) as server:
        pass
    kept = (server.home / "passwords.json").read_text()
    (server.home / "passwords.json").unlink()
    with pytest.raises(ServerRefusal, match="restore that file, or move"):
        EmbeddedPostgres(data / "postgres").start()
    (server.home / "passwords.json").write_text(kept.replace('": "', '": "wrong'))
    with pytest.raises(ServerRefusal, match="are not those of this database"):
        EmbeddedPostgres(data / "postgres").start()
    (server.home / "passwords.json").write_text(kept)
    with EmbeddedPostgres(data / "postgres", durable=False) as again:
        assert again.pid


def test_a_taken_port_is_named_and_a_remembered_one_is_simply_replaced(data: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(ServerRefusal, match=f"Port {port}, meant for the database, is taken"):
            EmbeddedPostgres(data / "postgres", port=port).start()
        with pytest.raises(ServerRefusal, match=f"Port {port}, meant for the queue, is taken"):
            EmbeddedQueue(data / "queue", port=port).start()
        (data / "queue" / "port").write_text(f"{port}\n")
        with EmbeddedQueue(data / "queue") as queue:
            assert queue.port != port


def test_the_queue_asks_for_its_password_and_keeps_nothing_on_disk(data: Path) -> None:
    with EmbeddedQueue(data / "queue") as queue:
        client = redis.Redis.from_url(queue.url)
        client.set("key", "value")
        with contextlib.closing(redis.Redis(port=queue.port)) as stranger, pytest.raises(redis.AuthenticationError):
            stranger.ping()
        client.close()
        first = queue.url
    with EmbeddedQueue(data / "queue") as queue:
        client = redis.Redis.from_url(queue.url)
        assert client.get("key") is None
        client.close()
        assert queue.url == first
    assert not list((data / "queue").glob("*.rdb"))


def test_a_full_disk_is_one_sentence_before_anything_is_written(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = shutil.disk_usage(data)._replace(free=5_000_000)
    monkeypatch.setattr(refusal.shutil, "disk_usage", lambda place: usage)
    with pytest.raises(ServerRefusal, match=r"is full \(5 MB free, 150 MB needed\): free some space"):
        EmbeddedPostgres(data / "postgres").start()
    with pytest.raises(ServerRefusal, match="is full"):
        EmbeddedQueue(data / "queue").start()
    assert not list(data.iterdir())


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ('FATAL:  could not write file "pg_wal/xlogtemp.9": No space left on device', "The disk is full"),
        ("initdb: error: could not create directory: Permission denied", "may not read or write its folder"),
        ('FATAL:  lock file "postmaster.pid" already exists', "server of an earlier start still uses"),
        ("PANIC:  could not locate a valid checkpoint record", "is damaged: restore a backup"),
        ("FATAL:  something never heard of.", "PostgreSQL did not start: something never heard of; its log is"),
        ("", "it gave no reason"),
    ],
)
def test_what_postgres_says_becomes_one_sentence(said: str, sentence: str) -> None:
    words = str(EmbeddedPostgres(Path("/srv/postgres"))._refusal(said))
    assert sentence in words
    assert "\n" not in words


def test_root_keeps_the_cluster_where_its_account_can_reach_it(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir()
    closed.chmod(0o700)
    stranger = Account(ids=(54321, 54321))
    assert not stranger.can_reach(closed / "postgres")
    assert stranger.can_reach(Path("/tmp/postgres"))
    assert Account(ids=None).can_reach(closed / "postgres")
    twin = stranger.reachable_twin()
    assert stranger.can_reach(twin / "cluster")
    assert twin != stranger.reachable_twin(), "a folder moved away is not found again by accident"
