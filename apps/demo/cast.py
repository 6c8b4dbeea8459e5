"""Who plays in the demo: sites, one account per role and site, and the one password they share."""

from dataclasses import dataclass

from apps.access.roles import Role

PASSWORD = "a quiet harbour in june"
"""Printed with the sign-ins. It exists in a demo only: nothing loads it unless somebody asks for a demo."""

DOMAIN = "example.org"


@dataclass(frozen=True)
class SitePlan:
    """A hospital of the demo; every one of them is invented."""

    number: str
    name: str
    country: str
    zone: str


@dataclass(frozen=True)
class Person:
    """One account: who, in which role, at which site (None: all sites of the study)."""

    full_name: str
    role: Role
    site: str | None

    @property
    def email(self) -> str:
        given = self.full_name.removeprefix("Dr ").lower().replace(" ", ".")
        return f"{given}@{DOMAIN}"


_PLACES = (
    ("Elbe University Hospital, Dresden", "DEU", "Europe/Berlin"),
    ("Bayou Cancer Center, Houston", "USA", "America/Chicago"),
    ("Maas Medical Center, Rotterdam", "NLD", "Europe/Amsterdam"),
    ("Neckar University Hospital, Stuttgart", "DEU", "Europe/Berlin"),
    ("Hudson Cancer Institute, New York", "USA", "America/New_York"),
    ("Hospital Turia, Valencia", "ESP", "Europe/Madrid"),
    ("Mersey Cancer Centre, Liverpool", "GBR", "Europe/London"),
    ("Lake Clinic, Chicago", "USA", "America/Chicago"),
    ("Alster Clinic, Hamburg", "DEU", "Europe/Berlin"),
    ("Institut Garonne, Toulouse", "FRA", "Europe/Paris"),
)

_SITE_PEOPLE = (
    ("Dr Amara Okafor", "Chidi Eze", "Pia Lund"),
    ("Dr Ines Prado", "Iris Novak", "Paul Reyes"),
    ("Dr Joris Vermeer", "Kaya Demir", "Lotte Smit"),
)
_GIVEN = ("Alva", "Bruno", "Clara", "Dario", "Elin", "Farid", "Greta", "Hugo", "Ilse", "Jamal", "Karin", "Leo")
_FAMILY = ("Adler", "Bianchi", "Costa", "Dubois", "Engel", "Farkas", "Gomez", "Horvat", "Ivers", "Jansen", "Keller")

STUDY_WIDE = (
    Person("Noor Haddad", Role.MONITOR, None),
    Person("Dr Mora Lindqvist", Role.MEDICAL_MONITOR, None),
    Person("Dana Weiss", Role.DATA_MANAGER, None),
    Person("Stan Brandt", Role.STATISTICIAN, None),
    Person("Sven Olsen", Role.SPONSOR, None),
    Person("Bea Roth", Role.STUDY_BUILDER, None),
    Person("Adam Klein", Role.ADMINISTRATOR, None),
    Person("Agnes Petit", Role.AUDITOR, None),
)
SITE_ROLES = (Role.INVESTIGATOR, Role.COORDINATOR, Role.PHARMACIST)


def sites(count: int) -> list[SitePlan]:
    """So many sites; beyond the first ten a city has a second and third hospital."""
    found = []
    for place in range(count):
        name, country, zone = _PLACES[place % len(_PLACES)]
        again = place // len(_PLACES)
        found.append(SitePlan(f"{place + 1}01", f"{name} {again + 1}" if again else name, country, zone))
    return found


def people(planned: list[SitePlan]) -> list[Person]:
    """Everybody: three at each site, and one in every study-wide role."""
    found = list(STUDY_WIDE)
    for place, site in enumerate(planned):
        names = _SITE_PEOPLE[place] if place < len(_SITE_PEOPLE) else _generated(place)
        found += [Person(name, role, site.number) for name, role in zip(names, SITE_ROLES, strict=True)]
    return found


def _generated(place: int) -> tuple[str, str, str]:
    """Names that no other site has: each counts on through the pairs of a given and a family name."""
    pairs = [(3 * place + step) for step in range(3)]
    doctor, coordinator, pharmacist = (
        f"{_GIVEN[pair % len(_GIVEN)]} {_FAMILY[pair % len(_FAMILY)]}"
        + ("" if pair < len(_GIVEN) * len(_FAMILY) else f" {pair // (len(_GIVEN) * len(_FAMILY)) + 1}")
        for pair in pairs
    )
    return f"Dr {doctor}", coordinator, pharmacist
