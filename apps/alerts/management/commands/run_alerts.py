from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from apps.alerts import cases, rounds
from apps.alerts.rounds import Due
from apps.core.transactions import acting
from apps.study.models import Study


class Command(BaseCommand):
    help = "Judge a study's safety rules on the data as they are now and bring its alerts in step."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("code", help="the study, such as IMA402")
        parser.add_argument("--dry-run", action="store_true", help="only say what would change")

    def handle(self, *args: Any, **options: Any) -> None:
        study = Study.objects.filter(code=options["code"]).first()
        if study is None:
            raise CommandError(f"There is no study {options['code']}.", returncode=1)
        at, actor = timezone.now(), rounds.rules_actor(study)
        changed, faults = 0, []
        for due in rounds.differences(study, actor=actor, at=at):
            changes = due.changes
            if due.fault is not None:
                faults.append(f"{due.subject or study} cannot be judged: {type(due.fault).__name__}: {due.fault}")
                continue
            if not options["dry_run"]:
                with acting(actor, place="run_alerts"):
                    changes = rounds.bring_in_step(study, due, actor=actor, at=at)
            for line in in_words(Due(due.subject, changes)):
                self.stdout.write(line)
                changed += 1
        would = "would change" if options["dry_run"] else "changed"
        self.stdout.write(f"{study.code}: {changed} alert{'' if changed == 1 else 's'} {would}.")
        with acting(actor, place="run_alerts"):
            silent = cases.switched_on_without_facts(study)
        if silent:
            self.stderr.write(f"Switched on, but nothing in this system feeds them yet: {', '.join(silent)}.")
        if faults:
            raise CommandError("\n".join(faults), returncode=1)


def in_words(due: Due) -> list[str]:
    """One line for each alert that changes."""
    changes = due.changes
    lines = [
        f"{verb}: {signal.sentence}"
        for verb, signals in (("raise", changes.raised), ("update", changes.updated), ("reopen", changes.reopened))
        for signal in signals
    ]
    lines += [f"give way: {key}" for key in changes.superseded]
    return lines + [f"take back: {key}" for key in changes.retracted]
