"""Questions about deviations."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from django.db.models import Count, Q, QuerySet
from django.http import Http404

from apps.core.actor import Actor
from apps.deviations.models import Deviation, State
from apps.subjects.models import Subject


@dataclass(frozen=True)
class DeviationFilter:
    """The filters of the deviation list, as they stand in the address."""

    state: str = ""
    site: str = ""
    subject: str = ""
    category: str = ""
    important: str = ""
    search: str = ""

    @classmethod
    def of(cls, parameters: Mapping[str, str]) -> "DeviationFilter":
        return cls(**{name: parameters.get(name, "").strip() for name in cls.__dataclass_fields__})

    def narrow(self, found: QuerySet[Deviation]) -> QuerySet[Deviation]:
        conditions = {
            "state": Q(state=self.state),
            "site": Q(site__number=self.site),
            "subject": Q(subject__number=self.subject),
            "category": Q(category=self.category),
            "important": Q(is_important=self.important == "yes"),
            "search": Q(term__icontains=self.search) | Q(cause__icontains=self.search),
        }
        for name, condition in conditions.items():
            if getattr(self, name):
                found = found.filter(condition)
        return found


def listing(*, actor: Actor, filters: DeviationFilter) -> QuerySet[Deviation]:
    """The deviations of the actor's sites, newest first."""
    found: QuerySet[Deviation] = Deviation.objects.visible_to(actor).filter(study_id=actor.study_id)
    return (
        filters.narrow(found)
        .select_related("subject", "site", "record__visit")
        .prefetch_related("subject__protocol_version")
        .order_by("-pk")
    )


def of_subject(subject: Subject, *, actor: Actor) -> list[Deviation]:
    """The deviations of one subject in the order they happened, for the subject's page and the datasets."""
    found = Deviation.objects.visible_to(actor).filter(subject=subject)
    return list(found.select_related("subject__protocol_version", "record").order_by("occurred_earliest", "pk"))


def open_counts(subjects: Sequence[Subject]) -> dict[int, int]:
    """How many open deviations each of many subjects has."""
    rows = (
        Deviation.objects.filter(subject__in=[subject.pk for subject in subjects], state=State.OPEN)
        .values("subject_id")
        .annotate(deviations=Count("pk"))
        .order_by()
    )
    return {row["subject_id"]: row["deviations"] for row in rows}


def deviation_or_404(*, actor: Actor, pk: int) -> Deviation:
    found: Deviation | None = (
        Deviation.objects.visible_to(actor)
        .filter(study_id=actor.study_id, pk=pk)
        .select_related("subject__site", "subject__protocol_version", "record__visit", "site")
        .first()
    )
    if found is None:
        raise Http404
    return found
