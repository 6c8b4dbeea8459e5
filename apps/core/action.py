"""Everything a person can do in the system, as the capabilities that roles are made of."""

from enum import StrEnum


class Action(StrEnum):
    """One capability. Which role holds which is the table in `apps/access/roles.py`."""

    READ_STUDY = "see the study's places, cohorts and counts"
    READ_DATA = "read casebooks and listings"
    # The site's own work: the only actions that write clinical values.
    CREATE_SUBJECT = "record a new subject with consent"
    ENTER_DATA = "enter and correct form values"
    RECORD_DOSING = "record administrations and cell products"
    ANSWER_QUERY = "answer queries"
    REQUEST_SLOT = "ask for a place in a cohort"
    SIGN_ELIGIBILITY = "sign eligibility"
    ASSESS_DLT = "give the investigator's answer on a DLT"
    SIGN_RECORDS = "sign casebooks"
    # Review.
    RAISE_QUERY = "raise queries"
    CLOSE_QUERY = "close or reopen queries"
    VERIFY_SOURCE = "verify against source"
    REVIEW_DATA = "mark rows reviewed"
    FREEZE_DATA = "freeze and unfreeze"
    LOCK_DATA = "lock"
    UNLOCK_DATA = "approve an unlock"
    APPROVE_RANGES = "approve laboratory ranges"
    # The sponsor's own assessments, in tables of their own.
    RELEASE_SLOT = "release a slot for dosing"
    ADJUDICATE_DLT = "adjudicate a DLT"
    TRIAGE_SERIOUS_EVENT = "triage a serious event for the sponsor"
    DECIDE_ESCALATION = "sign a dose decision"
    READ_ALERTS = "see safety alerts"
    ACKNOWLEDGE_ALERT = "acknowledge safety alerts"
    # Data out.
    EXPORT_LISTING = "download a listing"
    EXPORT_DATASETS = "export datasets"
    READ_AUDIT = "read the audit trail"
    # The study itself.
    DRAFT_PROTOCOL = "load protocol versions"
    APPROVE_PROTOCOL = "approve protocol versions"
    MANAGE_SITES = "open sites and set them up"
    MANAGE_PEOPLE = "invite people and give roles"
    READ_SYSTEM = "see queues, workers and failed jobs"


CLINICAL_WRITES = frozenset(
    {
        Action.CREATE_SUBJECT,
        Action.ENTER_DATA,
        Action.RECORD_DOSING,
        Action.ANSWER_QUERY,
        Action.REQUEST_SLOT,
        Action.SIGN_ELIGIBILITY,
        Action.ASSESS_DLT,
        Action.SIGN_RECORDS,
    }
)
"""What only a site may do: no sponsor-side role holds any of these (ICH E6(R3) 3.16.1(i))."""
