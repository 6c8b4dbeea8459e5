"""The typed pages of this floor."""

from apps.assessments.forms import VitalResultForm, VitalSignsForm
from apps.assessments.models import VitalResult, VitalSigns
from apps.visits import pages
from apps.visits.models import CrfLine, FormRecord
from clinical.protocol.pages import Measurement

VITAL_SIGN_WORDS = {
    "SYSBP": "Systolic blood pressure",
    "DIABP": "Diastolic blood pressure",
    "PULSE": "Pulse",
    "HR": "Heart rate",
    "TEMP": "Temperature",
    "RESP": "Respiratory rate",
    "OXYSAT": "Oxygen saturation",
    "WEIGHT": "Weight",
    "HEIGHT": "Height",
    "BMI": "Body mass index",
}


def _open_vital_signs(record: FormRecord) -> None:
    """One line a measurement of the protocol's form, its first unit preset."""
    asked = record.protocol_version.definition.form(record.form).measurements
    keys = [(key, each.unit) for each in asked for key in line_keys(each)]
    VitalResult.objects.bulk_create(
        VitalResult(record=record, site=record.site, key=key, unit=unit) for key, unit in keys
    )


def line_keys(measurement: Measurement) -> list[str]:
    """The keys of a measurement's lines: one, or one a time point."""
    if not measurement.points:
        return [measurement.test]
    return [f"{measurement.test}.{point.number}" for point in measurement.points]


def _label(line: CrfLine) -> str:
    test, _, point = line.key.partition(".")
    words = VITAL_SIGN_WORDS.get(test, test)
    if not point:
        return words
    form = line.record.protocol_version.definition.form(line.record.form)
    names = {f"{each.test}.{at.number}": at.name for each in form.measurements for at in each.points}
    return f"{words}, {names.get(line.key, point).lower()}"


def register() -> None:
    pages.register(
        pages.PageType(
            code="vital_signs",
            title="Vital signs",
            model=VitalSigns,
            form=VitalSignsForm,
            lines=(
                pages.LineType(
                    title="Results",
                    row_title="Measurement",
                    model=VitalResult,
                    form=VitalResultForm,
                    label=_label,
                ),
            ),
            opened=_open_vital_signs,
        )
    )
