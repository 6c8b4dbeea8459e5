"""Laboratory units: the same amount in the unit of another laboratory, exactly.

Two kinds of step: between units of one kind (g/dL and g/L, 10^3/uL and 10^9/L), which arithmetic settles, and between
mass and amount of substance (mg/dL and mmol/L), which needs to know the analyte. For the second the table below holds
the factors of the AMA Manual of Style (conversion to SI units), as laboratories print them.

The case people get wrong: the factor belongs to the analyte, not to the pair of units.

>>> convert(Decimal("1.2"), "mg/dL", "umol/L", analyte="CREAT")
Decimal('106.08')
>>> convert(Decimal("1.2"), "mg/dL", "umol/L", analyte="BILI")
Decimal('20.5248')
"""

from dataclasses import dataclass
from decimal import Context, Decimal
from enum import StrEnum
from fractions import Fraction

STORED_DIGITS = 34
"""Significant digits of a result that no finite decimal can say (those of IEEE decimal128)."""

REPORTED_DIGITS = 28
"""A result within `CLOSE` of a number this short is that number, so a value converted there and back is itself."""

CLOSE = Fraction(1, 10**32)


class UnknownUnit(ValueError):
    """A unit that is not in the table."""


class NoConversion(ValueError):
    """Two units that measure different things, or mass against substance of an unknown analyte."""


class Kind(StrEnum):
    """What a unit measures."""

    MASS = "mass per volume"
    SUBSTANCE = "amount of substance per volume"
    CHARGE = "equivalents per volume"
    NUMBER = "number per volume"
    ACTIVITY = "activity per volume"
    FLOW = "volume per time"
    TIME = "time"
    FRACTION = "fraction"


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit as we spell it, what it measures and how many of its kind's base unit it is."""

    spelling: str
    kind: Kind
    size: Fraction


def _table(kind: Kind, sizes: dict[str, str]) -> dict[str, Unit]:
    return {spelling: Unit(spelling, kind, Fraction(size)) for spelling, size in sizes.items()}


UNITS: dict[str, Unit] = {
    # g/L
    **_table(Kind.MASS, {"g/L": "1", "g/dL": "10", "mg/mL": "1", "mg/dL": "1e-2", "mg/L": "1e-3", "ug/mL": "1e-3"}),
    **_table(
        Kind.MASS, {"ug/dL": "1e-5", "ug/L": "1e-6", "ng/mL": "1e-6", "ng/dL": "1e-8", "ng/L": "1e-9", "pg/mL": "1e-9"}
    ),
    # mol/L
    **_table(Kind.SUBSTANCE, {"mol/L": "1", "mmol/L": "1e-3", "umol/L": "1e-6", "nmol/L": "1e-9", "pmol/L": "1e-12"}),
    # Eq/L
    **_table(Kind.CHARGE, {"mEq/L": "1e-3"}),
    # cells per L. A thousand per mL is one per uL: counts of 4,000 and of 4.0 differ in the unit only
    **_table(Kind.NUMBER, {"10^12/L": "1e12", "10^6/uL": "1e12", "10^9/L": "1e9", "10^3/uL": "1e9", "10^6/mL": "1e9"}),
    **_table(Kind.NUMBER, {"10^6/L": "1e6", "10^3/mL": "1e6", "1/uL": "1e6", "1/mL": "1e3", "1/L": "1"}),
    # U/L. A katal turns over a mole a second, an enzyme unit a micromole a minute
    **_table(
        Kind.ACTIVITY, {"U/L": "1", "mU/L": "1e-3", "kU/L": "1e3", "U/mL": "1e3", "ukat/L": "60", "nkat/L": "0.06"}
    ),
    # mL/min
    **_table(Kind.FLOW, {"mL/min": "1", "mL/s": "60"}),
    **_table(Kind.TIME, {"s": "1", "min": "60"}),
    **_table(Kind.FRACTION, {"1": "1", "%": "1e-2"}),
}

