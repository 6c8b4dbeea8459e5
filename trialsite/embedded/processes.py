"""Started programs, each in its own process group and on record: the next start ends what a killed one left."""

import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from trialsite.embedded.refusal import ServerRefusal, in_words

LOOPBACK = "127.0.0.1"
PAUSE_SECONDS = 0.02
LAST_PATIENCE_SECONDS = 3.0
LOG_BYTES = 10_000_000
"""A log larger than this is put aside at the next start, replacing the one put aside before."""


def birth_of(pid: int) -> str | None:
    """When this process began, in a form no later process with the same number can share; None if there is none.

    Linux gives clock ticks since boot, which setting the clock does not move; elsewhere `ps` gives the second.
    """
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        if after_name[0] == "Z":
            return None
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {after_name[19]}"
    except FileNotFoundError:
        if Path("/proc/self/stat").exists():
            return None
    except ProcessLookupError:
        return None
    asked = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return asked.stdout.strip() or None


def wait_until(true: Callable[[], bool], *, seconds: float, pause: float = PAUSE_SECONDS) -> bool:
    """Ask again and again; False when the time is up."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True


def _group_lives(leader: int) -> bool:
    """Whether a process of this group still runs; one that only waits to be reaped does not count."""
    if Path("/proc/self/stat").exists():
        return any(_is_running_in(leader, entry) for entry in Path("/proc").glob("[0-9]*/stat"))
    try:
        os.killpg(leader, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        # macOS says so of a group in which only a zombie is left.
        return birth_of(leader) is not None
    return True


def _is_running_in(group: int, status: Path) -> bool:
    try:
        state, _, its_group = status.read_text().rpartition(")")[2].split()[:3]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return int(its_group) == group and state != "Z"


class Program:
    """One program we start and end, and nobody else's.

    `record` is a small file with the process number and its birth: a supervisor that was itself killed (SIGKILL)
    leaves it behind, and the next start ends exactly that process group, never one that took its number since.
    """

    def __init__(self, name: str, *, record: Path, log: Path, end_with: Sequence[tuple[signal.Signals, float]]) -> None:
        self.name = name
        self.record = record
        self.log = log
        self._end_with = end_with
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """The number of the running process, if it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    @property
    def exit_code(self) -> int | None:
        """How it ended, once it did."""
        return self._process.poll() if self._process else None

    def end_leftover(self) -> bool:
        """End what an earlier, killed start left running; True if there was something."""
        try:
            left = json.loads(self.record.read_text())
            pid, birth = int(left["pid"]), str(left["birth"])
        except (FileNotFoundError, ValueError, KeyError, TypeError):
            # No record, or one cut short by a full disk: nothing is known, so nothing is ended.
            self.record.unlink(missing_ok=True)
            return False
        ours = birth_of(pid) == birth
        if ours:
            self._end_group(pid)
        self.record.unlink(missing_ok=True)
        return ours

    def start(
        self,
        command: Sequence[str | Path],
        *,
        cwd: Path,
        env: Mapping[str, str],
        stdin: bytes | None = None,
        ids: tuple[int, int] | None = None,
    ) -> None:
        """Start it in its own process group, output to its log; as user and group `ids` when given."""
        try:
            self.log.parent.mkdir(parents=True, exist_ok=True)
            if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
                self.log.replace(self.log.with_suffix(".log.1"))
            with self.log.open("ab") as log:
                self._process = subprocess.Popen(
                    [str(word) for word in command],
                    cwd=cwd,
                    env=dict(env),
                    stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    user=ids[0] if ids else None,
                    group=ids[1] if ids else None,
                    extra_groups=[] if ids else None,
                )
            pid = self._process.pid
            scratch = self.record.with_suffix(".new")
            scratch.write_text(json.dumps({"name": self.name, "pid": pid, "birth": birth_of(pid)}))
            scratch.replace(self.record)
            if stdin is not None and self._process.stdin:
                with contextlib.suppress(BrokenPipeError):
                    self._process.stdin.write(stdin)
                    self._process.stdin.close()
        except OSError as fault:
            self.stop()
            raise in_words(fault, doing=f"starting {self.name}") from fault
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End it and every process of its group, first politely; harmless when it does not run."""
        process = self._process
        if process is None:
            return
        self._end_group(process.pid)
        process.wait()
        self._process = None
        self.record.unlink(missing_ok=True)

    def _end_group(self, leader: int) -> None:
        for number, patience in self._end_with:
            # The polite signal goes to the leader alone: it ends its own children in its own order.
            with contextlib.suppress(ProcessLookupError):
                os.kill(leader, number)
            if wait_until(lambda: birth_of(leader) is None, seconds=patience):
                break
        for number in (signal.SIGTERM, signal.SIGKILL):
            if birth_of(leader) is None and not _group_lives(leader):
                return
            # Children that their leader left behind, or a leader that would not listen.
            with contextlib.suppress(ProcessLookupError):
                os.killpg(leader, number)
            wait_until(lambda: birth_of(leader) is None and not _group_lives(leader), seconds=LAST_PATIENCE_SECONDS)


def last_words(log: Path, *, since: int = 0, limit: int = 4000) -> str:
    """The end of a log, for the sentence about a program that did not start."""
    try:
        with log.open("rb") as text:
            text.seek(0, os.SEEK_END)
            text.seek(max(since, text.tell() - limit))
            return text.read().decode("utf-8", "replace")
    except FileNotFoundError:
        return ""


class Claim:
    """The right to use a folder, held by one running process and given back by the kernel even when it is killed."""

    def __init__(self, lock: Path, *, taken: str) -> None:
        self._path = lock
        self._taken = taken
        self._lock: IO[str] | None = None

    def take(self) -> None:
        """Take it, or refuse with the sentence given for the case that another process has it."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            lock = self._path.open("a")
        except OSError as fault:
            raise in_words(fault, doing="claiming the data folder") from fault
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise ServerRefusal(self._taken) from None
        self._lock = lock

    def release(self) -> None:
        """Give it back."""
        if self._lock:
            self._lock.close()
            self._lock = None


def port_is_free(port: int, *, host: str = LOOPBACK) -> bool:
    """Whether a server could listen there now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port(*, remembered: Path) -> int:
    """A port on loopback: the one used last time if it is free, so that bookmarks and shells keep working."""
    with contextlib.suppress(FileNotFoundError, ValueError):
        port = int(remembered.read_text())
        if 1024 <= port < 65536 and port_is_free(port):
            return port
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((LOOPBACK, 0))
        port = int(probe.getsockname()[1])
    remembered.write_text(f"{port}\n")
    return port
