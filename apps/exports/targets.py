"""Where every captured field goes in the datasets, or why it goes nowhere: one table, held by a test.

`Leaves` names the variable that the mappers in `casebooks/` fill. `Beside` goes beside the row of the page (or of the
line) as a supplemental qualifier or further variable, `About` is a finding about something (FA); both are sent off by
this table alone. `Stays` says why a field is in no dataset. An item that a protocol adds carries its target itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Leaves:
    """The variables that hold the field."""

    variables: str


@dataclass(frozen=True)
class Beside:
    """A qualifier (or a variable the guide has) beside the row of the first of these datasets that the page has."""

    name: str
    label: str
    datasets: tuple[str, ...]


@dataclass(frozen=True)
class About:
    """A finding about `object`: its test code, its name and, for a number, its unit."""

    test: str
    label: str
    object: str
    unit: str | None = None


@dataclass(frozen=True)
class Stays:
    """Why a field is in no dataset."""

    because: str


Target = Leaves | Beside | About | Stays

_CELLS = "CELL PRODUCT"
_OBSERVED = "CYTOKINE RELEASE SYNDROME"
_NERVES = "NEUROTOXICITY"
_TUMOR = "TUMOR UNDER STUDY"

TARGETS: Mapping[str, Mapping[str, Target]] = {
    "consent": {
        "version": Leaves("SUPPDS.DSCNSVER"),
        "given": Leaves("DS.DSSTDTC, DM.RFICDTC"),
        "explained_by": Beside("DSCNSBY", "Consent Explained By", ("DS",)),
        "copy_given": Beside("DSCNSCPY", "Copy of Consent Given to Subject", ("DS",)),
        "withdrawn": Leaves("DS.DSSTDTC of CONSENT WITHDRAWN"),
        "withdrawal_scope": Beside("DSWDSCP", "Scope of Withdrawal of Consent", ("DS",)),
    },
    "demographics": {
        "collected": Leaves("DM.DMDTC"),
        "birth": Leaves("DM.BRTHDTC"),
        "age": Leaves("DM.AGE"),
        "sex": Leaves("DM.SEX"),
        "ethnicity": Leaves("DM.ETHNIC"),
        "race_other": Leaves("SUPPDM.RACEOTH"),
        "races/race": Leaves("DM.RACE, SUPPDM.RACEn"),
    },
    "medical_history": {
        "term": Leaves("MH.MHTERM"),
        "began": Leaves("MH.MHSTDTC"),
        "ended": Leaves("MH.MHENDTC"),
        "ongoing": Leaves("MH.MHENRTPT"),
        "grade": Leaves("MH.MHTOXGR"),
        "collected": Leaves("MH.MHDTC"),
    },
    "disease_history": {
        "diagnosis": Leaves("MH.MHTERM"),
        "diagnosed_on": Leaves("MH.MHSTDTC"),
        "histology": About("HISTOL", "Histology", _TUMOR),
        "stage": About("STAGE", "Stage at Study Entry", _TUMOR),
        "liver_metastases": About("METLIVER", "Liver Metastases", _TUMOR),
        "brain_metastases": About("METBRAIN", "Brain Metastases", _TUMOR),
        "prior_lines": About("PRLINES", "Number of Prior Lines of Therapy", _TUMOR),
    },
    "prior_therapy": {
        "therapy": Leaves("CM.CMTRT, PR.PRTRT"),
        "type": Beside("THTYPE", "Type of Therapy", ("CM", "PR")),
        "line": Beside("THLINE", "Line of Therapy", ("CM", "PR")),
        "setting": Beside("THSETNG", "Setting of Therapy", ("CM", "PR")),
        "began": Leaves("CM.CMSTDTC, PR.PRSTDTC"),
        "ended": Leaves("CM.CMENDTC, PR.PRENDTC"),
        "best_response": Beside("THBESTRS", "Best Response to Therapy", ("CM", "PR")),
        "why_ended": Beside("THENDRSN", "Reason Therapy Ended", ("CM", "PR")),
    },
    "performance_status": {"assessed": Leaves("QS.QSDTC"), "ecog": Leaves("QS.QSORRES")},
    "biomarkers": {
        "markers/reported": Leaves("GF.GFORRES"),
        "markers/score": Leaves("GF.GFORRES of HSCORE"),
        "markers/interpretation": Leaves("SUPPGF.GFINTP"),
        "markers/method": Leaves("GF.GFMETHOD"),
        "markers/laboratory": Leaves("GF.GFNAM"),
        "markers/collected": Leaves("GF.GFDTC"),
    },
    "eligibility": {
        "assessed": Leaves("IE.IEDTC"),
        "answers/answer": Leaves("IE.IEORRES, of what speaks against the subject; the guide keeps fulfilled ones out"),
        "answers/comment": Leaves("CO.COVAL"),
    },
    "vital_signs": {
        "taken": Leaves("VS.VSDTC"),
        "results/value": Leaves("VS.VSORRES"),
        "results/unit": Leaves("VS.VSORRESU"),
    },
    "ecg": {
        "taken": Leaves("EG.EGDTC"),
        "interpretation": Leaves("EG.EGORRES of INTP"),
        "finding": Beside("EGABNORM", "Abnormal Finding", ("EG",)),
        "results/value": Leaves("EG.EGORRES"),
        "results/unit": Leaves("EG.EGORRESU"),
    },
    "lab_panel": {
        "laboratory": Leaves("LB.LBNAM"),
        "collected": Leaves("LB.LBDTC"),
        "fasting": Leaves("LB.LBFAST"),
        "sample_id": Beside("LBREFID", "Specimen ID", ("LB",)),
        "results/reported": Leaves("LB.LBORRES, LB.LBSTAT"),
        "results/unit": Leaves("LB.LBORRESU"),
        "results/clinically_significant": Leaves("LB.LBCLSIG"),
        "results/not_done_reason": Leaves("LB.LBREASND"),
    },
    "administration": {
        "was_given": Leaves("EC.ECOCCUR; a premedication given has a row of CM, one left out has none"),
        "dose": Leaves("EX.EXDOSE, EC.ECDOSE, CM.CMDOSE"),
        "unit": Leaves("EX.EXDOSU, EC.ECDOSU, CM.CMDOSU"),
        "started": Leaves("EX.EXSTDTC, EC.ECSTDTC, CM.CMSTDTC"),
        "ended": Leaves("EX.EXENDTC, EC.ECENDTC, CM.CMENDTC"),
        "modification": Beside("DOSMODIF", "Modification of the Dose", ("EC", "CM")),
        "modification_reason": Beside("DOSMODRS", "Reason for Modification of the Dose", ("EC", "CM")),
        "modification_detail": Beside("DOSMODDT", "Reason for Modification in Words", ("EC", "CM")),
        "lot": Leaves("EX.EXLOT, EC.ECLOT, CM.CMLOT"),
        "route": Leaves("EX.EXROUTE, EC.ECROUTE, CM.CMROUTE"),
        "volume": Beside("DOSVOL", "Volume Administered", ("EC", "CM")),
    },
    "cell_product": {
        "apheresis": Leaves("PR.PRSTDTC"),
        "apheresis_number": About("APHNUM", "Apheresis Number", _CELLS),
        "manufacture": About("MANUFST", "Manufacture Status", _CELLS),
        "manufacture_on": About("MANUFDT", "Date of Manufacture Status", _CELLS),
        "out_of_specification": About("OUTSPEC", "Out of Specification", _CELLS),
        "release_document": About("RELDOC", "Document of Release", _CELLS),
        "lot": About("PRODLOT", "Lot of Product", _CELLS),
        "transduced_cells": About("TRDCELLS", "Transduced Cells", _CELLS),
        "body_surface": About("BSA", "Body Surface Area", _CELLS, "m2"),
        "body_surface_on": About("BSADT", "Date of Body Surface Area", _CELLS),
        "bags/bag": About("BAG", "Bag Number", _CELLS),
        "bags/expires": About("BAGEXP", "Expiry of Bag", _CELLS),
        "bags/thawed": About("BAGTHAW", "Bag Thawed", _CELLS),
        "bags/volume": About("BAGVOL", "Volume of Bag", _CELLS, "mL"),
    },
    "icans_crs": {
        "observed": Leaves("FA.FADTC"),
        "temperature": About("TEMP", "Temperature", _OBSERVED, "C"),
        "fever_treated": About("FEVTRT", "Fever Treated at or Before This Time", _OBSERVED),
        "hypotension": About("HYPOTENS", "Hypotension", _OBSERVED),
        "vasopressors": About("VASOPRS", "Number of Vasopressors", _OBSERVED),
        "vasopressin": About("VASOPIN", "Vasopressin", _OBSERVED),
        "oxygen": About("OXYGEN", "Oxygen Given By", _OBSERVED),
        "oxygen_flow": About("OXFLOW", "Oxygen Flow", _OBSERVED, "L/min"),
        "ice_orientation": About("ICEORIEN", "ICE Orientation", _NERVES),
        "ice_naming": About("ICENAME", "ICE Naming", _NERVES),
        "ice_commands": About("ICECOMM", "ICE Following Commands", _NERVES),
        "ice_writing": About("ICEWRITE", "ICE Writing", _NERVES),
        "ice_attention": About("ICEATTEN", "ICE Attention", _NERVES),
        "consciousness": About("CONSCIOU", "Consciousness", _NERVES),
        "seizure": About("SEIZURE", "Seizure", _NERVES),
        "motor": About("MOTOR", "Motor Findings", _NERVES),
        "edema": About("EDEMA", "Edema of the Brain", _NERVES),
    },
    "adverse_event": {
        "term": Leaves("AE.AETERM"),
        "ctcae_term": Leaves("AE.AETOX"),
        "interest": Leaves("AE.AECAT"),
        "part_of": Beside("AEPARTOF", "Symptom of Adverse Event Number", ("AE",)),
        "onset": Leaves("AE.AESTDTC"),
        "is_ongoing": Leaves("AE.AEENRTPT"),
        "ended": Leaves("AE.AEENDTC"),
        "outcome": Leaves("AE.AEOUT"),
        "severity": Leaves("AE.AESEV"),
        "is_serious": Leaves("AE.AESER"),
        "site_aware_at": Leaves("SUPPAE.AEAWARE"),
        "results_in_death": Leaves("AE.AESDTH"),
        "is_life_threatening": Leaves("AE.AESLIFE"),
        "needs_hospital": Leaves("AE.AESHOSP"),
        "disables": Leaves("AE.AESDISAB"),
        "is_congenital": Leaves("AE.AESCONG"),
        "is_other_important": Leaves("AE.AESMIE"),
        "relation": Leaves("AE.AEREL"),
        "other_cause": Leaves("AE.AERELNST"),
        "was_treated": Leaves("AE.AECONTRT"),
        "treatment": Leaves("AE.AEACNOTH"),
        "grade_periods/grade": Leaves("FA.FAORRES of TOXGR, AE.AETOXGR"),
        "grade_periods/began": Leaves("FA.FADTC"),
        "grade_periods/ended": Leaves("FA.FAENDTC"),
        "grade_periods/scale": About("GRDSCALE", "Scale of the Grade", "ADVERSE EVENT GRADE"),
        "attributions/relation": Leaves("SUPPAE.AERELn, AE.AEREL"),
        "attributions/action": Leaves("SUPPAE.AEACNn, AE.AEACN"),
    },
    "concomitant_medication": {
        "name": Leaves("CM.CMTRT"),
        "indication": Leaves("CM.CMINDC"),
        "given_for": Beside("CMGIVFOR", "Given For", ("CM",)),
        "linked_entry": Beside("CMLNKNUM", "Entry Number Given For", ("CM",)),
        "dose": Leaves("CM.CMDOSE"),
        "dose_text": Leaves("CM.CMDOSTXT"),
        "unit": Leaves("CM.CMDOSU"),
        "form": Leaves("CM.CMDOSFRM"),
        "route": Leaves("CM.CMROUTE"),
        "frequency": Leaves("CM.CMDOSFRQ"),
        "started": Leaves("CM.CMSTDTC"),
        "ended": Leaves("CM.CMENDTC"),
        "is_ongoing": Leaves("CM.CMENRTPT"),
    },
    "new_anticancer_therapy": {
        "treatment": Leaves("CM.CMTRT, PR.PRTRT"),
        "therapy_kind": Beside("THTYPE", "Type of Therapy", ("CM", "PR")),
        "started": Leaves("CM.CMSTDTC, PR.PRSTDTC"),
        "ended": Leaves("CM.CMENDTC, PR.PRENDTC"),
        "is_ongoing": Beside("THONGO", "Ongoing", ("CM", "PR")),
    },
    "lesion": {
        "evaluator": Leaves("TU.TUEVAL, TU.TUEVALID"),
        "kind": Leaves("TU.TUORRES"),
        "location": Leaves("TU.TULOC"),
        "laterality": Leaves("TU.TULAT"),
        "location_detail": Leaves("SUPPTU.TULOCDTL"),
        "node": Beside("TUNODE", "Lymph Node", ("TU",)),
        "method": Leaves("TU.TUMETHOD"),
        "slice_mm": Beside("TUSLICE", "Slice Thickness in mm", ("TU",)),
        "identified": Leaves("TU.TUDTC"),
        "identified_at": Leaves("TU.VISIT, TU.VISITNUM"),
    },
    "tumor_assessment": {
        "evaluator": Leaves("TR.TREVAL, RS.RSEVAL"),
        "scanned": Leaves("TR.TRDTC, RS.RSDTC"),
        "method": Leaves("TR.TRMETHOD"),
        "target_response": Leaves("RS.RSORRES of TRGRESP"),
        "non_target_response": Leaves("RS.RSORRES of NTRGRESP"),
        "new_lesions": Leaves("RS.RSORRES of NEWLPROG"),
        "overall_response": Leaves("RS.RSORRES of OVRLRESP"),
        "why_different": Leaves("SUPPRS.RSREASON"),
        "lesions/longest_mm": Leaves("TR.TRORRES of LDIAM"),
        "lesions/short_axis_mm": Leaves("TR.TRORRES of LPERP"),
        "lesions/diameter_mm": Leaves("TR.TRORRES of DIAMETER"),
        "lesions/state": Leaves("TR.TRORRES of TUMSTATE, TR.TRORRES of DIAMETER, TR.TRSTAT"),
        "lesions/reason": Beside("TRREASON", "Why Not Measured", ("TR",)),
    },
    "disposition": {
        "happened": Leaves("DS.DSSTDTC"),
        "reason": Leaves("DS.DSDECOD"),
        "detail": Leaves("DS.DSTERM"),
    },
    "death": {
        "died": Leaves("DM.DTHDTC, DS.DSSTDTC of DEATH"),
        "cause": Leaves("DS.DSTERM of DEATH"),
        "cause_kind": Beside("DTHCAT", "Kind of Cause of Death", ("DS",)),
        "is_related": Beside("DTHREL", "Death Related to Study Treatment", ("DS",)),
        "adverse_event": Beside("DTHAENUM", "Number of the Fatal Adverse Event", ("DS",)),
        "autopsy": Beside("DTHAUTOP", "Autopsy Done", ("DS",)),
    },
    "survival_follow_up": {
        "contacted": Leaves("SS.SSDTC"),
        "contact_mode": Beside("SSCNTMOD", "Contact Mode", ("SS",)),
        "status": Leaves("SS.SSORRES"),
        "last_known_alive": Beside("SSLKADTC", "Date Last Known Alive", ("SS",)),
    },
}

PAGE_DATES: Mapping[str, str] = {
    "disease_history": "diagnosed_on",
    "medical_history": "collected",
    "vital_signs": "taken",
    "ecg": "taken",
    "performance_status": "assessed",
    "eligibility": "assessed",
    "lab_panel": "collected",
    "icans_crs": "observed",
    "administration": "started",
    "tumor_assessment": "scanned",
    "demographics": "collected",
}
"""The field that says when a page's answers were true: the date of a finding that it becomes."""
