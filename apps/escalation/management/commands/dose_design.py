"""Dose-escalation designs for statisticians: decision tables, advice on a trial, operating characteristics."""

import csv
import json
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Sequence
from itertools import zip_longest
from math import inf, isfinite
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError

from apps.core.engine_command import EngineCommand, faults_of_places
from apps.core.whole_file import whole_file
from clinical.escalation import tables
from clinical.escalation.advice import Design
from clinical.escalation.blrm import Blrm
from clinical.escalation.catalogue import CATALOGUE, design_named, engine_for, spoken
from clinical.escalation.cohort import Event, replay
from clinical.escalation.crm import Crm
from clinical.escalation.exact import three_plus_three_exactly
from clinical.escalation.interval import RefusedNumber
from clinical.escalation.records import events_from, levels_from
from clinical.escalation.simulation import Scenario, simulate
from clinical.escalation.tables import Row
from clinical.escalation.three_plus_three import ThreePlusThree
from clinical.escalation.tite_crm import TiteCrm
from clinical.escalation.trial import DoseLevel, Trial, outcomes

BAR_WIDTH = 40

# The names of the R packages that statisticians know these options by.
ALIASES = {
    "cohort_size": "--cohortsize",
    "n_cohorts": "--ncohort",
    "trials": "--ntrial",
    "n_earlystop": "--n-early-stop",
}

# Options as statisticians name them: what each holds, and what the help says. Read by hand, so that one run names
# every problem and not only the first.
DESIGN_OPTIONS: dict[str, tuple[str, str]] = {
    "target": ("number", "target DLT rate"),
    "p_saf": ("number", "BOIN: highest rate that calls for escalation"),
    "p_tox": ("number", "BOIN: lowest rate that calls for de-escalation"),
    "cutoff_eli": ("number", "BOIN, Keyboard: certainty that eliminates a level"),
    "offset": ("number", "BOIN: by how much less certainty stops at the lowest level"),
    "extrasafe": ("flag", "BOIN: apply that stricter stop"),
    "eliminate_from": ("whole", "BOIN, Keyboard: subjects from which a level may be eliminated"),
    "margin_l": ("number", "Keyboard: target key below the target"),
    "margin_r": ("number", "Keyboard: target key above the target"),
    "epsilon1": ("number", "mTPI: equivalence interval below the target"),
    "epsilon2": ("number", "mTPI: equivalence interval above the target"),
    "exclusion_certainty": ("number", "mTPI: certainty that excludes a level"),
    "cohort_size": ("whole", "subjects per cohort"),
    "variant": ("text", "3+3: “with de-escalation” or “without de-escalation”"),
    "severe_grade": ("whole", "accelerated titration: grade that ends it at once"),
    "moderate_grade": ("whole", "accelerated titration: grade that ends it when repeated"),
    "moderate_count": ("whole", "accelerated titration: how often"),
    "skeleton": ("numbers", "CRM: prior DLT rate per dose level"),
    "halfwidth": ("number", "CRM: half-width of the indifference interval, instead of a skeleton"),
    "nu": ("whole", "CRM: prior MTD, with halfwidth"),
    "model": ("text", "CRM: empiric or logistic"),
    "method": ("text", "CRM: bayes or mle"),
    "scale": ("number", "CRM: prior standard deviation of beta"),
    "intercept": ("number", "CRM: fixed intercept of the logistic model"),
    "stop_certainty": ("number", "CRM: certainty about the lowest level that stops the trial"),
    "max_pending_fraction": ("number", "TITE designs: share of a level that may be pending"),
    "doses": ("numbers", "BLRM: the doses"),
    "dref": ("number", "BLRM: reference dose"),
    "prior_mean": ("numbers", "BLRM: prior means of log alpha and log beta"),
    "prior_sd": ("numbers", "BLRM: their standard deviations"),
    "prior_rho": ("number", "BLRM: their correlation"),
    "intervals": ("numbers", "BLRM: limits of the target interval"),
    "ewoc": ("number", "BLRM: limit on the probability of overdosing"),
    "max_increase": ("number", "BLRM: greatest step up, 1 for double"),
}
SCENARIO_OPTIONS: dict[str, tuple[str, str]] = {
    "p_true": ("numbers", "true DLT rate per dose level"),
    "n_cohorts": ("whole", "cohorts per trial"),
    "trials": ("whole", "trials to simulate"),
    "seed": ("whole", "seed of the random stream"),
    "start_level": ("whole", "level of the first cohort"),
    "n_earlystop": ("whole", "stop when staying at a level with so many subjects"),
    "titration": ("flag", "interval designs: single subjects until the first DLT"),
    "moderate": ("numbers", "accelerated titration: chance of a moderate event per level"),
    "window_days": ("number", "DLT period, for designs that decide while subjects are pending"),
    "accrual_days": ("number", "mean days between subjects, for the same"),
}


