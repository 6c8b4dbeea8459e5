from django.core.management.base import BaseCommand, CommandError

from apps.audit.verification import verify_trail
from apps.core.transactions import acting_everywhere


class Command(BaseCommand):
    help = "Recompute the audit trail's hashes and chain; name the first row that was altered."

    def handle(self, *args: object, **options: object) -> None:
        with acting_everywhere("verify_audit"):
            verdict = verify_trail()
        if verdict.fault:
            raise CommandError(f"The audit trail does not verify. First fault: {verdict.fault}.", returncode=1)
        self.stdout.write(f"The audit trail verifies: {verdict.rows:,} rows in {verdict.blocks:,} sealed blocks.")
