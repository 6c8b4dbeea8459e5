"""Two subjects of a dose-escalation trial, as the exports would hand them over: one treated, one failure."""

from decimal import Decimal as D

from clinical.sdtm import facts
from clinical.sdtm.domains import se
from clinical.sdtm.facts import Casebook, Conventions, Reader, TrialDesign, Visit

SCREENING, C1D1, C1D8, WEEK8 = (
    Visit(D(1), "SCREENING", -14),
    Visit(D(2), "C1D1", 1),
    Visit(D(3), "C1D8", 8),
    Visit(D(4), "WEEK 8", 57),
)
UNSCHEDULED = Visit(D("3.1"), "UNSCHEDULED 3.1")
READER_2 = Reader(evaluator="INDEPENDENT ASSESSOR", evaluator_id="RADIOLOGIST 2", is_accepted=True)
CONVENTIONS = Conventions(products=("IMA402", "DEXAMETHASONE"))
LONG_TERM = "Fever with rigors beginning four hours after the end of the infusion, " * 4


def treated() -> Casebook:
    return Casebook(
        subject=facts.Subject(
            study="IMA402-101",
            subject_number="101-001",
            unique_id="IMA402-101-101-001",
            site="101",
            country="DEU",
            screening_number="S101-003",
            investigator_id="A17",
            investigator_name="Amara, N.",
            birth="1960-03-16",
            sex="F",
            races=("ASIAN", "WHITE"),
            ethnicity="NOT HISPANIC OR LATINO",
            demographics_collected="2026-03-01",
            arm_code="DL2",
            arm="Dose level 2",
            actual_arm_code="DL2",
            actual_arm="Dose level 2",
            cohort="Cohort 2",
            dose_level="2 (0.06 mg)",
            elements=se.passed_through(
                (
                    ("SCRN", "Screening", "SCREENING", "2026-03-01"),
                    ("DL2", "Treatment at dose level 2", "TREATMENT", "2026-03-15T10:00"),
                ),
                participation_ended=None,
            ),
        ),
        visits=(
            facts.SubjectVisit(visit=SCREENING, occurred=True, began="2026-03-01", contact="IN PERSON"),
            facts.SubjectVisit(visit=C1D1, occurred=True, began="2026-03-15"),
            facts.SubjectVisit(visit=C1D8, occurred=False, not_occurred_reason="Subject in hospital elsewhere"),
            facts.SubjectVisit(
                visit=UNSCHEDULED, occurred=True, began="2026-03-24", is_planned=False, unplanned_reason="Fever"
            ),
            facts.SubjectVisit(visit=WEEK8, occurred=True, began="2026-05-10"),
        ),
        consents=(
            facts.Consent(reference="CONS-1", given="2026-03-01T09:10", document_version="2.0"),
            facts.Consent(reference="CONS-2", given="2026-03-01T09:20", activity="fresh biopsy"),
        ),
        milestones=(
            facts.Milestone(
                reference="DS-1",
                term="Progression of disease",
                decoded="PROGRESSIVE DISEASE",
                subcategory="STUDY TREATMENT",
                when="2026-05-12",
                recorded="2026-05-12",
            ),
        ),
        criteria=(facts.CriterionAnswer(code="INCL01", text="Age of 18 or more", category="INCLUSION", answer="Y"),),
        history=(
            facts.HistoryEntry(
                reference="MH-1",
                term="Uveal melanoma",
                category="PRIMARY DIAGNOSIS",
                began="2021",
                ongoing_at="2026-03-01",
                collected="2026-03-01",
            ),
        ),
        medications=(
            facts.Medication(
                reference="CM-1", name="Ramipril", dose=D("2.5"), unit="mg", route="ORAL", frequency="QD",
                indication="Hypertension", began_before_study=True, ongoing_at="2026-05-10",
            ),
        ),
        administrations=(
            facts.Administration(
                reference="EC-1", product="IMA402", planned_dose=D("0.06"), planned_on="2026-03-15", was_given=True,
                dose=D("0.06"), unit="mg", form="SOLUTION", route="INTRAVENOUS", lot="B7",
                began="2026-03-15T10:00", ended="2026-03-15T11:00", step="Priming 1", visit=C1D1,
            ),
            facts.Administration(
                reference="EC-2", product="IMA402", planned_dose=D("0.06"), planned_on="2026-03-22", was_given=False,
                not_given_reason="Adverse event", unit="mg", form="SOLUTION", route="INTRAVENOUS",
            ),
            facts.Administration(
                reference="EC-3", product="DEXAMETHASONE", is_study_treatment=False, was_given=True, dose=D(8),
                unit="mg", route="INTRAVENOUS", began="2026-03-15T09:00", ended="2026-03-15T09:00", visit=C1D1,
            ),
        ),
        adverse_events=(
            facts.AdverseEvent(
                reference="AE-1",
                term=LONG_TERM,
                coding=facts.MedicalCoding(
                    preferred_term="Cytokine release syndrome", preferred_code=10052015,
                    body_system="Immune system disorders", body_system_code=10021428,
                ),
                toxicity_term="Cytokine release syndrome",
                began="2026-03-15T15:00",
                ended="2026-03-18",
                outcome="RECOVERED/RESOLVED",
                is_serious=True,
                needs_hospital=True,
                attributions=(
                    facts.Attribution(product="DEXAMETHASONE", relation="NOT RELATED", action="DOSE INCREASED"),
                    facts.Attribution(product="IMA402", relation="RELATED", action="DRUG INTERRUPTED"),
                ),
                grades=(
                    facts.GradePeriod(reference="AE-1/1", grade=1, began="2026-03-15T15:00", ended="2026-03-15T22:00"),
                    facts.GradePeriod(reference="AE-1/2", grade=3, began="2026-03-15T22:00", ended="2026-03-18"),
                ),
                dose_limiting=(
                    facts.DoseLimitingJudgement(
                        reference="AE-1/dlt/inv", evaluator="INVESTIGATOR", answer="N", judged="2026-03-19"
                    ),
                    facts.DoseLimitingJudgement(
                        reference="AE-1/dlt/com", evaluator="ADJUDICATION COMMITTEE", answer="Y",
                        criterion="Grade 3 CRS not back to grade 2 within 72 h", judged="2026-03-25",
                    ),
                ),
            ),
            facts.AdverseEvent(
                reference="AE-2", term="Müdigkeit ≥ 2 Wochen", toxicity_term="Fatigue", began="2026-04",
                ongoing_at="2026-05-10", outcome="NOT RECOVERED/NOT RESOLVED", is_serious=False,
                attributions=(facts.Attribution(product="IMA402", relation="POSSIBLE", action="DOSE NOT CHANGED"),),
                grades=(facts.GradePeriod(reference="AE-2/1", grade=2, began="2026-04"),),
            ),
        ),
        deviations=(
            facts.Deviation(
                reference="DV-1", term="Visit C1D8 missed", category="VISIT", began="2026-03-22", is_important=False,
                cause="Subject in hospital elsewhere",
            ),
        ),
        lab_results=(
            facts.LabResult(
                reference="LB-1/ALT", test_code="ALT", category="CHEMISTRY", result="412", unit="U/L",
                standard=D(412), standard_unit="U/L", range_low="5", range_high="40", standard_low=D(5),
                standard_high=D(40), indicator="HIGH", toxicity_term="Alanine aminotransferase increased",
                toxicity_grade=3, toxicity_reason=">5.0 to 20.0 x ULN", specimen="SERUM",
                collected="2026-03-24T08:00", visit=UNSCHEDULED, is_clinically_significant=True,
            ),
            facts.LabResult(
                reference="LB-0/ALT", test_code="ALT", category="CHEMISTRY", result="31", unit="U/L",
                range_low="5", range_high="40", indicator="NORMAL", specimen="SERUM", collected="2026-03-15T08:00",
                visit=C1D1, toxicity_grade=0,
            ),
            facts.LabResult(
                reference="LB-0/CRP", test_code="CRP", category="CHEMISTRY", result="<0.5", unit="mg/dL",
                standard="<5", standard_unit="mg/L", range_high="0.5", specimen="SERUM",
                collected="2026-03-15T08:00", visit=C1D1,
            ),
            facts.LabResult(
                reference="LB-0/LDH", test_code="LDH", category="CHEMISTRY", specimen="SERUM", is_not_done=True,
                not_done_reason="Haemolysed", collected="2026-03-15T08:00", visit=C1D1,
            ),
        ),
        vital_signs=(
            facts.Finding(
                reference="VS-1/TEMP", test_code="TEMP", result="38.9", unit="C", collected="2026-03-15T15:00",
                visit=C1D1,
                time_point=facts.TimePoint(
                    name="4 H AFTER END OF INFUSION", number=D(4), elapsed="PT4H", anchor="END OF INFUSION",
                    anchor_at="2026-03-15T11:00",
                ),
            ),
        ),
        performance_status=(
            facts.Finding(reference="QS-1", test_code="ECOG", result="1", collected="2026-03-01", visit=SCREENING),
        ),
        biomarkers=(
            facts.Biomarker(
                reference="GF-1", test_code="HLATYPE", test="HLA Typing", detail="GENOTYPE", symbol="HLA-A",
                result="A*02:01/A*03:01", interpretation="POSITIVE", specimen="DNA", collected="2026-03-01",
                visit=SCREENING,
            ),
            facts.Biomarker(
                reference="GF-2", test_code="TRNSCPTN", detail="NORMALIZED LEVEL", symbol="PRAME", result="1.7",
                interpretation="POSITIVE", specimen="mRNA", method="REVERSE TRANSCRIPTASE PCR",
                collected="2026-03-02", visit=SCREENING,
            ),
        ),
        lesions=(
            facts.Lesion(
                reference="TU-1", link="T01", kind="TARGET", location="LIVER", location_text="Segment VII",
                method="CT SCAN", identified="2026-03-05", visit=SCREENING,
            ),
            facts.Lesion(
                reference="TU-2", link="NT01", kind="NON-TARGET", location="LUNG", method="CT SCAN",
                identified="2026-03-05", visit=SCREENING,
            ),
            facts.Lesion(
                reference="TU-3", link="R2-T01", kind="TARGET", location="LIVER", method="CT SCAN",
                identified="2026-03-05", visit=SCREENING, reader=READER_2,
            ),
        ),
        measurements=(
            facts.LesionMeasurement(
                reference="TR-1", link="T01", kind="TARGET", assessment="A1", longest_mm=D("32.5"), method="CT SCAN",
                assessed="2026-03-05", visit=SCREENING,
            ),
            facts.LesionMeasurement(
                reference="TR-2", link="T01", kind="TARGET", assessment="A2", is_too_small=True, method="CT SCAN",
                assessed="2026-05-10", visit=WEEK8,
            ),
            facts.LesionMeasurement(
                reference="TR-3", link="NT01", kind="NON-TARGET", assessment="A2", not_evaluable_reason="Atelectasis",
                method="CT SCAN", assessed="2026-05-10", visit=WEEK8,
            ),
            facts.LesionMeasurement(
                reference="TR-4", link="NT01", kind="NON-TARGET", assessment="A1", state="PRESENT", method="CT SCAN",
                assessed="2026-03-05", visit=SCREENING,
            ),
        ),
        sums=(
            facts.DiameterSum(
                reference="TR-S1", sum_mm=D("32.5"), assessment="A1", assessed="2026-03-05", visit=SCREENING
            ),
        ),
        procedures=(
            facts.Procedure(
                reference="PR-1", name="Core needle biopsy of liver", location="LIVER", occurred=True,
                began="2026-03-02",
            ),
        ),
        survival=(facts.SurvivalStatus(reference="SS-1", status="ALIVE", asked="2026-05-30"),),
        responses=(
            facts.TumorResponse(
                reference="RS-1", test_code="OVRLRESP", response="PR", assessment="A2", assessed="2026-05-10",
                visit=WEEK8,
            ),
            facts.TumorResponse(
                reference="RS-2", test_code="OVRLRESP", response="NE", assessment="A2", assessed="2026-05-10",
                visit=WEEK8, is_derived=True, reason="A non-target lesion could not be evaluated.",
            ),
        ),
        extra_items=(
            facts.ExtraItem(
                reference="X-1", dataset="AE", variable="TOCIGIVN", label="Tocilizumab Given", value="Y", parent="AE-1"
            ),
            facts.ExtraItem(
                reference="X-2", dataset="DM", variable="BRTHPLC", label="Place of Birth", value="Lübeck"
            ),
            facts.ExtraItem(
                reference="X-3", dataset="FA", variable="PRUSTAT", label="Procedure Urgency Status Type",
                value="ELECTIVE", object="Biopsy", collected="2026-03-02", visit=SCREENING,
            ),
        ),
        comments=(
            facts.Comment(text="Seen by Dr Amara. " * 20, dataset="AE", parent="AE-1", written="2026-03-16"),
        ),
    )  # fmt: skip


