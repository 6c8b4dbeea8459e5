"""Entry forms of a lesion, a tumor assessment and what is seen of each lesion."""

from decimal import Decimal

from django import forms

from apps.tumor.models import Kind, Lesion, LesionMeasurement, LesionState, TumorAssessment
from apps.visits.forms import CrfForm, EntryContext, Measured
from apps.visits.models import Visit, VisitStatus

LARGEST_MM = Decimal(1000)
THICKEST_SLICE_MM = Decimal(50)
ZERO = Decimal(0)

STATES_OF = {
    Kind.TARGET: (
        LesionState.TOO_SMALL,
        LesionState.ABSENT,
        LesionState.MERGED,
        LesionState.PRESENT,
        LesionState.NOT_EVALUABLE,
        LesionState.NOT_DONE,
    ),
    Kind.NON_TARGET: (
        LesionState.PRESENT,
        LesionState.ABSENT,
        LesionState.INCREASED,
        LesionState.PROGRESSED,
        LesionState.PROGRESSED_FURTHER,
        LesionState.NOT_EVALUABLE,
        LesionState.NOT_DONE,
    ),
    Kind.NEW: (
        LesionState.PRESENT,
        LesionState.EQUIVOCAL,
        LesionState.ABSENT,
        LesionState.INCREASED,
        LesionState.NOT_EVALUABLE,
        LesionState.NOT_DONE,
    ),
}
"""What can be said of a lesion of each kind beside a diameter, the usual answer first."""


def _choice(label: str, choices: list[tuple[str, str]], *, few: bool = False) -> forms.TypedChoiceField:
    if few:
        return forms.TypedChoiceField(
            label=label, choices=choices, required=False, empty_value=None, widget=forms.RadioSelect
        )
    return forms.TypedChoiceField(label=label, choices=[("", "–"), *choices], required=False, empty_value=None)


def _evaluators(context: EntryContext) -> list[tuple[str, str]]:
    return [(each.code, each.title) for each in context.definition.evaluators]


class LesionForm(CrfForm):
    needed = ("evaluator", "kind", "location", "node", "method", "identified")
    presets = ("evaluator", "identified_at")

    _evaluators: list[tuple[str, str]]

    class Meta(CrfForm.Meta):
        model = Lesion
        fields = (
            "evaluator",
            "kind",
            "location",
            "laterality",
            "location_detail",
            "node",
            "method",
            "slice_mm",
            "identified",
            "identified_at",
        )

    def prepare(self, context: EntryContext) -> None:
        lesion = self.instance
        self._evaluators = _evaluators(context)
        self.fields["evaluator"] = _choice("Evaluator", self._evaluators)
        self.fields["slice_mm"] = Measured(
            label="Slice thickness, mm", required=False, least=ZERO, most=THICKEST_SLICE_MM
        )
        held = Visit.objects.filter(subject__records=lesion.record_id, status=VisitStatus.STARTED).order_by("number")
        self.fields["identified_at"] = _choice("Identified at visit", [(each.code, each.name) for each in held])
        if lesion.lesion_id is not None:
            self._keep_identity(lesion)
        for name, field in self.fields.items():
            field.widget.attrs["data-path"] = self.path_prefix + name

    def _keep_identity(self, lesion: Lesion) -> None:
        """What a lesion was chosen as is part of its name, so neither changes any more."""
        titles = {"kind": dict(Kind.choices), "evaluator": dict(self._evaluators)}
        for name, labels in titles.items():
            stored = str(getattr(lesion, name))
            field = self.fields[name] = _choice(str(self.fields[name].label), [], few=True)
            field.choices = [(stored, str(labels.get(stored, stored)))]
            field.required = True
            field.error_messages["invalid_choice"] = field.error_messages["required"] = (
                f"{lesion.lesion_id} has its name and stays what it was chosen as. "
                "If it was chosen wrongly, remove this entry and record the lesion anew."
            )


class TumorAssessmentForm(CrfForm):
    needed = ("evaluator", "scanned")
    presets = ("evaluator", "scanned")

    class Meta(CrfForm.Meta):
        model = TumorAssessment
        fields = (
            "evaluator",
            "scanned",
            "method",
            "target_response",
            "non_target_response",
            "new_lesions",
            "overall_response",
            "why_different",
        )

    def prepare(self, context: EntryContext) -> None:
        self.fields["evaluator"] = _choice("Evaluator", _evaluators(context))
        for name, field in self.fields.items():
            field.widget.attrs["data-path"] = self.path_prefix + name


class LesionMeasurementForm(CrfForm):
    class Meta(CrfForm.Meta):
        model = LesionMeasurement
        fields = ("longest_mm", "short_axis_mm", "diameter_mm", "state", "reason")

    def prepare(self, context: EntryContext) -> None:
        line = self.instance
        for name in ("longest_mm", "short_axis_mm", "diameter_mm"):
            label = str(self.fields[name].label)
            self.fields[name] = Measured(label=label, required=False, least=ZERO, most=LARGEST_MM)
        kind = Kind(line.lesion_kind) if line.lesion_kind else Kind.TARGET
        offered = list(STATES_OF[kind])
        if line.state and LesionState(line.state) not in offered:
            offered.append(LesionState(line.state))
        self.fields["state"] = _choice("State", [(each.value, str(each.label)) for each in offered])
        for name, field in self.fields.items():
            field.widget.attrs["data-path"] = self.path_prefix + name
