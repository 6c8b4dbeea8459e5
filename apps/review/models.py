"""Queries, verification, review marks, signatures and locks: each a dimension of its own beside entry."""

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.access.models import SiteOwned
from apps.core.walls import add_trigger, immutable, owned_by_triggers, unaudited
from apps.study.models import Study
from apps.subjects.models import SITE_FROM_SUBJECT, Subject
from apps.visits.models import FormRecord, Visit


class QueryState(models.TextChoices):
    """Where a query stands. `auto_closed` is the system's own end of it, never a person's."""

    DRAFT = "draft", "Draft"
    OPEN = "open", "Open"
    ANSWERED = "answered", "Answered"
    CLOSED = "closed", "Closed"
    CANCELLED = "cancelled", "Cancelled"
    AUTO_CLOSED = "auto_closed", "Closed by the system"


UNRESOLVED = (QueryState.OPEN, QueryState.ANSWERED)
"""The states in which somebody still has to act."""


class Group(models.TextChoices):
    """Whose query it is. A group closes its own queries; the site never closes any."""

    MONITOR = "monitor", "Monitor"
    DATA_MANAGER = "data_manager", "Data manager"
    MEDICAL_MONITOR = "medical_monitor", "Medical monitor"
    SYSTEM = "system", "System"


class Query(SiteOwned):
    """One question about a value (or, with an empty path, about a whole form), and where it stands.

    `path_version` is the version of the value when it was asked. `opened_at` is when the query last became open and
    `open_before` how long it had been open in earlier rounds: together its age, a clock that runs only while the site
    has to act. The conversation itself is in the messages, which never change.
    """

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+", editable=False)
    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="queries")
    record = models.ForeignKey(FormRecord, on_delete=models.PROTECT, related_name="queries")
    path = models.CharField(max_length=120, default="")
    path_version = models.PositiveIntegerField()
    label = models.CharField("the field in words, as it was called when asked", max_length=300)
    number = models.PositiveIntegerField("query number in the study")
    text = models.CharField("question", max_length=2000)
    state = models.CharField(max_length=12, choices=QueryState.choices)
    group = models.CharField("raised by group", max_length=20, choices=Group.choices)
    check_code = models.CharField("the edit check that asked", max_length=100, default="")
    fingerprint = models.CharField("check and inputs, so that the same finding asks once", max_length=64, default="")
    raised_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True)
    raised_by_name = models.CharField(max_length=200)
    raised_at = models.DateTimeField()
    opened_at = models.DateTimeField(null=True)
    open_before = models.DurationField(default=timedelta(0))
    answered_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    requeries = models.PositiveSmallIntegerField("how often the answer was asked back", default=0)

    class Meta:
        verbose_name_plural = "queries"
        constraints = [
            models.UniqueConstraint(fields=["study", "number"], name="query_number_is_unique_in_its_study"),
            models.UniqueConstraint(
                fields=["record", "fingerprint"],
                condition=~Q(fingerprint=""),
                name="query_fingerprint_fires_once",
            ),
            models.CheckConstraint(name="query_state_is_known", condition=Q(state__in=QueryState.values)),
            models.CheckConstraint(name="query_group_is_known", condition=Q(group__in=Group.values)),
            models.CheckConstraint(name="query_asks_something", condition=~Q(text="")),
            models.CheckConstraint(
                name="query_of_a_check_is_the_systems",
                condition=Q(group=Group.SYSTEM) | Q(fingerprint="", check_code=""),
            ),
        ]
        indexes = [
            models.Index(name="queries_by_state", fields=["site", "state", "opened_at"]),
            models.Index(name="queries_of_record", fields=["record", "state"]),
        ]

    def __str__(self) -> str:
        return f"Query {self.number}"

    @property
    def is_system(self) -> bool:
        return self.group == Group.SYSTEM


class Act(models.TextChoices):
    """What can be done to a query; each leaves one message in its thread."""

    RAISE = "raise", "Raised"
    DRAFT = "draft", "Drafted"
    RELEASE = "release", "Released"
    ANSWER = "answer", "Answered"
    REQUERY = "requery", "Asked again"
    CLOSE = "close", "Closed"
    CANCEL = "cancel", "Cancelled"
    REOPEN = "reopen", "Reopened"
    AUTO_CLOSE = "auto_close", "Closed by the system"
    WITHDRAW = "withdraw", "Withdrawn by the system"
    ASK_ANEW = "ask_anew", "Still asked by the system"


