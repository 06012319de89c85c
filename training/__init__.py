"""Rows -> registered models: retention, segmentation, evaluation, promotion."""
