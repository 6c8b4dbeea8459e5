"""A process of its own that enters an adverse event and commits, as a web process does; it can die right after.

`python -m tests.servers.committing STUDY SUBJECT ONSET [--die-before-telling]`, with the web's environment.
Dying happens after the commit and before the queue is told of it: the first hook on commit ends the process at once.
"""

import os
import sys
import time

import django

DIED = 9


def enter_dlt(study_code: str, number: str, onset: str, *, die: bool) -> None:
    """Febrile neutropenia of grade 3 soon after the dose: the protocol's definition is met."""
    from django.db import transaction

    from tests import scenarios_safety
    from tests.servers.on_record import subject_on_record, trial_on_record

    trial = trial_on_record(study_code)
    subject = subject_on_record(trial, number)
    began = time.perf_counter()
    with transaction.atomic():
        if die:
            transaction.on_commit(lambda: os._exit(DIED))
        scenarios_safety.event(trial, subject, term="Febrile neutropenia", onset=onset, grade=3)
    sys.stdout.write(f"{time.perf_counter() - began:.3f}\n")


if __name__ == "__main__":
    django.setup()
    enter_dlt(sys.argv[1], sys.argv[2], sys.argv[3], die="--die-before-telling" in sys.argv[4:])