_OTHER_SPELLINGS = {
    # micro, as sign or letter, and the counts as printed on reports and in UCUM
    "10^9/l": ("10*9/L", "10E9/L", "x10^9/L", "x10E9/L", "10**9/L", "giga/L"),
    "10^3/ul": ("10*3/uL", "10E3/uL", "x10^3/uL", "x10E3/uL", "K/uL", "thou/uL", "10^3/mm3", "1000/uL", "thousand/uL"),
    "10^3/ml": ("10*3/mL", "x10^3/mL", "10E3/mL"),
    "10^12/l": ("10*12/L", "10E12/L", "x10^12/L", "tera/L"),
    "10^6/ul": ("10*6/uL", "x10^6/uL", "10^6/mm3", "million/uL"),
    "10^6/l": ("10*6/L", "x10^6/L"),
    "1/ul": ("/uL", "cells/uL", "/mm3", "1/mm3", "cells/mm3", "/cu mm"),
    "u/l": ("IU/L", "[iU]/L", "units/L"),
    "mu/l": ("mIU/L", "uIU/mL", "uU/mL", "m[iU]/L", "u[iU]/mL"),
    "ku/l": ("kIU/L",),
    "u/ml": ("IU/mL",),
    "ug/l": ("mcg/L",),
    "ug/dl": ("mcg/dL",),
    "ug/ml": ("mcg/mL",),
    "s": ("sec", "seconds"),
    "1": ("ratio", "fraction"),
}
_BY_SPELLING: dict[str, Unit] = {spelling.casefold(): unit for spelling, unit in UNITS.items()}
_BY_SPELLING |= {other.casefold(): _BY_SPELLING[ours] for ours, others in _OTHER_SPELLINGS.items() for other in others}


@dataclass(frozen=True, slots=True)
class Analyte:
    """A substance of the panel: its SDTM code, name, usual units, and what one conventional unit is in SI units."""

    code: str
    name: str
    conventional: str
    si: str
    factor: Fraction
    charge: int = 0
    """How many milliequivalents a millimole carries (0: not reported in mEq/L)."""


def _panel(*rows: tuple[str, str, str, str, str] | tuple[str, str, str, str, str, int]) -> dict[str, Analyte]:
    return {row[0]: Analyte(row[0], row[1], row[2], row[3], Fraction(row[4]), *row[5:]) for row in rows}


