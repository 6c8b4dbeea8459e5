"""Constraints on one column of a typed page: values are saved one by one, so no constraint may look at two."""

from django.db.models import CheckConstraint, Choices, Q

from apps.core.partial_date_field import IsPossiblePartialDate


def one_of(table: str, column: str, choices: type[Choices]) -> CheckConstraint:
    """The column holds an answer of the list, or none yet."""
    return CheckConstraint(name=f"{table}_{column}_is_known", condition=Q(**{f"{column}__in": choices.values}))


def between(table: str, column: str, least: int, most: int) -> CheckConstraint:
    """The column's number lies in the range, or there is none yet."""
    return CheckConstraint(
        name=f"{table}_{column}_is_{least}_to_{most}", condition=Q(**{f"{column}__range": (least, most)})
    )


def not_negative(table: str, column: str) -> CheckConstraint:
    """The column's number is no amount below nothing."""
    return CheckConstraint(name=f"{table}_{column}_is_not_negative", condition=Q(**{f"{column}__gte": 0}))


def is_a_date(table: str, column: str) -> CheckConstraint:
    """The column's text is a date to some precision, or there is none yet."""
    return CheckConstraint(
        name=f"{table}_{column}_is_a_date", condition=Q(**{column: None}) | Q(IsPossiblePartialDate(column))
    )
