"""SE, subject elements: which planned element the subject was in, from when to when.

Every epoch in the other datasets is read from these rows. An element begins where the one before it ends, so there
are no gaps; the last one ends with participation.
"""

from clinical.sdtm.derivations import ElementPeriod
from clinical.sdtm.facts import Casebook, Conventions
from clinical.sdtm.records import Record

DOMAIN = "SE"


def records(book: Casebook, conventions: Conventions) -> list[Record]:
    """One row an element."""
    return [
        Record(
            {
                "ETCD": element.code,
                "ELEMENT": element.name,
                "TAETORD": element.order,
                "EPOCH": element.epoch,
                "SESTDTC": element.start,
                "SEENDTC": element.end,
            }
        )
        for element in book.subject.elements
    ]


def passed_through(
    steps: tuple[tuple[str, str, str, str | None], ...], participation_ended: str | None
) -> tuple[ElementPeriod, ...]:
    """The elements of a subject from the moment each began: (code, name, epoch, start), in the arm's order.

    An element without a start was not reached. Each ends where the next reached one begins.

    >>> periods = passed_through(
    ...     (("SCRN", "Screening", "SCREENING", "2026-03-01"), ("TRT1", "Dose level 1", "TREATMENT", "2026-03-15"),
    ...      ("FU", "Follow-up", "FOLLOW-UP", None)), participation_ended=None)
    >>> [(period.code, period.order, period.end) for period in periods]
    [('SCRN', 1, '2026-03-15'), ('TRT1', 2, None)]
    """
    reached = [(order, *step) for order, step in enumerate(steps, start=1) if step[3]]
    periods = []
    for at, (order, code, name, epoch, start) in enumerate(reached):
        end = reached[at + 1][4] if at + 1 < len(reached) else participation_ended
        periods.append(ElementPeriod(code, name, epoch, order, start or "", end))
    return tuple(periods)
