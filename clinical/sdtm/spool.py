"""Records laid down on disk by domain, so that a whole study goes through in one reading and in bounded memory.

Shaping needs the records twice (once to measure, once to write); asking the database twice would be slow, holding a
study in memory would not end well.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

from clinical.sdtm.dataset import Value
from clinical.sdtm.records import Record, Supplement


@dataclass
class Spool:
    """A folder of the caller's, with one file a domain; the caller removes the folder."""

    folder: Path
    counts: dict[str, int] = field(default_factory=dict)

    def add(self, domain: str, records: Iterable[Record]) -> None:
        """Lay records down behind those already there."""
        lines = [json.dumps(_packed(record)) for record in records]
        if not lines:
            return
        with self._file(domain).open("a", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        self.counts[domain] = self.counts.get(domain, 0) + len(lines)

    def records(self, domain: str) -> "SpooledRecords":
        """The records of a domain, read from the disk each time they are iterated."""
        return SpooledRecords(self._file(domain))

    def _file(self, domain: str) -> Path:
        return self.folder / f"{domain}.jsonl"


@dataclass(frozen=True)
class SpooledRecords:
    """Records of one domain in the order in which they were laid down."""

    path: Path

    def __iter__(self) -> Iterator[Record]:
        if not self.path.exists():
            return
        with self.path.open(encoding="utf-8") as file:
            for line in file:
                yield _unpacked(json.loads(line))


def _packed(record: Record) -> dict[str, Any]:
    values = {name: [str(value)] if isinstance(value, Decimal) else value for name, value in record.values.items()}
    supplements = [[s.name, s.label, s.value, s.origin, s.evaluator] for s in record.supplements]
    return {"values": values, "supplements": supplements}


def _unpacked(packed: dict[str, Any]) -> Record:
    values: dict[str, Value] = {
        name: Decimal(value[0]) if isinstance(value, list) else value for name, value in packed["values"].items()
    }
    return Record(values, tuple(Supplement(*each) for each in packed["supplements"]))
