"""Which analyte of a laboratory panel opens which measured term of CTCAE, by SDTM test code (LBTESTCD)."""

from clinical.ctcae.criteria import Criterion, criteria

PANEL: dict[str, tuple[str, ...]] = {
    # haematology
    "HGB": ("Anemia", "Hemoglobin increased"),
    "WBC": ("White blood cell decreased", "Leukocytosis"),
    "NEUT": ("Neutrophil count decreased",),
    "LYM": ("Lymphocyte count decreased", "Lymphocyte count increased"),
    "PLAT": ("Platelet count decreased", "Thrombocytopenia"),  # version 6.0 has only the latter
    "CD4": ("CD4 lymphocytes decreased",),
    # coagulation
    "INR": ("INR increased",),
    "APTT": ("Activated partial thromboplastin time prolonged",),
    "FIBRINO": ("Fibrinogen decreased",),
    "HAPTOG": ("Haptoglobin decreased",),
    # liver, pancreas, muscle
    "ALT": ("Alanine aminotransferase increased",),
    "AST": ("Aspartate aminotransferase increased",),
    "ALP": ("Alkaline phosphatase increased",),
    "GGT": ("GGT increased",),
    "BILI": ("Blood bilirubin increased",),
    "LDH": ("Blood lactate dehydrogenase increased",),
    "CK": ("CPK increased",),
    "LIPASE": ("Lipase increased",),
    "AMYLASE": ("Serum amylase increased",),
    "ALB": ("Hypoalbuminemia",),
    # kidney and metabolism
    "CREAT": ("Creatinine increased",),
    "CREATCLR": ("Creatinine clearance decreased",),
    "URATE": ("Hyperuricemia",),
    "GLUC": ("Hypoglycemia", "Hyperglycemia"),
    "CHOL": ("Cholesterol high",),
    "HDL": ("HDL decreased",),
    "LDL": ("LDL increased",),
    "TRIG": ("Hypertriglyceridemia",),
    "PH": ("Acidosis", "Alkalosis"),
    # electrolytes; CTCAE means calcium corrected for albumin, a laboratory's total calcium is held to the same limits
    "SODIUM": ("Hyponatremia", "Hypernatremia"),
    "K": ("Hypokalemia", "Hyperkalemia"),
    "CA": ("Hypocalcemia", "Hypercalcemia"),
    "CACR": ("Hypocalcemia", "Hypercalcemia"),
    "CAION": ("Hypocalcemia (Ionized)", "Hypercalcemia (Ionized)"),
    "MG": ("Hypomagnesemia", "Hypermagnesemia"),
    "PHOS": ("Hypophosphatemia", "Hyperphosphatemia"),
    # reported in every panel, but CTCAE has no grade by value for them
    "CRP": (),
    "FERRITIN": (),
    "BILDIR": (),
    "PROT": (),
    "UREAN": (),
    "UREA": (),
    "CL": (),
    "BICARB": (),
    "MONO": (),
    "EOS": (),
    "BASO": (),
    "RBC": (),
    "HCT": (),
}

FASTING = {"Hyperglycemia": "Hyperglycemia (Fasting)"}
"""Terms with limits of their own for a fasting sample, where the version has them."""


def measured_terms(analyte: str, *, version: str, fasting: bool = False) -> tuple[tuple[Criterion, ...], ...]:
    """The criteria that a version of CTCAE has for an analyte, low before high, each in all its units.

    Potassium opens two terms, C-reactive protein none; platelets change their term with the version:

    >>> [columns[0].name for columns in measured_terms("PLAT", version="6.0")]
    ['Thrombocytopenia']
    """
    code = analyte.strip().upper()
    if code not in PANEL:
        raise ValueError(f"The analyte {analyte!r} is not in the panel: {', '.join(sorted(PANEL))}.")
    known = criteria(version)
    names = [FASTING[name] if fasting and FASTING.get(name, "").casefold() in known else name for name in PANEL[code]]
    return tuple(known[name.casefold()] for name in names if name.casefold() in known)


def analyte_of(term: str) -> str | None:
    """The panel's code for the analyte of a measured term, which is what its units convert by."""
    name = term.casefold()
    name = next((plain.casefold() for plain, fasting in FASTING.items() if fasting.casefold() == name), name)
    return next((code for code, names in PANEL.items() if name in (other.casefold() for other in names)), None)
