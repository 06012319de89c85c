"""The door: delivered rows become contract rows, or go to quarantine with a reason."""