def screen_failure() -> Casebook:
    return Casebook(
        subject=facts.Subject(
            study="IMA402-101",
            subject_number="101-002",
            unique_id="IMA402-101-101-002",
            site="101",
            country="DEU",
            birth="1971-05",
            sex="M",
            races=("WHITE",),
            no_arm_reason="SCREEN FAILURE",
            participation_ended="2026-03-09",
            elements=se.passed_through((("SCRN", "Screening", "SCREENING", "2026-03-08"),), "2026-03-09"),
        ),
        visits=(facts.SubjectVisit(visit=SCREENING, occurred=True, began="2026-03-08"),),
        consents=(facts.Consent(reference="CONS-1", given="2026-03-08", document_version="2.0"),),
        milestones=(
            facts.Milestone(
                reference="DS-1", term="Screen failure", decoded="SCREEN FAILURE", when="2026-03-09",
                subcategory="STUDY PARTICIPATION",
            ),
        ),
        criteria=(
            facts.CriterionAnswer(
                code="INCL04", text="HLA-A*02:01 positive", category="INCLUSION", answer="N", assessed="2026-03-09",
                visit=SCREENING,
            ),
            facts.CriterionAnswer(code="EXCL01", text="Pregnancy", category="EXCLUSION", answer="N"),
        ),
    )  # fmt: skip


