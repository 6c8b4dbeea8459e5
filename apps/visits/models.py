"""Visits and form records: the spine that every captured value hangs on."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.signals import class_prepared

from apps.access.models import SiteOwned
from apps.core.partial_date_field import IsPossiblePartialDate, PartialDateField
from apps.core.walls import add_trigger, immutable, owned_by_triggers, unaudited
from apps.study.models import ProtocolVersion, Study
from apps.subjects.models import SITE_FROM_SUBJECT, Subject


class VisitStatus(models.TextChoices):
    PLANNED = "planned", "Planned"
    STARTED = "started", "Started"
    MISSED = "missed", "Missed"
    SKIPPED = "skipped", "Skipped per protocol"
    NOT_ASKED = "not_asked", "No longer planned: treatment or taking part ended"


class Visit(SiteOwned):
    """One visit of one subject: what the schedule plans, and when it took place."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+", editable=False)
    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="visits")
    code = models.CharField(max_length=20)
    name = models.CharField(max_length=100)
    number = models.DecimalField("VISITNUM", max_digits=8, decimal_places=2)
    planned_date = models.DateField(null=True)
    window_from = models.DateField(null=True)
    window_to = models.DateField(null=True)
    status = models.CharField(max_length=10, choices=VisitStatus.choices, default=VisitStatus.PLANNED)
    is_unscheduled = models.BooleanField(default=False)
    took_place = PartialDateField(time=True, null=True)
    reason_missed = models.CharField(max_length=300, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["subject", "code"], name="visit_code_is_unique_for_a_subject"),
            models.CheckConstraint(name="visit_status_is_known", condition=Q(status__in=VisitStatus.values)),
            models.CheckConstraint(
                name="visit_took_place_is_a_date",
                condition=Q(took_place=None) | Q(IsPossiblePartialDate("took_place")),
            ),
        ]
        indexes = [
            models.Index(name="visits_due", fields=["site", "status", "window_to"]),
            models.Index(name="visits_of_subject", fields=["subject", "number"]),
        ]

    def __str__(self) -> str:
        return f"{self.subject} {self.code}"


class EntryState(models.TextChoices):
    EXPECTED = "expected", "Not started"
    IN_PROGRESS = "in_progress", "In progress"
    COMPLETE = "complete", "Complete"
    NOT_DONE = "not_done", "Not done"
    REMOVED = "removed", "Removed"


class FormRecord(SiteOwned):
    """One CRF page of one subject; a log page (adverse event, medication, lesion) is one record per entry.

    Entry state, freeze and lock are separate; queries, SDV, review and signatures refer to (record, path, version).
    """

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+", editable=False)
    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="records")
    visit = models.ForeignKey(Visit, on_delete=models.PROTECT, related_name="records", null=True)
    form = models.CharField("form code of the protocol", max_length=40)
    page = models.CharField("typed page", max_length=40)
    repeat = models.PositiveIntegerField(default=1)
    time_point = models.CharField("time point around a dose", max_length=40, default="")
    protocol_version = models.ForeignKey(ProtocolVersion, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=20, choices=EntryState.choices, default=EntryState.EXPECTED)
    not_done_reason = models.CharField(max_length=300, default="")
    removed_reason = models.CharField(max_length=300, default="")
    is_frozen = models.BooleanField(default=False)
    is_locked = models.BooleanField(default=False)
    extra = models.JSONField("values of the protocol's extra items", default=dict)
    blank_reasons = models.JSONField("why a value is missing, by path", default=dict)
    confirmations = models.JSONField("why an unusual value is right, by path and check", default=dict)
    first_completed_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)
    completed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True)
    opened_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["subject", "visit", "form", "repeat"],
                name="form_record_is_one_page",
                nulls_distinct=False,
            ),
            models.CheckConstraint(name="form_record_state_is_known", condition=Q(state__in=EntryState.values)),
            models.CheckConstraint(
                name="form_record_not_done_has_a_reason",
                condition=~Q(state=EntryState.NOT_DONE) | ~Q(not_done_reason=""),
            ),
        ]
        indexes = [
            models.Index(name="records_of_subject", fields=["subject", "page"]),
            models.Index(name="records_of_visit", fields=["visit", "id"]),
            models.Index(name="records_to_finish", fields=["site", "state"]),
        ]

    def __str__(self) -> str:
        return f"{self.subject} {self.visit.code if self.visit else 'log'} {self.form} {self.repeat}"

    @property
    def needs_reason(self) -> bool:
        """Whether a change needs a reason: from the first completion on."""
        return self.first_completed_at is not None


class RunningAnswer(models.TextChoices):
    """What the site heard when it asked about a running entry."""

    NO_CHANGE = "no_change", "No change"
    CHANGED = "changed", "Changed"


