"""How the retention trees grow: a bag, its folds, its search, on one machine or many."""
