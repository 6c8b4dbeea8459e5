"""Everything Trialsite consists of on one machine: started in order, watched, ended in reverse order."""

import contextlib
import secrets
import signal
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from trialsite.embedded import addresses
from trialsite.embedded.postgres import EmbeddedPostgres
from trialsite.embedded.private_file import write_private
from trialsite.embedded.processes import LOOPBACK, Claim, Program, last_words, port_is_free, wait_until
from trialsite.embedded.queue_server import EmbeddedQueue
from trialsite.embedded.refusal import ServerRefusal, demand_room, in_words

READY_SECONDS = 60.0
QUICK_DEATH_SECONDS = 10.0
QUICK_DEATHS_ALLOWED = 3
OWNER_ONLY = "DATABASE_OWNER_URL"
"""Web, worker and beat never learn this address: only migrations and the demo's first load use it."""

SECRET = "TRIALSITE_SECRET_KEY"

POLITE = ((signal.SIGTERM, 12.0),)
"""Web and beat: finish the requests under way."""
WORKER_POLITE = ((signal.SIGTERM, 10.0), (signal.SIGQUIT, 3.0))
"""The worker finishes its task, or drops it: the outbox has it still."""


@dataclass(frozen=True)
class Place:
    """Where and how to run, as the environment says."""

    root: Path
    data: Path
    port: int
    environment: Mapping[str, str]

    @classmethod
    def from_environment(cls, root: Path, environment: Mapping[str, str]) -> "Place":
        """Read PORT, TRIALSITE_DATA and the addresses of external servers; refuse what cannot be meant."""
        asked = environment.get("PORT") or "8000"
        if not asked.isdecimal() or not 1 <= int(asked) <= 65535:
            raise ServerRefusal(f"PORT is {asked!r}, and a port is a number from 1 to 65535: try PORT=8001.")
        if environment.get("DATABASE_URL") and not environment.get(OWNER_ONLY):
            raise ServerRefusal(
                f"DATABASE_URL names your own PostgreSQL but {OWNER_ONLY} is not set: "
                "migrations need the address of the role that owns the tables."
            )
        data = Path(environment.get("TRIALSITE_DATA") or root / ".trialsite")
        return cls(root=root, data=data.expanduser().absolute(), port=int(asked), environment=environment)

    @property
    def address(self) -> str:
        """Where a browser finds it."""
        return f"http://{LOOPBACK}:{self.port}"


@dataclass(frozen=True)
class Step:
    """A command that runs once, before web and worker start. What it prints after its name and a colon is told."""

    name: str
    command: Sequence[str]
    wanted: Callable[[Mapping[str, str]], bool] = lambda environment: True


@dataclass(frozen=True)
class Service:
    """A command that runs as long as Trialsite does."""

    name: str
    command: Sequence[str]
    end_with: Sequence[tuple[signal.Signals, float]] = POLITE


@dataclass(frozen=True)
class Plan:
    """What to run, in order."""

    steps: Sequence[Step]
    services: Sequence[Service]
    signins: Sequence[str] = ()
    """The command that prints one sign-in per role, one per line."""


class Stopped(Exception):
    """Ctrl-C or SIGTERM arrived while something was starting."""


