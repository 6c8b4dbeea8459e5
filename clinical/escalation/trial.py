"""The state of a dose-escalation trial, as every design reads it: counts per dose level and the level now open."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

_COHORT = re.compile(r"(\d+)([NT]+)")


@dataclass(frozen=True)
class DoseLevel:
    """What happened so far at one dose level, which may be a single dose or a whole regimen (`label` and `steps`).

    Every subject treated is evaluable, pending or not evaluable. A subject with a DLT is evaluable from that day on,
    window finished or not, and stays so after leaving the study. `undecided` subjects are pending ones with a DLT
    candidate under review: they hold escalation back like any pending subject, and count as a DLT for stopping.

    Backfill subjects are counted in every figure; `backfill_evaluable` and `backfill_pending` say how many they are,
    because they neither make up a cohort nor hold one up. The case people get wrong: their DLTs do count.

    `follow_up` is, per pending subject, the share of the DLT period already observed (time-to-event designs only).
    `worst_grades` is, per subject treated, the worst related grade so far in cycle 1 (accelerated titration only).

    >>> DoseLevel(treated=4, evaluable=2, dlts=1, pending=1).not_evaluable
    1
    """

    label: str = ""
    steps: tuple[str, ...] = ()
    treated: int = 0
    evaluable: int = 0
    dlts: int = 0
    pending: int = 0
    undecided: int = 0
    backfill_evaluable: int = 0
    backfill_pending: int = 0
    follow_up: tuple[float, ...] = ()
    worst_grades: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if found := self.problems():
            raise ValueError(" ".join(found))

    def problems(self) -> list[str]:
        """Every count that contradicts another, in words."""
        name = f"Dose level {self.label}" if self.label else "A dose level"
        claims = [
            (min(self.treated, self.evaluable, self.dlts, self.pending) >= 0, "has a negative count"),
            (self.dlts <= self.evaluable, f"has {self.dlts} DLTs among {self.evaluable} evaluable subjects"),
            (
                self.evaluable + self.pending <= self.treated,
                f"has {self.evaluable} evaluable and {self.pending} pending of only {self.treated} treated subjects",
            ),
            (0 <= self.undecided <= self.pending, "has more undecided than pending subjects"),
            (0 <= self.backfill_evaluable <= self.evaluable, "has more evaluable backfill than evaluable subjects"),
            (0 <= self.backfill_pending <= self.pending, "has more pending backfill than pending subjects"),
            (
                len(self.follow_up) in (0, self.pending),
                f"gives the follow-up of {len(self.follow_up)} subjects where {self.pending} are pending",
            ),
            (all(0 <= share <= 1 for share in self.follow_up), "has a follow-up outside 0 to 1 of the DLT period"),
            (all(0 <= grade <= 5 for grade in self.worst_grades), "has a grade outside 0 to 5"),
        ]
        return [f"{name} {fault}." for holds, fault in claims if not holds]

    @property
    def was_tried(self) -> bool:
        """Whether anyone was ever treated here, evaluable or not."""
        return self.treated > 0

    @property
    def not_evaluable(self) -> int:
        """Subjects who left the denominator: gone inside the window without a DLT, to be replaced."""
        return self.treated - self.evaluable - self.pending

    @property
    def cohort_evaluable(self) -> int:
        """Evaluable subjects who make up the cohort, that is without backfill."""
        return self.evaluable - self.backfill_evaluable

    @property
    def cohort_pending(self) -> int:
        """Pending subjects whom escalation waits for, that is without backfill."""
        return self.pending - self.backfill_pending

    def if_all_complete(self, *, undecided_are_dlts: bool = False, at_least: int = 0) -> "DoseLevel":
        """This level if every pending subject finishes without a DLT (but, if asked, the undecided with one).

        `at_least` fills the level up to that many evaluable subjects, all without a DLT: the kindest outcome possible.
        """
        evaluable = max(self.evaluable + self.pending, at_least)
        return replace(
            self,
            treated=max(self.treated, evaluable + self.not_evaluable),
            evaluable=evaluable,
            dlts=self.dlts + (self.undecided if undecided_are_dlts else 0),
            pending=0,
            undecided=0,
            backfill_evaluable=self.backfill_evaluable + self.backfill_pending,
            backfill_pending=0,
            follow_up=(),
        )


@dataclass(frozen=True)
class Trial:
    """The trial as it stands: its dose levels from the lowest up (numbered from 1) and the level now open.

    `eliminated` holds the levels that were ruled out by an earlier decision and stay so whatever is observed later.
    """

    levels: tuple[DoseLevel, ...]
    current: int = 1
    eliminated: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        if not 1 <= self.current <= len(self.levels):
            raise ValueError(f"The current dose level is {self.current}, but there are levels 1 to {len(self.levels)}.")
        if strange := sorted(level for level in self.eliminated if not 1 <= level <= len(self.levels)):
            named = ", ".join(str(level) for level in strange)
            raise ValueError(f"Eliminated dose levels: {named}; but there are levels 1 to {len(self.levels)}.")

    def __getitem__(self, level: int) -> DoseLevel:
        return self.levels[level - 1]

    @property
    def top(self) -> int:
        """The number of the highest dose level."""
        return len(self.levels)

    @property
    def here(self) -> DoseLevel:
        """The dose level now open."""
        return self[self.current]

    @property
    def highest_tried(self) -> int:
        """The highest level at which anyone was treated; 0 before the first dose."""
        return max((number for number, level in enumerate(self.levels, start=1) if level.was_tried), default=0)

    def with_levels(self, levels: int) -> "Trial":
        """The same trial with untried levels added above, up to `levels`."""
        if levels < self.top:
            raise ValueError(f"Subjects were treated at level {self.top}, but the trial has only {levels} levels.")
        return replace(self, levels=self.levels + (DoseLevel(),) * (levels - self.top))

    def if_all_complete(self, *, undecided_are_dlts: bool = False, at_least: int = 0) -> "Trial":
        """The trial if every pending subject finishes well; `at_least` applies to the level now open."""
        return replace(
            self,
            levels=tuple(
                level.if_all_complete(
                    undecided_are_dlts=undecided_are_dlts, at_least=at_least if number == self.current else 0
                )
                for number, level in enumerate(self.levels, start=1)
            ),
        )


def from_counts(
    treated: Iterable[int], dlts: Iterable[int], *, current: int = 1, eliminated: Iterable[int] = ()
) -> Trial:
    """A trial in which everybody is evaluable, from subjects and DLTs per level."""
    pairs = zip(treated, dlts, strict=True)
    return Trial(
        tuple(DoseLevel(treated=n, evaluable=n, dlts=y) for n, y in pairs), current, eliminated=frozenset(eliminated)
    )


def outcomes(cohorts: str) -> Trial:
    """A trial from its cohorts in Brock's notation: dose level, then N or T (toxicity) per subject.

    The last cohort says which level is open. A level may come back, and its cohorts are then pooled. Source: Brock et
    al., BMC Med Res Methodol 2017;17:112.

    >>> outcomes("1NNN 2NNT 2NNN").here.evaluable
    6
    """
    words = cohorts.split()
    parsed = [_COHORT.fullmatch(word) for word in words]
    faults = [f"“{word}”" for word, match in zip(words, parsed, strict=True) if not match or int(match[1]) == 0]
    if faults:
        raise ValueError(
            f"Not a cohort: {', '.join(faults)}. Write a dose level from 1 and N or T per subject, like 2NNT."
        )
    read = [(int(match[1]), match[2]) for match in parsed if match]
    top = max((level for level, _ in read), default=1)
    seen = {number: "".join(letters for level, letters in read if level == number) for number in range(1, top + 1)}
    return from_counts(
        (len(seen[number]) for number in seen),
        (seen[number].count("T") for number in seen),
        current=read[-1][0] if read else 1,
    )
