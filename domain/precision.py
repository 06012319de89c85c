"""How many digits of a computed value mean something."""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DIGITS = 30  # binary digits kept of a value, nine decimal ones


def rounded(values: Floats) -> Floats:
    """Values to nine significant digits, so that one value computed in two ways stays one.

    >>> len(np.unique(rounded(np.array([4.055555555555555, 4.055555555555556, 4.0555556]))))
    2
    """
    mantissa, exponent = np.frexp(values)
    kept: Floats = np.ldexp(np.rint(np.ldexp(mantissa, DIGITS)), exponent - DIGITS)
    return kept
