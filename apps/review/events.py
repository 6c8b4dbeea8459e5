"""What review tells the floors above."""

from dataclasses import dataclass

from apps.core.events import Fact


@dataclass(frozen=True, kw_only=True)
class QueryMoved(Fact):
    """A query was raised or changed its state."""

    query: int
    record: int
    act: str
    state: str


@dataclass(frozen=True, kw_only=True)
class RecordsSigned(Fact):
    """An investigator signed these records in one act."""

    subject: int
    records: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class SignatureBroken(Fact):
    """A signed value changed, or the signer took the signature back."""

    signature: int
    record: int
    subject: int


@dataclass(frozen=True, kw_only=True)
class RecordsLocked(Fact):
    """Records of a subject were locked."""

    subject: int
    records: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class RecordUnlocked(Fact):
    """A locked record was opened again by two people."""

    subject: int
    record: int