STATE_OPTIONS: dict[str, tuple[str, str]] = {
    "levels": ("whole", "how many dose levels there are, with --outcomes or --events"),
    "current": ("whole", "the level now open (default: the highest tried, or the last cohort's)"),
    "eliminated": ("wholes", "levels already eliminated"),
    "window_days": ("whole", "length of the DLT period, with --events"),
}
KINDS_OF_NUMBER: dict[str, tuple[bool, type[int] | type[float], str]] = {
    "number": (False, float, "a number"),
    "whole": (False, int, "a whole number"),
    "numbers": (True, float, "a list of numbers"),
    "wholes": (True, int, "a list of whole numbers"),
}
OF_EACH_LEVEL: dict[type | None, str] = {Crm: "skeleton", TiteCrm: "skeleton", Blrm: "doses"}


class Command(EngineCommand):
    """`manage.py dose_design table|advise|simulate --design NAME … --out FILE`."""

    help = "Dose-escalation designs: decision tables, advice on a trial's state, operating characteristics."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Three tasks; the design's options are the same in each."""
        tasks = parser.add_subparsers(dest="task", required=True)
        table = tasks.add_parser("table", help="the decision table of a design")
        advise = tasks.add_parser("advise", help="the advice for a trial as it stands, or through an event log")
        simulated = tasks.add_parser("simulate", help="operating characteristics")
        for task in (table, advise, simulated):
            task.add_argument("--design", required=True, help=f"one of: {', '.join(CATALOGUE)}")
            task.add_argument("--out", type=Path, help="FILE.csv or FILE.json; without it CSV goes to the screen")
            _add_options(task, DESIGN_OPTIONS)
        table.add_argument("--max-n", default="30", help="subjects up to which the table goes (default: 30)")
        advise.add_argument("--state", type=Path, help="CSV with a row per dose level: treated, evaluable, dlts, …")
        advise.add_argument("--outcomes", help="instead: cohorts in Brock's notation, like “1NNN 2NTT”")
        advise.add_argument("--events", type=Path, help="instead: CSV of events: day, event, subject, level, …")
        _add_options(advise, STATE_OPTIONS)
        _add_options(simulated, SCENARIO_OPTIONS)
        simulated.add_argument("--exact", action="store_true", help="3+3: enumerate instead of simulating")

    def handle(self, *args: Any, task: str, design: str, out: Path | None, **options: Any) -> None:
        """Do the task, or write nothing and name every problem."""
        tasks: dict[str, Callable[[str, dict[str, Any], list[str]], list[Row]]] = {
            "table": _table,
            "advise": _advise,
            "simulate": self._simulate,
        }
        faults = faults_of_places(write=[out]) if out else []
        if out and out.suffix not in {".csv", ".json"}:
            faults.append(f"{out} must end in .csv or .json.")
        try:
            rows = tasks[task](design, options, faults)
        except ValueError as fault:
            raise CommandError(str(fault)) from fault
        try:
            self._write(rows, out)
        except OSError as fault:
            raise CommandError(f"{out}: {fault.strerror}.") from fault

    def _simulate(self, name: str, options: dict[str, Any], faults: list[str]) -> list[Row]:
        given = _read(options, SCENARIO_OPTIONS, faults)
        rates = given.setdefault("p_true", ())
        design = _design(name, options, faults, levels=len(rates))
        scenario: Scenario | None = None
        try:
            scenario = Scenario(**given)
        except ValueError as fault:
            faults.append(str(fault))
        is_exact = options["exact"]
        if is_exact and _kind(name) not in (None, ThreePlusThree):
            faults.append("Only 3+3 is worked out exactly.")
        if faults or design is None or scenario is None:
            raise ValueError("\n".join(faults))
        if is_exact and isinstance(design, ThreePlusThree):
            return tables.exact_rows(three_plus_three_exactly(scenario.p_true, variant=design.variant), scenario.p_true)
        summary = simulate(engine_for(design), scenario, progress=self._progress if sys.stderr.isatty() else None)
        return tables.summary_rows(summary, scenario.p_true)

    def _progress(self, done: int, total: int) -> None:
        filled = BAR_WIDTH * done // total
        end = "\n" if done == total else ""
        bar = f"\r[{'#' * filled}{'.' * (BAR_WIDTH - filled)}] {done} of {total} trials{end}"
        self.stderr.write(bar, style_func=str, ending="")  # a bar is no error, so it is not red
        self.stderr.flush()

    def _write(self, rows: Sequence[Row], out: Path | None) -> None:
        if out is None:
            _write_csv(rows, self.stdout)
            return
        with whole_file(out) as target:
            if out.suffix == ".json":
                json.dump(rows, target, ensure_ascii=False, indent=1)
                target.write("\n")
            else:
                _write_csv(rows, target)


