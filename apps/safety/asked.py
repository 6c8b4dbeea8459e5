"""What a protocol asks on its adverse-event page: terms and scales, relations to products, what it leaves out."""

from functools import cache

from apps.safety.models import Scale
from clinical.ctcae import terms
from clinical.ctcae.terms import Term
from clinical.protocol.conduct import SeverityScale
from clinical.protocol.definition import Definition
from clinical.protocol.design import Product
from clinical.protocol.pages import Page

CRS_TERM = "Cytokine release syndrome"
ICANS_TERM = "Immune effector cell-associated neurotoxicity syndrome"
ASTCT_TERMS = (CRS_TERM, ICANS_TERM)

_ICANS = Term(
    version="ASTCT",
    soc="Nervous system disorders",
    code="",
    name=ICANS_TERM,
    texts=tuple((grade, f"ICANS grade {grade} by the ASTCT consensus") for grade in terms.GRADES),
)
_ICANS_WORDS = frozenset({"icans", ICANS_TERM.casefold()})


def version_of(definition: Definition, dictionary: str) -> str | None:
    """The version of a dictionary that the protocol works with; None where it has none."""
    return next((each.version for each in definition.dictionaries if each.name == dictionary), None)


def grades_by_words(definition: Definition) -> bool:
    """Whether severity is one of three words rather than a grade."""
    return definition.safety.severity is SeverityScale.THREE_WORDS


def is_collected(definition: Definition, field: str) -> bool:
    """Whether the trial has this part of the adverse-event page at all."""
    return not any(each.page == Page.ADVERSE_EVENT.value and each.field == field for each in definition.not_collected)


@cache
def _dictionary(version: str) -> terms.Dictionary:
    return terms.dictionary(version)


def find_term(definition: Definition, name: str | None) -> Term | None:
    """The graded term of that name in the protocol's version of CTCAE; ICANS, which CTCAE 5.0 lacks, by ASTCT.

    >>> from clinical.ctcae import terms
    >>> terms.dictionary("5.0").find("ICANS") is None
    True
    """
    version = version_of(definition, "CTCAE")
    if not name or version is None:
        return None
    found = _dictionary(version).find(name)
    if found is None and _has_astct(definition) and " ".join(name.casefold().split()) in _ICANS_WORDS:
        return _ICANS
    return found


def term_or_fault(definition: Definition, name: str) -> Term | str:
    """The graded term of that name, or the sentence that says there is none and what comes near."""
    found = find_term(definition, name)
    if found is not None:
        return found
    try:
        return _dictionary(version_of(definition, "CTCAE") or "").term(name)
    except ValueError as unknown:
        return f"{unknown} Choose a term of the list."


def search_terms(definition: Definition, text: str, *, limit: int = 20) -> list[Term]:
    """Terms for what somebody has typed so far."""
    version = version_of(definition, "CTCAE")
    if version is None:
        return []
    found = list(_dictionary(version).search(text, limit=limit))
    typed = text.casefold().strip()
    if _has_astct(definition) and typed and any(word.startswith(typed) for word in _ICANS_WORDS):
        found = [_ICANS, *(term for term in found if term.name != ICANS_TERM)]
    return found[:limit]


def usual_scale(definition: Definition, term: str | None) -> Scale:
    """The scale that a term is graded by unless the period says otherwise: ASTCT for CRS and ICANS."""
    return Scale.ASTCT if _has_astct(definition) and term in ASTCT_TERMS else Scale.CTCAE


def scale_words(definition: Definition, scale: str) -> str:
    """The scale with its version, as it is kept beside the grade: “CTCAE 5.0”."""
    return f"{scale} {version_of(definition, scale) or ''}".strip()


def grade_fault(definition: Definition, *, term: str | None, scale: str, grade: int) -> str | None:
    """Why an event of this term cannot have the grade; None where it can, or while nobody has chosen the term."""
    if scale != Scale.CTCAE or term in (None, ICANS_TERM):
        return None
    version = version_of(definition, "CTCAE")
    return None if version is None else terms.refusal(version, term or "", grade)


def products_asked(definition: Definition) -> list[Product]:
    """The products whose part in an event is asked, in the order of the protocol."""
    if not is_collected(definition, "attribution_per_product"):
        return []
    return [product for product in definition.products if product.for_attribution]


def study_products(definition: Definition) -> frozenset[str]:
    """The products a relation to which makes an event related to study treatment."""
    return frozenset(product.code for product in definition.products if product.study_product)


def relations(definition: Definition) -> list[tuple[str, str]]:
    """The answers on the relation to a product."""
    return [(term.value, term.label) for term in definition.codelist(definition.safety.relation_terms).terms]


def _has_astct(definition: Definition) -> bool:
    return version_of(definition, "ASTCT") is not None
