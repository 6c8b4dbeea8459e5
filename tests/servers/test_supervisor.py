"""The supervisor as a process: it starts everything, and nothing it started outlives it or its next start."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from trialsite.embedded.processes import birth_of, wait_until
from trialsite.embedded.refusal import ServerRefusal
from trialsite.embedded.supervisor import Place

pytestmark = pytest.mark.servers

ROOT = Path(__file__).resolve().parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def supervisor(data: Path, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """A running stand-in supervisor; ended afterwards whatever the test did."""
    outside = {
        name: value
        for name, value in os.environ.items()
        if name not in ("DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL")
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.servers.standin"],
        cwd=ROOT,
        env={**outside, "TRIALSITE_DATA": str(data), **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        process.communicate(timeout=60)


def read_until(process: subprocess.Popen[str], words: str) -> str:
    said = ""
    assert process.stdout
    for line in process.stdout:
        said += line
        if words in line:
            return said
    raise AssertionError(f"it ended without saying {words!r}:\n{said}")


def lives(pid: int) -> bool:
    return birth_of(pid) is not None


def started_under(pid: int) -> set[int]:
    """Every process below this one, by asking the system, not the supervisor."""
    listing = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    parent = {int(a): int(b) for a, b in (line.split() for line in listing.splitlines())}
    found: set[int] = set()
    while more := {child for child, above in parent.items() if above in found | {pid}} - found:
        found |= more
    return found


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_ctrl_c_and_its_kin_end_every_process_it_started(data: Path, ending: signal.Signals) -> None:
    with supervisor(data, PORT=str(free_port())) as process:
        said = read_until(process, "Ctrl-C stops everything")
        assert "amara@example.org" in said
        started = started_under(process.pid)
        assert len(started) >= 5, "database, queue, web, worker and the worker's child"
        process.send_signal(ending)
        process.communicate(timeout=30)
    assert process.returncode == 0
    assert [pid for pid in started if lives(pid)] == []
    assert list((data / "running").iterdir()) == []
    assert not (data / "postgres" / "cluster" / "postmaster.pid").exists(), "the database was shut down, not killed"


def test_after_its_own_sigkill_the_next_start_ends_the_rest_and_keeps_the_data(data: Path) -> None:
    port = str(free_port())
    with supervisor(data, PORT=port) as process:
        read_until(process, "Ctrl-C stops everything")
        left = started_under(process.pid)
        process.kill()
        process.wait()
    assert all(lives(pid) for pid in left)
    before = time.monotonic()
    with supervisor(data, PORT=port) as process:
        said = read_until(process, "Ctrl-C stops everything")
        assert time.monotonic() - before < 15
        assert "Ended what an earlier start left running." in said
        assert [pid for pid in left if lives(pid)] == []
        assert (data / "logs" / "note-the-start.log").read_text().split() == ["1", "2"]


def test_a_second_start_from_the_same_folder_refuses_and_leaves_the_first_alone(data: Path) -> None:
    with supervisor(data, PORT=str(free_port())) as first:
        read_until(first, "Ctrl-C stops everything")
        with supervisor(data, PORT=str(free_port())) as second:
            said, _ = second.communicate(timeout=20)
        assert said == (f"Trialsite already runs from {data}: use that one, or stop it with Ctrl-C first.\n")
        assert second.returncode == 1
        assert (data / "addresses.json").exists()
        assert all(lives(pid) for pid in started_under(first.pid))


def test_a_taken_port_is_one_sentence_with_the_way_out(data: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with supervisor(data, PORT=str(port)) as process:
            said, _ = process.communicate(timeout=20)
    assert said == (
        f"Port {port} is taken by another program: stop that one, or choose another port "
        f"with `PORT={port + 1} make demo`.\n"
    )
    assert process.returncode == 1


def test_a_step_that_fails_stops_everything_and_says_why(data: Path) -> None:
    with supervisor(data, PORT=str(free_port()), STANDIN_STEP="raise SystemExit('the table is missing')") as process:
        said, _ = process.communicate(timeout=30)
    assert process.returncode == 1
    assert f"Note the start failed: the table is missing. The whole story is in {data}/logs" in said


def test_a_long_step_tells_how_far_it_has_come(data: Path) -> None:
    step = "print('a warning\\nNote the start: half way'); import time; time.sleep(600)"
    with supervisor(data, PORT=str(free_port()), STANDIN_STEP=step) as process:
        said = read_until(process, "Note the start: half way")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert "a warning" not in said


def test_ctrl_c_during_a_long_step_ends_the_step(data: Path) -> None:
    step = "import time; open('" + str(data / "busy") + "', 'w').close(); time.sleep(600)"
    with supervisor(data, PORT=str(free_port()), STANDIN_STEP=step) as process:
        read_until(process, "Note the start")
        assert wait_until((data / "busy").exists, seconds=20)
        started = started_under(process.pid)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert process.returncode == 0
    assert [pid for pid in started if lives(pid)] == []


def test_a_terminal_that_is_gone_keeps_nothing_from_being_ended(data: Path) -> None:
    with supervisor(data, PORT=str(free_port())) as process:
        read_until(process, "Ctrl-C stops everything")
        started = started_under(process.pid)
        assert process.stdout
        process.stdout.close()
        process.send_signal(signal.SIGHUP)
        process.wait(timeout=30)
        process.stdout = None
    assert [pid for pid in started if lives(pid)] == []


def test_a_worker_that_dies_is_started_again_and_never_learns_the_owner_s_address(data: Path) -> None:
    note = data / "worker.txt"
    with supervisor(data, PORT=str(free_port())) as process:
        read_until(process, "Ctrl-C stops everything")
        assert wait_until(lambda: note.exists() and len(note.read_text().split()) == 3, seconds=10)
        worker, child, knows_owner = note.read_text().split()
        assert knows_owner == "False"
        os.kill(int(worker), signal.SIGKILL)
        assert wait_until(lambda: note.read_text().split()[:1] not in ([], [worker]), seconds=10)
        assert wait_until(lambda: not lives(int(child)), seconds=5), "the dead worker's child is ended with it"


def test_a_worker_that_keeps_dying_stops_everything_with_its_reason(data: Path) -> None:
    with supervisor(data, PORT=str(free_port()), STANDIN_WORKER="raise SystemExit('no such queue')") as process:
        said, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "The worker failed: no such queue." in said


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"PORT": "eighty"}, "PORT is 'eighty', and a port is a number from 1 to 65535"),
        ({"PORT": "0"}, "from 1 to 65535"),
        ({"PORT": "70000"}, "from 1 to 65535"),
        ({"DATABASE_URL": "postgresql://db/trialsite"}, "DATABASE_OWNER_URL is not set"),
    ],
)
def test_an_environment_that_cannot_be_meant_is_refused(environment: dict[str, str], sentence: str) -> None:
    with pytest.raises(ServerRefusal, match=sentence):
        Place.from_environment(ROOT, environment)
