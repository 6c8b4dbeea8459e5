"""The typed pages of this floor."""

from collections.abc import Callable
from typing import Any

from apps.assessments import checks, endings, forms, toxicity
from apps.assessments.models import (
    ConcomitantMedication,
    Death,
    Disposition,
    Ecg,
    EcgResult,
    NewAnticancerTherapy,
    PerformanceStatus,
    SurvivalFollowUp,
    ToxicityObservation,
    VitalResult,
    VitalSigns,
    YesNo,
)
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
ECG_WORDS = {
    "EGHRMN": "Mean heart rate",
    "PRAG": "PR interval",
    "QRSAG": "QRS duration",
    "QTAG": "QT interval",
    "QTCFAG": "QTcF interval",
    "QTCBAG": "QTcB interval",
    "RRAG": "RR interval",
}


def _open_lines(model: type[VitalResult | EcgResult]) -> Callable[[FormRecord], None]:
    """One line a measurement of the protocol's form, its first unit preset."""

    def opened(record: FormRecord) -> None:
        asked = record.protocol_version.definition.form(record.form).measurements
        keys = [(key, each.unit) for each in asked for key in line_keys(each)]
        rows: Any = [model(record=record, site_id=record.site_id, key=key, unit=unit) for key, unit in keys]
        model._default_manager.bulk_create(rows)

    return opened


def line_keys(measurement: Measurement) -> list[str]:
    """The keys of a measurement's lines: one, or one a time point."""
    if not measurement.points:
        return [measurement.test]
    return [f"{measurement.test}.{point.number}" for point in measurement.points]


def _label(names: dict[str, str]) -> Callable[[CrfLine], str]:
    """The measurement in words, and at which of several times it was taken."""

    def label(line: CrfLine) -> str:
        test, _, point = line.key.partition(".")
        words = names.get(test, test)
        if not point:
            return words
        form = line.record.protocol_version.definition.form(line.record.form)
        points = {f"{each.test}.{at.number}": at.name for each in form.measurements for at in each.points}
        return f"{words}, {points.get(line.key, point).lower()}"

    return label


def _joined(*parts: object) -> str:
    return ", ".join(str(part) for part in parts if part not in (None, ""))


def _performance(record: FormRecord) -> str:
    row = PerformanceStatus.objects.get(record=record)
    return "" if row.ecog is None else f"ECOG {row.ecog}"


def _observation(record: FormRecord) -> str:
    row = ToxicityObservation.objects.get(record=record)
    grades = [("CRS", row.crs_grade), ("ICANS", row.icans_grade)]
    return _joined(row.observed, *(f"{name} grade {grade}" for name, grade in grades if grade is not None))


def dose_words(medicine: ConcomitantMedication) -> str:
    """How much of a medicine how often: “500 mg, BID”."""
    amount = medicine.dose if medicine.dose is not None else medicine.dose_text
    return _joined(" ".join(str(part) for part in (amount, medicine.unit) if part), medicine.frequency)


def _medication(record: FormRecord) -> str:
    row = ConcomitantMedication.objects.get(record=record)
    return _joined(row.name, dose_words(row), _period(row))


def _new_therapy(record: FormRecord) -> str:
    row = NewAnticancerTherapy.objects.get(record=record)
    return _joined(row.treatment, _period(row))


def _period(row: ConcomitantMedication | NewAnticancerTherapy) -> str:
    if row.started is None:
        return ""
    end = "ongoing" if row.is_ongoing == YesNo.YES else str(row.ended or "?")
    return f"{row.started} to {end}" if end != "ongoing" else f"since {row.started}"


def _disposition(record: FormRecord) -> str:
    row = Disposition.objects.get(record=record)
    return _joined(row.happened, (row.reason or "").lower())


def _death(record: FormRecord) -> str:
    row = Death.objects.get(record=record)
    return _joined(row.died, row.cause)


def _survival(record: FormRecord) -> str:
    row = SurvivalFollowUp.objects.get(record=record)
    return _joined(row.contacted, row.get_status_display() if row.status else "")


def register() -> None:
    """Make the pages of this floor known."""
    pages.register(
        pages.PageType(
            code="vital_signs",
            title="Vital signs",
            model=VitalSigns,
            form=forms.VitalSignsForm,
            lines=(
                pages.LineType(
                    title="Results",
                    row_title="Measurement",
                    model=VitalResult,
                    form=forms.VitalResultForm,
                    label=_label(VITAL_SIGN_WORDS),
                ),
            ),
            opened=_open_lines(VitalResult),
        )
    )
    pages.register(
        pages.PageType(
            code="performance_status",
            title="ECOG performance status",
            model=PerformanceStatus,
            form=forms.PerformanceStatusForm,
            checks=checks.of_performance_status,
            summary=_performance,
        )
    )
    pages.register(
        pages.PageType(
            code="ecg",
            title="12-lead ECG",
            model=Ecg,
            form=forms.EcgForm,
            lines=(
                pages.LineType(
                    title="Measurements",
                    row_title="Measurement",
                    model=EcgResult,
                    form=forms.EcgResultForm,
                    label=_label(ECG_WORDS),
                ),
            ),
            opened=_open_lines(EcgResult),
        )
    )
    pages.register(
        pages.PageType(
            code="icans_crs",
            title="CRS and ICANS observation",
            model=ToxicityObservation,
            form=forms.ToxicityObservationForm,
            summary=_observation,
            context=toxicity.panel,
            panel="assessments/toxicity_panel.html",
        )
    )
    _register_logs()
    _register_ends()


def _register_logs() -> None:
    pages.register(
        pages.PageType(
            code="concomitant_medication",
            title="Concomitant medication",
            model=ConcomitantMedication,
            form=forms.ConcomitantMedicationForm,
            is_log=True,
            checks=checks.of_medication,
            summary=_medication,
        )
    )
    pages.register(
        pages.PageType(
            code="new_anticancer_therapy",
            title="New anticancer therapy",
            model=NewAnticancerTherapy,
            form=forms.NewAnticancerTherapyForm,
            is_log=True,
            checks=checks.of_new_therapy,
            summary=_new_therapy,
        )
    )


def _register_ends() -> None:
    pages.register(
        pages.PageType(
            code="disposition",
            title="Disposition",
            model=Disposition,
            form=forms.DispositionForm,
            checks=checks.of_disposition,
            opened=endings.opened,
            summary=_disposition,
        )
    )
    pages.register(
        pages.PageType(
            code="death",
            title="Death",
            model=Death,
            form=forms.DeathForm,
            checks=checks.of_death,
            summary=_death,
        )
    )
    pages.register(
        pages.PageType(
            code="survival_follow_up",
            title="Survival follow-up",
            model=SurvivalFollowUp,
            form=forms.SurvivalFollowUpForm,
            checks=checks.of_survival,
            summary=_survival,
        )
    )
