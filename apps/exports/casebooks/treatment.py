"""What the subject was given: study treatment, other medicines, procedures, earlier and later therapy; and history."""

from apps.exports.casebooks.reading import Page, SubjectReading, iso
from clinical.protocol.design import ProductKind
from clinical.sdtm import facts

PROCEDURES = frozenset({"RADIOTHERAPY", "SURGERY"})
CATEGORIES = {ProductKind.LYMPHODEPLETION: "LYMPHODEPLETION"}
NOT_STUDY_TREATMENT = frozenset({ProductKind.PREMEDICATION})
STEP_WORDS = {"priming": "Priming", "intermediate": "Intermediate", "full": "Full", "fixed": "Fixed"}


def administrations(reading: SubjectReading) -> tuple[facts.Administration, ...]:
    """One fact a dose page, whether the dose was given, left out or is still to be recorded."""
    return tuple(_administration(page) for page in reading.pages("administration"))


def _administration(page: Page) -> facts.Administration:
    head, product = page.head, page.definition.product(page.form.product or page.head.product)
    given = {"Y": True, "N": False}.get(head.was_given or "")
    if given is None and page.is_not_done:
        given = False
    reason = head.modification_detail or head.modification_reason
    changed = head.modification not in (None, "NONE")
    is_placebo = product.kind is ProductKind.COMPARATOR
    return facts.Administration(
        reference=page.reference,
        product=product.code,
        is_study_treatment=product.kind not in NOT_STUDY_TREATMENT,
        is_placebo=is_placebo,
        category=CATEGORIES.get(product.kind),
        planned_dose=head.planned_dose,
        planned_on=None if head.planned_on is None else head.planned_on.isoformat(),
        was_given=given,
        not_given_reason=(reason or page.why_blank("was_given")) if given is False else None,
        dose=head.dose,
        unit=head.unit or head.planned_unit,
        form=product.form,
        frequency=product.frequency or "ONCE",
        route=head.route or product.route,
        lot=head.lot,
        began=iso(head.started),
        ended=iso(head.ended),
        adjustment_reason=reason if given and changed else None,
        step=STEP_WORDS.get(head.step or ""),
        visit=page.visit_fact,
    )


def lots_of_premedication(doses: tuple[facts.Administration, ...]) -> tuple[facts.ExtraItem, ...]:
    """The lot of a premedication: CM can hold it, though the guide does not list it there."""
    return tuple(
        facts.ExtraItem(
            reference=f"{dose.reference}.lot",
            dataset="CM",
            variable="CMLOT",
            label="Lot Number",
            value=dose.lot,
            parent=dose.reference,
        )
        for dose in doses
        if dose.lot and dose.was_given and not dose.is_study_treatment
    )


def medications(reading: SubjectReading) -> tuple[facts.Medication, ...]:
    """Concomitant medicines, and anticancer therapy before and after study treatment that is no procedure."""
    return (
        *(_medication(page, reading) for page in reading.pages("concomitant_medication") if page.head.name),
        *(
            facts.Medication(
                reference=page.reference,
                name=page.head.therapy,
                category="PRIOR ANTICANCER THERAPY",
                began=iso(page.head.began),
                ended=iso(page.head.ended),
            )
            for page in reading.pages("prior_therapy")
            if page.head.therapy and page.head.type not in PROCEDURES
        ),
        *(
            facts.Medication(
                reference=page.reference,
                name=page.head.treatment,
                category="SUBSEQUENT ANTICANCER THERAPY",
                began=iso(page.head.started),
                ended=iso(page.head.ended),
                ongoing_at=page.asked if page.head.is_ongoing == "Y" else None,
            )
            for page in reading.pages("new_anticancer_therapy")
            if page.head.treatment and page.head.therapy_kind not in PROCEDURES
        ),
    )


def _medication(page: Page, reading: SubjectReading) -> facts.Medication:
    head, term = page.head, reading.terms.get(page.record.pk)
    return facts.Medication(
        reference=page.reference,
        name=head.name,
        decoded=(term.preferred_term or None) if term else None,
        drug_class=(term.drug_class or None) if term else None,
        indication=head.indication,
        dose=head.dose,
        dose_text=head.dose_text,
        unit=head.unit,
        form=head.form,
        frequency=head.frequency,
        route=head.route,
        began=iso(head.started),
        ended=iso(head.ended),
        ongoing_at=page.asked if head.is_ongoing == "Y" else None,
    )


def procedures(reading: SubjectReading) -> tuple[facts.Procedure, ...]:
    """The leukapheresis of a cell product, and surgery or radiotherapy before and after study treatment."""
    return (
        *(
            facts.Procedure(
                reference=page.reference,
                name="LEUKAPHERESIS",
                decoded="LEUKAPHERESIS",
                began=iso(page.head.apheresis),
                visit=page.visit_fact,
            )
            for page in reading.pages("cell_product")
            if page.head.apheresis
        ),
        *(
            facts.Procedure(
                reference=page.reference,
                name=page.head.therapy,
                category="PRIOR ANTICANCER THERAPY",
                began=iso(page.head.began),
                ended=iso(page.head.ended),
            )
            for page in reading.pages("prior_therapy")
            if page.head.therapy and page.head.type in PROCEDURES
        ),
        *(
            facts.Procedure(
                reference=page.reference,
                name=page.head.treatment,
                category="SUBSEQUENT ANTICANCER THERAPY",
                began=iso(page.head.started),
                ended=iso(page.head.ended),
            )
            for page in reading.pages("new_anticancer_therapy")
            if page.head.treatment and page.head.therapy_kind in PROCEDURES
        ),
    )


def history(reading: SubjectReading) -> tuple[facts.HistoryEntry, ...]:
    """Diseases before the trial, the tumor under study first."""
    return (
        *(
            facts.HistoryEntry(
                reference=page.reference,
                term=page.head.diagnosis,
                category="PRIMARY DIAGNOSIS",
                began=iso(page.head.diagnosed_on),
                visit=page.visit_fact,
            )
            for page in reading.pages("disease_history")
            if page.head.diagnosis
        ),
        *(_entry(page, reading) for page in reading.pages("medical_history") if page.head.term),
    )


def _entry(page: Page, reading: SubjectReading) -> facts.HistoryEntry:
    head = page.head
    return facts.HistoryEntry(
        reference=page.reference,
        term=head.term,
        coding=coding(page, reading),
        began=iso(head.began),
        ended=iso(head.ended),
        ongoing_at=(iso(head.collected) or page.asked) if head.ongoing == "Y" else None,
        grade=head.grade,
        collected=iso(head.collected),
    )


def coding(page: Page, reading: SubjectReading) -> facts.MedicalCoding:
    """The dictionary's words where the source had them; nothing is coded here."""
    term = reading.terms.get(page.record.pk)
    if term is None:
        return facts.MedicalCoding()
    return facts.MedicalCoding(
        lowest_term=term.lowest_term or None,
        preferred_term=term.preferred_term or None,
        high_term=term.high_term or None,
        high_group=term.high_group or None,
        body_system=term.body_system or None,
    )
