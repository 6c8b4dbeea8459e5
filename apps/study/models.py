"""Study, study-site, protocol version."""

from functools import lru_cache
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.core.walls import immutable, unscoped
from clinical.protocol import definition as protocol


@unscoped(because="the list of studies a person works in is read before one of them is chosen")
class Study(models.Model):
    """One clinical trial."""

    code = models.CharField(max_length=20, unique=True)
    title = models.CharField(max_length=500)
    sponsor = models.CharField(max_length=200)
    zone = models.CharField("sponsor's time zone", max_length=50)

    class Meta:
        verbose_name_plural = "studies"
        constraints = [
            models.CheckConstraint(name="study_code_is_upper_case", condition=Q(code__regex=r"^[A-Z][A-Z0-9-]{1,19}$"))
        ]

    def __str__(self) -> str:
        return self.code


class Site(models.Model):
    """A site in one study. A hospital that takes part in two studies is two of these."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="sites")
    number = models.CharField(max_length=10)
    name = models.CharField(max_length=200)
    country = models.CharField("country, ISO 3166 alpha-3", max_length=3)
    zone = models.CharField("time zone", max_length=50)
    is_open = models.BooleanField(default=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["study", "number"], name="site_number_is_unique_in_its_study")]

    def __str__(self) -> str:
        return f"{self.number} {self.name}"

    @property
    def zone_info(self) -> ZoneInfo:
        return ZoneInfo(self.zone)


@immutable
class ProtocolVersion(models.Model):
    """An approved protocol file, word for word. It never changes; an amendment is another row."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="protocol_versions")
    version = models.CharField(max_length=20)
    text = models.TextField()
    sha256 = models.CharField(max_length=64)
    loaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True)
    approved_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    approver_name = models.CharField(max_length=200)
    approved_at = models.DateTimeField()
    effective_date = models.DateField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["study", "version"], name="protocol_version_is_approved_once"),
            models.CheckConstraint(
                name="protocol_builder_is_not_its_approver",
                condition=Q(loaded_by__isnull=True) | ~Q(loaded_by=F("approved_by")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.study} protocol {self.version}"

    @property
    def definition(self) -> protocol.Definition:
        """The typed content. Parsed once per process for each text."""
        return _definition(self.text)


@lru_cache(maxsize=32)
def _definition(text: str) -> protocol.Definition:
    from clinical.protocol import loading  # brings the design engines, which models need not wait for

    loaded = loading.load(text, "approved protocol")
    if loaded.definition is None:
        raise ValueError(f"An approved protocol does not load: {'; '.join(loaded.sentences())}")
    return loaded.definition


@immutable
class ProtocolDraft(models.Model):
    """A protocol file as a study builder loaded it, waiting for somebody else's approval."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="protocol_drafts")
    version = models.CharField(max_length=20)
    text = models.TextField()
    loaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    loaded_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.study} protocol {self.version}, loaded {self.loaded_at:%d-%b-%Y %H:%M}"


class SiteApproval(models.Model):
    """From when a site works under a protocol version (ethics and authority approval in hand)."""

    study = models.ForeignKey(Study, on_delete=models.PROTECT, related_name="+")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="approvals")
    protocol_version = models.ForeignKey(ProtocolVersion, on_delete=models.PROTECT, related_name="site_approvals")
    effective_date = models.DateField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["site", "protocol_version"], name="site_approves_a_version_once"),
        ]

    def __str__(self) -> str:
        return f"{self.protocol_version} at {self.site} from {self.effective_date}"
