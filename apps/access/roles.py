"""The role × action matrix, as one readable table.

Site roles write clinical values; sponsor roles never do (a test holds `CLINICAL_WRITES` against this table).
Builder and approver of a protocol are different roles, as are who asks for an unlock and who approves it.
"""

from django.db import models

from apps.core.action import Action as A


class Role(models.TextChoices):
    COORDINATOR = "coordinator", "Study coordinator"
    INVESTIGATOR = "investigator", "Investigator"
    PHARMACIST = "pharmacist", "Pharmacist"
    MONITOR = "monitor", "Monitor (CRA)"
    DATA_MANAGER = "data_manager", "Data manager"
    MEDICAL_MONITOR = "medical_monitor", "Medical monitor"
    STATISTICIAN = "statistician", "Statistician"
    SPONSOR = "sponsor", "Sponsor (exports)"
    STUDY_BUILDER = "study_builder", "Study builder"
    ADMINISTRATOR = "administrator", "Administrator"
    AUDITOR = "auditor", "Auditor"


SITE_ROLES = frozenset({Role.COORDINATOR, Role.INVESTIGATOR, Role.PHARMACIST})
"""Roles that are held at a site and never study-wide."""

_READER = {A.READ_STUDY, A.READ_DATA}

ROLE_ACTIONS: dict[Role, frozenset[A]] = {
    Role.COORDINATOR: frozenset(
        _READER
        | {
            A.CREATE_SUBJECT,
            A.ENTER_DATA,
            A.RECORD_DOSING,
            A.ANSWER_QUERY,
            A.REQUEST_SLOT,
            A.EXPORT_LISTING,
            A.READ_AUDIT,
        }
    ),
    Role.INVESTIGATOR: frozenset(
        _READER
        | {
            A.CREATE_SUBJECT,
            A.ENTER_DATA,
            A.RECORD_DOSING,
            A.ANSWER_QUERY,
            A.REQUEST_SLOT,
            A.EXPORT_LISTING,
            A.READ_AUDIT,
        }
        | {A.SIGN_ELIGIBILITY, A.ASSESS_DLT, A.SIGN_RECORDS, A.READ_ALERTS}
    ),
    Role.PHARMACIST: frozenset(_READER | {A.RECORD_DOSING}),
    Role.MONITOR: frozenset(
        _READER | {A.RAISE_QUERY, A.CLOSE_QUERY, A.VERIFY_SOURCE, A.REVIEW_DATA, A.EXPORT_LISTING, A.READ_AUDIT}
    ),
    Role.DATA_MANAGER: frozenset(
        _READER
        | {A.RAISE_QUERY, A.CLOSE_QUERY, A.REVIEW_DATA, A.FREEZE_DATA, A.LOCK_DATA, A.UNLOCK_DATA, A.APPROVE_RANGES}
        | {A.EXPORT_LISTING, A.EXPORT_DATASETS, A.READ_AUDIT}
    ),
    Role.MEDICAL_MONITOR: frozenset(
        _READER
        | {A.RAISE_QUERY, A.CLOSE_QUERY, A.REVIEW_DATA, A.RELEASE_SLOT, A.ADJUDICATE_DLT, A.DECIDE_ESCALATION}
        | {A.TRIAGE_SERIOUS_EVENT, A.READ_ALERTS, A.ACKNOWLEDGE_ALERT, A.EXPORT_LISTING, A.READ_AUDIT}
    ),
    Role.STATISTICIAN: frozenset(_READER | {A.EXPORT_LISTING, A.EXPORT_DATASETS}),
    Role.SPONSOR: frozenset(_READER | {A.EXPORT_LISTING, A.EXPORT_DATASETS}),
    Role.STUDY_BUILDER: frozenset({A.READ_STUDY, A.DRAFT_PROTOCOL}),
    Role.ADMINISTRATOR: frozenset({A.READ_STUDY, A.APPROVE_PROTOCOL, A.MANAGE_SITES, A.MANAGE_PEOPLE, A.READ_SYSTEM}),
    Role.AUDITOR: frozenset(_READER | {A.READ_ALERTS, A.READ_AUDIT, A.READ_SYSTEM, A.EXPORT_LISTING}),
}
