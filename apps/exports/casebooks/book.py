"""The casebooks of a study at a cut, one after another."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from apps.exports import images
from apps.exports.casebooks import beside, findings, safety, subject, treatment, tumor
from apps.exports.casebooks.reading import StudyAtCut, SubjectReading
from apps.exports.images import Cut
from apps.exports.models import SubjectOrigin
from apps.labs.models import Laboratory
from apps.study.models import ProtocolVersion, Site, Study
from apps.subjects.models import Subject
from clinical.sdtm import facts


def study_at(study: Study, *, site_ids: frozenset[int], cut: Cut) -> StudyAtCut:
    """What all casebooks share: approved protocol versions, sites, laboratories."""
    return StudyAtCut(
        cut=cut,
        code=study.code,
        versions={each.pk: each for each in images.of_study(ProtocolVersion, study.pk, cut=cut)},
        sites={each.pk: each for each in images.of_study(Site, study.pk, cut=cut)},
        laboratories={each.pk: each.name for each in images.of_sites(Laboratory, site_ids, cut=cut)},
    )


def subjects(study: Study, *, site_ids: frozenset[int], cut: Cut) -> list[Subject]:
    """The subjects of these sites, in the order of USUBJID."""
    found = images.of_study(Subject, study.pk, cut=cut, site_ids=site_ids)
    known = {
        each.subject_id: each.unique_id for each in images.of_study(SubjectOrigin, study.pk, cut=cut, site_ids=site_ids)
    }
    return sorted(found, key=lambda each: known.get(each.pk, f"{study.code}-{each.number}"))


def casebooks(
    found: list[Subject], shared: StudyAtCut, *, tell: Callable[[int, int], None] = lambda done, total: None
) -> Iterator[facts.Casebook]:
    """Each subject's casebook, read when it is asked for and then let go: memory does not grow with the study."""
    for done, each in enumerate(found):
        tell(done, len(found))
        yield casebook(SubjectReading(each, shared))
    tell(len(found), len(found))


def casebook(reading: SubjectReading) -> facts.Casebook:
    """Everything one subject's casebook holds at the cut."""
    doses = treatment.administrations(reading)
    book = facts.Casebook(
        subject=subject.identity(reading, doses),
        visits=subject.visits(reading),
        consents=subject.consents(reading),
        milestones=subject.milestones(reading),
        criteria=subject.criteria(reading),
        history=treatment.history(reading),
        medications=treatment.medications(reading),
        procedures=treatment.procedures(reading),
        administrations=doses,
        adverse_events=safety.adverse_events(reading),
        deviations=safety.deviations(reading),
        lab_results=findings.lab_results(reading),
        vital_signs=findings.vital_signs(reading),
        ecgs=findings.ecgs(reading),
        performance_status=findings.performance_status(reading),
        biomarkers=findings.biomarkers(reading),
        lesions=tumor.lesions(reading),
        measurements=tumor.measurements(reading),
        sums=tumor.sums(reading),
        responses=tumor.responses(reading),
        survival=findings.survival(reading),
        comments=subject.comments(reading),
    )
    return replace(book, extra_items=beside.extra_items(reading, book))