@immutable
class QueryMessage(SiteOwned):
    """One act in the thread of a query, with its words and the version of the value at that moment."""

    query = models.ForeignKey(Query, on_delete=models.PROTECT, related_name="messages")
    record = models.ForeignKey(FormRecord, on_delete=models.PROTECT, related_name="+")
    act = models.CharField(max_length=12, choices=Act.choices)
    text = models.CharField(max_length=2000, default="")
    value_text = models.CharField("the value as it was shown then", max_length=500, default="")
    path_version = models.PositiveIntegerField()
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True)
    author_name = models.CharField(max_length=200)
    author_role = models.CharField(max_length=200)
    at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(name="messages_of_query", fields=["query", "id"])]

    def __str__(self) -> str:
        return f"{self.query}: {self.get_act_display()} by {self.author_name}"


@owned_by_triggers
@unaudited(because="a counter; the numbers it gave out are on the queries")
class QuerySequence(models.Model):
    """The last query number given out in a study."""

    study = models.OneToOneField(Study, on_delete=models.PROTECT, primary_key=True, related_name="+")
    last_given = models.PositiveIntegerField()

    def __str__(self) -> str:
        return f"query numbers of {self.study}"


class Verification(SiteOwned):
    """A value, at one version, compared with the source and found the same.

    Stale is never stored: a mark is stale when the version of its path has moved on, however it was moved.
    """

    record = models.ForeignKey(FormRecord, on_delete=models.PROTECT, related_name="verifications")
    path = models.CharField(max_length=120)
    version = models.PositiveIntegerField()
    verified_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True)
    verified_by_name = models.CharField(max_length=200)
    verified_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_by_name = models.CharField(max_length=200, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["record", "path", "version"],
                condition=Q(withdrawn_at=None),
                name="value_version_is_verified_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.record_id} {self.path} version {self.version} verified by {self.verified_by_name}"


class Track(models.TextChoices):
    """Who reviews; each track looks at the same rows for itself."""

    MONITOR = "monitor", "Monitoring"
    DATA_MANAGER = "data_manager", "Data management"
    MEDICAL_MONITOR = "medical_monitor", "Medical"


@immutable
class ReviewMark(SiteOwned):
    """A row looked at by one track, with the version of every value then; the newest mark of a track counts."""

    record = models.ForeignKey(FormRecord, on_delete=models.PROTECT, related_name="review_marks")
    track = models.CharField(max_length=20, choices=Track.choices)
    versions = models.JSONField("version of each path when it was reviewed")
    note = models.CharField("the reviewer's own note", max_length=1000, default="")
    reviewed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True)
    reviewed_by_name = models.CharField(max_length=200)
    reviewed_at = models.DateTimeField()

    class Meta:
        constraints = [models.CheckConstraint(name="review_track_is_known", condition=Q(track__in=Track.values))]
        indexes = [models.Index(name="marks_of_record", fields=["record", "track", "-id"])]

    def __str__(self) -> str:
        return f"{self.record_id} reviewed by {self.reviewed_by_name}"


class Scope(models.TextChoices):
    """What the investigator signed at once."""

    RECORD = "record", "Form"
    VISIT = "visit", "Visit"
    CASEBOOK = "casebook", "Casebook"


@immutable
class Signature(SiteOwned):
    """An investigator's electronic signature on one form record (21 CFR 11.50, 11.70).

    Signing a visit or a casebook writes one row a record, joined by `batch`: a later change breaks what it touches and
    nothing else. `content` is what was signed, word for word as shown; `content_hash` binds it to this record, signer,
    moment and meaning, so that a row copied onto another record does not verify. Name and role stand as they were.
    """

    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="signatures")
    visit = models.ForeignKey(Visit, on_delete=models.PROTECT, related_name="+", null=True)
    record = models.ForeignKey(FormRecord, on_delete=models.PROTECT, related_name="signatures")
    batch = models.UUIDField("one act of signing")
    scope = models.CharField(max_length=10, choices=Scope.choices)
    meaning = models.CharField(max_length=300)
    signed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    printed_name = models.CharField(max_length=200)
    role = models.CharField(max_length=200)
    signed_at = models.DateTimeField()
    zone = models.CharField("time zone of the site", max_length=50)
    content = models.JSONField()
    content_hash = models.CharField(max_length=64)

    class Meta:
        constraints = [models.CheckConstraint(name="signature_scope_is_known", condition=Q(scope__in=Scope.values))]
        indexes = [
            models.Index(name="signatures_of_record", fields=["record", "-id"]),
            models.Index(name="signatures_of_batch", fields=["batch"]),
        ]

    def __str__(self) -> str:
        return f"{self.printed_name}, {self.meaning}, {self.signed_at:%d-%b-%Y %H:%M} UTC"


