"""Cases: the frozen facts that one rule looks at once, and the builders of the rooms that know them.

A builder reads the database for many subjects with the same few queries and answers with cases per subject; one of a
study answers for the study as a whole. Which rules are judged, and with what numbers, is the protocol's business.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.study.models import ProtocolVersion, Study
from apps.subjects.models import Subject
from clinical.protocol.definition import Definition
from clinical.signals.catalogue import RULES
from clinical.signals.signal import Signal


@dataclass(frozen=True)
class Case:
    """The facts of one evaluation, and the page on which a reader finds them."""

    facts: Any
    record: int | None = None


@dataclass(frozen=True)
class Fired:
    """A signal with the page it is about."""

    signal: Signal
    record: int | None = None


SubjectCases = Callable[[Sequence[Subject], datetime], Mapping[int, Iterable[Case]]]
StudyCases = Callable[[ProtocolVersion, datetime], Iterable[Case]]

_of_subjects: dict[str, SubjectCases] = {}
_of_studies: dict[str, StudyCases] = {}


def of_subjects(*rules: str) -> Callable[[SubjectCases], SubjectCases]:
    """Register the builder of the facts of these rules, for subjects (by primary key)."""

    def register(builder: SubjectCases) -> SubjectCases:
        _of_subjects.update(dict.fromkeys(rules, builder))
        return builder

    return register


def of_studies(*rules: str) -> Callable[[StudyCases], StudyCases]:
    """Register the builder of the facts of these rules, for a study as a whole."""

    def register(builder: StudyCases) -> StudyCases:
        _of_studies.update(dict.fromkeys(rules, builder))
        return builder

    return register


def fired_for_subjects(subjects: Sequence[Subject], *, at: datetime) -> dict[int, list[Fired]]:
    """What the switched-on rules of each subject's own protocol version say of it now."""
    built: dict[SubjectCases, Mapping[int, Iterable[Case]]] = {}
    fired: dict[int, list[Fired]] = defaultdict(list)
    for subject in subjects:
        for rule, parameters in _switched_on(subject.protocol_version.definition, _of_subjects):
            builder = _of_subjects[rule]
            if builder not in built:
                built[builder] = builder(subjects, at)
            fired[subject.pk] += _judged(rule, parameters, built[builder].get(subject.pk, ()))
    return fired


def fired_for_study(version: ProtocolVersion, *, at: datetime) -> list[Fired]:
    """What the switched-on rules of this protocol version say of the study as a whole now."""
    built: dict[StudyCases, tuple[Case, ...]] = {}
    fired: list[Fired] = []
    for rule, parameters in _switched_on(version.definition, _of_studies):
        builder = _of_studies[rule]
        if builder not in built:
            built[builder] = tuple(builder(version, at))
        fired += _judged(rule, parameters, built[builder])
    return fired


def version_in_force(study: Study) -> ProtocolVersion | None:
    """The latest approved version; None before the first approval."""
    return study.protocol_versions.order_by("-effective_date", "-pk").first()


def switched_on_without_facts(study: Study) -> list[str]:
    """Rules that the protocol asks for and that no builder feeds: to be said aloud, not passed over."""
    version = version_in_force(study)
    wanted = () if version is None else version.definition.alerts
    return [alert.rule for alert in wanted if alert.rule not in _of_subjects and alert.rule not in _of_studies]


def _switched_on(definition: Definition, known: Mapping[str, object]) -> Iterable[tuple[str, Mapping[str, Any]]]:
    return [(alert.rule, alert.parameters) for alert in definition.alerts if alert.rule in known]


def _judged(rule_id: str, parameters: Mapping[str, Any], cases: Iterable[Case]) -> Iterable[Fired]:
    """A builder may serve several rules: each looks at the cases that hold its own facts."""
    rule = RULES[rule_id]
    settings = rule.settings_from(parameters)
    mine = (case for case in cases if isinstance(case.facts, rule.facts))
    return [Fired(signal, case.record) for case in mine for signal in rule(case.facts, settings)]