ANALYTES: dict[str, Analyte] = _panel(
    # haematology
    ("HGB", "Hemoglobin", "g/dL", "g/L", "10"),
    ("WBC", "Leukocytes", "10^3/uL", "10^9/L", "1"),
    ("NEUT", "Neutrophils", "10^3/uL", "10^9/L", "1"),
    ("LYM", "Lymphocytes", "10^3/uL", "10^9/L", "1"),
    ("MONO", "Monocytes", "10^3/uL", "10^9/L", "1"),
    ("EOS", "Eosinophils", "10^3/uL", "10^9/L", "1"),
    ("BASO", "Basophils", "10^3/uL", "10^9/L", "1"),
    ("PLAT", "Platelets", "10^3/uL", "10^9/L", "1"),
    ("RBC", "Erythrocytes", "10^6/uL", "10^12/L", "1"),
    ("HCT", "Hematocrit", "%", "1", "0.01"),
    ("CD4", "CD4 lymphocytes", "1/uL", "10^9/L", "0.001"),
    # coagulation
    ("INR", "International normalized ratio", "1", "1", "1"),
    ("APTT", "Activated partial thromboplastin time", "s", "s", "1"),
    ("FIBRINO", "Fibrinogen", "mg/dL", "g/L", "0.01"),
    ("HAPTOG", "Haptoglobin", "mg/dL", "g/L", "0.01"),
    # liver, pancreas, muscle
    ("ALT", "Alanine aminotransferase", "U/L", "ukat/L", "1/60"),
    ("AST", "Aspartate aminotransferase", "U/L", "ukat/L", "1/60"),
    ("ALP", "Alkaline phosphatase", "U/L", "ukat/L", "1/60"),
    ("GGT", "Gamma glutamyl transferase", "U/L", "ukat/L", "1/60"),
    ("LDH", "Lactate dehydrogenase", "U/L", "ukat/L", "1/60"),
    ("CK", "Creatine kinase", "U/L", "ukat/L", "1/60"),
    ("LIPASE", "Lipase", "U/L", "ukat/L", "1/60"),
    ("AMYLASE", "Amylase", "U/L", "ukat/L", "1/60"),
    ("BILI", "Bilirubin", "mg/dL", "umol/L", "17.104"),
    ("BILDIR", "Direct bilirubin", "mg/dL", "umol/L", "17.104"),
    ("ALB", "Albumin", "g/dL", "g/L", "10"),
    ("PROT", "Protein", "g/dL", "g/L", "10"),
    # kidney and metabolism
    ("CREAT", "Creatinine", "mg/dL", "umol/L", "88.4"),
    ("CREATCLR", "Creatinine clearance", "mL/min", "mL/s", "1/60"),
    ("UREAN", "Urea nitrogen", "mg/dL", "mmol/L", "0.357"),
    ("UREA", "Urea", "mg/dL", "mmol/L", "0.1665"),
    ("URATE", "Urate", "mg/dL", "umol/L", "59.485"),
    ("GLUC", "Glucose", "mg/dL", "mmol/L", "0.0555"),
    ("LACTICAC", "Lactic acid", "mg/dL", "mmol/L", "0.111"),
    ("CHOL", "Cholesterol", "mg/dL", "mmol/L", "0.0259"),
    ("HDL", "HDL cholesterol", "mg/dL", "mmol/L", "0.0259"),
    ("LDL", "LDL cholesterol", "mg/dL", "mmol/L", "0.0259"),
    ("TRIG", "Triglycerides", "mg/dL", "mmol/L", "0.0113"),
    # electrolytes
    ("SODIUM", "Sodium", "mEq/L", "mmol/L", "1", 1),
    ("K", "Potassium", "mEq/L", "mmol/L", "1", 1),
    ("CL", "Chloride", "mEq/L", "mmol/L", "1", 1),
    ("BICARB", "Bicarbonate", "mEq/L", "mmol/L", "1", 1),
    ("CA", "Calcium", "mg/dL", "mmol/L", "0.25", 2),
    ("CACR", "Calcium corrected for albumin", "mg/dL", "mmol/L", "0.25", 2),
    ("CAION", "Ionized calcium", "mg/dL", "mmol/L", "0.25", 2),
    ("MG", "Magnesium", "mg/dL", "mmol/L", "0.4114", 2),
    ("PHOS", "Phosphate", "mg/dL", "mmol/L", "0.323"),
    # inflammation, heart, thyroid
    ("CRP", "C reactive protein", "mg/dL", "mg/L", "10"),
    ("FERRITIN", "Ferritin", "ng/mL", "ug/L", "1"),
    ("INTLK6", "Interleukin 6", "pg/mL", "ng/L", "1"),
    ("PCT", "Procalcitonin", "ng/mL", "ug/L", "1"),
    ("TROPONI", "Troponin I", "ng/mL", "ug/L", "1"),
    ("TROPONT", "Troponin T", "ng/mL", "ug/L", "1"),
    ("TSH", "Thyrotropin", "uIU/mL", "mIU/L", "1"),
    ("T4FR", "Free thyroxine", "ng/dL", "pmol/L", "12.871"),
    ("T3FR", "Free triiodothyronine", "pg/mL", "pmol/L", "1.536"),
    ("CORT", "Cortisol", "ug/dL", "nmol/L", "27.588"),
)

HEMOGLOBIN_MMOL_PER_G = Fraction("0.06206")
"""Hemoglobin is also reported in mmol/L of its single chain: 10 g/dL are 6.206 mmol/L (CTCAE writes 6.2)."""


def unit(text: str) -> Unit:
    """The unit that a laboratory means, however it writes it.

    Small and capital letters are not told apart (reports write G/L for grams), so giga per litre is
    to be written 10^9/L.

    >>> unit("G/L").spelling, unit("x10^9/L").spelling, unit("µmol/L").spelling
    ('g/L', '10^9/L', 'umol/L')
    """
    plain = text.strip().replace("µ", "u").replace("μ", "u").replace("²", "2").casefold()
    found = _BY_SPELLING.get(plain)
    if found is None:
        raise UnknownUnit(f"The unit {text!r} is not known here. Write it as one of {', '.join(sorted(UNITS))}.")
    return found


