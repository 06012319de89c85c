"""A small bank of towns and villages for tests of the grid."""

from datetime import date

import numpy as np
import pandas as pd

DAY = date(2026, 1, 1)


def bank(customers: int = 4000, seed: int = 0) -> pd.DataFrame:
    """Customers around two towns and eighteen villages within 20 km; outlets east and west."""
    chance = np.random.default_rng(seed)
    east, north = chance.uniform(-20, 20, (2, 20))
    share = np.array([6.0, 6.0, *[1.0] * 18])
    place = chance.choice(20, customers, p=share / share.sum())
    spread = np.where(place < 2, 0.9, 0.6)
    x = east[place] + chance.normal(0, 1, customers) * spread
    y = north[place] + chance.normal(0, 1, customers) * spread
    return pd.DataFrame(
        {
            "customer_id": [f"C{at:05d}" for at in range(customers)],
            "latitude": 30.8 + y / 111.2,
            "longitude": 120.7 + x / (111.2 * 0.859),
            "district": np.where(x < 0, "West", "East"),
            "outlet_id": np.where(y < 0, "South", "North"),
            "kind": np.where(place == 3, "merchant", "person"),
            "tier": chance.choice(["gold", "silver", "basic"], customers),
        }
    )
