"""From the commit of a dose-limiting toxicity to its alert: how long, with a real queue and a real worker.

    python bench/dlt_to_alert.py [--events 30] [--subjects 6]

Starts its own PostgreSQL, queue and worker on loopback, as `make demo` does. Each event is entered through the services
by this process, committed, and waited for; the time runs from the end of the commit to the moment the alert row is
seen. Aim: a human could be told within seconds.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "trialsite.settings")

from trialsite.embedded.queue_server import EmbeddedQueue

PATIENCE = 60.0


def measure(events: int, subjects: int, database_url: str, queue_url: str) -> list[float]:
    """The seconds from each commit to its alert. Imports Django late: its settings come from the environment."""
    import django

    os.environ |= {"DATABASE_URL": database_url, "REDIS_URL": queue_url}
    django.setup()

    from apps.alerts.models import Alert
    from apps.core.transactions import acting
    from tests import scenarios, scenarios_dosing, scenarios_safety

    trial = scenarios.trial()
    today = datetime.now(tz=UTC).date()  # the worker goes by the real clock
    dose_day, onset = (str(today - timedelta(days=days)) for days in (5, 3))
    dosed = []
    for _ in range(subjects):
        subject = scenarios_dosing.assigned(trial, level=1, planned=dose_day)
        scenarios_dosing.started(trial, subject, "C1D1", dose_day)
        scenarios_dosing.dose(trial, subject, "C1D1", f"{dose_day}T10:00")
        dosed.append(subject)

    def raised() -> int:
        with acting(trial.system(), place="bench"):
            return int(Alert.objects.filter(rule="DLT_REPORTED").count())

    taken = []
    for number in range(1 + events):
        scenarios_safety.event(trial, dosed[number % subjects], term="Febrile neutropenia", onset=onset, grade=3)
        committed = time.perf_counter()
        while raised() <= number:
            if time.perf_counter() - committed > PATIENCE:
                raise SystemExit(f"No alert {PATIENCE:.0f} s after the commit.")
            time.sleep(0.005)
        if number:  # the first one finds a worker that has only just started
            taken.append(time.perf_counter() - committed)
    return taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=30)
    parser.add_argument("--subjects", type=int, default=6)
    chosen = parser.parse_args()
    from tests.harness import ROOT, test_server

    with tempfile.TemporaryDirectory(prefix="trialsite-bench-", dir="/tmp") as folder, test_server() as server:
        Path(folder).chmod(0o711)
        with EmbeddedQueue(Path(folder) / "queue") as queue:
            environment = os.environ | {
                "DATABASE_URL": server.app_url,
                "REDIS_URL": queue.url,
                "TRIALSITE_DATA": folder,
                "TRIALSITE_EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend",
            }
            command = [sys.executable, "-m", "celery", "-A", "trialsite", "worker", "--beat", "--concurrency", "1"]
            command += ["--schedule", f"{folder}/beat", "--loglevel", "ERROR"]
            worker = subprocess.Popen(command, cwd=ROOT, env=environment)
            try:
                taken = measure(chosen.events, chosen.subjects, server.app_url, queue.url)
            finally:
                worker.terminate()
                worker.wait(timeout=30)
                from django.db import connections

                connections.close_all()
    ranked = statistics.quantiles(taken, n=100, method="inclusive")
    sys.stdout.write(
        f"commit of a DLT to its alert, {len(taken)} events: "
        f"p50 {ranked[49]:.3f} s, p95 {ranked[94]:.3f} s, longest {max(taken):.3f} s\n"
    )


if __name__ == "__main__":
    main()
