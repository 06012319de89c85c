"""Source tables become one row per (customer, cut-off)."""
