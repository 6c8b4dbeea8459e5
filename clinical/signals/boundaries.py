"""Stopping boundaries for toxicity: how many events in how many subjects stop a cohort, and with what error.

Sources: Goldman 1987 (sequential rules for side effects), Ivanova, Qaqish and Schell 2005 (Pocock-type boundary for
continuous monitoring), Jennison and Turnbull (O'Brien-Fleming, Wang-Tsiatis), Geller, Follmann, Leifer and Carter 2003
(beta-binomial), Chen and Chaloner 2006 (beta-binomial with two conditions), Goldman and Hannan 2001 (truncated SPRT),
Kulldorff 2011 (maximised SPRT), Thall and Simon 1994 (Bayesian monitoring). The error of every boundary is computed
exactly, by walking the distribution of the count from look to look, not simulated.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from math import inf, log, sqrt

from scipy import stats

CALIBRATION_STEPS = 60


class Method(Enum):
    """The family a boundary belongs to; its one free constant is calibrated to the allowed chance of a false stop."""

    POCOCK = "Pocock"
    OBRIEN_FLEMING = "OBF"
    WANG_TSIATIS = "WT"
    GELLER = "BB"
    SPRT = "SPRT"
    MAX_SPRT = "MaxSPRT"
    CHEN_CHALONER = "CC"


PARAMETERS_NEEDED = {
    Method.POCOCK: 0,
    Method.OBRIEN_FLEMING: 0,
    Method.WANG_TSIATIS: 1,
    Method.GELLER: 2,
    Method.SPRT: 1,
    Method.MAX_SPRT: 0,
    Method.CHEN_CHALONER: 4,
}


@dataclass(frozen=True, slots=True)
class Boundary:
    """The looks of a trial and, at each, the number of events that stops it (None where no number would)."""

    looks: tuple[int, ...]
    stops: tuple[int | None, ...]

    def stop_at(self, evaluable: int) -> int | None:
        """The stopping count of the last look not later than `evaluable`; past the last look the last count holds."""
        passed = [stop for look, stop in zip(self.looks, self.stops, strict=True) if look <= evaluable]
        return passed[-1] if passed else None

    def stop_probability(self, rate: float) -> float:
        """The exact chance that a trial with this true event rate is ever stopped."""
        return _stop_probability(self.looks, self.stops, rate)


def boundary(
    *, method: Method, acceptable_rate: float, alpha: float, looks: tuple[int, ...], parameters: tuple[float, ...] = ()
) -> Boundary:
    """The boundary of this family that stops as readily as `alpha` allows.

    `looks` are the numbers of evaluable subjects at which the trial is looked at, rising. `parameters` are the delta of
    Wang-Tsiatis, the beta prior (a, b) of Geller, the unacceptable rate of the SPRT; Chen and Chaloner take the prior,
    the unacceptable rate and how probable it must be that even this one is exceeded. The counts are whole numbers, so
    the error reached lies below `alpha`, not at it. Three events in three subjects do not stop this Pocock rule:

    >>> rule = boundary(method=Method.POCOCK, acceptable_rate=0.3, alpha=0.05, looks=tuple(range(1, 21)))
    >>> rule.stops[2], rule.stops[3], round(rule.stop_probability(0.3), 6)
    (None, 4, 0.048922)
    """
    if not 0 < acceptable_rate < 1 or not 0 < alpha < 1:
        raise ValueError("The acceptable rate and alpha must lie between 0 and 1.")
    if not looks or list(looks) != sorted(set(looks)) or looks[0] < 1:
        raise ValueError("The looks must be rising numbers of subjects, from 1.")
    if len(parameters) != PARAMETERS_NEEDED[method]:
        raise ValueError(f"{method.value} takes {PARAMETERS_NEEDED[method]} parameters, not {len(parameters)}.")
    stops_early = _criterion(method, acceptable_rate, looks[-1], parameters)
    lenient, strict = _bracket(method, looks[-1])
    for _ in range(CALIBRATION_STEPS):
        constant = (lenient + strict) / 2
        stops = _stops(looks, stops_early, constant)
        if _stop_probability(looks, stops, acceptable_rate) <= alpha:
            strict = constant
        else:
            lenient = constant
    return Boundary(looks, _stops(looks, stops_early, strict))


Criterion = Callable[[int, int], float]
"""How strongly so many events in so many subjects speak for stopping: more events, more strength."""


def _criterion(method: Method, rate: float, planned: int, parameters: tuple[float, ...]) -> Criterion:
    if method is Method.POCOCK:
        # One nominal significance level at every look: the exact upper tail, mirrored so that more is stronger.
        return lambda events, n: -float(stats.binom.sf(events - 1, n, rate))
    if method is Method.GELLER:
        a, b = parameters
        return lambda events, n: float(stats.beta.sf(rate, a + events, b + n - events))
    if method is Method.CHEN_CHALONER:
        return _two_posteriors(rate, *parameters)
    if method is Method.SPRT:
        high = parameters[0]
        if not rate < high < 1:
            raise ValueError("The unacceptable rate of the SPRT must lie between the acceptable rate and 1.")
        return lambda events, n: events * log(high / rate) + (n - events) * log((1 - high) / (1 - rate))
    if method is Method.MAX_SPRT:
        return lambda events, n: _log_likelihood_ratio(events, n, rate)
    # O'Brien-Fleming is Wang-Tsiatis with delta 0: the allowed excess over the expected count is the same at all looks.
    delta = parameters[0] if method is Method.WANG_TSIATIS else 0.0
    spread = sqrt(planned * rate * (1 - rate))
    return lambda events, n: (events - n * rate) / (spread * (n / planned) ** delta)


def _two_posteriors(rate: float, a: float, b: float, high: float, needed: float) -> Criterion:
    """The posterior of exceeding the acceptable rate, but only where even the unacceptable one is exceeded likely."""

    def strength(events: int, n: int) -> float:
        if stats.beta.sf(high, a + events, b + n - events) <= needed:
            return -inf
        return float(stats.beta.sf(rate, a + events, b + n - events))

    return strength


def _log_likelihood_ratio(events: int, n: int, rate: float) -> float:
    """The observed rate against the acceptable one; no evidence at all while the observed rate is the lower."""
    if events <= n * rate:
        return 0.0
    against = (n - events) * log((n - events) / (n * (1 - rate))) if events < n else 0.0
    return events * log(events / (n * rate)) + against


def _bracket(method: Method, planned: int) -> tuple[float, float]:
    """A constant that stops far too readily and one that never stops."""
    if method is Method.POCOCK:
        return -1.0, 0.0
    if method in (Method.GELLER, Method.CHEN_CHALONER):
        return 0.0, 1.0
    return 0.0, 40.0 * planned


def _stops(looks: tuple[int, ...], strength: Criterion, constant: float) -> tuple[int | None, ...]:
    """At each look the smallest count whose strength reaches the constant.

    The counts of earlier looks are lower bounds for later ones, because more subjects with as few events are weaker.
    """
    stops: list[int | None] = []
    count = 0
    for n in looks:
        while count <= n and strength(count, n) < constant:
            count += 1
        stops.append(count if count <= n else None)
    return tuple(stops)


def _stop_probability(looks: tuple[int, ...], stops: tuple[int | None, ...], rate: float) -> float:
    """Walk the distribution of the event count from look to look, taking out what has stopped."""
    alive = {0: 1.0}
    stopped, seen = 0.0, 0
    for n, stop in zip(looks, stops, strict=True):
        added = n - seen
        chances = [float(chance) for chance in stats.binom.pmf(range(added + 1), added, rate)]
        reached: dict[int, float] = {}
        for events, weight in alive.items():
            for more, chance in enumerate(chances):
                reached[events + more] = reached.get(events + more, 0.0) + weight * chance
        limit = inf if stop is None else stop
        stopped += sum(weight for events, weight in reached.items() if events >= limit)
        alive = {events: weight for events, weight in reached.items() if events < limit}
        seen = n
    return stopped


def probability_above(limit: float, *, events: int, n: int, prior_a: float = 1.0, prior_b: float = 1.0) -> float:
    """The posterior probability that the event rate is above `limit`, from a beta prior (Thall and Simon 1994).

    >>> round(probability_above(0.3, events=3, n=3), 4)
    0.9919
    """
    if not 0 <= events <= n:
        raise ValueError(f"{events} events cannot occur in {n} subjects.")
    return float(stats.beta.sf(limit, prior_a + events, prior_b + n - events))


def bayesian_stops(
    *, limit: float, cutoff: float, planned: int, prior_a: float = 1.0, prior_b: float = 1.0, minimum: int = 3
) -> Boundary:
    """For n = 1 to `planned` the smallest count with a posterior probability above `cutoff`.

    Unlike the calibrated boundaries the cut-off is chosen, not derived, so nothing bounds the chance of a false stop;
    ask `stop_probability`. "Above" means above: a posterior of exactly the cut-off goes on.
    """
    looks = tuple(range(1, planned + 1))
    stops: list[int | None] = []
    for n in looks:
        counts = range(n + 1) if n >= minimum else range(0)
        above = (
            events
            for events in counts
            if probability_above(limit, events=events, n=n, prior_a=prior_a, prior_b=prior_b) > cutoff
        )
        stops.append(next(above, None))
    return Boundary(looks, tuple(stops))


def two_sided_binomial(events: int, *, n: int, rate: float) -> float:
    """The exact two-sided p value: the chance of all counts that are no likelier than the one observed."""
    return float(stats.binomtest(events, n, rate, alternative="two-sided").pvalue)
