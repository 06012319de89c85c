"""A synthetic bank with known truth: a county, its customers, and why they leave."""

from features.simulation.bank import SimulationSummary, simulate

__all__ = ["SimulationSummary", "simulate"]