def design() -> TrialDesign:
    return TrialDesign(
        study="IMA402-101",
        elements=(
            facts.Element("SCRN", "Screening", "Informed consent", "First dose", "P28D"),
            facts.Element("DL2", "Treatment at dose level 2", "First dose of IMA402", "Last dose plus 28 days"),
        ),
        arms=(
            facts.Arm(
                "DL2",
                "Dose level 2",
                (facts.ArmStep(1, "SCRN", "SCREENING", branch="Eligible"), facts.ArmStep(2, "DL2", "TREATMENT")),
            ),
        ),
        visits=(
            facts.PlannedVisit(SCREENING, "Informed consent"),
            facts.PlannedVisit(C1D1, "First dose of IMA402"),
            facts.PlannedVisit(C1D8, "Seven days after C1D1"),
            facts.PlannedVisit(WEEK8, "Eight weeks after C1D1"),
        ),
        criteria=(
            facts.Criterion("INCL01", "Age of 18 or more", "INCLUSION", "1.0"),
            facts.Criterion("INCL04", "HLA-A*02:01 positive", "INCLUSION", "1.0"),
        ),
        summary=(
            facts.SummaryParameter("TITLE", "A trial of IMA402 in advanced solid tumors"),
            facts.SummaryParameter("INTMODEL", "SINGLE GROUP", value_code="C82640", dictionary="CDISC CT"),
            facts.SummaryParameter("INTTYPE", "BIOLOGIC", value_code="C307", dictionary="CDISC CT"),
            facts.SummaryParameter("PCLAS", null_flavor="NI"),
            facts.SummaryParameter("OBJSEC", "Objective response"),
            facts.SummaryParameter("OBJSEC", "Duration of response"),
            facts.SummaryParameter("AGEMAX", null_flavor="PINF"),
        ),
    )
