"""The words everyone shares: contracts, cut-offs, grid, scores, errors; no I/O."""
