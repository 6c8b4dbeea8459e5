"""The trial files that ship, and a small trial of no importance for the tests that break one."""

from pathlib import Path

from clinical.protocol.definition import Definition
from clinical.protocol.loading import Loaded, load

PROTOCOLS = Path(__file__).resolve().parents[3] / "protocols"
FILES = sorted(PROTOCOLS.glob("*/*.toml"))

SMALL = """
[study]
code = "ONC-101"
title = "A small trial"
phase = "PHASE I TRIAL"
sponsor = "Nobody"
sponsor_zone = "Europe/Berlin"
indication = "Solid tumors"
version = "1.0"
changes = "First version."
provenance = { sourced = "Nothing.", recalled = "Nothing.", placeholder = "Everything." }

[[product]]
code = "DRUG"
name = "Drug"
kind = "study drug"
route = "ORAL"
form = "TABLET"
unit = "mg"
study_product = true

[[regimen]]
code = "stepped"
title = "Half the dose first"
step = [
    { product = "DRUG", kind = "priming", fraction = 0.5, visits = ["C1D1"] },
    { product = "DRUG", kind = "full", fraction = 1, visits = ["C1D8"], later_visits = true },
]

[[part]]
code = "A"
title = "Escalation"

[[part]]
code = "B"
title = "Extension"

[[dose_level]]
number = 1
label = "DL1"
regimen = "stepped"
product = "DRUG"
unit = "mg"
target = 10

[[dose_level]]
number = 2
label = "DL2"
regimen = "stepped"
product = "DRUG"
unit = "mg"
target = 25

[[cohort]]
code = "A1"
title = "Cohort 1"
part = "A"
capacity = 6
dose_level = 1
open_at_start = true

[escalation]
design = "3+3"

[dlt]
period = { anchor = "first_dose", days = 21 }
criterion = [{ id = "any4", text = "Any event of grade 4", grade = 4 }]

[[anchor]]
code = "first_dose"
title = "first dose"
from = "first dose"
product = "DRUG"

[[gate]]
code = "main"
title = "Eligibility"
sign_off = "investigator"
ae_collection = "all"
consent_form = "consent"
opens_enrolment = true

[[epoch]]
code = "TREATMENT"
title = "Treatment"

[[visit]]
code = "C1D1"
name = "Cycle 1 Day 1"
number = 101
epoch = "TREATMENT"
anchor = "first_dose"
day = 1
window = {}
forms = ["consent", "hematology", "drug"]

[[visit]]
code = "C1D8"
name = "Cycle 1 Day 8"
number = 108
epoch = "TREATMENT"
anchor = "first_dose"
day = 8
window = { before = 1, after = 1 }
forms = ["hematology", "drug"]

[[visit]]
code = "BIOPSY"
name = "Biopsy"
number = 150
epoch = "TREATMENT"
anchor = "first_dose"
day = 15
parts = ["B"]
forms = []

[[cycle]]
code = "C{cycle}D{day}"
name = "Cycle {cycle} Day {day}"
anchor = "first_dose"
length_days = 21
first = 2
number = 200
number_step = 100
epoch = "TREATMENT"
visit = [{ day = 1, forms = ["drug"], window = { before = 2, after = 2 } }]

[[imaging]]
code = "TA{n}"
name = "Scan of week {week}"
anchor = "first_dose"
number = 90000
epoch = "TREATMENT"
forms = []
stretch = [
    { first_day = 56, every_days = 56, until_day = 112, window = { before = 7, after = 7 } },
    { first_day = 196, every_days = 84 },
]

[day_labels]
anchor = "first_dose"

[[form]]
code = "consent"
page = "consent"
title = "Consent"
gate = "main"

[[form]]
code = "hematology"
page = "lab_panel"
title = "Hematology"
panel = "hematology"

[[form]]
code = "drug"
page = "administration"
title = "Drug"
product = "DRUG"

[[panel]]
code = "hematology"
title = "Hematology"
category = "HEMATOLOGY"
specimen = "BLOOD"
analyte = [{ test = "PLAT", label = "Platelets", unit = "10^9/L", range = [{ low = 150, high = 400 }] }]

[[codelist]]
code = "RELATION"
term = [{ value = "RELATED", label = "Related" }, { value = "NOT RELATED", label = "Not related" }]

[[criterion]]
number = "I1"
kind = "inclusion"
gate = "main"
name = "Platelets"
text = "Platelets of at least 75."
check = [{ fact = "lab.PLAT", at_least = 75, unit = "10^9/L" }]

[screening]

[safety]
severity = "ctcae"
relation_terms = "RELATION"
related_terms = ["RELATED"]
treatment_emergent_from = "first_dose"
collect_until_days = 30
serious_until_days = 90

[[dictionary]]
name = "CTCAE"
version = "5.0"
shipped = true
"""


def changed(old: str, new: str) -> Loaded:
    """The small trial with one passage of its text replaced."""
    assert SMALL.count(old) >= 1, f"the small trial has no {old!r}"
    return load(SMALL.replace(old, new, 1), "small.toml")


def defined(text: str) -> Definition:
    """The definition in a text that has no faults."""
    loaded = load(text, "small.toml")
    assert loaded.definition is not None, loaded.sentences()
    return loaded.definition
