"""Every design by the name that protocols and statisticians write, built from named parameters."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum

from clinical.escalation.accelerated_titration import AcceleratedTitration
from clinical.escalation.advice import Design
from clinical.escalation.blrm import Blrm, Prior
from clinical.escalation.boin import Boin
from clinical.escalation.crm import Crm, Method, Model, skeleton
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
    entry = CATALOGUE.get(name.lower())
    if entry is None:
        raise ValueError(f"There is no design “{name}”. Choose one of: {', '.join(CATALOGUE)}.")
    strange = [each for each in parameters if each not in entry.parameters]
    missing = [each for each in entry.required if each not in parameters]
    faults = [f"{name} does not use {spoken(each)}." for each in strange]
    faults += [f"{name} needs {spoken(each)}." for each in missing]
    given: dict[str, object] = {each: _plain(value) for each, value in parameters.items() if each in entry.parameters}
    misshapen = [_misshapen(each, value) for each, value in given.items()]
    faults += [fault for fault in misshapen if fault]
    built: list[Design] = []
    if not missing and not any(misshapen):
        try:
            built.append(_build(entry, given))
        except ValueError as fault:
            faults.append(str(fault))
    if faults:
        raise ValueError("\n".join(faults))
    return built[0]


def _plain(value: object) -> object:
    """Lists as tuples, so that a design is as frozen as it says."""
    return tuple(value) if isinstance(value, list) else value


def _misshapen(name: str, value: object) -> str:
    """What is wrong with the kind of value given, if anything: protocol files hold numbers, lists and words."""
    if name in CHOICES or value is None:
        return ""
    if name in LISTS:
        fits = isinstance(value, tuple) and all(_is_number(each) for each in value)
        return "" if fits else f"{spoken(name)} takes a list of numbers."
    return "" if isinstance(value, bool) or _is_number(value) else f"{spoken(name)} “{value}” is not a number."


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def spoken(parameter: str) -> str:
    """A parameter as it is written on the command line."""
    return parameter.replace("_", "-")


def _build(entry: Entry, given: dict[str, object]) -> Design:
    for name, kind in CHOICES.items():
        if name in given:
            given[name] = _choice(kind, given[name], name)
    if entry.kind is AcceleratedTitration and "variant" in given:
        given["then"] = ThreePlusThree(Variant(str(given.pop("variant"))))
    if issubclass(entry.kind, Crm):
        _give_skeleton(given)
    if entry.kind is Blrm:
        given["prior"] = Prior(
            _pair(given.pop("prior_mean"), "prior-mean"),
            _pair(given.pop("prior_sd"), "prior-sd"),
            _number(given.pop("prior_rho", 0.0)),
        )
        if "intervals" in given:
            given["intervals"] = _pair(given["intervals"], "intervals")
    design: Design = entry.kind(**given)
    return design


def _give_skeleton(given: dict[str, object]) -> None:
    """Turn a half-width and a prior MTD into the skeleton, and names of model and method into themselves."""
    from_width = {each: given.pop(each) for each in SKELETON if each in given}
    if "skeleton" in given and len(from_width) > 0:
        raise ValueError("Give either the skeleton itself or halfwidth, nu and levels, not both.")
    if "skeleton" not in given:
        if len(from_width) < len(SKELETON):
            raise ValueError("The model needs a skeleton, or halfwidth, nu and levels to work it out.")
        given["skeleton"] = skeleton(
            target=_number(given["target"]),
            halfwidth=_number(from_width["halfwidth"]),
            nu=int(_number(from_width["nu"])),
            levels=int(_number(from_width["levels"])),
        )


def _choice(kind: type[StrEnum], value: object, name: str) -> StrEnum:
    """The member so named; blanks may be written as hyphens, as on a command line."""
    for member in kind:
        if str(value).lower().replace(" ", "-") == member.replace(" ", "-"):
            return member
    raise ValueError(f"{name} “{value}” is none of: {', '.join(kind)}.")


def _number(value: object) -> float:
    if not isinstance(value, int | float):
        raise ValueError(f"“{value}” is not a number.")
    return float(value)


def _pair(value: object, name: str) -> tuple[float, float]:
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 2:
        raise ValueError(f"{name} takes two numbers.")
    return _number(value[0]), _number(value[1])


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