@immutable
class RunningCheck(SiteOwned):
    """That a running entry of a log (an ongoing adverse event, a medication) was asked about at a visit.

    It stands beside the one entry and copies nothing of it: what changed is entered there. A further answer at the same
    visit is a further row; the newest counts.
    """

    visit = models.ForeignKey(Visit, on_delete=models.PROTECT, related_name="running_checks")
    record = models.ForeignKey(FormRecord, on_delete=models.PROTECT, related_name="running_checks")
    answer = models.CharField(max_length=10, choices=RunningAnswer.choices)
    answered_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True)
    answered_by_name = models.CharField(max_length=200)
    answered_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(name="running_check_answer_is_known", condition=Q(answer__in=RunningAnswer.values))
        ]
        indexes = [models.Index(name="running_checks_of_visit", fields=["visit", "id"])]

    def __str__(self) -> str:
        return f"{self.get_answer_display()} of record {self.record_id} at visit {self.visit_id}"


@owned_by_triggers
@unaudited(because="counts changes that the trail holds in full")
class PathVersion(models.Model):
    """How often the value at a path of a record has changed, kept by trigger whoever changed it and however."""

    site_id = models.BigIntegerField()
    record = models.ForeignKey(FormRecord, on_delete=models.PROTECT, related_name="path_versions")
    path = models.CharField(max_length=120)
    version = models.PositiveIntegerField()
    changed_at = models.DateTimeField()
    changed_by = models.CharField(max_length=200)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["record", "path"], name="path_has_one_version")]

    def __str__(self) -> str:
        return f"{self.record_id} {self.path} version {self.version}"


class CrfModel(SiteOwned):
    """The typed head row of a form record; abstract. Columns are nullable: values arrive one by one as typed."""

    record = models.OneToOneField(FormRecord, on_delete=models.PROTECT, primary_key=True, related_name="%(class)s")

    class Meta:
        abstract = True

    derived: tuple[str, ...] = ()
    """Columns the system computes: no version, no reason, no query, not part of what is signed."""

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.record_id}"


class CrfLine(SiteOwned):
    """A typed line of a page, with a stable key; abstract.

    The path of a value is `<kind>/<key>/<column>`: `results/ALT/value`. A line is removed by flag, never deleted.
    """

    kind: str
    """The first part of the path, in the plural: `results`, `grade_periods`."""
    derived: tuple[str, ...] = ()

    record = models.ForeignKey(FormRecord, on_delete=models.PROTECT, related_name="%(class)s_lines")
    key = models.CharField(max_length=40)
    is_removed = models.BooleanField(default=False)

    class Meta:
        abstract = True
        constraints = [models.UniqueConstraint(fields=["record", "key"], name="%(class)s_key_is_stable")]

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {self.key} of {self.record_id}"


def not_captured(model: type[CrfModel | CrfLine]) -> tuple[str, ...]:
    """The columns of a page's table that nobody enters."""
    generated = [str(field.column) for field in model._meta.concrete_fields if field.generated]
    return (str(model._meta.pk.column), "record_id", "site_id", "key", *generated, *model.derived)


def _give_entry_triggers(sender: type[models.Model], **_: object) -> None:
    """Every typed page and line table: site from its record, rules of entry, versions of paths."""
    if sender._meta.abstract or not issubclass(sender, CrfModel | CrfLine) or sender.__module__ == "__fake__":
        return
    prefix = "" if issubclass(sender, CrfModel) else sender.kind
    arguments = f"'{prefix}', '{','.join(not_captured(sender))}'"
    add_trigger(
        sender, "aa_site_from_record", "before insert on {table} for each row execute function site_from_record()"
    )
    for name, function in (("ba_entry_rules", "guard_entry"), ("bb_path_versions", "count_path_versions")):
        when = "before" if function == "guard_entry" else "after"
        add_trigger(
            sender, name, f"{when} insert or update on {{table}} for each row execute function {function}({arguments})"
        )


class_prepared.connect(_give_entry_triggers, dispatch_uid="entry triggers")

for _model in (Visit, FormRecord):
    add_trigger(_model, "aa_site_from_subject", SITE_FROM_SUBJECT)
    add_trigger(
        _model, "ab_study_from_subject", "before insert on {table} for each row execute function study_from_subject()"
    )
add_trigger(
    FormRecord,
    "ba_path_versions",
    "after insert or update on {table} for each row execute function count_extra_versions()",
)
add_trigger(FormRecord, "ba_record_rules", "before update on {table} for each row execute function guard_record()")
add_trigger(
    RunningCheck,
    "aa_site_and_subject",
    "before insert on {table} for each row execute function running_check_of_one_subject()",
)
