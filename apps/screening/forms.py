"""Entry forms of the screening pages."""

from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from apps.screening.models import (
    OLDEST,
    Answer,
    BiomarkerResult,
    Biomarkers,
    Consent,
    CriterionAnswer,
    Demographics,
    DiseaseHistory,
    Eligibility,
    MedicalHistory,
    PriorTherapy,
    RaceLine,
)
from apps.visits.forms import CrfForm, EntryContext, Measured
from clinical.protocol.conduct import Criterion

HLA = "HLA"
MOST_LINES = 30
HIGHEST_H_SCORE = 300


class WholeNumber(Measured):
    """A count or an age, typed as text."""

    def clean(self, value: Any) -> Any:
        number = super().clean(value)
        if number is None:
            return None
        if number != number.to_integral_value():
            raise ValidationError(f"{value} is not a whole number.")
        return int(number)


class ConsentForm(CrfForm):
    needed = ("version", "given", "explained_by", "copy_given")

    class Meta(CrfForm.Meta):
        model = Consent
        fields = ("version", "given", "explained_by", "copy_given", "withdrawn", "withdrawal_scope")


class DemographicsForm(CrfForm):
    needed = ("sex", "ethnicity")
    units = {"age": "years"}
    age = WholeNumber(
        label="Age", help_text="Only where no date of birth may be recorded.", least=Decimal(0), most=Decimal(OLDEST)
    )

    class Meta(CrfForm.Meta):
        model = Demographics
        fields = ("collected", "birth", "age", "sex", "ethnicity", "race_other")

    def prepare(self, context: EntryContext) -> None:
        _offer(self.fields["sex"], context, "SEX")
        _offer(self.fields["ethnicity"], context, "ETHNIC")


class RaceForm(CrfForm):
    needed = ("race",)

    class Meta(CrfForm.Meta):
        model = RaceLine
        fields = ("race",)

    def prepare(self, context: EntryContext) -> None:
        _offer(self.fields["race"], context, "RACE")


class MedicalHistoryForm(CrfForm):
    needed = ("term",)

    class Meta(CrfForm.Meta):
        model = MedicalHistory
        fields = ("term", "began", "ended", "ongoing", "grade", "collected")


class DiseaseHistoryForm(CrfForm):
    needed = (
        "diagnosis",
        "diagnosed_on",
        "histology",
        "stage",
        "liver_metastases",
        "brain_metastases",
        "prior_lines",
    )
    prior_lines = WholeNumber(label="Prior lines of systemic therapy", least=Decimal(0), most=Decimal(MOST_LINES))

    class Meta(CrfForm.Meta):
        model = DiseaseHistory
        fields = (
            "diagnosis",
            "diagnosed_on",
            "histology",
            "stage",
            "liver_metastases",
            "brain_metastases",
            "prior_lines",
        )


class PriorTherapyForm(CrfForm):
    needed = ("therapy", "type", "began")
    line = WholeNumber(label="Line of therapy", least=Decimal(1), most=Decimal(MOST_LINES))

    class Meta(CrfForm.Meta):
        model = PriorTherapy
        fields = ("therapy", "type", "line", "setting", "began", "ended", "best_response", "why_ended")


class BiomarkersForm(CrfForm):
    class Meta(CrfForm.Meta):
        model = Biomarkers
        fields = ()


class BiomarkerResultForm(CrfForm):
    score = Measured(label="H-score", least=Decimal(0), most=Decimal(HIGHEST_H_SCORE))

    class Meta(CrfForm.Meta):
        model = BiomarkerResult
        fields = ("reported", "score", "interpretation", "method", "laboratory", "collected")

    def prepare(self, context: EntryContext) -> None:
        decides = "reported" if self.instance.key == HLA else "interpretation"
        self.needed = (decides, "method", "laboratory", "collected")


class EligibilityForm(CrfForm):
    needed = ("assessed",)

    class Meta(CrfForm.Meta):
        model = Eligibility
        fields = ("assessed",)


class CriterionAnswerForm(CrfForm):
    needed = ("answer",)

    class Meta(CrfForm.Meta):
        model = CriterionAnswer
        fields = ("answer", "comment")

    def prepare(self, context: EntryContext) -> None:
        criterion = criterion_of(context, self.instance.key)
        offered = Answer.choices
        if criterion is not None and not criterion.may_not_apply:
            offered = [choice for choice in offered if choice[0] != Answer.NOT_APPLICABLE]
        field = self.fields["answer"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = offered


def criterion_of(context: EntryContext, number: str | None) -> Criterion | None:
    """The protocol's criterion of that number; none on a form without lines."""
    return next((each for each in context.definition.criteria if each.number == number), None)


def _offer(field: forms.Field, context: EntryContext, code: str) -> None:
    """Offer the answers of the protocol's code list, in its order and words, where it has one."""
    assert isinstance(field, forms.ChoiceField)
    listed = next((each for each in context.definition.codelists if each.code == code), None)
    if listed is not None:
        choices = [(term.value, term.label) for term in listed.terms]
        field.choices = choices if isinstance(field.widget, forms.RadioSelect) else [("", "–"), *choices]
