"""Questions about subjects."""

from django.db.models import QuerySet

from apps.core.actor import Actor
from apps.subjects.models import Anchor, Subject


def listing(*, actor: Actor) -> QuerySet[Subject]:
    """The subjects of the study that the actor may see, by number."""
    return Subject.objects.visible_to(actor).filter(study_id=actor.study_id).select_related("site").order_by("number")


def anchors(subject: Subject) -> dict[str, object]:
    """The named moments of a subject that are known."""
    return dict(Anchor.objects.filter(subject=subject).values_list("name", "moment"))
