"""Intervals of shares."""

from math import sqrt

Z_95 = 1.959963984540054  # two-sided 95 %


def wilson(successes: float, n: int, z: float = Z_95) -> tuple[float, float]:
    """Score interval of a share (Wilson, 1927); `n` is at least 1.

    >>> [round(bound, 4) for bound in wilson(0, 10)]
    [0.0, 0.2775]
    >>> wilson(4500, 4500)[1]
    1.0
    """
    share, room = successes / n, z * z / n
    middle = (share + room / 2) / (1 + room)
    half = z * sqrt(share * (1 - share) / n + room / (4 * n)) / (1 + room)
    # rounding must not put the share outside its own interval
    return max(0.0, min(share, middle - half)), min(1.0, max(share, middle + half))
