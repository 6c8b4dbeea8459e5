"""What one page of a listing of 20,000 rows costs beside the bare query for the rows that it shows.

    python bench/listings.py [--rows 20000] [--rounds 5]

The rows are copies of one adverse event with its grades, one query and one completed form, half of them verified,
spread over 200 subjects and written straight into the tables on a PostgreSQL of its own: with the events there are
twice as many forms. The floor is `select … order by … limit 50` on the bare table, as a superuser. Figures are medians
of one run; aim: a page within 1 s.
"""

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "trialsite.settings")

import psycopg

SUBJECTS = 200
PAGES = (
    ("adverse events", "mora", "/IMA402/adverse-events/"),
    ("adverse events, page 300", "mora", "/IMA402/adverse-events/?page=300"),
    ("adverse events by term", "noor", "/IMA402/adverse-events/?sort=term"),
    ("adverse events changed since", "noor", "/IMA402/adverse-events/?review=changed"),
    ("queries", "dana", "/IMA402/queries/"),
    ("verification", "noor", "/IMA402/verification/"),
    ("to sign", "amara", "/IMA402/signatures/"),
    ("freeze and lock", "dana", "/IMA402/freeze-lock/"),
    ("subjects", "noor", "/IMA402/subjects/"),
    ("monitor's start page", "noor", "/IMA402/"),
    ("investigator's start page", "amara", "/IMA402/"),
    ("search, a subject", "noor", "/IMA402/search/?q=101-"),
    ("search, an event", "noor", "/IMA402/search/?q=fati"),
    ("search, a form", "chidi", "/IMA402/search/?q=vital"),
    ("search, nothing", "noor", "/IMA402/search/?q=zzz"),
    ("audit trail", "agnes", "/IMA402/audit-trail/"),
)


def copied(session: Any, table: str, source: str, times: str, **changed: str) -> None:
    """Insert `times` copies of the rows of `table` that match `source`, with the changed columns by expression of n."""
    columns = [
        name
        for (name,) in session.execute(
            "select column_name from information_schema.columns where table_name = %s and is_generated = 'NEVER'"
            " and (is_identity = 'NO' or column_name = any(%s)) order by ordinal_position",
            (table, list(changed)),
        )
    ]
    values = [changed.get(name, f't."{name}"') for name in columns]
    quoted = ", ".join(f'"{name}"' for name in columns)
    session.execute(
        f"insert into {table} ({quoted}) overriding system value"  # names of this file
        f" select {', '.join(values)} from {table} t, generate_series({times}) n where {source}"
    )


def fill(session: Any, rows: int) -> None:
    """Copies in every table that the listings read. Keys count on from round numbers: copies find each other."""
    (subject,) = session.execute("select min(id) from subjects_subject").fetchone()
    (event,) = session.execute("select min(record_id) from safety_adverseevent").fetchone()
    (form,) = session.execute("select min(record_id) from assessments_vitalsigns").fetchone()
    times = f"1, {SUBJECTS}"
    number = "'101-' || (1000 + n)"
    copied(
        session, "subjects_subject", f"t.id = {subject}", times,
        id="10000 + n", number=number, screening_number=number, enrolment_number="null",
    )  # fmt: skip
    for record, base, tables in (
        (event, 1_000_000, ("safety_adverseevent", "safety_gradeperiod", "safety_attribution")),
        (form, 2_000_000, ("assessments_vitalsigns", "assessments_vitalresult")),
    ):
        here = f"{base} + n"
        times = f"1, {rows}"
        copied(
            session, "visits_formrecord", f"t.id = {record}", times,
            id=here, subject_id=f"10001 + n % {SUBJECTS}", repeat=f"10 + n / {SUBJECTS}",
        )  # fmt: skip
        for table in tables:
            keyed = table in ("safety_adverseevent", "assessments_vitalsigns")
            own = {} if keyed else {"id": f"{base * 10} + t.id * 100000 + n"}
            copied(session, table, f"t.record_id = {record}", times, record_id=here, **own)
        own = {"id": f"{base * 100} + t.id * 100000 + n"}
        copied(session, "visits_pathversion", f"t.record_id = {record}", times, record_id=here, **own)
        copied(session, "review_verification", f"t.record_id = {record}", f"1, {rows // 2}", record_id=here, **own)
    copied(
        session, "review_query", "t.number = 1", f"1, {rows}",
        id="100000 + n", number="100000 + n", record_id="2000000 + n", subject_id=f"10001 + n % {SUBJECTS}",
    )  # fmt: skip
    session.execute("analyze")


def seconds(act: Callable[[], object]) -> float:
    began = time.perf_counter()
    act()
    return time.perf_counter() - began


def measure(rows: int, rounds: int, superuser_url: str) -> dict[str, float]:
    """The median seconds of the floor and of each page. Imports late: the settings come from the environment."""
    import django
    from django.conf import settings

    django.setup()
    settings.ALLOWED_HOSTS = ["testserver"]

    from django.db import connection
    from django.test import Client

    from tests import scenarios, scenarios_review, scenarios_safety

    trial = scenarios.trial()
    vital_signs = scenarios_review.completed(trial)
    scenarios_review.verified(trial, vital_signs)
    scenarios_review.query(trial, vital_signs)
    scenarios_safety.complete(trial, scenarios_safety.event(trial, vital_signs.subject))

    found: dict[str, float] = {}
    with closing(psycopg.connect(superuser_url, autocommit=True)) as session:
        session.execute("set session_replication_role = replica")  # no triggers
        fill(session, rows)
        bare = "select * from safety_adverseevent order by onset_earliest desc limit 50"
        found["bare query"] = statistics.median(
            seconds(lambda: session.execute(bare).fetchall()) for _ in range(rounds)
        )
        for words, who, address in PAGES:
            browser = Client()
            browser.force_login(trial.people[who], backend="apps.accounts.backends.EmailBackend")
            answer = browser.get(address)  # the first fills caches
            assert answer.status_code == 200, (address, answer.status_code)
            found[words] = statistics.median(seconds(partial(browser.get, address)) for _ in range(rounds))
    connection.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    from tests.harness import test_server

    with test_server() as server:
        os.environ |= {
            "DATABASE_URL": server.app_url,
            "REDIS_URL": "redis://127.0.0.1:1/0",
            "TRIALSITE_LOG_LEVEL": "ERROR",
        }
        found = measure(chosen.rows, chosen.rounds, server.superuser_url_of(server.template))
    for words, took in found.items():
        ratio = took / found["bare query"]
        sys.stdout.write(f"{words:30} {took * 1000:8.1f} ms  {ratio:7.1f} × the bare query\n")


if __name__ == "__main__":
    main()
