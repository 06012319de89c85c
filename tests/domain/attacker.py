"""An attacker who knows every figure told, and which groups of customers there are.

Unknown are the sizes of `parts`, the finest groups of customers that figures can tell apart.
Every figure told is a 0/1 row over them with its value.
"""

from itertools import product

import numpy as np
from scipy.optimize import Bounds, LinearConstraint, milp

MOST = 1000  # customers of a part, for the solver


class Attacker:
    """Adds and subtracts figures, and solves for whole numbers of customers."""

    def __init__(self, sizes, figures, at_least=0):
        self.sizes = np.asarray(sizes, dtype=float)
        self.rows = np.asarray(figures, dtype=float).reshape(-1, len(self.sizes))
        self.at_least = at_least

    def derivable(self):
        """Sizes of all sets of parts that a linear combination of figures gives exactly."""
        width = len(self.sizes)
        sets = np.array(list(product([0.0, 1.0], repeat=width)))[1:]
        _, strength, right = np.linalg.svd(self.rows, full_matrices=True)
        null = right[int((strength > 1e-9).sum()) :]
        known = np.abs(sets @ null.T).max(axis=1, initial=0.0) < 1e-9
        return {round(size) for size in sets[known] @ self.sizes}

    def interval(self, part):
        """The fewest and the most customers of a part that agree with every figure."""
        aim = np.zeros(len(self.sizes))
        aim[part] = 1.0
        told = LinearConstraint(self.rows, self.rows @ self.sizes, self.rows @ self.sizes)
        solved = [
            milp(sign * aim, constraints=told, integrality=1, bounds=Bounds(self.at_least, MOST))
            for sign in (1, -1)
        ]
        return round(solved[0].x[part]), round(solved[1].x[part])


def too_small(sizes, least):
    """Sizes that must not be known."""
    return {size for size in sizes if 0 < size < least}
