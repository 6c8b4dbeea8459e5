"""One observation on its way into a dataset: the values of its variables, and what has no variable of its own."""

from dataclasses import dataclass, field, replace

from clinical.sdtm.dataset import Row, Value


@dataclass(frozen=True, slots=True)
class Supplement:
    """A value that the guide has no variable for; it leaves in SUPP-- beside its parent record."""

    name: str  # QNAM
    label: str  # QLABEL
    value: str  # QVAL
    origin: str = "CRF"  # QORIG
    evaluator: str = ""  # QEVAL, where the value is a judgement: whose


@dataclass(frozen=True, slots=True)
class Record:
    """One row of a dataset to be, by variable name; empty variables may be left out."""

    values: Row
    supplements: tuple[Supplement, ...] = field(default=())

    def with_values(self, **values: Value) -> "Record":
        """The same record with some variables set anew."""
        return replace(self, values={**self.values, **values})


def supplement(
    name: str, label: str, value: str | None, *, origin: str = "CRF", evaluator: str = ""
) -> list[Supplement]:
    """The supplement in a list, or an empty list where there is no value: one line at the place of use."""
    return [Supplement(name, label, value, origin, evaluator)] if value else []