@immutable
class SignatureBreak(SiteOwned):
    """Why a signature no longer stands. The signature itself stays to be seen."""

    signature = models.OneToOneField(Signature, on_delete=models.PROTECT, related_name="broken")
    record = models.ForeignKey(FormRecord, on_delete=models.PROTECT, related_name="+")
    cause = models.CharField(max_length=1000)
    paths = models.JSONField(default=list)
    broken_by_name = models.CharField(max_length=200)
    broken_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"signature {self.signature_id} broken: {self.cause}"


@immutable
class LockCertificate(SiteOwned):
    """Who locked which forms of a subject, when, with the checklist as it stood and a hash of their content."""

    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="lock_certificates")
    records = models.JSONField("hash of the content by form record")
    checklist = models.JSONField("what was asked, and how often it stood in the way")
    snapshot_hash = models.CharField(max_length=64)
    locked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True)
    locked_by_name = models.CharField(max_length=200)
    role = models.CharField(max_length=200)
    locked_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"lock of {self.subject}, {self.locked_at:%d-%b-%Y}"


class UnlockState(models.TextChoices):
    ASKED = "asked", "Waits for approval"
    APPROVED = "approved", "Unlocked"
    REFUSED = "refused", "Refused"


class UnlockRequest(SiteOwned):
    """An unlock takes two people: one asks with a reason, another approves."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+", editable=False)
    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="unlock_requests")
    record = models.ForeignKey(FormRecord, on_delete=models.PROTECT, related_name="unlock_requests")
    state = models.CharField(max_length=10, choices=UnlockState.choices, default=UnlockState.ASKED)
    reason = models.CharField(max_length=1000)
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True)
    asked_by_name = models.CharField(max_length=200)
    asked_at = models.DateTimeField()
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True)
    decided_by_name = models.CharField(max_length=200, default="")
    decided_at = models.DateTimeField(null=True)
    decision_note = models.CharField(max_length=1000, default="")

    class Meta:
        constraints = [
            models.CheckConstraint(name="unlock_state_is_known", condition=Q(state__in=UnlockState.values)),
            models.CheckConstraint(name="unlock_has_a_reason", condition=~Q(reason="")),
            models.CheckConstraint(
                name="unlock_is_decided_by_another_person",
                condition=Q(decided_by=None) | ~Q(decided_by=F("asked_by")),
            ),
            models.UniqueConstraint(
                fields=["record"], condition=Q(state=UnlockState.ASKED), name="unlock_of_a_record_is_asked_once"
            ),
        ]

    def __str__(self) -> str:
        return f"unlock of record {self.record_id}: {self.get_state_display()}"


_FROM_RECORD = "before insert on {table} for each row execute function site_from_record()"
_FROM_SUBJECT = "before insert on {table} for each row execute function study_from_subject()"
for _model in (Query, QueryMessage, Verification, ReviewMark, Signature, SignatureBreak, UnlockRequest):
    add_trigger(_model, "aa_site_from_record", _FROM_RECORD)
for _model in (Query, UnlockRequest):
    add_trigger(_model, "ab_study_from_subject", _FROM_SUBJECT)
add_trigger(LockCertificate, "aa_site_from_subject", SITE_FROM_SUBJECT)
for _model, _when in ((Query, "insert or update"), (Signature, "insert"), (Verification, "insert or update")):
    add_trigger(
        _model,
        "ba_locked_record",
        f"before {_when} on {{table}} for each row execute function refuse_on_locked_record()",
    )
