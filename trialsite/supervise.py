"""Trialsite with servers, web, worker, beat and the demo trial, until Ctrl-C: `python -m trialsite.supervise`."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import psycopg

from trialsite.embedded.refusal import ServerRefusal
from trialsite.embedded.supervisor import OWNER_ONLY, WORKER_POLITE, Place, Plan, Service, Step, Supervisor

ROOT = Path(__file__).resolve().parent.parent
PYTHON = sys.executable
MANAGE = (PYTHON, "manage.py")
CELERY = (PYTHON, "-m", "celery", "--app=trialsite.celery:app", "--quiet")


def wants_demo(environment: Mapping[str, str]) -> bool:
    """Whether the database is fresh: a demo trial goes into an empty database only, never beside real data."""
    with psycopg.connect(environment[OWNER_ONLY]) as connection:
        return connection.execute("SELECT NOT EXISTS (SELECT FROM accounts_user)").fetchone() == (True,)


def demo_plan(place: Place) -> Plan:
    """The commands behind `make demo`."""
    return Plan(
        steps=(
            Step("Migrations", (*MANAGE, "migrate", "--noinput", "--verbosity=0")),
            Step("Demo trial", (*MANAGE, "demo_load"), wanted=wants_demo),
        ),
        services=(
            Service(
                "web",
                (
                    PYTHON,
                    "-m",
                    "gunicorn",
                    "trialsite.wsgi:application",
                    f"--bind=127.0.0.1:{place.port}",
                    "--workers=2",
                    "--threads=4",
                    "--graceful-timeout=5",
                    "--no-control-socket",
                ),
            ),
            Service(
                "worker",
                (*CELERY, "worker", "--concurrency=2", "--loglevel=WARNING", "--hostname=demo@%h"),
                end_with=WORKER_POLITE,
            ),
            Service(
                "beat",
                (*CELERY, "beat", "--loglevel=WARNING", "--pidfile=", f"--schedule={place.data / 'beat-schedule'}"),
            ),
        ),
        signins=(*MANAGE, "demo_signins"),
    )


def main() -> int:
    """Run until Ctrl-C; a refusal is one plain sentence and exit code 1."""
    try:
        place = Place.from_environment(ROOT, {**os.environ, "TRIALSITE_DEMO": "1"})
        Supervisor(place, demo_plan(place), say=_say).run()
    except ServerRefusal as refusal:
        sys.stderr.write(f"{refusal}\n")
        return 1
    return 0


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
