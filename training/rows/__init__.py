"""Labelled rows: which cut-offs, in memory or on disk, as numbers."""
