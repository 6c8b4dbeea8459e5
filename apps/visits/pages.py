"""The registry of typed pages: higher floors say what a page is made of and what must hold when it is completed."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from apps.core.action import Action
from apps.visits.forms import CrfForm
from apps.visits.models import CrfLine, CrfModel, FormRecord


class Weight(StrEnum):
    """What a finding does to completion."""

    BLOCKS = "blocks"
    CONFIRM = "confirm"


@dataclass(frozen=True)
class Finding:
    """What a check says about a value: where, in words, and whether completion waits for it.

    `check` names the check, so that an answer ("this is right because …") is kept and the finding not asked twice.
    """

    path: str
    sentence: str
    weight: Weight = Weight.CONFIRM
    check: str = "check"


@dataclass(frozen=True)
class LineType:
    """A kind of lines on a page: laboratory results, grade periods, lesion measurements."""

    title: str
    model: type[CrfLine]
    form: type[CrfForm]
    can_add: bool = False
    add_words: str = "Add a line"
    row_title: str = ""
    label: Callable[[CrfLine], str] = lambda line: line.key

    @property
    def kind(self) -> str:
        return self.model.kind


Checks = Callable[[FormRecord], Sequence[Finding]]


@dataclass(frozen=True)
class PageType:
    """One typed page of the case report form.

    `checks` runs at completion over the stored values. `opened` gives a new record its expected lines. `panel` is a
    template included beside the entry fields (what the system derived). `summary` is one line for lists.
    """

    code: str
    title: str
    model: type[CrfModel]
    form: type[CrfForm]
    lines: tuple[LineType, ...] = ()
    is_log: bool = False
    checks: Checks = lambda record: ()
    opened: Callable[[FormRecord], None] = lambda record: None
    summary: Callable[[FormRecord], str] = lambda record: ""
    context: Callable[[FormRecord], dict[str, object]] = lambda record: {}
    panel: str = ""
    template: str = "visits/record.html"
    writes: tuple[Action, ...] = (Action.ENTER_DATA,)
    line_types: dict[str, LineType] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.line_types.update({line.kind: line for line in self.lines})


_pages: dict[str, PageType] = {}


def register(page: PageType) -> PageType:
    """Make a typed page known; call it from the app's `ready()`."""
    if page.code in _pages:
        raise ValueError(f"The page {page.code} is registered twice.")
    _pages[page.code] = page
    return page


def page(code: str) -> PageType:
    return _pages[code]


def known(code: str) -> bool:
    return code in _pages


def all_pages() -> tuple[PageType, ...]:
    return tuple(_pages.values())
