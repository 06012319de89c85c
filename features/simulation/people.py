"""Who the customers are: place, life stage, work, income, rhythm."""

from typing import NamedTuple

import numpy as np

from features.simulation.settings import YEAR_DAYS, Bools, Floats, Ints, Plan
from features.simulation.territory import SPREAD_KM, County

STAGES = ("student", "young", "family", "settled", "retired", "business")
STUDENT, YOUNG, FAMILY, SETTLED, RETIRED, BUSINESS = range(6)
OCCUPATIONS = (
    *("student", "retired", "worker", "clerk", "teacher", "civil servant"),
    *("driver", "trader", "farmer", "trade business"),
)
_WORKING = slice(2, 9)  # occupations of people between school and pension
_TOWN_WEIGHTS = np.array([0.32, 0.24, 0.08, 0.08, 0.09, 0.15, 0.04])
_VILLAGE_WEIGHTS = np.array([0.34, 0.10, 0.04, 0.03, 0.09, 0.12, 0.28])
_MEDIAN_INCOME = np.array([1_200, 3_600, 5_200, 6_400, 7_400, 7_800, 5_600, 6_800, 3_800, 24_000])
_SALARIED_SHARE = np.array([0.0, 0.92, 0.9, 0.9, 0.95, 0.95, 0.35, 0.0, 0.0, 0.0])
BANDS = ("low", "middle", "upper", "high")
_BAND_EDGES = np.array([3_000.0, 6_000.0, 11_000.0])
BUSINESS_SHARE, JOINING_SHARE = 0.05, 0.011  # of all customers; of all customers a month


class People(NamedTuple):
    """One block of customers, an entry each; days count from 1970-01-01, money is yuan a month."""

    number: Ints
    place: Ints
    village: Bools
    east_km: Floats
    north_km: Floats
    outlet: Ints
    distance_km: Floats
    located: Ints  # 3 coordinates and all else, 2 district and outlet, 1 outlet only, 0 nothing
    stage: Ints
    birth_day: Ints
    sex: Ints  # 0 F, 1 M, 2 not known
    occupation: Ints
    income: Floats
    band: Ints  # 4 not known
    salaried: Bools
    joined_day: Ints
    joined_month: Ints  # -1: before the first month
    rhythm: Floats
    mobile: Bools
    opted_out: Bools
    contact_effect: Floats

    @property
    def size(self) -> int:
        """Customers in the block."""
        return len(self.number)


def draw_people(plan: Plan, county: County, block: int) -> People:
    """The customers of one block."""
    chance = plan.stream("people", block)
    number = plan.numbers(block)
    count = len(number)
    place = chance.choice(len(county.places), count, p=[one.share for one in county.places])
    village = np.array([one.kind == "village" for one in county.places])[place]
    east, north = _homes(county, place, chance)
    outlet, distance = _nearest_outlet(county, east, north)
    age, stage = _ages(count, village, chance)
    joined_day, joined_month = _joining(plan, age, chance)
    occupation = _occupations(stage, village, chance)
    income = _MEDIAN_INCOME[occupation] * np.exp(0.4 * chance.standard_normal(count))
    is_mobile = np.clip(1.05 - np.maximum(age - 25, 0) / 65, 0.1, 0.95) - 0.1 * village
    band = np.searchsorted(_BAND_EDGES, income * np.exp(0.1 * chance.standard_normal(count)))
    return People(
        number=number,
        place=place,
        village=village,
        east_km=east,
        north_km=north,
        outlet=outlet,
        distance_km=distance,
        located=np.searchsorted([0.003, 0.02, 0.06], chance.random(count), side="right"),
        stage=stage,
        birth_day=(plan.first_days[0] - age * YEAR_DAYS).astype(np.int64),
        sex=np.searchsorted([0.5, 0.99], chance.random(count)),
        occupation=occupation,
        income=income,
        band=np.where(chance.random(count) < 0.03, len(BANDS), band),
        salaried=chance.random(count) < _SALARIED_SHARE[occupation],
        joined_day=joined_day,
        joined_month=joined_month,
        rhythm=chance.gamma(4.0, 1 / 4.0, count),
        mobile=(chance.random(count) < is_mobile) | (stage == BUSINESS),
        opted_out=chance.random(count) < 0.04,
        contact_effect=_contact_effect(age, distance, chance),
    )


def _homes(county: County, place: Ints, chance: np.random.Generator) -> tuple[Floats, Floats]:
    spread = np.array([SPREAD_KM[one.kind] for one in county.places])[place]
    centre = np.array([(one.east_km, one.north_km) for one in county.places])[place]
    homes = centre + spread[:, None] * chance.standard_normal((len(place), 2))
    return homes[:, 0], homes[:, 1]


def _nearest_outlet(county: County, east: Floats, north: Floats) -> tuple[Ints, Floats]:
    spots = np.array([(outlet.east_km, outlet.north_km) for outlet in county.outlets])
    away = np.hypot(east[:, None] - spots[:, 0], north[:, None] - spots[:, 1])
    return away.argmin(axis=1), away.min(axis=1)


def _joining(plan: Plan, age: Floats, chance: np.random.Generator) -> tuple[Ints, Ints]:
    """Most were there before the first month; about as many join each month as leave."""
    count = len(age)
    month = (chance.random(count) / JOINING_SHARE).astype(np.int64)
    month = np.where(month < plan.months, month, -1)
    first = plan.first_days
    new = first[month] + (chance.random(count) * (first[month + 1] - first[month])).astype(np.int64)
    years = np.minimum(chance.exponential(6.0, count), age - 16)
    old = first[0] - 1 - (years * YEAR_DAYS).astype(np.int64)
    return np.where(month >= 0, new, old), month


def _ages(count: int, village: Bools, chance: np.random.Generator) -> tuple[Floats, Ints]:
    age = np.clip(44 + 6 * village + 16 * chance.standard_normal(count), 18, 92)
    stage = np.searchsorted([23, 30, 45, 60], age, side="right")
    return age, np.where(chance.random(count) < BUSINESS_SHARE, BUSINESS, stage)


def _occupations(stage: Ints, village: Bools, chance: np.random.Generator) -> Ints:
    draw = chance.random(len(stage))
    town = np.searchsorted(np.cumsum(_TOWN_WEIGHTS)[:-1], draw, side="right")
    rural = np.searchsorted(np.cumsum(_VILLAGE_WEIGHTS)[:-1], draw, side="right")
    working = _WORKING.start + np.where(village, rural, town)
    chosen = np.where((stage == STUDENT) & (chance.random(len(stage)) < 0.6), 0, working)
    chosen = np.where(stage == RETIRED, 1, chosen)
    return np.where(stage == BUSINESS, len(OCCUPATIONS) - 1, chosen)


def _contact_effect(age: Floats, distance: Floats, chance: np.random.Generator) -> Floats:
    """Log-odds of leaving that a contact adds: it helps the old and the far, annoys some young."""
    return (
        -0.5 - 0.015 * (age - 45) - 0.02 * (distance - 4) + 0.6 * chance.standard_normal(len(age))
    )
