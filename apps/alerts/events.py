"""What the alerts tell their own background."""

from dataclasses import dataclass

from apps.core.events import Fact


@dataclass(frozen=True, kw_only=True)
class SafetyFactsChanged(Fact):
    """Values changed on a page that safety rules read and that no other room announces."""

    subject: int


@dataclass(frozen=True, kw_only=True)
class SubjectNotJudged(Fact):
    """The round could not judge a subject; the outbox tries again and keeps the error where people see it."""

    subject: int


@dataclass(frozen=True, kw_only=True)
class StudyNotJudged(Fact):
    """The round could not judge the study as a whole. `site_id` is 0."""


@dataclass(frozen=True, kw_only=True)
class NoticeOwed(Fact):
    """A person has to be told of an alert by mail. `site_id` is 0 for an alert on the whole study."""

    notice: int
