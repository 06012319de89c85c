"""Features of a month against the reference profile: drift, cell by cell."""
