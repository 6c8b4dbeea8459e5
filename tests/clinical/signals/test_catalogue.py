"""The catalogue: every rule is there, documented, and its parameters can be checked before a trial uses them."""

import json
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from clinical.signals.catalogue import RULES, problems

ROOT = Path(__file__).resolve().parents[3]
DOCUMENT = ROOT / "docs" / "clinical" / "signals.md"


def test_every_rule_of_the_published_catalogue_exists(reference: Path) -> None:
    catalogue = json.loads((reference / "dose-safety-signal-catalogue.json").read_text(encoding="utf-8"))
    named = {each["id"] for each in catalogue["signals"]}
    # Two entries of the catalogue name a pair of rules.
    named -= {"CRS_GE3 / ICANS_GE3", "SITE_UNDER_REPORTING / OVER"}
    assert set(RULES) == named | {"CRS_GE3", "ICANS_GE3", "SITE_UNDER_REPORTING", "SITE_OVER_REPORTING"}


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
def test_a_rule_says_what_it_is_whom_it_tells_and_is_documented_with_its_defaults(rule: Any) -> None:
    assert rule.title
    assert rule.description
    assert rule.recipients
    assert rule.problems({parameter.name: parameter.default for parameter in rule.parameters}) == ()
    text = DOCUMENT.read_text(encoding="utf-8")
    assert f"`{rule.id}`" in text
    for parameter in rule.parameters:
        default = parameter.default
        if isinstance(default, tuple):
            shown = f"[{', '.join(map(str, default))}]"
        elif isinstance(default, bool):
            shown = str(default).lower()
        else:
            shown = str(default)
        assert f"`{parameter.name}` {shown}" in text, f"{rule.id}.{parameter.name} is not in {DOCUMENT.name}"


@pytest.mark.parametrize(
    ("rule", "given", "problem"),
    [
        ("HYS_LAW", {"days_after": 14}, ""),
        ("HYS_LAW", {"aminotransferase": 5}, ""),
        ("BAYES_TOX_STOP", {"limit": 0.33}, ""),
        ("SAE_CLOCK", {"reminders": [6, 12]}, ""),
        ("SUSAR_CLOCK", {"half_time": False}, ""),
        ("LAB_SHIFT", {"expected": []}, ""),
        ("LAB_SHIFT", {"expected": ["Anemia"]}, ""),
        ("LAB_SHIFT", {"expected": [3]}, "expected must be a list, each entry text, not [3]."),
        ("HYS_LAW", {"days_after": "30"}, "days_after must be a whole number, not '30'."),
        ("HYS_LAW", {"days_after": 30.5}, "days_after must be a whole number, not 30.5."),
        ("HYS_LAW", {"days_after": -1}, "days_after must be at least 0, not -1."),
        ("HYS_LAW", {"days_aftr": 1}, "HYS_LAW has no parameter days_aftr. Did you mean days_after?"),
        ("BAYES_TOX_STOP", {"limit": 30}, "limit must be at most 0.999, not 30."),
        ("BAYES_TOX_STOP", {"limit": float("nan")}, "limit must be a number, not nan."),
        ("BAYES_TOX_STOP", {"limit": True}, "limit must be a number, not True."),
        ("SAE_CLOCK", {"reminders": 12}, "reminders must be a list, each entry a whole number, not 12."),
        ("SAE_CLOCK", {"reminders": []}, "reminders needs at least one entry."),
        ("SUSAR_CLOCK", {"half_time": 1}, "half_time must be true or false, not 1."),
        ("SEQUENTIAL_BOUNDARY", {"method": "Pocok"}, "method must be one of Pocock, OBF, WT, BB, SPRT, MaxSPRT, CC"),
        ("SEQUENTIAL_BOUNDARY", {"group_size": 30}, "group_size 30 leaves no look in 20 planned subjects."),
        ("SEQUENTIAL_BOUNDARY", {"method": "SPRT", "alternative_rate": 0.3}, "must lie above acceptable_rate."),
        ("SEQUENTIAL_BOUNDARY", {"method": "SPRT"}, ""),
        ("BAYES_TOX_STOP", {"event_class": "CRS"}, "event_class must be one of DLT, CRS of grade 3 or more,"),
        ("DLT_REPORTED", {"grade": 3}, "DLT_REPORTED has no parameter grade. It has no parameters."),
        ("HYS_LOW", {}, "There is no alert rule HYS_LOW. Did you mean HYS_LAW?"),
    ],
)
def test_what_a_protocol_file_sets_is_checked_in_words(rule: str, given: dict[str, Any], problem: str) -> None:
    found = problems(rule, given)
    if problem:
        assert len(found) == 1
        assert problem in found[0]
    else:
        assert found == ()


def test_what_a_protocol_file_sets_is_what_the_rule_uses() -> None:
    settings = RULES["HYS_LAW"].settings_from({"days_after": 14, "bilirubin": 1.5})
    assert (settings.days_after, settings.bilirubin, settings.aminotransferase) == (14, Decimal("1.5"), Decimal(3))
    assert RULES["SAE_CLOCK"].settings_from({"reminders": [6]}).reminders == (6,)
    with pytest.raises(ValueError, match="at least 0"):
        RULES["HYS_LAW"].settings_from({"days_after": -1})


@pytest.mark.parametrize("file", sorted((ROOT / "protocols").glob("*/*.toml")), ids=lambda file: file.parent.name)
def test_the_alert_rules_of_every_trial_are_in_the_catalogue(file: Path) -> None:
    alerts = tomllib.loads(file.read_text(encoding="utf-8")).get("alert", ())
    for alert in alerts:
        assert problems(alert["rule"], alert.get("parameters", {})) == ()
