"""Which protocol version serves whom."""

from datetime import date

from apps.core.refusal import Refusal
from apps.study.models import ProtocolVersion, Site, Study


class NoProtocol(Refusal): ...


def version_at_site(*, site: Site, on: date) -> ProtocolVersion:
    """The newest version whose approval at the site is in force on the day."""
    version = (
        ProtocolVersion.objects.filter(site_approvals__site=site, site_approvals__effective_date__lte=on)
        .order_by("-site_approvals__effective_date", "-pk")
        .first()
    )
    if version is None:
        raise NoProtocol(f"Site {site.number} has no approved protocol version in force on {on:%d-%b-%Y}.")
    return version


def latest_version(study: Study) -> ProtocolVersion:
    """The version approved last: what study-wide pages (cohorts, designs) go by."""
    version = study.protocol_versions.order_by("-effective_date", "-pk").first()
    if version is None:
        raise NoProtocol(f"Study {study.code} has no approved protocol version yet.")
    return version