def _write_csv(rows: Sequence[Row], target: Any) -> None:
    writer = csv.DictWriter(target, fieldnames=list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


def _add_options(parser: ArgumentParser, options: dict[str, tuple[str, str]]) -> None:
    for name, (kind, meaning) in options.items():
        flags = [f"--{spoken(name)}", *([ALIASES[name]] if name in ALIASES else [])]
        if kind == "flag":
            parser.add_argument(*flags, dest=name, action="store_true", help=meaning)
        elif kind in ("numbers", "wholes"):
            parser.add_argument(*flags, dest=name, nargs="+", metavar="NUMBER", help=meaning)
        else:
            parser.add_argument(*flags, dest=name, metavar=kind.upper(), help=meaning)


def _read(options: dict[str, Any], known: dict[str, tuple[str, str]], faults: list[str]) -> dict[str, Any]:
    """The options that were given, as numbers where they are; what is not a number joins the faults."""
    read: dict[str, Any] = {}
    for name, (kind, _) in known.items():
        given = options.get(name)
        if given is None or given is False:
            continue
        if kind not in KINDS_OF_NUMBER:
            read[name] = given
            continue
        many, number, said = KINDS_OF_NUMBER[kind]
        words = str(" ".join(given) if isinstance(given, list) else given).replace(",", " ").split()
        values = tuple(_number(word, number) for word in words)
        if (not many and len(values) != 1) or any(isinstance(value, RefusedNumber) for value in values):
            faults.append(f"{spoken(name)} “{' '.join(words)}” is not {said}.")
        read[name] = values if many else values[0] if len(values) == 1 else RefusedNumber()
    return read


def _number(word: str, kind: type[int] | type[float]) -> float:
    """A number as it is written. What is none is refused, and lets the other numbers be judged."""
    try:
        number = kind(word)
    except ValueError:
        return RefusedNumber()
    return number if isfinite(number) else RefusedNumber()


def _kind(name: str) -> type | None:
    """The kind of design of that name, none where there is no such design."""
    entry = CATALOGUE.get(name.lower())
    return entry.kind if entry else None


def _design(name: str, options: dict[str, Any], faults: list[str], *, levels: int = 0) -> Design | None:
    """The design asked for, or None with the reasons added to the faults. A model must have as many doses as levels."""
    parameters = _read(options, DESIGN_OPTIONS, faults)
    if "halfwidth" in parameters or "nu" in parameters:
        parameters["levels"] = levels or RefusedNumber()
    own = len(parameters.get(OF_EACH_LEVEL.get(_kind(name), ""), ()))
    if own and levels and own != levels:
        faults.append(f"The design has {own} dose levels, but {levels} are given.")
    try:
        return design_named(name, parameters)
    except ValueError as fault:
        faults.append(str(fault))
        return None


def _table(name: str, options: dict[str, Any], faults: list[str]) -> list[Row]:
    most = _read(options, {"max_n": ("whole", "")}, faults)["max_n"]
    design = _design(name, options, faults)
    try:
        tables.check_table(_kind(name), most)
    except ValueError as fault:
        faults.append(str(fault))
    if faults or design is None:
        raise ValueError("\n".join(faults))
    return tables.decision_table(design, max_n=most)


def _advise(name: str, options: dict[str, Any], faults: list[str]) -> list[Row]:
    read = _read(options, STATE_OPTIONS, faults)
    given = {each: value for each, value in read.items() if not isinstance(value, RefusedNumber)}
    sources = [source for source in ("state", "outcomes", "events") if options.get(source)]
    if len(sources) != 1:
        faults.append("Give the trial by exactly one of --state, --outcomes and --events.")
    levels: tuple[DoseLevel, ...] = (DoseLevel(),) * given.get("levels", 0)
    current: int = given.get("current", 1)
    events: tuple[Event, ...] = ()
    try:
        if sources == ["state"]:
            levels = levels_from(_csv_rows(options["state"]), of=str(options["state"]))
            tried = max((number for number, level in enumerate(levels, start=1) if level.was_tried), default=1)
            current = given.get("current", tried)
        elif sources == ["outcomes"]:
            told = outcomes(options["outcomes"])
            current = given.get("current", told.current)
            levels = told.with_levels(given.get("levels", max(told.top, current if "levels" in read else 1))).levels
        elif sources == ["events"]:
            faults += [f"--events needs --{spoken(each)}." for each in ("levels", "window_days") if each not in read]
            events = events_from(
                _csv_rows(options["events"]), levels=given.get("levels", inf), of=str(options["events"])
            )
    except ValueError as fault:
        faults.append(str(fault))
    trial: Trial | None = None
    if levels:
        try:
            trial = Trial(levels, current, frozenset(given.get("eliminated", ())))
        except ValueError as fault:
            faults.append(str(fault))
    if "window_days" in given and given["window_days"] < 1:
        faults.append("window-days must be at least 1.")
    if "levels" in given and given["levels"] < 1:
        faults.append("levels must be at least 1.")
    design = _design(name, options, faults, levels=len(levels))
    if faults or design is None or trial is None:
        raise ValueError("\n".join(faults))
    if sources != ["events"]:
        return [tables.advice_row(design.advise(trial))]
    steps = replay(events, design, levels=levels, window_days=given["window_days"], current=current)
    return tables.step_rows(steps)


def _csv_rows(path: Path) -> list[dict[str, str]]:
    """The rows, an empty one among them where the table has one, with column names in small letters."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as source:
            lines = csv.reader(source, strict=True)
            header = [name.strip().lower() for name in next(lines, [])]
            rows = list(lines)
    except OSError as fault:
        raise ValueError(f"{path}: {fault.strerror}.") from fault
    except UnicodeDecodeError as fault:
        raise ValueError(f"{path} is not UTF-8 text. Save it as CSV in UTF-8.") from fault
    except csv.Error as fault:
        raise ValueError(f"{path} is not a CSV table: {fault}.") from fault
    if long := [str(number) for number, cells in enumerate(rows, start=2) if len(cells) > len(header)]:
        raise ValueError(
            f"{path}: row {', '.join(long)} has more cells than the header; quote cells that contain commas."
        )
    return [dict(zip_longest(header, cells, fillvalue="")) for cells in rows]
