"""Questions about alerts: what waits, what is listed, what a card shows."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from django.db.models import Prefetch, QuerySet

from apps.access.models import Membership
from apps.access.roles import ROLE_ACTIONS, Role
from apps.alerts.models import Alert, AlertEvent, EventKind, Hold, Notice, State
from apps.core.action import Action
from apps.core.actor import Actor
from apps.study.models import Site
from apps.visits.overlays import StatusWord
from clinical.signals.catalogue import RULES
from clinical.signals.signal import Severity

SHOWN = {
    "open": "Open",
    State.NEW.value: "New",
    State.ACKNOWLEDGED.value: "Acknowledged",
    State.CLOSED.value: "Closed",
    "gone": "Taken back",
    "all": "All",
}
"""The choices of the first filter; the first is what the page opens with."""

WORDS = {
    State.NEW.value: StatusWord(1, "New", "circle", "error"),
    State.ACKNOWLEDGED.value: StatusWord(2, "Acknowledged", "half", "info"),
    State.CLOSED.value: StatusWord(3, "Closed", "check", "ok"),
}
HOLD_WORDS = {
    Hold.SUPERSEDED.value: StatusWord(4, "Gave way to a later warning", "again", "muted"),
    Hold.RETRACTED.value: StatusWord(4, "Taken back", "dash", "muted"),
}
SEVERITY_WORDS = {
    Severity.CRITICAL: StatusWord(1, "Critical", "clock", "error"),
    Severity.URGENT: StatusWord(2, "Urgent", "clock", "warn"),
    Severity.REVIEW: StatusWord(3, "For review", "circle", "info"),
}


@dataclass(frozen=True)
class AlertFilter:
    """What the address of the page asks for; unknown values fall back to everything."""

    shown: str = "open"
    rule: str = ""
    site: str = ""
    severity: str = ""
    subject: str = ""

    @classmethod
    def read(cls, query: Mapping[str, str]) -> "AlertFilter":
        shown = query.get("shown", "open")
        severity = query.get("severity", "")
        return cls(
            shown=shown if shown in SHOWN else "open",
            rule=query.get("rule", "") if query.get("rule", "") in RULES else "",
            site=query.get("site", "").strip(),
            severity=severity if severity in {str(int(each)) for each in Severity} else "",
            subject=query.get("subject", "").strip(),
        )

    @property
    def query(self) -> str:
        """The filter as it stands in an address, without what is left at its default."""
        chosen = {name: value for name, value in vars(self).items() if value and (name, value) != ("shown", "open")}
        return urlencode(chosen)


@dataclass(frozen=True)
class Card:
    """One alert as the page shows it."""

    alert: Alert
    may_acknowledge: bool
    history: list[AlertEvent]
    notices: list[Notice] = field(default_factory=list)

    @property
    def rule(self) -> dict[str, str]:
        """The rule's own words. Templates call what can be called, and a rule can; so they get the words only."""
        rule = RULES[self.alert.rule]
        return {"title": rule.title, "description": rule.description, "cadence": rule.cadence}

    @property
    def words(self) -> list[StatusWord]:
        """Urgency, what people did, and whether the facts still hold."""
        words = [SEVERITY_WORDS[Severity(self.alert.severity)], WORDS[self.alert.state]]
        return [*words, HOLD_WORDS[self.alert.hold]] if self.alert.hold in HOLD_WORDS else words

    @property
    def acknowledgement(self) -> AlertEvent | None:
        """Who acknowledged it last, while that still counts."""
        if self.alert.state == State.NEW:
            return None
        return next((event for event in reversed(self.history) if event.kind == EventKind.ACKNOWLEDGED), None)

    @property
    def closing(self) -> AlertEvent | None:
        if self.alert.state != State.CLOSED:
            return None
        return next((event for event in reversed(self.history) if event.kind == EventKind.CLOSED), None)

    @property
    def told(self) -> list[Notice]:
        """Who was sent a mail, and when."""
        return [notice for notice in self.notices if notice.sent_at is not None]


def listing(*, actor: Actor, chosen: AlertFilter | None = None) -> QuerySet[Alert]:
    """The alerts that the actor may see, the most urgent and newest first."""
    chosen = chosen or AlertFilter(shown="all")
    found: QuerySet[Alert] = Alert.objects.visible_to(actor)
    if chosen.shown == "open":
        found = found.filter(hold=Hold.STANDS).exclude(state=State.CLOSED)
    elif chosen.shown == "gone":
        found = found.exclude(hold=Hold.STANDS)
    elif chosen.shown != "all":
        found = found.filter(state=chosen.shown, hold=Hold.STANDS)
    if chosen.rule:
        found = found.filter(rule=chosen.rule)
    if chosen.site:
        found = found.filter(site__number=chosen.site)
    if chosen.severity:
        found = found.filter(severity=int(chosen.severity))
    if chosen.subject:
        found = found.filter(subject__number=chosen.subject)
    return found.order_by("-severity", "-updated_at", "-pk")


def open_alerts(actor: Actor) -> QuerySet[Alert]:
    """The alerts that stand and that nobody has acknowledged, the most urgent first: a block of the start page."""
    if not actor.may(Action.READ_ALERTS):
        return Alert.objects.none()
    return listing(actor=actor, chosen=AlertFilter(shown=State.NEW.value)).select_related("subject", "site")


def with_history(alerts: QuerySet[Alert]) -> QuerySet[Alert]:
    """The alerts with all that their cards show, in the same few queries however many they are."""
    return alerts.select_related("subject", "site", "record").prefetch_related(
        Prefetch("history", queryset=AlertEvent.objects.order_by("pk")),
        Prefetch("history__notices", queryset=Notice.objects.order_by("pk")),
    )


def cards(alerts: Iterable[Alert], *, actor: Actor) -> list[Card]:
    """The cards of alerts that came `with_history`."""
    return [
        Card(
            alert=alert,
            may_acknowledge=actor.may(Action.ACKNOWLEDGE_ALERT, at=alert.site_id),
            history=list(alert.history.all()),
            notices=[notice for event in alert.history.all() for notice in event.notices.all()],
        )
        for alert in alerts
    ]


def sites_to_choose(*, actor: Actor) -> QuerySet[Site]:
    return Site.objects.filter(study_id=actor.study_id, pk__in=actor.site_ids).order_by("number")


def reads_alerts(membership_roles: list[str]) -> bool:
    """Whether somebody with these roles can open an alert's page."""
    return any(Action.READ_ALERTS in ROLE_ACTIONS[Role(role)] for role in membership_roles)


def roles_held(*, study_id: int, person_id: int, site_id: int | None) -> list[str]:
    """The roles that a person holds now, study-wide or at the site."""
    held = Membership.objects.filter(study_id=study_id, user_id=person_id, ended_at=None)
    held = held.filter(site=None) | held.filter(site_id=site_id) if site_id else held.filter(site=None)
    return list(held.values_list("role", flat=True))
