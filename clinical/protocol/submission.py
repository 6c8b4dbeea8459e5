"""The trial's design as the datasets TA, TE, TV, TI and TS tell it."""

from dataclasses import dataclass

from clinical.protocol.keys import CODE, Faults, key

LONGEST_ARM_CODE = 20
LONGEST_ELEMENT_CODE = 8


@dataclass(frozen=True, kw_only=True)
class Epoch:
    """A period of the trial that all arms share."""

    code: str = key("the epoch, an SDTM term such as TREATMENT", codelist="EPOCH")
    title: str = key("what it is called on pages")


@dataclass(frozen=True, kw_only=True)
class Element:
    """A building block of an arm."""

    code: str = key("the code of the element (ETCD)", shape=CODE)
    title: str = key("what it is (ELEMENT)")
    starts: str = key("the rule by which it starts (TESTRL)")
    ends: str | None = key("the rule by which it ends (TEENRL)", default=None)
    duration: str | None = key("how long it lasts by plan, as an ISO 8601 duration (TEDUR)", default=None)

    def faults(self) -> Faults:
        """Element codes are short."""
        if len(self.code) > LONGEST_ELEMENT_CODE:
            yield "code", f"An element code has at most {LONGEST_ELEMENT_CODE} characters. Shorten it."


@dataclass(frozen=True, kw_only=True)
class ArmElement:
    """An element in its place in an arm."""

    element: str = key("the element", refers_to="element")
    epoch: str = key("the epoch it belongs to", refers_to="epoch")
    branch: str | None = key("the rule that leads a subject from here to one arm or another (TABRANCH)", default=None)
    transition: str | None = key("the rule that leads elsewhere than to the next element (TATRANS)", default=None)


@dataclass(frozen=True, kw_only=True)
class Arm:
    """A planned path through the trial."""

    code: str = key("the code of the arm (ARMCD)", shape=CODE)
    title: str = key("what it is (ARM)")
    path: tuple[ArmElement, ...] = key("its elements, in order")

    def faults(self) -> Faults:
        """Arm codes are short, arms lead somewhere."""
        if len(self.code) > LONGEST_ARM_CODE:
            yield "code", f"An arm code has at most {LONGEST_ARM_CODE} characters. Shorten it."
        if not self.path:
            yield "path", "An arm needs at least one element."


@dataclass(frozen=True, kw_only=True)
class Summary:
    """A trial summary parameter (TS)."""

    parameter: str = key("the parameter (TSPARMCD)", shape=r"[A-Z][A-Z0-9]{0,7}", codelist="TSPARMCD")
    title: str = key("what it is (TSPARM)")
    value: str | None = key("its value (TSVAL)", default=None)
    null_flavor: str | None = key("why there is no value (TSVALNF), such as NA or UNK", default=None)
    term_code: str | None = key("the value's code in its code system (TSVALCD)", default=None)
    code_system: str | None = key("the code system (TSVCDREF)", default=None)
    code_system_version: str | None = key("its version (TSVCDVER)", default=None)

    def faults(self) -> Faults:
        """A value or the reason why there is none."""
        if (self.value is None) == (self.null_flavor is None):
            yield "value", "Give `value`, or `null_flavor` that says why there is none."
