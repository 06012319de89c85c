"""Spark, where one machine is not enough: its settings, session and errors, and the engine."""