class Supervisor:
    """Starts the servers, then the steps, then the services; ends all of them, and only them.

    Every program runs in a process group of its own and stands on record under `data`. The terminal's Ctrl-C reaches
    only this process, which ends the others in reverse order, the database last.
    """

    def __init__(self, place: Place, plan: Plan, *, say: Callable[[str], None] = print) -> None:
        self._place = place
        self._plan = plan
        self._tell = say
        self._asked_to_stop = False
        self._postgres: EmbeddedPostgres | None = None
        self._queue: EmbeddedQueue | None = None
        self._running: dict[str, Program] = {}
        self._environment: dict[str, str] = {}
        self._published: Path | None = None
        self._deaths: dict[str, list[float]] = {}
        self._claim = Claim(
            place.data / "claim",
            taken=f"Trialsite already runs from {place.data}: use that one, or stop it with Ctrl-C first.",
        )

    def run(self) -> None:
        """Run until Ctrl-C or SIGTERM; raises ServerRefusal with one sentence when something cannot run."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask_to_stop)
        try:
            self._claim.take()
            self._start()
            self._watch()
        except Stopped:
            pass
        except OSError as fault:
            raise in_words(fault, doing="starting Trialsite") from fault
        finally:
            self._stop()

    def _ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        # Only a note: an exception raised here could fall between starting a program and knowing that it runs.
        self._asked_to_stop = True

    def _check_stop(self) -> None:
        if self._asked_to_stop:
            raise Stopped

    def _start(self) -> None:
        place = self._place
        demand_room(place.data)
        for folder in (place.data, place.data / "logs", place.data / "running"):
            folder.mkdir(parents=True, exist_ok=True)
        self._end_leftovers()
        if not port_is_free(place.port):
            raise ServerRefusal(
                f"Port {place.port} is taken by another program: stop that one, or choose another port "
                f"with `PORT={place.port + 1 if place.port < 65535 else 8000} make demo`."
            )
        environment = self._start_servers()
        for step in self._plan.steps:
            self._check_stop()
            if step.wanted(environment):
                self._say(f"{step.name} …")
                self._run_to_end(step.name, step.command, environment)
        self._environment = {name: value for name, value in environment.items() if name != OWNER_ONLY}
        for service in self._plan.services:
            self._check_stop()
            self._start_service(service)
        self._say("Web server, worker and beat …")
        self._wait_until_ready()
        self._greet(environment)

    def _end_leftovers(self) -> None:
        """End what a supervisor that was killed left running: its records are all there is to know it by."""
        ended = [
            Program(record.stem, record=record, log=self._log(record.stem), end_with=POLITE).end_leftover()
            for record in sorted((self._place.data / "running").glob("*.pid"))
        ]
        if any(ended):
            self._say("Ended what an earlier start left running.")

    def _start_servers(self) -> dict[str, str]:
        place = self._place
        environment = {
            "TRIALSITE_ADDRESS": place.address,
            **place.environment,
            "PYTHONUNBUFFERED": "1",
            "TRIALSITE_DATA": str(place.data),
        }
        if not environment.get("DATABASE_URL"):
            self._say("PostgreSQL …")
            self._postgres = EmbeddedPostgres(place.data / "postgres")
            self._postgres.start()
            environment |= {"DATABASE_URL": self._postgres.app_url, OWNER_ONLY: self._postgres.owner_url}
        self._check_stop()
        if not environment.get("REDIS_URL"):
            self._say("Queue …")
            self._queue = EmbeddedQueue(place.data / "queue")
            self._queue.start()
            environment["REDIS_URL"] = self._queue.url
        if not environment.get(SECRET):
            environment[SECRET] = kept_secret(place.data / "secret_key")
        self._publish(environment)
        return environment

    def _publish(self, environment: Mapping[str, str]) -> None:
        """Leave the addresses where `manage.py` in another terminal finds them, readable by this account only."""
        self._published = addresses.publish(self._place.data, environment)

    def _log(self, name: str) -> Path:
        return self._place.data / "logs" / f"{name}.log"

    def _program(self, name: str, end_with: Sequence[tuple[signal.Signals, float]]) -> Program:
        return Program(
            name, record=self._place.data / "running" / f"{name}.pid", log=self._log(name), end_with=end_with
        )

    def _run_to_end(self, name: str, command: Sequence[str], environment: Mapping[str, str]) -> None:
        short = name.lower().replace(" ", "-")
        program = self._program(short, POLITE)
        log = self._log(short)
        before = log.stat().st_size if log.exists() else 0
        try:
            program.start(command, cwd=self._place.root, env=environment)
            told = before
            while program.exit_code is None:
                self._check_stop()
                wait_until(lambda: program.exit_code is not None, seconds=0.5)
                told = self._tell_progress(name, log, since=told)
            code = program.exit_code
        finally:
            program.stop()
        if code:
            raise _failed(name, last_words(log, since=before), log)

    def _tell_progress(self, name: str, log: Path, *, since: int) -> int:
        """Say the whole lines that a step printed of its progress since a place in its log; the place to go on from."""
        with log.open("rb") as text:
            text.seek(since)
            *lines, rest = text.read().split(b"\n")
            for line in lines:
                if line.startswith(f"{name}: ".encode()):
                    self._say(line.decode("utf-8", "replace"))
            return text.tell() - len(rest)

    def _start_service(self, service: Service) -> None:
        program = self._program(service.name, service.end_with)
        self._running[service.name] = program
        program.start(service.command, cwd=self._place.root, env=self._environment)

    def _wait_until_ready(self) -> None:
        said = ""

        def ready() -> bool:
            nonlocal said
            self._check_stop()
            self._check_alive()
            try:
                with urllib.request.urlopen(f"{self._place.address}/readyz", timeout=5):
                    return True
            except urllib.error.HTTPError as answer:
                said = answer.read().decode("utf-8", "replace").strip()
            except OSError:
                said = "the web server does not answer"
            return False

        if not wait_until(ready, seconds=READY_SECONDS, pause=0.25):
            raise ServerRefusal(
                f"Trialsite was not ready within {READY_SECONDS:.0f} seconds ({said}); "
                f"the logs are in {self._place.data / 'logs'}."
            )

    def _greet(self, environment: Mapping[str, str]) -> None:
        self._say(f"\nTrialsite runs at {self._place.address}\n")
        if self._plan.signins:
            self._run_to_end("signins", self._plan.signins, environment)
            self._say(last_words(self._log("signins")).rstrip())
            self._log("signins").unlink(missing_ok=True)
        self._say("\nCtrl-C stops everything; the data is kept.")

    def _watch(self) -> None:
        while True:
            wait_until(lambda: self._asked_to_stop, seconds=0.5)
            self._check_stop()
            self._check_alive()

    def _check_alive(self) -> None:
        """Start again what died; stop with a sentence when a server died or a service keeps dying."""
        for server in (self._postgres, self._queue):
            if server and server.pid is None:
                words = last_words(server.log)
                if "No space left on device" in words:
                    raise ServerRefusal("The disk is full, so the database stopped: free some space and start again.")
                raise ServerRefusal(f"A server ended by itself, so Trialsite stops; why stands in {server.log}.")
        for service in self._plan.services:
            program = self._running.get(service.name)
            if program is None or program.pid is not None:
                continue
            now = time.monotonic()
            deaths = [at for at in self._deaths.get(service.name, []) if now - at < QUICK_DEATH_SECONDS]
            self._deaths[service.name] = [*deaths, now]
            if len(deaths) + 1 >= QUICK_DEATHS_ALLOWED:
                raise _failed(f"The {service.name}", last_words(self._log(service.name)), self._log(service.name))
            program.stop()
            self._start_service(service)

    def _stop(self) -> None:
        """End everything, in reverse order; a second Ctrl-C changes nothing, every wait here has an end."""
        if self._running or self._postgres or self._queue:
            self._say("\nStopping …")
        with contextlib.ExitStack() as last_first:
            # Each is ended even when ending another one fails.
            last_first.callback(self._claim.release)
            if self._published:
                last_first.callback(self._published.unlink, missing_ok=True)
            for server in (self._postgres, self._queue):
                if server:
                    last_first.callback(server.stop)
            for program in self._running.values():
                last_first.callback(program.stop)

    def _say(self, line: str) -> None:
        """Tell the terminal; that it is gone must not keep anything from being ended."""
        with contextlib.suppress(OSError):
            self._tell(line)


def kept_secret(file: Path) -> str:
    """A random secret of this installation, made once and readable by this account only."""
    with contextlib.suppress(FileNotFoundError):
        if kept := file.read_text().strip():
            return kept
    secret = secrets.token_urlsafe(48)
    write_private(file, secret)
    return secret


def _failed(name: str, said: str, log: Path) -> ServerRefusal:
    if "No space left on device" in said:
        return ServerRefusal("The disk is full: free some space and start again.")
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    reason = lines[-1].rstrip(".") if lines else "it gave no reason"
    return ServerRefusal(f"{name} failed: {reason}. The whole story is in {log}.")
