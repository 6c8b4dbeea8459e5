"""A proportion of subjects with its exact confidence interval."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from scipy import stats


@dataclass(frozen=True, slots=True)
class Proportion:
    """So many of so many."""

    count: int
    total: int

    @property
    def percent(self) -> Decimal | None:
        """In percent to one decimal; of nobody there is no percentage.

        >>> Proportion(21, 40).percent
        Decimal('52.5')
        """
        return _tenths(Decimal(100 * self.count) / self.total) if self.total else None

    def interval(self, confidence: float = 0.95) -> tuple[Decimal, Decimal] | None:
        """The exact interval of Clopper and Pearson (1934) in percent, by scipy.

        With no event the lower limit is 0 and the upper one is not: nothing seen in 10 subjects still allows 31 %.

        >>> Proportion(0, 10).interval()
        (Decimal('0.0'), Decimal('30.8'))
        """
        if not self.total:
            return None
        exact = stats.binomtest(self.count, self.total).proportion_ci(confidence_level=confidence, method="exact")
        return _tenths(Decimal(repr(float(exact.low))) * 100), _tenths(Decimal(repr(float(exact.high))) * 100)


def _tenths(number: Decimal) -> Decimal:
    return number.quantize(Decimal("0.1"), rounding=ROUND_HALF_UP)
