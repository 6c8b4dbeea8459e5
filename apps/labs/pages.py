"""The typed page of this floor: a lab panel."""

from apps.labs import checks, grid
from apps.labs.forms import LabPanelForm, LabResultForm
from apps.labs.models import Flag, Laboratory, LabPanel, LabResult
from apps.visits import pages
from apps.visits.models import CrfLine, FormRecord
from clinical.protocol.pages import Analyte, Page, ResultType


def _analytes(record: FormRecord) -> tuple[Analyte, ...]:
    definition = record.protocol_version.definition
    code = definition.form(record.form).panel
    return definition.panel(code).analytes if code else ()


def _open(record: FormRecord) -> None:
    """One line an analyte, its first unit preset; the laboratory too where the site has only one."""
    LabResult.objects.bulk_create(
        LabResult(
            record=record,
            site_id=record.site_id,
            key=analyte.test,
            unit=None if analyte.type is ResultType.TEXT else analyte.unit,
        )
        for analyte in _analytes(record)
    )
    in_use = list(Laboratory.objects.filter(site_id=record.site_id, is_in_use=True)[:2])
    if len(in_use) == 1:
        LabPanel.objects.filter(record=record).update(laboratory=in_use[0])


def _label(line: CrfLine) -> str:
    return next((each.label for each in _analytes(line.record) if each.test == line.key), line.key)


def _summary(record: FormRecord) -> str:
    """ "3 of 20 outside the range, worst grade 2"."""
    found = [each for each in LabResult.objects.filter(record=record, is_removed=False) if each.value is not None]
    if not found:
        return ""
    outside = sum(each.flag in (Flag.LOW, Flag.HIGH) for each in found)
    worst = max((each.grade or 0 for each in found), default=0)
    return f"{outside} of {len(found)} outside the range" + (f", worst grade {worst}" if worst else "")


def _context(record: FormRecord) -> dict[str, object]:
    return {"rows": grid.rows(record)}


def register() -> None:
    pages.register(
        pages.PageType(
            code=Page.LAB_PANEL.value,
            title="Lab panel",
            model=LabPanel,
            form=LabPanelForm,
            lines=(
                pages.LineType(title="Results", row_title="Analyte", model=LabResult, form=LabResultForm, label=_label),
            ),
            opened=_open,
            checks=checks.of_panel,
            summary=_summary,
            context=_context,
            panel="labs/derived.html",
            template="labs/lab_panel.html",
        )
    )
