"""Sections that the cards of both models have: purpose, people, gate, data, reproduction."""

from collections.abc import Mapping
from datetime import date
from typing import Any, NamedTuple

from features.settings import LabelSettings
from training.cards.reading import VersionFacts
from training.cards.structure import (
    Commands,
    Points,
    Section,
    Table,
    Words,
    facts,
    number,
    section,
)
from training.settings import UNKNOWN

SHORT = 12  # characters of a hash that are shown
INSIDE = ("scheduler",)  # settings of the bank's machines, which a page for others does not tell


class Setting(NamedTuple):
    """What a card needs to know beside the version: whose bank, which day, what may be told.

    `told_alone`: cells of the version's grid that are told alone; None where that grid is gone.
    """

    bank: str
    today: date
    customers_min: int
    told_alone: frozenset[str] | None
    grid_in_force: str


USES = {
    "retention": (
        "It foretells who will be lost, so that people can look after them: whom to call first, "
        "which complaint to settle, what a campaign would be worth.",
        "Retention only. A person decides what is done.",
    ),
    "segmentation": (
        "It says which segment a customer is in, and which one next quarter, so that people can "
        "choose the way and the pace of contact.",
        "Service and contact only. A person decides what is done.",
    ),
}
NEVER = (
    "Never for credit: no granting, limit, collection or scoring of risk.",
    "Never for price: no rate, fee or premium of a single customer.",
    "Never for eligibility: no product, account or service is refused, withdrawn or made harder "
    "to get because of it.",
    "Never to single out by age, sex or place; never about employees; never as evidence against "
    "anybody.",
)
KINDS = {
    "closed": "the account was closed",
    "silent": "there was no transaction of the customer's own",
    "zero_balance": "nothing was left: the last balance was at most {zero_below:g}",
    "balance_attrition": "the mean balance fell under {balance_ratio:.0%} of that before",
}


def purpose(known: VersionFacts) -> Section:
    """What the model is for and what it must not be used for."""
    use, limit = USES[known.name]
    return section("Purpose", Words(use), Words(limit), Points(NEVER))


def people(known: VersionFacts, setting: Setting) -> Section:
    """Who trained it, who looked at it, and every move that it took part in."""
    verdict = known.verdict or {}
    rows = [
        ("bank", setting.bank),
        ("owner, who trained it", known.trained_by or UNKNOWN),
        ("trained on", str(known.trained_on)),
        ("validator", str(verdict.get("validator") or "nobody was named")),
        ("aliases", ", ".join(known.aliases) or "none"),
        ("this card is of", str(setting.today)),
    ]
    return section("Who", facts("People and standing", rows), _moves(known))


def _moves(known: VersionFacts) -> Table | None:
    if not known.moves:
        return None
    header = ("at (UTC)", "by", "alias", "action", "from", "to", "validator", "why")
    rows = [
        (
            *(one.at[:16].replace("T", " "), one.by, one.alias, one.action),
            *(one.was or "-", one.version or "-", one.validator or "-", one.reason or "-"),
        )
        for one in known.moves
    ]
    return Table("Moves of its aliases", header, tuple(rows))


def gate(known: VersionFacts) -> Section:
    """What was checked before it could become champion."""
    verdict = known.verdict
    if verdict is None:
        told = "No verdict was given on this version."
        first = any(one.action == "first" and one.version == known.version for one in known.moves)
        more = " It became champion as the first version there was." if first else ""
        return section("Gate", Words(told + more))
    failed = [str(check["name"]) for check in verdict["checks"] if not check["passed"]]
    words = f"It does not pass: {', '.join(failed)}." if failed else "It passes every check."
    reason = _override(known)
    overruled = f" It became champion all the same, because: {reason}." if reason else ""
    against = f"champion {verdict['champion']}" if verdict["champion"] else "no champion"
    rows = f"; {verdict['rows']:,} rows" if verdict["rows"] else ""
    return section(
        "Gate",
        Words(words + overruled),
        Words(f"Judged beside {against}, on {verdict['judged_on']}{rows}."),
        _checks(verdict),
    )


def _override(known: VersionFacts) -> str:
    reasons = [
        one.reason
        for one in known.moves
        if one.action == "override" and one.version == known.version
    ]
    return reasons[-1].rstrip(".") if reasons else ""


def _checks(verdict: Mapping[str, Any]) -> Table:
    header = ("check", "passed", "champion", "this version", "must keep to", "why")
    rows = [
        (
            *(str(one["name"]), "yes" if one["passed"] else "NO"),
            *(_figure(one["champion"]), _figure(one["challenger"])),
            *(str(one["bound"]), str(one["reason"])),
        )
        for one in verdict["checks"]
    ]
    return Table("Checks", header, tuple(rows), header[2:4])


def _figure(value: float | None) -> str:
    return "-" if value is None else number(float(value))


def data(known: VersionFacts) -> Section:
    """The tables, the windows and the label."""
    card = known.card
    rows = [
        ("learned at the cut-offs", _days(card.trained_as_of)),
        ("judged at the cut-offs", _days(card.evaluated_as_of)),
        ("judged on", card.judged_on),
        ("profile for monitoring, of", str(card.profile_as_of)),
        ("grid", card.grid_version),
    ]
    hashes = [(name, digest[:SHORT]) for name, digest in sorted(card.data_hashes.items())]
    tables = Table("Tables, each by the SHA-256 of its content", ("table", "begins"), tuple(hashes))
    return section("Data", *_label(known), facts("Windows", rows), tables if hashes else None)


def _label(known: VersionFacts) -> list[Words]:
    """The label in words; none for a card of a label that this release does not know."""
    try:
        label = LabelSettings.model_validate(known.card.settings["label"])
    except (KeyError, ValueError):
        return []
    what = KINDS[label.kind].format(**label.model_dump())
    return [
        Words(
            f"Lost means: {what} in the {label.outcome_days} days that begin {label.gap_days} days "
            f"after the cut-off. The {label.observation_days} days before the cut-off are observed."
        ),
        Words(
            f"Embargo: no training cut-off lies within {label.gap_days + label.outcome_days} days "
            "before one that judges, so no outcome that it learned from reaches into the judgement."
        ),
    ]


def reproduction(known: VersionFacts) -> Section:
    """What it takes to make the same model again, and to check that it is this one."""
    card = known.card
    rows = [
        ("run", known.run_id),
        ("revision of the code", card.git_revision),
        ("definitions of the features", card.features_hash[:SHORT]),
        ("seal of the files", known.digest),
    ]
    again = f"gridkeep card {known.name} {known.version} --out card"
    settings = [
        (f"{part}.{key}", str(value))
        for part, of in card.settings.items()
        for key, value in of.items()
        if key not in INSIDE
    ]
    return section(
        "Reproduction",
        facts("Identity", rows),
        Commands((f"gridkeep train {known.name}", again)),
        facts("Settings it was trained with", settings) if settings else None,
    )


def _days(days: tuple[date, ...]) -> str:
    return ", ".join(map(str, days))


def standing(known: VersionFacts) -> str:
    """The version's standing in one sentence."""
    failed = [one for one in (known.verdict or {}).get("checks", ()) if not one["passed"]]
    gate_said = (
        "not judged by the gate"
        if known.verdict is None
        else f"refused by the gate in {len(failed)} of {len(known.verdict['checks'])} checks"
        if failed
        else "passed every check of the gate"
    )
    place = "Champion" if "champion" in known.aliases else "Not in use"
    if place == "Champion" and failed:
        return f"Champion by override, {gate_said}"
    return f"{'Challenger' if 'challenger' in known.aliases else place}: {gate_said}"
