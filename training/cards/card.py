"""The card of one version, from what the store knows of it."""

from training.cards.about import Setting, data, gate, people, purpose, reproduction, standing
from training.cards.figures import difference_table, figure_table, figures_of, single_table
from training.cards.limits import CAMPAIGN, limits
from training.cards.reading import VersionFacts
from training.cards.retention import calibration, cells, groups, reasons
from training.cards.segmentation import placing, segments
from training.cards.structure import ModelCardPage, Section, Words, section, sentence


def card_page(known: VersionFacts, setting: Setting) -> ModelCardPage:
    """Every section of the card."""
    own = (
        [calibration(known, setting), cells(known, setting), groups(known, setting), reasons(known)]
        if known.name == "retention"
        else [segments(known, setting), placing(known, setting)]
    )
    return ModelCardPage(
        f"Model card: {known.name}, version {known.version}",
        standing(known),
        (
            purpose(known),
            people(known, setting),
            gate(known),
            limits(known, setting),
            data(known),
            figures(known),
            *own,
            reproduction(known),
        ),
    )


def figures(known: VersionFacts) -> Section:
    """Every figure of the sealed card, beside those of its rivals."""
    found = figures_of(known.card.metrics)
    names = {one: one.replace("_", " ") for one in found.rivals}
    if known.card.compared_with:
        names["champion"] = f"champion {known.card.compared_with}"
    money = known.card.settings.get("profit", {}).get("currency", "in the bank's currency")
    return section(
        "Figures",
        Words(
            f"On {known.card.judged_on}. Intervals come from resamples of whole customers; they "
            "say how far other customers would move a figure, not how far another year would."
        ),
        *(Words(sentence(one)) for one in known.card.notes if one.startswith(CAMPAIGN)),
        figure_table(found, names, money),
        difference_table(found, names),
        single_table(found),
    )
