"""Answers that medication pages offer, as the datasets write them (CDISC Controlled Terminology: ROUTE, FREQ, UNIT)."""

ROUTES = (
    "ORAL", "INTRAVENOUS", "SUBCUTANEOUS", "INTRAMUSCULAR", "TOPICAL", "TRANSDERMAL", "RESPIRATORY (INHALATION)",
    "NASAL", "OPHTHALMIC", "AURICULAR (OTIC)", "SUBLINGUAL", "BUCCAL", "RECTAL", "VAGINAL", "INTRADERMAL",
    "INTRATHECAL", "INTRA-ARTERIAL", "INTRAPERITONEAL", "INTRAPLEURAL", "INTRATUMORAL", "OTHER", "UNKNOWN",
)  # fmt: skip

FREQUENCIES = (
    "ONCE", "QD", "BID", "TID", "QID", "QH", "Q2H", "Q4H", "Q6H", "Q8H", "Q12H", "QOD", "QM", "QS", "EVERY WEEK",
    "EVERY 2 WEEKS", "EVERY 3 WEEKS", "EVERY 4 WEEKS", "2 TIMES PER WEEK", "3 TIMES PER WEEK", "CONTINUOUS", "PRN",
    "OTHER", "UNKNOWN",
)  # fmt: skip

UNITS = (
    "mg", "g", "ug", "ng", "mL", "L", "mg/kg", "ug/kg", "mg/m2", "mg/h", "mL/h", "IU", "MIU", "U", "mmol", "mEq", "%",
    "TABLET", "CAPSULE", "PUFF", "DROP", "VIAL", "AMPULE", "PATCH", "SUPPOSITORY", "tsp", "Tbsp", "Gy", "OTHER",
)  # fmt: skip
