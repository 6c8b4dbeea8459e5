"""Short ways to write the facts of a DLT story.

The site is in Berlin; the subject has her first dose on Monday 2-Mar-2026 at 10:00, so day 28 is 29-Mar-2026.
"""

import re
import tomllib
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from clinical.dlt.criteria import Criterion, parse_criteria
from clinical.dlt.evaluation import Assessment, Conventions, assess_event, assess_subject
from clinical.dlt.facts import Exposure, GradePeriod, LabFact, SubjectFacts, ToxicityEvent
from clinical.dlt.window import DltWindow, WindowRule, dlt_window
from clinical.partial_date import PartialDate

ROOT = Path(__file__).resolve().parents[3]
BERLIN = ZoneInfo("Europe/Berlin")
NAUSEA, GUT = "Nausea", "Gastrointestinal disorders"
NEUTROPENIA, INVESTIGATIONS = "Neutrophil count decreased", "Investigations"
CRS, IMMUNE = "Cytokine release syndrome", "Immune system disorders"


def example(trial: str) -> str:
    """The definition of a trial as the documentation prints it."""
    text = (ROOT / "docs/clinical/dlt.md").read_text(encoding="utf-8")
    found = re.search(rf"<!-- example: {trial} -->\n```toml\n(.*?)```", text, re.DOTALL)
    assert found, trial
    return found[1]


def criteria_of(trial: str) -> tuple[Criterion, ...]:
    read, problems = parse_criteria(tomllib.loads(example(trial), parse_float=Decimal)["dlt"]["criterion"])
    assert problems == []
    return read


def criterion(toml: str) -> tuple[Criterion, ...]:
    written = '[[dlt.criterion]]\nid = "x"\ntext = "the rule"\n' + toml
    read, problems = parse_criteria(tomllib.loads(written, parse_float=Decimal)["dlt"]["criterion"])
    assert problems == []
    return read


def on(text: str) -> PartialDate:
    """`03-26T14:05` is a moment of 2026; `2026-03` and longer are taken as they are."""
    return PartialDate.parse(text if re.match(r"\d{4}", text) else f"2026-{text}")


def at(text: str) -> datetime:
    """A moment at the site, in UTC."""
    return on(text).earliest().replace(tzinfo=BERLIN).astimezone(UTC)


def dose(
    given: str | None = None, *, planned: str | None = None, full: bool = True, missed: str | None = None
) -> Exposure:
    return Exposure(
        planned=on(planned) if planned else None,
        given=on(given) if given else None,
        is_full=full,
        was_missed=missed is not None,
        reason=missed or None,
    )


FOUR_WEEKS, USUAL = WindowRule(days=28), Conventions()
FIRST_DOSE = dose("03-02T10:00", planned="03-02")


def window(rule: WindowRule = FOUR_WEEKS, *doses: Exposure, now: str = "06-01") -> DltWindow:
    found = dlt_window(rule, doses or (FIRST_DOSE,), at=at(now), zone=BERLIN)
    assert found is not None
    return found


def grades(*parts: str, scale: str = "CTCAE") -> tuple[GradePeriod, ...]:
    """`"3 03-05 03-08"` is grade 3 from 5 to 8 March; without an end it goes on; `?` is not known."""
    read = []
    for part in parts:
        grade, began, *ended = part.split()
        read.append(
            GradePeriod(
                grade=None if grade == "?" else int(grade),
                began=None if began == "?" else on(began),
                ended=on(ended[0]) if ended and ended[0] != "?" else None,
                end_unknown=ended == ["?"],
                scale=scale,
            )
        )
    return tuple(read)


def event(
    term: str | None, soc: str | None, *parts: str, id: str = "AE1", scale: str = "CTCAE", **more: object
) -> ToxicityEvent:
    return ToxicityEvent(id=id, term=term, soc=soc, periods=grades(*parts, scale=scale), **more)  # type: ignore[arg-type]


def lab(test: str, taken: str, value: str, uln: str | None = None, **more: str) -> LabFact:
    return LabFact(
        test=test,
        taken=on(taken),
        value=Decimal(value),
        unit=more.get("unit", "U/L"),
        uln=Decimal(uln) if uln else None,
        baseline=Decimal(more["baseline"]) if "baseline" in more else None,
    )


def ask(
    criteria: tuple[Criterion, ...],
    asked: ToxicityEvent,
    *others: ToxicityEvent,
    now: str = "06-01",
    within: DltWindow | None = None,
    conventions: Conventions = USUAL,
) -> Assessment:
    return assess_event(
        asked,
        criteria=criteria,
        window=within or window(now=now),
        facts=SubjectFacts(events=(asked, *others), doses=(FIRST_DOSE,)),
        at=at(now),
        conventions=conventions,
    )


def ask_subject(
    criteria: tuple[Criterion, ...], facts: SubjectFacts, *, now: str = "06-01", within: DltWindow | None = None
) -> Assessment:
    return assess_subject(criteria=criteria, window=within or window(now=now), facts=facts, at=at(now))