def same_unit(one: str, other: str) -> bool:
    """Whether two laboratories mean the same unit; units that merely convert into each other are not the same.

    >>> same_unit("Mmol/L", "mmol/L"), same_unit("g/L", "g/dL"), same_unit("10^3/uL", "10^9/L")
    (True, False, False)
    """
    if one.strip().casefold() == other.strip().casefold():
        return True
    try:
        return unit(one) is unit(other)
    except UnknownUnit:
        return False


def _moles_per_gram(analyte: Analyte) -> Fraction | None:
    """How many moles CTCAE and the laboratories count in one gram of it; None where mass is not counted in moles."""
    if analyte.code == "HGB":
        return HEMOGLOBIN_MMOL_PER_G / 1000
    conventional, si = unit(analyte.conventional), unit(analyte.si)
    if (conventional.kind, si.kind) != (Kind.MASS, Kind.SUBSTANCE):
        return None
    return analyte.factor * si.size / conventional.size


def factor(from_unit: str, to_unit: str, *, analyte: str | None = None) -> Fraction:
    """What one `from_unit` is in `to_unit`, as an exact ratio.

    >>> factor("U/L", "ukat/L", analyte="ALT")
    Fraction(1, 60)

    Without the analyte, milligrams have no number of moles: `NoConversion` says so.
    """
    if same_unit(from_unit, to_unit):
        return Fraction(1)
    known = None
    if analyte is not None:
        known = ANALYTES.get(analyte.strip().upper())
        if known is None:
            raise NoConversion(f"The analyte {analyte!r} is not in the panel, so its units cannot be converted.")
    one, other = unit(from_unit), unit(to_unit)
    if one.kind is other.kind:
        return one.size / other.size
    if Kind.CHARGE in (one.kind, other.kind):
        if known is None or not known.charge:
            raise NoConversion(f"{from_unit} and {to_unit} convert only for an electrolyte of known charge.")
        if one.kind is Kind.CHARGE:
            return factor("mmol/L", to_unit, analyte=analyte) / known.charge
        return factor(from_unit, "mmol/L", analyte=analyte) * known.charge
    if {one.kind, other.kind} == {Kind.MASS, Kind.SUBSTANCE}:
        if known is None:
            raise NoConversion(f"{from_unit} and {to_unit} convert only when the analyte is known.")
        moles = _moles_per_gram(known)
        if moles is not None:
            return one.size * (moles if one.kind is Kind.MASS else 1 / moles) / other.size
        raise NoConversion(f"{known.name} is not converted between {from_unit} and {to_unit}.")
    raise NoConversion(f"{from_unit} measures {one.kind}, {to_unit} measures {other.kind}.")


def _decimal(ratio: Fraction) -> Decimal:
    stored = Context(prec=STORED_DIGITS).divide(Decimal(ratio.numerator), Decimal(ratio.denominator))
    short = Context(prec=REPORTED_DIGITS).plus(stored)
    settled = short if abs(Fraction(short) - ratio) <= abs(ratio) * CLOSE else stored
    exponent = settled.normalize(Context(prec=STORED_DIGITS))
    return exponent if int(exponent.as_tuple().exponent) <= 0 else exponent.quantize(Decimal(1))


def convert(value: Decimal, from_unit: str, to_unit: str, *, analyte: str | None = None) -> Decimal:
    """The value in another unit: exact where a finite decimal says it, else to 34 significant digits.

    Rounding is left to whoever prints the value; grading a rounded value moves subjects across limits. There and back
    again gives the number one started from.

    >>> convert(Decimal("88.4"), "umol/L", "mg/dL", analyte="CREAT")
    Decimal('1')
    >>> convert(convert(Decimal("40"), "U/L", "ukat/L", analyte="ALT"), "ukat/L", "U/L", analyte="ALT")
    Decimal('40')
    """
    if same_unit(from_unit, to_unit):
        return value
    return _decimal(Fraction(value) * factor(from_unit, to_unit, analyte=analyte))


def to_si(value: Decimal, *, analyte: str) -> Decimal:
    """A value in the analyte's conventional unit, in its SI unit."""
    known = ANALYTES[analyte]
    return convert(value, known.conventional, known.si, analyte=analyte)


def to_conventional(value: Decimal, *, analyte: str) -> Decimal:
    """A value in the analyte's SI unit, in its conventional unit."""
    known = ANALYTES[analyte]
    return convert(value, known.si, known.conventional, analyte=analyte)
