"""The whole system as processes: web, worker with its clock, queue - on a committed database of one test."""

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from tests.harness import ROOT
from trialsite.embedded.queue_server import EmbeddedQueue

PATIENCE = 60.0


@dataclass
class RunningSystem:
    """Web, worker and queue of one test. Processes can be killed and started again one by one."""

    folder: Path
    database_url: str
    queue: EmbeddedQueue
    port: int = 0
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def environment(self) -> dict[str, str]:
        """What web and worker are told; never the owner's address."""
        inherited = {name: value for name, value in os.environ.items() if name != "DATABASE_OWNER_URL"}
        return inherited | {
            "DATABASE_URL": self.database_url,
            "REDIS_URL": self.queue.url,
            "TRIALSITE_SECRET_KEY": secrets.token_urlsafe(50),
            "TRIALSITE_DATA": str(self.folder),
            "TRIALSITE_EMAIL_BACKEND": "django.core.mail.backends.filebased.EmailBackend",
            "TRIALSITE_ADDRESS": self.address,
        }

    def start_web(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._start("web", "-m", "gunicorn", "trialsite.wsgi", "--bind", f"127.0.0.1:{self.port}", "--threads", "4")
        eventually(self._web_answers, "the web server answers")

    def start_worker(self) -> None:
        self._start("worker", "-m", "celery", "-A", "trialsite", "worker", "--beat", "--concurrency", "1",
                    "--schedule", str(self.folder / "beat"), "--loglevel", "WARNING")  # fmt: skip

    def _start(self, name: str, *command: str) -> None:
        log = (self.folder / f"{name}.log").open("ab")
        self.processes[name] = subprocess.Popen(
            [sys.executable, *command], cwd=ROOT, env=self.environment, stdout=log, stderr=log, start_new_session=True
        )

    def kill(self, name: str) -> None:
        """As a power cut does: the process and everything it started, at once."""
        self._end(name, signal.SIGKILL)

    def stop(self) -> None:
        for name in list(self.processes):
            self._end(name, signal.SIGTERM)

    def _end(self, name: str, how: signal.Signals) -> None:
        process = self.processes.pop(name)
        if process.poll() is None:
            os.killpg(process.pid, how)
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(timeout=20)
        with suppress(ProcessLookupError):  # a child that was being forked meanwhile has heard nothing
            os.killpg(process.pid, signal.SIGKILL)

    def _web_answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.address}/healthz", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(encoding="utf-8", errors="replace")


def eventually(happened: Callable[[], object], what: str, *, patience: float = PATIENCE) -> None:
    """Wait until something is so; fail with its words when it is not within `patience` seconds."""
    deadline = time.monotonic() + patience
    while not happened():
        if time.monotonic() > deadline:
            raise AssertionError(f"After {patience:.0f} s it is still not so that {what}.")
        time.sleep(0.05)


@contextmanager
def running_system(folder: Path, database_url: str, *, worker: bool = True) -> Iterator[RunningSystem]:
    with EmbeddedQueue(folder / "queue") as queue:
        system = RunningSystem(folder, database_url, queue)
        try:
            system.start_web()
            if worker:
                system.start_worker()
            yield system
        finally:
            system.stop()
