"""Entry forms of the visit procedures."""

from django import forms

from apps.assessments.models import VitalResult, VitalSigns
from apps.visits.forms import CrfForm, EntryContext
from clinical.protocol.pages import Measurement


class VitalSignsForm(CrfForm):
    needed = ("taken",)

    class Meta(CrfForm.Meta):
        model = VitalSigns
        fields = ("taken",)


def measurement(context: EntryContext, key: str) -> Measurement | None:
    """What the protocol's form asks at one line."""
    test = key.split(".")[0]
    return next((each for each in context.definition.form(context.form_code).measurements if each.test == test), None)


class VitalResultForm(CrfForm):
    presets = ("unit",)

    class Meta(CrfForm.Meta):
        model = VitalResult
        fields = ("value", "unit")

    def prepare(self, context: EntryContext) -> None:
        asked = measurement(context, self.instance.key) if self.instance.key else None
        self.needed = ("value",) if asked is None or asked.required else ()
        units = (asked.unit, *asked.units) if asked else ()
        self.fields["unit"] = forms.ChoiceField(choices=[(unit, unit) for unit in units], required=False, label="Unit")
