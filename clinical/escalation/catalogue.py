"""Every design by the name that protocols and statisticians write, built from named parameters."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from enum import StrEnum
from math import isfinite
from typing import Any, TypeGuard

from clinical.escalation.accelerated_titration import AcceleratedTitration
from clinical.escalation.advice import Design
from clinical.escalation.blrm import Blrm, Prior
from clinical.escalation.boin import Boin
from clinical.escalation.crm import Crm, Method, Model, check_halfwidth, skeleton
from clinical.escalation.interval import RefusedNumber
from clinical.escalation.keyboard import Keyboard
from clinical.escalation.mtpi import Mtpi
from clinical.escalation.mtpi2 import Mtpi2
from clinical.escalation.rolling_six import RollingSix
from clinical.escalation.simulated_cohorts import blrm_engine, crm_engine, interval_engine
from clinical.escalation.simulated_three_plus_three import three_plus_three_engine
from clinical.escalation.simulated_time import rolling_six_engine, tite_boin_engine, tite_crm_engine
from clinical.escalation.simulation import Engine
from clinical.escalation.three_plus_three import ThreePlusThree, Variant
from clinical.escalation.tite_boin import TiteBoin
from clinical.escalation.tite_crm import TiteCrm

Parameters = Mapping[str, object]


@dataclass(frozen=True)
class Entry:
    """One design: its class, the parameters it cannot do without, and any that are not fields of the class."""

    kind: type
    required: tuple[str, ...] = ()
    translated: tuple[str, ...] = ()
    internal: tuple[str, ...] = ()

    @property
    def parameters(self) -> tuple[str, ...]:
        """The parameters that may be given."""
        return (*(each.name for each in fields(self.kind) if each.name not in self.internal), *self.translated)


CHOICES: Mapping[str, type[StrEnum]] = {"variant": Variant, "model": Model, "method": Method}
PRIOR = ("prior_mean", "prior_sd", "prior_rho")
SKELETON = ("halfwidth", "nu", "levels")
LISTS = ("skeleton", "doses", "intervals", "prior_mean", "prior_sd")
PAIRS = ("intervals", "prior_mean", "prior_sd")
WHOLE = ("cohort_size", "eliminate_from", "severe_grade", "moderate_grade", "moderate_count", "nu", "levels")

CATALOGUE: Mapping[str, Entry] = {
    "3+3": Entry(ThreePlusThree),
    "rolling-six": Entry(RollingSix),
    "accelerated-titration": Entry(AcceleratedTitration, translated=("variant",), internal=("then",)),
    "boin": Entry(Boin),
    "keyboard": Entry(Keyboard),
    "mtpi": Entry(Mtpi),
    "mtpi-2": Entry(Mtpi2),
    "crm": Entry(Crm, ("target",), SKELETON, ("grid_points",)),
    "tite-crm": Entry(TiteCrm, ("target",), SKELETON, ("grid_points",)),
    "blrm": Entry(Blrm, ("doses", "dref", "prior_mean", "prior_sd"), PRIOR, ("prior", "grid")),
    "tite-boin": Entry(TiteBoin),
}


def design_named(name: str, parameters: Parameters) -> Design:
    """The design of that name; a ValueError names everything that is wrong with the parameters.

    >>> design_named("boin", {"target": 0.25})
    Boin(target=0.25, p_saf=None, p_tox=None, cutoff_eli=0.95, extrasafe=False, offset=0.05, cohort_size=3, \
eliminate_from=3)
    """
    misshapen = {each: fault for each, value in parameters.items() if (fault := _misshapen(each, _plain(value)))}
    entry = CATALOGUE.get(name.lower())
    if entry is None:
        unknown = f"There is no design “{name}”. Choose one of: {', '.join(CATALOGUE)}."
        raise ValueError("\n".join([unknown, *misshapen.values()]))
    faults = [f"{name} does not use {spoken(each)}." for each in parameters if each not in entry.parameters]
    faults += [f"{name} needs {spoken(each)}." for each in entry.required if each not in parameters]
    faults += misshapen.values()
    given: dict[str, Any] = {each: _plain(value) for each, value in parameters.items() if each in entry.parameters}
    for each in entry.parameters:
        if each in misshapen or (each in entry.required and each not in parameters):
            given[each] = _refused(each)
    design = _build(entry, given, faults)
    if faults or design is None:
        raise ValueError("\n".join(faults))
    return design


def _plain(value: object) -> object:
    """Lists as tuples, so that a design is as frozen as it says."""
    return tuple(value) if isinstance(value, list) else value


def _misshapen(name: str, value: object) -> str:
    """What is wrong with the kind of value given, if anything: protocol files hold numbers, lists and words."""
    if name in CHOICES or value is None:
        return ""
    if name in LISTS:
        if not isinstance(value, tuple):
            return f"{spoken(name)} takes a list of numbers."
        if strange := [f"“{each}”" for each in value if not _is_number(each)]:
            return f"{spoken(name)} takes a list of numbers; {', '.join(strange)} is none."
        return f"{spoken(name)} takes two numbers." if name in PAIRS and len(value) != 2 else ""
    if name in WHOLE:
        is_whole = _is_number(value) and float(value) == int(value)
        return "" if is_whole else f"{spoken(name)} “{value}” is not a whole number."
    return "" if isinstance(value, bool) or _is_number(value) else f"{spoken(name)} “{value}” is not a number."


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)


def _refused(name: str) -> RefusedNumber | tuple[RefusedNumber, ...]:
    """What stands in for a parameter that was refused, so that the others can still be judged."""
    return RefusedNumber() if name not in LISTS else (RefusedNumber(),) * (2 if name in PAIRS else 1)


def spoken(parameter: str) -> str:
    """A parameter as it is written on the command line."""
    return parameter.replace("_", "-")


def _build(entry: Entry, given: dict[str, Any], faults: list[str]) -> Design | None:
    """The design of parameters whose kinds are right; what cannot be meant joins the faults.

    What is refused on the way is replaced, so that the rest is judged too.
    """
    for name, kind in CHOICES.items():
        if name in given:
            written, given[name] = given[name], next(iter(kind))
            with _noting(faults):
                given[name] = _choice(kind, written, name)
    if entry.kind is AcceleratedTitration and "variant" in given:
        given["then"] = ThreePlusThree(Variant(str(given.pop("variant"))))
    if issubclass(entry.kind, Crm):
        from_width = {each: given.pop(each) for each in SKELETON if each in given}
        named = given.get("skeleton")
        given["skeleton"] = _refused("skeleton")
        with _noting(faults):
            given["skeleton"] = _skeleton(named, given["target"], from_width)
    if entry.kind is Blrm:
        mean, sd, rho = (given.pop(each, 0.0) for each in PRIOR)
        given["prior"] = Prior((0.0, 0.0), (1.0, 1.0))
        with _noting(faults):
            given["prior"] = Prior(mean, sd, rho)
    try:
        design: Design = entry.kind(**given)
    except ValueError as fault:
        faults.append(str(fault))
        return None
    return design


@contextmanager
def _noting(faults: list[str]) -> Iterator[None]:
    """A refusal inside joins the faults instead of ending the reading."""
    try:
        yield
    except ValueError as fault:
        faults.append(str(fault))


def _skeleton(named: tuple[float, ...] | None, target: float, from_width: Mapping[str, Any]) -> tuple[float, ...]:
    """The skeleton that is given, or the one that a half-width and a prior MTD yield."""
    if named is not None and from_width:
        raise ValueError("Give either the skeleton itself or halfwidth, nu and levels, not both.")
    if named is not None:
        return named
    if len(from_width) < len(SKELETON):
        raise ValueError("The model needs a skeleton, or halfwidth, nu and levels to work it out.")
    halfwidth, nu, levels = (from_width[each] for each in SKELETON)
    check_halfwidth(target=target, halfwidth=halfwidth, nu=nu, levels=levels)
    if any(isinstance(each, RefusedNumber) for each in (target, *from_width.values())):
        return (RefusedNumber(),)
    return skeleton(target=target, halfwidth=halfwidth, nu=int(nu), levels=int(levels))


def _choice(kind: type[StrEnum], value: object, name: str) -> StrEnum:
    """The member so named; blanks may be written as hyphens, as on a command line."""
    for member in kind:
        if str(value).lower().replace(" ", "-") == member.replace(" ", "-"):
            return member
    raise ValueError(f"{name} “{value}” is none of: {', '.join(kind)}.")


def engine_for(design: Design) -> Engine:
    """The engine that simulates a design."""
    match design:
        case ThreePlusThree() | AcceleratedTitration():
            return three_plus_three_engine(design)
        case RollingSix():
            return rolling_six_engine(design)
        case TiteBoin():
            return tite_boin_engine(design)
        case TiteCrm():
            return tite_crm_engine(design)
        case Crm():
            return crm_engine(design)
        case Blrm():
            return blrm_engine(design)
        case Boin() | Keyboard() | Mtpi() | Mtpi2():
            return interval_engine(design, target=design.target)
    raise ValueError(f"There is no simulation of {type(design).__name__}.")
