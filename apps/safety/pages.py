"""The adverse-event page."""

from typing import Any

from django.utils import timezone

from apps.safety import checks, selectors, services
from apps.safety.forms import AdverseEventForm, AttributionForm, GradePeriodForm
from apps.safety.models import AdverseEvent, Attribution, GradePeriod
from apps.visits import pages
from apps.visits.models import CrfLine, FormRecord
from clinical.protocol.pages import Page


def _product_name(line: CrfLine) -> str:
    return line.record.protocol_version.definition.product(line.key).name


def _period_name(line: CrfLine) -> str:
    return f"Grade {line.key}" if isinstance(line, GradePeriod) and line.grade is None else f"Period {line.key}"


def summary(record: FormRecord) -> str:
    """One line for lists: number, term, highest grade, when."""
    event = AdverseEvent.objects.get(record=record)
    words = event.ctcae_term or event.term or "no term yet"
    grade = f", grade {event.maximum_grade}" if event.maximum_grade else ""
    since = f", from {event.onset}" if event.onset else ""
    return f"{record.repeat}. {words}{grade}{since}"


def derived(record: FormRecord) -> dict[str, Any]:
    """What the system made of the event, for the panel beside the form."""
    now = timezone.now()
    event = AdverseEvent.objects.get(record=record)
    periods = GradePeriod.objects.filter(record=record, is_removed=False).order_by("pk")
    return {
        "event": event,
        "steps": [(period.grade, period.graded_by) for period in periods if period.grade],
        "clock": selectors.report_clock(event, record, now),
        "question": selectors.dlt_question(record.subject, record, now),
        "now": now,
    }


def register() -> None:
    pages.register(
        pages.PageType(
            code=Page.ADVERSE_EVENT.value,
            title="Adverse event",
            model=AdverseEvent,
            form=AdverseEventForm,
            lines=(
                pages.LineType(
                    title="Grades",
                    row_title="Period",
                    model=GradePeriod,
                    form=GradePeriodForm,
                    can_add=True,
                    add_words="Grade changed: add a line",
                    label=_period_name,
                ),
                pages.LineType(
                    title="Relation and action",
                    row_title="Product",
                    model=Attribution,
                    form=AttributionForm,
                    label=_product_name,
                ),
            ),
            is_log=True,
            checks=checks.of_event,
            opened=services.open_lines,
            summary=summary,
            context=derived,
            panel="safety/derived.html",
            template="safety/adverse_event_record.html",
        )
    )
