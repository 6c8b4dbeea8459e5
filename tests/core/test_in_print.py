"""How units, numbers, moments and titles are set on a page."""

from decimal import Decimal

import pytest

from apps.core import in_print
from apps.core.templatetags import in_print as filters


@pytest.mark.parametrize(
    ("stored", "shown"),
    [
        ("10^9/L", "10⁹/L"),
        ("10^12/L", "10¹²/L"),
        ("10^9 cells/m2", "10⁹ cells/m²"),
        ("m2", "m²"),
        ("mg/m2", "mg/m²"),
        ("0.06 to 0.2 10^9 cells/m2", "0.06 to 0.2 × 10⁹ cells/m²"),
        ("umol/L", "µmol/L"),
        ("10^3/uL", "10³/µL"),
        ("ug/L", "µg/L"),
        ("ukat/L", "µkat/L"),
        ("Neutrophils 0.4 10^9/L is grade 4.", "Neutrophils 0.4 × 10⁹/L is grade 4."),
        ("Levothyroxine, 75 ug, QD", "Levothyroxine, 75 ug, QD"),
        ("ug", "ug"),
        ("lot m2x, unclear", "lot m2x, unclear"),
        ("U/L", "U/L"),
        ("C", "°C"),
        ("Grade 1 C", "Grade 1 C"),
    ],
)
def test_a_unit_is_set_as_a_report_prints_it(stored: str, shown: str) -> None:
    assert in_print.in_print(stored) == shown


@pytest.mark.parametrize(
    ("number", "shown"), [("0.1000", "0.1"), ("0.10", "0.1"), ("160", "160"), ("0", "0"), ("-3.50", "-3.5")]
)
def test_a_computed_number_has_no_zeros_behind_it(number: str, shown: str) -> None:
    assert in_print.unpadded(Decimal(number)) == shown


@pytest.mark.parametrize(
    ("title", "inside"),
    [
        ("HLA typing", "HLA typing"),
        ("Main informed consent", "main informed consent"),
        ("IMA203 infusion", "IMA203 infusion"),
        ("Lymphodepletion", "lymphodepletion"),
        ("", ""),
    ],
)
def test_a_title_loses_its_capital_inside_a_sentence_unless_it_is_a_name(title: str, inside: str) -> None:
    assert in_print.inside_a_sentence(title) == inside


def test_a_day_is_never_broken_and_a_number_has_a_true_minus() -> None:
    assert filters.moment("19-Nov-2026 20:00") == '<span class="day">19-Nov-2026</span> 20:00'
    assert filters.moment("Nov-2026") == '<span class="day">Nov-2026</span>'
    assert filters.moment(None) == ""
    assert filters.moment("<b>") == '<span class="day">&lt;b&gt;</span>'
    assert filters.of_unit("0.10", "10^9 cells/m2") == "0.10 × 10⁹ cells/m²"
    assert filters.of_unit("15", None) == "15"
    assert filters.minus("-51.2") == "−51.2"
