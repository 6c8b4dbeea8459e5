"""Entry forms of a lab panel, and of a range that a site proposes."""

from datetime import date
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Q

from apps.labs import reported
from apps.labs.models import Laboratory, LabPanel, LabResult, Sex, YesNo
from apps.labs.services import ProposedRange
from apps.visits.forms import CrfForm, EntryContext, Measured
from clinical.partial_date import AskBack, Precision, read_typed
from clinical.protocol.definition import Definition
from clinical.protocol.pages import Analyte, ResultType


class ReportedResult(forms.CharField):
    """A result as the laboratory's report has it; a comma that could separate thousands is asked back."""

    def clean(self, value: Any) -> str | None:
        text = super().clean(value)
        if not text:
            return None
        if question := reported.why_ambiguous(text):
            raise ValidationError(question)
        return reported.as_stored(text)


class LabPanelForm(CrfForm):
    needed = ("collected",)
    presets = ("laboratory",)

    class Meta(CrfForm.Meta):
        model = LabPanel
        fields = ("laboratory", "collected", "fasting", "sample_id")

    def prepare(self, context: EntryContext) -> None:
        offered = Laboratory.objects.filter(site_id=self.instance.site_id)
        field = self.fields["laboratory"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = offered.filter(Q(is_in_use=True) | Q(pk=self.instance.laboratory_id)).order_by("name")
        field.empty_label = "–"


def asked(context: EntryContext, test: str) -> Analyte | None:
    """What the protocol's panel asks under a test code."""
    code = context.definition.form(context.form_code).panel
    if code is None:
        return None
    return next((each for each in context.definition.panel(code).analytes if each.test == test), None)


class LabResultForm(CrfForm):
    presets = ("unit",)

    class Meta(CrfForm.Meta):
        model = LabResult
        fields = ("reported", "unit", "clinically_significant", "not_done_reason")

    def prepare(self, context: EntryContext) -> None:
        analyte = asked(context, self.instance.key) if self.instance.key else None
        self.needed = ("reported",) if analyte is not None and not analyte.optional else ()
        self.fields["reported"] = ReportedResult(
            label="Result", required=False, max_length=200, empty_value=None, widget=forms.TextInput
        )
        units = () if analyte is None or analyte.type is ResultType.TEXT else (analyte.unit, *analyte.units)
        self.fields["unit"] = forms.ChoiceField(choices=[(unit, unit) for unit in units], required=False, label="Unit")
        self.fields["clinically_significant"] = forms.TypedChoiceField(
            choices=[("", "–"), *YesNo.choices], empty_value=None, required=False, label="Clinically significant"
        )
        for name, field in self.fields.items():
            field.widget.attrs["data-path"] = self.path_prefix + name


class Day(forms.CharField):
    """A whole day, typed as everywhere else: 15mar26. A browser's own picker would show it in its own order."""

    today = date.max

    def clean(self, value: Any) -> date | None:
        text = super().clean(value)
        if not text:
            return None
        read = read_typed(text, today=self.today, at_least=Precision.DAY, at_most=Precision.DAY)
        if isinstance(read, AskBack):
            raise ValidationError(read.message)
        return read.full_date


class RangeForm(forms.Form):
    """A range as the laboratory's certificate states it."""

    laboratory = forms.IntegerField(widget=forms.HiddenInput)
    replaces = forms.IntegerField(widget=forms.HiddenInput, required=False)
    analyte = forms.ChoiceField(label="Test")
    sex = forms.ChoiceField(label="Sex", choices=[("", "Both"), *Sex.choices], required=False)
    age_from = forms.IntegerField(label="Age from", min_value=0, max_value=130, required=False)
    age_to = forms.IntegerField(label="Age to", min_value=0, max_value=130, required=False)
    low = Measured(label="Lower limit", required=False)
    high = Measured(label="Upper limit", required=False)
    unit = forms.CharField(label="Unit", max_length=30)
    effective_from = Day(label="Holds from", widget=forms.TextInput(attrs={"placeholder": "15mar26"}))
    effective_to = Day(label="Until", widget=forms.TextInput(attrs={"placeholder": "no end"}), required=False)

    def __init__(self, *args: Any, definition: Definition, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            if isinstance(field, Day):
                field.today = today
        analytes = {each.test: each.label for panel in definition.panels for each in panel.analytes if each.ranges}
        every = {each.test: each.label for panel in definition.panels for each in panel.analytes}
        field = self.fields["analyte"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = sorted((test, f"{label} ({test})") for test, label in (analytes or every).items())

    def proposal(self) -> ProposedRange:
        """The range, once the form is valid."""
        data = self.cleaned_data
        return ProposedRange(
            analyte=data["analyte"],
            unit=data["unit"].strip(),
            effective_from=data["effective_from"],
            effective_to=data["effective_to"],
            low=data["low"],
            high=data["high"],
            sex=data["sex"] or None,
            age_from=data["age_from"],
            age_to=data["age_to"],
        )
