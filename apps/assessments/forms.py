"""Entry forms of the visit procedures."""

from collections.abc import Iterable
from decimal import Decimal

from django import forms

from apps.assessments.models import (
    ConcomitantMedication,
    Death,
    DeathCause,
    Disposition,
    Ecg,
    EcgInterpretation,
    EcgResult,
    GivenFor,
    NewAnticancerTherapy,
    PerformanceStatus,
    SurvivalFollowUp,
    SurvivalStatus,
    ToxicityObservation,
    VitalResult,
    VitalSigns,
    YesNo,
)
from apps.assessments.terms import FREQUENCIES, ROUTES, UNITS
from apps.visits.forms import CrfForm, EntryContext, Measured
from clinical.protocol.pages import Measurement

COLDEST_C, HOTTEST_C = Decimal(25), Decimal(45)
"""What a thermometer in degrees Celsius can show of a living person: 99.5 is Fahrenheit."""

OTHER = "OTHER"
REASONS_FOR_ENDING = "DISPOSITION"
"""The protocol's code list of the reasons on a disposition page."""


class VitalSignsForm(CrfForm):
    needed = ("taken",)

    class Meta(CrfForm.Meta):
        model = VitalSigns
        fields = ("taken",)


def measurement(context: EntryContext, key: str) -> Measurement | None:
    """What the protocol's form asks at one line."""
    test = key.split(".")[0]
    return next((each for each in context.definition.form(context.form_code).measurements if each.test == test), None)


class _MeasurementForm(CrfForm):
    """One measurement of a form, with the units that the protocol accepts for it."""

    presets = ("unit",)

    def prepare(self, context: EntryContext) -> None:
        asked = measurement(context, self.instance.key) if self.instance.key else None
        self.needed = ("value",) if asked is None or asked.required else ()
        units = (asked.unit, *asked.units) if asked else ()
        self.fields["unit"] = forms.ChoiceField(choices=[(unit, unit) for unit in units], required=False, label="Unit")


class VitalResultForm(_MeasurementForm):
    class Meta(CrfForm.Meta):
        model = VitalResult
        fields = ("value", "unit")


class PerformanceStatusForm(CrfForm):
    needed = ("assessed", "ecog")

    class Meta(CrfForm.Meta):
        model = PerformanceStatus
        fields = ("assessed", "ecog")


class EcgForm(CrfForm):
    class Meta(CrfForm.Meta):
        model = Ecg
        fields = ("taken", "interpretation", "finding")

    def prepare(self, context: EntryContext) -> None:
        abnormal = (EcgInterpretation.ABNORMAL_NOT_SIGNIFICANT, EcgInterpretation.ABNORMAL_SIGNIFICANT)
        finding = ("finding",) if self.instance.interpretation in abnormal else ()
        self.needed = ("taken", "interpretation", *finding)


class EcgResultForm(_MeasurementForm):
    class Meta(CrfForm.Meta):
        model = EcgResult
        fields = ("value", "unit")


class ToxicityObservationForm(CrfForm):
    needed = (
        "observed", "temperature", "hypotension", "vasopressors", "vasopressin", "oxygen", "ice_orientation",
        "ice_naming", "ice_commands", "ice_writing", "ice_attention", "consciousness", "seizure", "motor", "edema",
    )  # fmt: skip
    units = {"temperature": "°C", "oxygen_flow": "L/min"}

    class Meta(CrfForm.Meta):
        model = ToxicityObservation
        fields = (
            "observed", "temperature", "fever_treated", "hypotension", "vasopressors", "vasopressin", "oxygen",
            "oxygen_flow", "ice_orientation", "ice_naming", "ice_commands", "ice_writing", "ice_attention",
            "consciousness", "seizure", "motor", "edema",
        )  # fmt: skip

    def prepare(self, context: EntryContext) -> None:
        self.fields["temperature"] = Measured(
            label="Temperature",
            least=COLDEST_C,
            most=HOTTEST_C,
            required=False,
            widget=self.fields["temperature"].widget,
        )


def _offer(form: CrfForm, name: str, answers: Iterable[str]) -> None:
    """Let a text column be answered from a list; what is stored already stays an answer."""
    stored = getattr(form.instance, name)
    known = list(answers)
    offered = known if stored is None or stored in known else [*known, stored]
    form.fields[name] = forms.TypedChoiceField(
        choices=[("", "–"), *((each, each) for each in offered)],
        label=form.fields[name].label,
        widget=forms.Select(attrs=form.fields[name].widget.attrs),
        required=False,
        empty_value=None,
    )


class ConcomitantMedicationForm(CrfForm):
    class Meta(CrfForm.Meta):
        model = ConcomitantMedication
        fields = (
            "name", "indication", "given_for", "linked_entry", "dose", "dose_text", "unit", "form", "route",
            "frequency", "started", "ended", "is_ongoing",
        )  # fmt: skip

    def prepare(self, context: EntryContext) -> None:
        _offer(self, "unit", UNITS)
        _offer(self, "route", ROUTES)
        _offer(self, "frequency", FREQUENCIES)
        linked = ("linked_entry",) if self.instance.given_for == GivenFor.ADVERSE_EVENT else ()
        self.needed = ("name", "indication", "started", *linked, *_end_of(self.instance))


class NewAnticancerTherapyForm(CrfForm):
    class Meta(CrfForm.Meta):
        model = NewAnticancerTherapy
        fields = ("treatment", "therapy_kind", "started", "ended", "is_ongoing")

    def prepare(self, context: EntryContext) -> None:
        self.needed = ("treatment", "therapy_kind", "started", *_end_of(self.instance))


def _end_of(row: ConcomitantMedication | NewAnticancerTherapy) -> tuple[str, ...]:
    """An entry has ended at some time, or is ongoing: one of the two is needed."""
    return () if row.ended is not None or row.is_ongoing == YesNo.YES else ("ended",)


class DispositionForm(CrfForm):
    class Meta(CrfForm.Meta):
        model = Disposition
        fields = ("happened", "reason", "detail")

    def prepare(self, context: EntryContext) -> None:
        terms = [(term.value, term.label) for term in context.definition.codelist(REASONS_FOR_ENDING).terms]
        self.fields["reason"] = forms.TypedChoiceField(
            choices=[("", "–"), *terms],
            label="Reason",
            widget=forms.Select(attrs=self.fields["reason"].widget.attrs),
            required=False,
            empty_value=None,
        )
        self.needed = ("happened", "reason", *(("detail",) if self.instance.reason == OTHER else ()))


class DeathForm(CrfForm):
    class Meta(CrfForm.Meta):
        model = Death
        fields = ("died", "cause", "cause_kind", "is_related", "adverse_event", "autopsy")

    def prepare(self, context: EntryContext) -> None:
        event = ("adverse_event",) if self.instance.cause_kind == DeathCause.ADVERSE_EVENT else ()
        self.needed = ("died", "cause", "cause_kind", "is_related", *event)


class SurvivalFollowUpForm(CrfForm):
    class Meta(CrfForm.Meta):
        model = SurvivalFollowUp
        fields = ("contacted", "contact_mode", "status", "last_known_alive")

    def prepare(self, context: EntryContext) -> None:
        unknown = ("last_known_alive",) if self.instance.status == SurvivalStatus.UNKNOWN else ()
        self.needed = ("contacted", "status", *unknown)
