import numpy as np
import pandas as pd

from features.manifest import FeatureManifest
from training.segments.masking import families, family_of, hidden, hidden_at_random

FRAME = pd.DataFrame(
    {
        "balance_usual": [1.0, 2.0, 3.0],
        "transactions_90d": [4.0, 5.0, 6.0],
        "balance_last": [7.0, 8.0, 9.0],
        "customer_kind": ["person", "business", "person"],
    }
)
MANIFEST = FeatureManifest.fit(FRAME)


def test_a_hidden_family_is_hidden_whole_and_nothing_else_is():
    matrix, names = MANIFEST.encode(FRAME), families(MANIFEST.names)
    hide = np.zeros((3, len(names)), dtype=bool)
    hide[0, names.index(family_of("balance_last"))] = True
    hide[2, names.index(family_of("customer_kind"))] = True
    found = hidden(matrix, MANIFEST, hide)
    unknown = FRAME.assign(
        balance_usual=[np.nan, 2.0, 3.0],
        balance_last=[np.nan, 8.0, 9.0],
        customer_kind=["person", "business", None],
    )
    np.testing.assert_array_equal(found, MANIFEST.encode(unknown))


def test_the_share_asked_for_is_hidden():
    many = np.tile(MANIFEST.encode(FRAME), (2000, 1))
    found = hidden_at_random(many, MANIFEST, seed=3, share=0.3)
    gone = np.isnan(found[:, :3]).mean(axis=0)
    assert np.abs(gone - 0.3).max() < 0.02
    assert (np.isnan(found[:, 0]) == np.isnan(found[:, 2])).all()
    np.testing.assert_array_equal(found, hidden_at_random(many, MANIFEST, seed=3, share=0.3))
