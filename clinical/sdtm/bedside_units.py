"""Vital signs in the units in which datasets compare them: kilograms, centimetres, degrees Celsius.

The factors are exact by definition (international yard and pound agreement of 1959; the Celsius and Fahrenheit scales).
Results are rounded to two decimals, half up, as a bedside instrument could at best have shown them; the value as
reported stays beside them. The case people get wrong: a temperature has an offset, a weight has none.

>>> standard(Decimal("98.6"), "F"), standard(Decimal("150"), "LB")
((Decimal('37.00'), 'C'), (Decimal('68.04'), 'kg'))
"""

from decimal import ROUND_HALF_UP, Decimal

HUNDREDTH = Decimal("0.01")
KILOGRAMS_PER_POUND = Decimal("0.45359237")
CENTIMETRES_PER_INCH = Decimal("2.54")


def standard(value: Decimal, unit: str | None) -> tuple[Decimal, str | None]:
    """The value in its standard unit; one that is in it already, or in a unit of its own, stays as it was taken."""
    match (unit or "").casefold():
        case "f":
            return ((value - 32) * 5 / 9).quantize(HUNDREDTH, ROUND_HALF_UP), "C"
        case "lb":
            return (value * KILOGRAMS_PER_POUND).quantize(HUNDREDTH, ROUND_HALF_UP), "kg"
        case "in":
            return (value * CENTIMETRES_PER_INCH).quantize(HUNDREDTH, ROUND_HALF_UP), "cm"
    return value, unit
