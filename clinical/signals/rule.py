"""A safety rule as a protocol file sees it: id, version, words, and parameters that the trial may set.

The parameters of a rule are the fields of one frozen settings class, each with its default, its bounds and its meaning,
so that the code which uses a limit, the check of a protocol file and the printed catalogue can never disagree.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from typing import Any, Generic, TypeVar, get_type_hints

from clinical.signals.signal import Effect, Finding, Recipient, Signal

F = TypeVar("F")
S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class NoSettings:
    """A rule without anything to set."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Written beside a field of a settings class: what the value means and the bounds it must keep."""

    says: str
    lowest: int | Decimal | None = None
    highest: int | Decimal | None = None
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Parameter:
    """One number or choice of a rule that a protocol file may set."""

    name: str
    default: Any
    says: str
    lowest: int | Decimal | None = None
    highest: int | Decimal | None = None
    choices: tuple[str, ...] = ()

    def problem(self, value: Any) -> str | None:
        """Why `value` cannot be the setting, in words; nothing when it can."""
        wanted = type(self.default)
        if wanted is tuple:
            kind = _kind_of_entries(self.default)
            wrong = not isinstance(value, list | tuple) or any(_converted(item, kind) is None for item in value)
            if wrong:
                return f"{self.name} must be a list, each entry {_KINDS[kind]}, not {value!r}."
            if not value and self.default:
                return f"{self.name} needs at least one entry."
            values = list(value)
        else:
            if _converted(value, wanted) is None:
                return f"{self.name} must be {_KINDS[wanted]}, not {value!r}."
            values = [value]
        for item in values:
            if self.choices and item not in self.choices:
                return f"{self.name} must be one of {', '.join(self.choices)}, not {item}."
            if self.lowest is not None and _number(item) < self.lowest:
                return f"{self.name} must be at least {self.lowest}, not {item}."
            if self.highest is not None and _number(item) > self.highest:
                return f"{self.name} must be at most {self.highest}, not {item}."
        return None

    def taken(self, value: Any) -> Any:
        """`value` as the rule wants it: TOML's floats become decimals, its lists tuples."""
        if isinstance(self.default, tuple):
            return tuple(_converted(item, _kind_of_entries(self.default)) for item in value)
        return _converted(value, type(self.default))


@dataclass(frozen=True, slots=True)
class Rule(Generic[F, S]):
    """One rule of the catalogue. Called with facts it answers with signals, the same for the same facts.

    `find` is the rule itself: a pure function of frozen facts and settings. `cadence` says when the trial wants it
    evaluated; nothing here waits or reads a clock.
    """

    id: str
    version: str
    title: str
    description: str
    cadence: str
    recipients: tuple[Recipient, ...]
    effect: Effect
    facts: type[F]
    settings: type[S]
    find: Callable[[F, S], Iterable[Finding]]

    def __call__(self, facts: F, settings: S | None = None) -> tuple[Signal, ...]:
        """The signals that these facts give rise to under the settings of the trial (the defaults when left out)."""
        chosen = self.settings() if settings is None else settings
        return tuple(
            Signal(
                rule=self.id,
                rule_version=self.version,
                scope=finding.scope,
                crossing=finding.crossing,
                severity=finding.severity,
                sentence=finding.sentence,
                facts=finding.facts,
                recipients=self.recipients,
                effect=self.effect,
                extent=finding.extent,
            )
            for finding in self.find(facts, chosen)
        )

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """What a protocol file may set, with the defaults."""
        hints = get_type_hints(self.settings, include_extras=True)
        defaults = self.settings()
        return tuple(
            Parameter(name, getattr(defaults, name), says.says, says.lowest, says.highest, says.choices)
            for name, says in ((name, hint.__metadata__[0]) for name, hint in hints.items())
        )

    def problems(self, given: Mapping[str, Any]) -> tuple[str, ...]:
        """Everything wrong with the parameters that a protocol file gives, in words; empty when all is well."""
        known = {parameter.name: parameter for parameter in self.parameters}
        found = []
        for name, value in given.items():
            if name not in known:
                near = get_close_matches(name, known, n=1)
                hint = f" Did you mean {near[0]}?" if near else f" It has {', '.join(known) or 'no parameters'}."
                found.append(f"{self.id} has no parameter {name}.{hint}")
            elif problem := known[name].problem(value):
                found.append(problem)
        if not found:
            try:
                self._settings(given)
            except ValueError as conflict:
                found.append(str(conflict))
        return tuple(found)

    def settings_from(self, given: Mapping[str, Any]) -> S:
        """The settings of a trial: what its protocol file gives, the defaults for the rest."""
        if problems := self.problems(given):
            raise ValueError(" ".join(problems))
        return self._settings(given)

    def _settings(self, given: Mapping[str, Any]) -> S:
        known = {parameter.name: parameter for parameter in self.parameters}
        return self.settings(**{name: known[name].taken(value) for name, value in given.items()})


_KINDS: Mapping[type, str] = {
    int: "a whole number",
    Decimal: "a number",
    str: "text",
    bool: "true or false",
}


def _kind_of_entries(default: tuple[Any, ...]) -> type:
    """What the entries of a list are; a list that is empty unless a trial fills it holds names."""
    return type(default[0]) if default else str


def _number(value: Any) -> Decimal:
    return Decimal(str(value))


def _converted(value: Any, kind: type) -> Any:
    """`value` as a `kind`, or nothing when it is not one. True is not the number 1, and 1 is not true."""
    if kind is bool or isinstance(value, bool):
        return value if kind is bool and isinstance(value, bool) else None
    if kind is Decimal:
        number = Decimal(str(value)) if isinstance(value, int | float | Decimal) else None
        return number if number is not None and number.is_finite() else None
    return value if isinstance(value, kind) else None
