from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.core.actor import system_actor
from apps.core.refusal import Refusal
from apps.core.transactions import acting
from apps.study import services
from apps.study.models import Study
from clinical.protocol import loading


class Command(BaseCommand):
    help = "Open a study: approve its protocol file in the name of a person, and open its sites."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("code", help="the study's code, such as PVONCO")
        parser.add_argument(
            "--approver", required=True, help="the e-mail address of the person who approves the protocol"
        )
        parser.add_argument("--protocol", type=Path, help="the protocol file; the shipped one of that code without it")
        parser.add_argument(
            "--site",
            action="append",
            default=[],
            metavar="NUMBER:NAME:COUNTRY:ZONE",
            help="a site, such as 701:Boston General:USA:America/New_York; several times for several sites",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        code, at = options["code"], timezone.now()
        path = options["protocol"] or _shipped(code)
        problems: list[str] = []
        if Study.objects.filter(code=code).exists():
            problems.append(f"Study {code} is open already.")
        approver = User.objects.filter(email__iexact=options["approver"], is_active=True).first()
        if approver is None:
            problems.append(f"Nobody active has the address {options['approver']}. Name who approves the protocol.")
        if path is None or not path.is_file():
            problems.append(f"There is no protocol file {path or f'for {code}'}. Name it with --protocol.")
        sites = [site for text in options["site"] if (site := _site(text, problems)) is not None]
        if not options["site"]:
            problems.append("No site is named. Name at least one with --site NUMBER:NAME:COUNTRY:ZONE.")
        if problems or approver is None or path is None:
            raise CommandError("\n".join(problems), returncode=1)
        try:
            study = _open(code, path.read_text(encoding="utf-8"), approver, sites, at)
        except Refusal as refusal:
            raise CommandError("\n".join(refusal.problems), returncode=1) from refusal
        self.stdout.write(f"Study {study.code} is open with {len(sites)} site{'' if len(sites) == 1 else 's'}.")


def _shipped(code: str) -> Path | None:
    """The newest protocol file that is shipped for the study."""
    found = sorted((settings.BASE_DIR / "protocols" / code).glob("*.toml"), key=_version)
    return found[-1] if found else None


def _version(path: Path) -> tuple[int, ...]:
    return tuple(int(part) for part in path.stem.split(".") if part.isdigit())


def _site(text: str, problems: list[str]) -> tuple[str, str, str, str] | None:
    parts = text.split(":")
    if len(parts) != 4 or not all(part.strip() for part in parts):
        problems.append(f"{text!r} is not a site. Write NUMBER:NAME:COUNTRY:ZONE, as 701:Boston:USA:America/New_York.")
        return None
    number, name, country, zone = (part.strip() for part in parts)
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        problems.append(f"{zone!r} is not a time zone. Write one like Europe/Berlin.")
    return number, name, country, zone


@transaction.atomic
def _open(code: str, text: str, approver: User, sites: list[tuple[str, str, str, str]], at: datetime) -> Study:
    loaded = loading.load(text, code)
    if loaded.definition is None:
        faults = [str(problem) for problem in loaded.problems]
        raise services.ProtocolRefused("The protocol file has faults; nothing was opened.", problems=faults)
    plan = loaded.definition.study
    study = services.open_study(code=code, title=plan.title, sponsor=plan.sponsor, zone=plan.sponsor_zone)
    name = f"Opening of study {code} by {approver.full_name}"
    with acting(system_actor(name, study_id=study.pk, site_ids=()), place=f"study_open {code}") as actor:
        opened = [
            services.open_site(actor=actor, study=study, number=number, name=site, country=country, zone=zone)
            for number, site, country, zone in sites
        ]
    effective: date = at.astimezone(ZoneInfo(plan.sponsor_zone)).date()
    actor = system_actor(name, study_id=study.pk, site_ids=[site.pk for site in opened])
    with acting(actor, place=f"study_open {code}"):
        version = services.approve_protocol(
            actor=actor, study=study, text=text, approver=approver, loaded_by=None, effective_date=effective, at=at
        )
        for site in opened:
            services.approve_at_site(actor=actor, site=site, protocol_version=version, effective_date=effective)
    return study
