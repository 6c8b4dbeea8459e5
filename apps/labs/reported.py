"""What a laboratory report says, read: `<0.5`, `1,2`, `hemolyzed`, `nd`. Pure: no database."""

import re
from dataclasses import dataclass
from decimal import Decimal

NOT_DONE = "NOT DONE"
"""What stands as the reported result where the test was not done; typed as `nd`."""

_NUMBER = re.compile(r"(?P<sign><=|>=|≤|≥|<|>)?\s*(?P<number>[-+]?\d+(?:[.,]\d+)?(?:[eE][-+]?\d+)?)")
_PLAIN_SIGN = {"≤": "<=", "≥": ">=", None: ""}
_AMBIGUOUS = re.compile(r"[<>≤≥=\s]*\d{1,3},\d{3}")
_WORDS_FOR_NOT_DONE = frozenset({"nd", "n.d.", "not done"})


@dataclass(frozen=True)
class Reading:
    """A reported result as a number with its operator; no value where the report has words."""

    operator: str = ""
    value: Decimal | None = None


def read(reported: str | None) -> Reading:
    """The number that a reported text means, if it is one.

    >>> read("< 0,5")
    Reading(operator='<', value=Decimal('0.5'))
    >>> read("hemolyzed").value is None
    True
    """
    match = _NUMBER.fullmatch((reported or "").strip())
    if match is None:
        return Reading()
    sign = match["sign"]
    return Reading(_PLAIN_SIGN.get(sign, sign or ""), Decimal(match["number"].replace(",", ".")))


def as_stored(typed: str) -> str:
    """The typed text as it is kept: word for word, except that `nd` becomes the term of the datasets."""
    return NOT_DONE if typed.strip().casefold() in _WORDS_FOR_NOT_DONE else " ".join(typed.split())


def why_ambiguous(typed: str) -> str | None:
    """What to ask back where a comma can be a decimal sign or separate thousands: `1,200`.

    >>> why_ambiguous("1,200")
    '“1,200” can be 1.200 or 1200. Type it without the comma.'
    """
    text = typed.strip()
    if _AMBIGUOUS.fullmatch(text) is None or text.lstrip("<>≤≥= ").startswith("0,"):
        return None
    return f"“{text}” can be {text.replace(',', '.')} or {text.replace(',', '')}. Type it without the comma."
