"""The catalogue of safety rules: what a protocol file may name, and what the alerts room evaluates."""

from collections.abc import Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any

from clinical.signals import deadlines, dose_level, laboratory, liver, site_reporting, toxicity
from clinical.signals.rule import Rule

RULES: Mapping[str, Rule[Any, Any]] = MappingProxyType(
    {
        rule.id: rule
        for rule in (
            toxicity.DLT_REPORTED,
            toxicity.DLT_CANDIDATE_UNJUDGED,
            dose_level.COHORT_STOP_BOUNDARY,
            dose_level.BAYES_TOX_STOP,
            dose_level.SEQUENTIAL_BOUNDARY,
            toxicity.CRS_GE3,
            toxicity.ICANS_GE3,
            liver.HYS_LAW,
            deadlines.SAE_CLOCK,
            deadlines.SUSAR_CLOCK,
            deadlines.DEATH_30D,
            deadlines.SAE_FOLLOWUP_OVERDUE,
            dose_level.FREQUENCY_BY_COHORT,
            site_reporting.SITE_UNDER_REPORTING,
            site_reporting.SITE_OVER_REPORTING,
            laboratory.LAB_SHIFT,
            toxicity.DLT_WINDOW_INCOMPLETE,
            dose_level.EVALUABILITY_CHANGED,
            dose_level.DOSE_ABOVE_APPROVED,
        )
    }
)


def problems(rule_id: str, parameters: Mapping[str, Any]) -> tuple[str, ...]:
    """Everything wrong with one alert rule of a protocol file, in words; empty when it can be used.

    >>> problems("HYS_LOW", {})
    ('There is no alert rule HYS_LOW. Did you mean HYS_LAW?',)
    >>> problems("HYS_LAW", {"days_aftr": 14})
    ('HYS_LAW has no parameter days_aftr. Did you mean days_after?',)
    """
    rule = RULES.get(rule_id)
    if rule is None:
        near = get_close_matches(rule_id, RULES, n=1)
        hint = f"Did you mean {near[0]}?" if near else f"The rules are {', '.join(RULES)}."
        return (f"There is no alert rule {rule_id}. {hint}",)
    return rule.problems(parameters)
