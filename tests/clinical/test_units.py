"""Laboratory units: conversion both ways, exactly, and only where it means something."""

import doctest
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinical import units
from clinical.units import ANALYTES, NoConversion, UnknownUnit, convert, same_unit, to_conventional, to_si


@pytest.mark.parametrize(
    ("analyte", "conventional", "si"),
    [
        ("HGB", "10", "100"),
        ("WBC", "4.2", "4.2"),
        ("CD4", "500", "0.5"),
        ("ALT", "60", "1"),
        ("BILI", "1", "17.104"),
        ("CREAT", "1", "88.4"),
        ("URATE", "10", "594.85"),
        ("GLUC", "100", "5.55"),
        ("CA", "10", "2.5"),
        ("CAION", "4", "1"),
        ("MG", "2", "0.8228"),
        ("PHOS", "2", "0.646"),
        ("K", "3.5", "3.5"),
        ("ALB", "3.5", "35"),
        ("CHOL", "200", "5.18"),
        ("TRIG", "150", "1.695"),
        ("FIBRINO", "150", "1.5"),
        ("CRP", "1.2", "12"),
        ("FERRITIN", "300", "300"),
        ("UREAN", "20", "7.14"),
        ("LACTICAC", "9", "0.999"),
    ],
)
def test_conventional_to_si_by_the_published_factors(analyte: str, conventional: str, si: str) -> None:
    assert to_si(Decimal(conventional), analyte=analyte) == Decimal(si)
    assert to_conventional(Decimal(si), analyte=analyte) == Decimal(conventional)


@pytest.mark.parametrize(
    ("value", "from_unit", "to_unit", "analyte", "result"),
    [
        ("4000", "10^3/mL", "10^9/L", None, "4"),
        ("4000", "/uL", "10^9/L", None, "4"),
        ("4.0", "K/uL", "10^3/mL", None, "4000"),
        ("250", "10^3/mm3", "10^9/L", None, "250"),
        ("10", "g/dL", "mmol/L", "HGB", "6.206"),
        ("1.5", "mEq/L", "mmol/L", "MG", "0.75"),
        ("5", "mEq/L", "mg/dL", "CA", "10"),
        ("0.9", "mg/dL", "mg/L", "CREAT", "9"),
        ("1", "ukat/L", "U/L", "AST", "60"),
        ("0.1", "ng/mL", "ng/L", "TROPONI", "100"),
        ("1.2", "mg/dL", "µmol/L", "CREAT", "106.08"),
    ],
)
def test_units_of_one_kind_and_electrolytes(
    value: str, from_unit: str, to_unit: str, analyte: str | None, result: str
) -> None:
    assert convert(Decimal(value), from_unit, to_unit, analyte=analyte) == Decimal(result)


@pytest.mark.parametrize(
    ("from_unit", "to_unit", "analyte", "sentence"),
    [
        ("mg/dL", "mmol/L", None, "convert only when the analyte is known"),
        ("mg/dL", "mmol/L", "CRP", "C reactive protein is not converted"),
        ("U/L", "g/L", "ALT", "measures activity per volume, g/L measures mass per volume"),
        ("mEq/L", "mmol/L", "GLUC", "only for an electrolyte"),
        ("mg/dL", "mmol/L", "XYZ", "'XYZ' is not in the panel"),
    ],
)
def test_what_does_not_convert_is_refused_in_a_sentence(
    from_unit: str, to_unit: str, analyte: str | None, sentence: str
) -> None:
    with pytest.raises(NoConversion, match=sentence):
        convert(Decimal(1), from_unit, to_unit, analyte=analyte)


def test_an_unknown_unit_is_named_with_those_that_are_known() -> None:
    with pytest.raises(UnknownUnit, match=r"'G/cL' is not known here.*g/dL"):
        convert(Decimal(1), "G/cL", "g/L")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Mmol/L", "mmol/L", True),
        ("G/L", "g/L", True),
        ("10^9/l", "x10^9/L", True),
        ("10*9/L", "10^9/L", True),
        ("IU/L", "U/L", True),
        ("", "", True),
        ("10^9/L", "10^3/uL", False),  # alike in size, not the same unit
        ("g/dL", "g/L", False),
        ("10^8/L", "10^9/L", False),
        ("", "g/L", False),
    ],
)
def test_spelling_is_forgiven_size_is_not(one: str, other: str, same: bool) -> None:
    assert same_unit(one, other) is same


@given(
    analyte=st.sampled_from(sorted(ANALYTES)),
    value=st.decimals(min_value=Decimal("0.0001"), max_value=Decimal("1e7"), places=4),
)
@settings(max_examples=200, deadline=None)
def test_there_and_back_again_is_the_same_number(analyte: str, value: Decimal) -> None:
    assert to_conventional(to_si(value, analyte=analyte), analyte=analyte) == value
    assert to_si(to_conventional(value, analyte=analyte), analyte=analyte) == value


@given(
    analyte=st.sampled_from(sorted(ANALYTES)),
    one=st.decimals(min_value=Decimal("0.01"), max_value=Decimal("1e5"), places=3),
    other=st.decimals(min_value=Decimal("0.01"), max_value=Decimal("1e5"), places=3),
)
@settings(max_examples=100, deadline=None)
def test_conversion_keeps_the_order_of_values(analyte: str, one: Decimal, other: Decimal) -> None:
    assert (one < other) == (to_si(one, analyte=analyte) < to_si(other, analyte=analyte))


def test_every_analyte_of_the_panel_has_units_that_are_known() -> None:
    for analyte in ANALYTES.values():
        assert units.factor(analyte.conventional, analyte.si, analyte=analyte.code) == analyte.factor


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(units).failed == 0
