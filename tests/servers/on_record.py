"""The trial and its subjects as another process finds them in the database."""

from django.db import connection

from apps.accounts.models import User
from apps.core.actor import system_actor
from apps.core.transactions import acting
from apps.study.models import ProtocolVersion, Site, Study
from apps.subjects.models import Subject
from tests.scenarios import CAST, Trial


def trial_on_record(code: str) -> Trial:
    """The study with the sites and people that `scenarios.trial` made in it."""
    study = Study.objects.get(code=code)
    with connection.cursor() as cursor:
        cursor.execute("select study_site_ids(%s)", [study.pk])
        (site_ids,) = cursor.fetchone()
    with acting(system_actor("Set-up", study_id=study.pk, site_ids=site_ids)):
        sites = {site.number: site for site in Site.objects.filter(study=study)}
        version = ProtocolVersion.objects.filter(study=study).order_by("-pk")[0]
    people = {name: User.objects.get(email=f"{name}@example.org") for name in CAST}
    return Trial(study=study, sites=sites, version=version, people=people)


def subject_on_record(trial: Trial, number: str) -> Subject:
    with trial.acting_as("chidi"):
        found: Subject = Subject.objects.select_related("site", "study", "protocol_version").get(number=number)
    return found
