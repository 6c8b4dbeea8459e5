"""What SDTMIG 3.4 says about each dataset: its variables in order, their labels, types, roles and codelists.

Source: SDTM Implementation Guide 3.4 and SDTM 2.0 (CDISC), as tables. The guide's list of a dataset is not closed: a
variable that the model allows in that class may be added, in the model's place. The case people get wrong is its place:
a date of collection stands among the timing variables, not at the end:

>>> names = [variable.name for variable in dataset("AE").variables]
>>> names.index("EPOCH") < names.index("AEDTC") < names.index("AESTDTC")
True
"""

import csv
from dataclasses import dataclass
from enum import Enum
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Literal

VERSION = "3.4"
MODEL_VERSION = "2.0"
GENERAL_CLASSES = frozenset({"Interventions", "Events", "Findings", "Findings About"})


class Core(Enum):
    """How strongly the guide wants a variable: never without, normally there, allowed, allowed by the model."""

    REQUIRED = "Req"
    EXPECTED = "Exp"
    PERMISSIBLE = "Perm"
    MODEL = "Model"


@dataclass(frozen=True, slots=True)
class Variable:
    """One variable of a dataset as the guide (or the model) defines it."""

    name: str
    label: str
    type: Literal["Char", "Num"]
    role: str
    core: Core
    codelists: tuple[str, ...]
    described: str  # a format or a fixed value in the guide's words, such as "ISO 8601 datetime or interval"

    @property
    def is_numeric(self) -> bool:
        return self.type == "Num"


@dataclass(frozen=True)
class DatasetDefinition:
    """One dataset of the guide: `AE`, `DM`, `TS`, or the common shape of all supplemental qualifiers."""

    name: str
    observation_class: str
    label: str
    structure: str
    variables: tuple[Variable, ...]

    @property
    def is_general_observation(self) -> bool:
        """Whether timing variables and supplemental qualifiers apply to it."""
        return self.observation_class in GENERAL_CLASSES

    def variable(self, name: str) -> Variable | None:
        """The variable of that name, or None where neither the guide nor the model has it."""
        return _by_name(self.name).get(name)


def read_table(name: str) -> list[dict[str, str]]:
    """A table of `clinical/sdtm/tables` as rows."""
    text = (resources.files("clinical.sdtm.tables") / name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


@cache
def _definitions() -> MappingProxyType[str, DatasetDefinition]:
    variables: dict[str, list[Variable]] = {}
    for row in read_table("variables.csv"):
        variables.setdefault(row["dataset"], []).append(
            Variable(
                name=row["name"],
                label=row["label"],
                type="Num" if row["type"] == "Num" else "Char",
                role=row["role"],
                core=Core(row["core"]),
                codelists=tuple(name for name in row["codelists"].split(";") if name),
                described=row["described"],
            )
        )
    return MappingProxyType(
        {
            row["dataset"]: DatasetDefinition(
                row["dataset"], row["class"], row["label"], row["structure"], tuple(variables[row["dataset"]])
            )
            for row in read_table("datasets.csv")
        }
    )


@cache
def _by_name(dataset_name: str) -> MappingProxyType[str, Variable]:
    return MappingProxyType({variable.name: variable for variable in _definitions()[dataset_name].variables})


def dataset(name: str) -> DatasetDefinition:
    """The definition of a dataset; `SUPPAE` and its like share one shape under their own name and label.

    >>> dataset("SUPPAE").label
    'Supplemental Qualifiers for AE'
    """
    if name.startswith("SUPP") and name != "SUPPQUAL":
        shape = _definitions()["SUPPQUAL"]
        return DatasetDefinition(
            "SUPPQUAL", shape.observation_class, f"Supplemental Qualifiers for {name[4:]}", shape.structure,
            shape.variables,
        )  # fmt: skip
    return _definitions()[name]


def is_known(name: str) -> bool:
    """Whether we hold a definition for a dataset of that name."""
    return name in _definitions() or (name.startswith("SUPP") and name[4:] in _definitions())
