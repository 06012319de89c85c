"""Costs and values of a campaign, drawn at random, for every test of profit."""

from hypothesis import strategies as st

from domain.profit import ProfitSettings


def drawn_settings(
    costs: tuple[float, float], shape: tuple[float, float], gain: tuple[float, float]
) -> st.SearchStrategy[ProfitSettings]:
    """Most a contact and an offer cost, the range of both Beta parameters, and of value - offer."""
    contact, offer = costs
    return st.builds(
        lambda contact, offer, alpha, beta, above: ProfitSettings(
            contact_cost=contact,
            offer_cost=offer,
            accept_alpha=alpha,
            accept_beta=beta,
            customer_value=offer + above,
        ),
        st.floats(0, contact),
        st.floats(0, offer),
        st.floats(*shape),
        st.floats(*shape),
        st.floats(*gain),
    )
