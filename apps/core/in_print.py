"""How units, numbers and titles are set where people read them; what is stored and exported keeps its plain letters."""

import re
from decimal import Decimal

_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_NUMBER_AND_POWER = re.compile(r"(?<=\d) 10\^")
_POWER_OF_TEN = re.compile(r"\b10\^(\d+)")
_SQUARE_METRES = re.compile(r"\bm2\b")
_MICRO = re.compile(r"\bu(?=(?:mol|L|kat)\b|g/)")
_DEGREES = ("C", "F")
_ACRONYM = re.compile(r"[A-Z0-9-]{2}")


def in_print(text: str) -> str:
    """A unit, or a sentence that holds one, as a report prints it. A drug's dose keeps ug: a handwritten µ is misread.

    >>> in_print("Platelets 47 10^9/L"), in_print("10^9 cells/m2"), in_print("24 umol/L"), in_print("75 ug, QD")
    ('Platelets 47 × 10⁹/L', '10⁹ cells/m²', '24 µmol/L', '75 ug, QD')
    """
    if text in _DEGREES:
        return f"°{text}"
    text = _NUMBER_AND_POWER.sub(" × 10^", text)
    text = _POWER_OF_TEN.sub(lambda power: "10" + power[1].translate(_SUPERSCRIPTS), text)
    return _MICRO.sub("µ", _SQUARE_METRES.sub("m²", text))


def unpadded(number: Decimal) -> str:
    """A computed number with the digits it has and no zeros behind them.

    >>> unpadded(Decimal("0.1000")), unpadded(Decimal("160")), unpadded(Decimal("2E+3"))
    ('0.1', '160', '2000')
    """
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def inside_a_sentence(title: str) -> str:
    """A title within a sentence: without its capital, unless the word is a name made of capitals.

    >>> inside_a_sentence("Main informed consent"), inside_a_sentence("HLA typing")
    ('main informed consent', 'HLA typing')
    """
    return title if _ACRONYM.match(title) else title[:1].lower() + title[1:]
