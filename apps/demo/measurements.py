"""What a site would type into the pages of a visit: plausible values, drawn around the protocol's own ranges."""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from random import Random

from clinical.protocol.definition import Definition
from clinical.protocol.pages import Analyte, Form, Measurement, ResultType

VITAL_SIGNS = {
    "SYSBP": (128, 9),
    "DIABP": (77, 6),
    "PULSE": (76, 8),
    "RESP": (15, 1),
    "TEMP": (36.7, 0.2),
    "OXYSAT": (97, 1),
    "HEIGHT": (171, 6),
}
"""Mean and spread of what is measured at rest, in the first unit that the shipped protocols ask in."""

ECG = {"EGHRMN": (74, 7), "QTCFAG": (418, 11), "PRAG": (160, 10), "QRSAG": (92, 6), "QTAG": (384, 12)}

ONE_DECIMAL = frozenset({"TEMP"})


def vital_signs(form: Form, chance: Random, *, taken: str, weight: int, unusual: Mapping[str, str]) -> dict[str, str]:
    """Vital signs at one time; `unusual` names the results that are not as at rest."""
    texts = {"taken": taken}
    for asked in form.measurements:
        if asked.test == "HEIGHT":
            continue
        texts[f"results/{asked.test}/value"] = unusual.get(asked.test) or _drawn(asked, VITAL_SIGNS, chance, weight)
    return texts


def ecg(form: Form, chance: Random, *, taken: str) -> dict[str, str]:
    texts = {"taken": taken, "interpretation": "NORMAL"}
    texts |= {f"results/{each.test}/value": _drawn(each, ECG, chance, 0) for each in form.measurements}
    for item in form.items:
        texts[f"extra/{item.code}"] = str(chance.randint(56, 66))
    return texts


def _drawn(asked: Measurement, around: Mapping[str, tuple[float, float]], chance: Random, weight: int) -> str:
    if asked.test == "WEIGHT":
        return str(weight + chance.choice((-1, 0, 0, 1)))
    mean, spread = around[asked.test]
    value = chance.gauss(mean, spread)
    if asked.test == "OXYSAT":
        value = min(value, 100)
    return f"{value:.1f}" if asked.test in ONE_DECIMAL else f"{value:.0f}"


def panel(
    definition: Definition,
    form: Form,
    chance: Random,
    *,
    collected: str,
    laboratory: str,
    sex: str,
    unusual: Mapping[str, str],
) -> dict[str, str]:
    """A lab panel: results inside the protocol's range, but for those that are named."""
    texts = {"collected": collected, "laboratory": laboratory}
    for analyte in definition.panel(form.panel or "").analytes:
        path = f"results/{analyte.test}/reported"
        if analyte.test in unusual:
            texts[path] = unusual[analyte.test]
        elif analyte.type is ResultType.TEXT:
            texts[path] = "NEGATIVE"
        elif not analyte.optional:
            texts[path] = _within(analyte, chance, sex)
    return texts


def _within(analyte: Analyte, chance: Random, sex: str) -> str:
    """A number in the normal range for the subject's sex, with as many digits as a laboratory reports."""
    normal = analyte.range_for(sex)
    low, high = (normal.low, normal.high) if normal else (Decimal(1), Decimal(2))
    if high is None:
        assert low is not None  # a range has a limit
        low, high = low * Decimal("1.1"), low * Decimal("1.6")
    if low is None:
        low = high * Decimal("0.3")
    share = Decimal(str(round(chance.uniform(0.15, 0.85), 3)))
    value = low + (high - low) * share
    digits = Decimal(1) if high >= 40 else Decimal("0.1") if high >= 4 else Decimal("0.01")
    return f"{value.quantize(digits, rounding=ROUND_HALF_UP):f}"


QUIET_BEDSIDE = {
    "hypotension": "N",
    "vasopressors": "0",
    "vasopressin": "N",
    "oxygen": "NONE",
    "ice_orientation": "4",
    "ice_naming": "3",
    "ice_commands": "1",
    "ice_writing": "1",
    "ice_attention": "1",
    "consciousness": "AWAKE",
    "seizure": "NONE",
    "motor": "NONE",
    "edema": "NONE",
}
"""An observation for CRS and ICANS that finds nothing."""

CRS_AT_BEDSIDE = {
    1: {"temperature": "38.6", "fever_treated": "Y"},
    2: {"temperature": "39.1", "fever_treated": "Y", "hypotension": "Y"},
    3: {"temperature": "39.4", "fever_treated": "Y", "hypotension": "Y", "vasopressors": "1"},
}
"""What is found at the bedside in a CRS of a grade (ASTCT 2019)."""


def bedside(chance: Random, *, observed: str, crs: int = 0) -> dict[str, str]:
    """One observation for CRS and ICANS, in a CRS of that grade."""
    quiet = {"observed": observed, "temperature": f"{chance.gauss(36.7, 0.2):.1f}", **QUIET_BEDSIDE}
    return {**quiet, **CRS_AT_BEDSIDE.get(crs, {})}
