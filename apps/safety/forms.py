"""Entry forms of the adverse-event page."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from apps.safety import asked
from apps.safety.models import AdverseEvent, Attribution, Grade, GradePeriod, Outcome, Scale
from apps.visits.forms import CrfForm, EntryContext, TypedDate
from clinical.partial_date import Precision
from clinical.protocol.definition import Definition

TERM_LIST = "ctcae-terms"
"""The id of the list that the page fills with terms while somebody types."""


class GradedTerm(forms.CharField):
    """A term of the protocol's dictionary, typed by name or code and kept by its name."""

    def __init__(self, *, definition: Definition, **kwargs: Any) -> None:
        self.definition = definition
        super().__init__(empty_value=None, **kwargs)
        self.widget.attrs.update({"list": TERM_LIST, "data-terms": "", "autocomplete": "off"})

    def clean(self, value: Any) -> str | None:
        text = super().clean(value)
        if text is None:
            return None
        found = asked.term_or_fault(self.definition, text)
        if isinstance(found, str):
            raise ValidationError(found)
        return found.name


class GradeOfTerm(forms.TypedChoiceField):
    """A grade that the event's term has; another one is refused with the reason."""

    def __init__(self, *, definition: Definition, term: str | None, scale: str, **kwargs: Any) -> None:
        self.definition, self.term, self.scale = definition, term, scale
        super().__init__(choices=Grade.choices, coerce=int, empty_value=None, widget=forms.RadioSelect, **kwargs)

    def clean(self, value: Any) -> int | None:
        grade = super().clean(value)
        if grade is None:
            return None
        fault = asked.grade_fault(self.definition, term=self.term, scale=self.scale, grade=grade)
        if fault is not None:
            raise ValidationError(fault)
        return int(grade)


class AdverseEventForm(CrfForm):
    class Meta(CrfForm.Meta):
        model = AdverseEvent
        fields = (
            "term",
            "ctcae_term",
            "interest",
            "part_of",
            "onset",
            "is_ongoing",
            "ended",
            "outcome",
            "severity",
            "is_serious",
            "site_aware_at",
            "results_in_death",
            "is_life_threatening",
            "needs_hospital",
            "disables",
            "is_congenital",
            "is_other_important",
            "relation",
            "other_cause",
            "was_treated",
            "treatment",
        )

    def prepare(self, context: EntryContext) -> None:
        definition = context.definition
        needed = ["term", "onset", "outcome", "is_serious"]
        if asked.grades_by_words(definition):
            del self.fields["ctcae_term"]
            needed.append("severity")
        else:
            del self.fields["severity"]
            self.fields["ctcae_term"] = GradedTerm(
                definition=definition,
                required=False,
                max_length=120,
                label=f"Term of {asked.scale_words(definition, 'CTCAE')}",
                help_text="Type a few letters and choose.",
            )
            needed.append("ctcae_term")
        if asked.products_asked(definition):
            del self.fields["relation"]
        else:
            self.fields["relation"] = _choice(asked.relations(definition), "Relation to study treatment")
            needed.append("relation")
        if not asked.is_collected(definition, "site_aware_at"):
            del self.fields["site_aware_at"]
        else:
            aware = self.fields["site_aware_at"]
            assert isinstance(aware, TypedDate)
            aware.at_least = Precision.MINUTE
        event = self.instance
        if event.is_ongoing is False or event.outcome == Outcome.FATAL:
            needed.append("ended")
        elif event.ended is None:
            needed.append("is_ongoing")
        self.needed = tuple(needed)


class GradePeriodForm(CrfForm):
    class Meta(CrfForm.Meta):
        model = GradePeriod
        fields = ("grade", "began", "ended", "scale")

    def prepare(self, context: EntryContext) -> None:
        line = self.instance
        head = AdverseEvent.objects.filter(pk=line.record_id).first() if line.record_id else None
        term = head.ctcae_term if head else None
        self.fields["grade"] = GradeOfTerm(
            definition=context.definition,
            term=term,
            scale=line.scale or asked.usual_scale(context.definition, term),
            required=False,
            label="Grade",
        )
        self.fields["scale"].help_text = ""
        if asked.version_of(context.definition, "ASTCT") is None:
            self.fields["scale"] = _choice([(Scale.CTCAE.value, Scale.CTCAE.label)], "Scale")


class AttributionForm(CrfForm):
    class Meta(CrfForm.Meta):
        model = Attribution
        fields = ("relation", "action")

    def prepare(self, context: EntryContext) -> None:
        self.fields["relation"] = _choice(asked.relations(context.definition), "Relation")
        if self.instance.key in asked.study_products(context.definition):
            self.needed = ("relation",)
        if not asked.is_collected(context.definition, "action_taken"):
            del self.fields["action"]


def _choice(choices: list[tuple[str, str]], label: str) -> forms.Field:
    return forms.TypedChoiceField(choices=[("", "–"), *choices], required=False, empty_value=None, label=label)
