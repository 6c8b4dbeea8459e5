"""What saving a form of 40 fields costs beside the bare transaction that writes the same rows.

    python bench/form_save.py [--rounds 30]

The form is IMA402's chemistry panel: 20 tests with result and unit, 40 values, on a PostgreSQL of its own. Every round
changes all 40, in four ways that take turns:

- bare      one transaction with the 20 updates and nothing else: as a superuser, without triggers or row security;
- walled    the same updates by the application's role: audit trail, entry rules, versions, row security, own site;
- service   `save_values`: the 40 texts read and stored, results judged by range and CTCAE, facts announced;
- page      the whole POST of the form through the view, as a browser without a script sends it;
- autosave  one value through the view, as the page's script sends it (its ratio is to the bare update of one row).

Figures are medians of one run; the ratios are what to compare over time.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "trialsite.settings")

import psycopg

UPDATE = "update labs_labresult set reported = %s, unit = %s where record_id = %s and key = %s"


def seconds(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def measure(rounds: int, superuser_url: str) -> dict[str, float]:
    """The median seconds of each way. Imports late: the settings come from the environment."""
    import django
    from django.conf import settings

    django.setup()
    settings.ALLOWED_HOSTS = ["testserver"]

    from django.db import connection
    from django.test import Client
    from django.urls import reverse

    from apps.visits import services
    from apps.visits.models import FormRecord
    from tests import scenarios, scenarios_dosing
    from tests.scenarios import NOON

    trial = scenarios.trial()
    subject = scenarios_dosing.assigned(trial, level=1)
    visit = scenarios_dosing.started(trial, subject, "C1D1", "2026-03-02")
    record: FormRecord = scenarios_dosing.record(trial, visit, "chemistry")
    analytes = trial.version.definition.panel("chemistry").analytes
    address = {"study": "IMA402", "record": record.pk}
    browser = Client()
    browser.force_login(trial.people["chidi"], backend="apps.accounts.backends.EmailBackend")
    turns = count()

    def values() -> list[tuple[str, str, str]]:
        """Test, result and unit, different at every turn wherever the test has two units."""
        turn = next(turns)
        units = [(each.unit, *each.units) for each in analytes]
        return [
            (each.test, str(50 + (turn * 7 + place) % 40), units[place][turn % len(units[place])])
            for place, each in enumerate(analytes)
        ]

    def rows() -> list[tuple[str, str, int, str]]:
        return [(reported, unit, record.pk, test) for test, reported, unit in values()]

    def texts() -> dict[str, str]:
        typed = {}
        for test, reported, unit in values():
            typed |= {f"results/{test}/reported": reported, f"results/{test}/unit": unit}
        return typed

    def bare(session: Any, changed: list[tuple[str, str, int, str]]) -> None:
        with session.transaction(), session.cursor() as cursor:
            cursor.executemany(UPDATE, changed)

    def walled(changed: list[tuple[str, str, int, str]]) -> None:
        with trial.acting_as("chidi"), connection.cursor() as cursor:
            cursor.executemany(UPDATE, changed)

    def service(typed: dict[str, str]) -> None:
        with trial.acting_as("chidi") as chidi:
            services.save_values(actor=chidi, record=record, texts=typed, at=NOON)

    def page(typed: dict[str, str]) -> None:
        fields = {f"value:{path}": text for path, text in typed.items()} | {"act": "save"}
        answer = browser.post(reverse("record", kwargs=address), fields)
        assert answer.status_code == 302, answer.status_code

    def autosave(text: str) -> None:
        answer = browser.post(reverse("record_value", kwargs=address), {"path": "results/ALT/reported", "value": text})
        assert answer.status_code == 200, answer.status_code

    taken: dict[str, list[float]] = {}
    with closing(psycopg.connect(superuser_url, autocommit=True)) as session:
        session.execute("set session_replication_role = replica")  # no triggers
        ways: dict[str, Callable[[], object]] = {
            "bare": lambda: bare(session, rows()),
            "walled": lambda: walled(rows()),
            "service": lambda: service(texts()),
            "page": lambda: page(texts()),
            "bare, one": lambda: bare(session, rows()[:1]),
            "autosave": lambda: autosave(str(100 + next(turns))),
        }
        for number in range(rounds + 2):
            for way, act in ways.items():
                figure = seconds(act)
                if number >= 2:  # the first rounds fill caches
                    taken.setdefault(way, []).append(figure)
    connection.close()
    return {way: statistics.median(figures) for way, figures in taken.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=30)
    chosen = parser.parse_args()
    from tests.harness import test_server

    with test_server() as server:
        # No queue: the nudge after a commit is refused at once, and the outbox row stays, as when the queue is down.
        os.environ |= {
            "DATABASE_URL": server.app_url,
            "REDIS_URL": "redis://127.0.0.1:1/0",
            "TRIALSITE_LOG_LEVEL": "ERROR",
        }
        medians = measure(chosen.rounds, server.superuser_url_of(server.template))
    for way, against in (
        ("bare", "bare"), ("walled", "bare"), ("service", "bare"), ("page", "bare"), ("autosave", "bare, one")
    ):  # fmt: skip
        ratio = medians[way] / medians[against]
        sys.stdout.write(f"{way:9} {medians[way] * 1000:8.1f} ms  {ratio:6.1f} × {against}\n")


if __name__ == "__main__":
    main()
