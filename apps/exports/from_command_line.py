"""The datasets of a study for whoever runs the command line: the same rows, as a named part of the system."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from django.db import connection
from django.utils import timezone

from apps.core.actor import system_actor
from apps.core.refusal import Refusal
from apps.core.transactions import acting, note_in_trail
from apps.exports import images, packing
from apps.exports.models import Format
from apps.exports.whole_folder import whole_folder
from apps.study.models import Site, Study

NAME = "Export by command line"


class CannotExport(Refusal):
    """What was asked for does not exist or is not offered."""


def export(
    *, code: str, formats: Sequence[str], out: Path, as_of: datetime | None, site_numbers: Sequence[str]
) -> packing.Made:
    """Write the datasets of a study (of some sites of it) into the folder."""
    problems = [f"The format {kind!r} is not offered. Use xpt, csv or both." for kind in formats if kind not in Format]
    if not formats:
        problems.append("No format is named. Use xpt, csv or both.")
    if as_of is not None and as_of > timezone.now():
        problems.append("The moment of --as-of has not come yet.")
    study = Study.objects.filter(code=code).first()
    if study is None:
        problems.append(f"There is no study {code}.")
    if study is None or problems:
        raise CannotExport(problems[0], problems=problems)
    actor = system_actor(NAME, study_id=study.pk, site_ids=_all_sites(study))
    with acting(actor, place=f"export_datasets {code}"):
        sites = _chosen(study, site_numbers)
        cut = images.cut_at(as_of) if as_of else images.newest_cut()
    narrowed = system_actor(NAME, study_id=study.pk, site_ids=sites)
    order = packing.Order(
        study=study,
        site_ids=frozenset(sites),
        formats=tuple(kind for kind in Format.values if kind in formats),
        cut=cut,
        asked_by=NAME,
    )
    with acting(narrowed, place=f"export_datasets {code}"), whole_folder(out, known_by=packing.MANIFEST) as folder:
        made = packing.make_datasets(order, folder)
        note_in_trail(act="export_written", about={"key": code, "sites": sites, "formats": list(order.formats)})
    return made


def _all_sites(study: Study) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute("select study_site_ids(%s)", [study.pk])
        (found,) = cursor.fetchone()
    return list(found or ())


def _chosen(study: Study, numbers: Sequence[str]) -> list[int]:
    known = dict(Site.objects.filter(study=study).values_list("number", "pk"))
    unknown = [f"Study {study.code} has no site {number}." for number in numbers if number not in known]
    if unknown:
        raise CannotExport(unknown[0], problems=unknown)
    if not known:
        raise CannotExport(f"Study {study.code} has no site yet, so there is nothing to export.")
    return sorted(known[number] for number in numbers) if numbers else sorted(known.values())
