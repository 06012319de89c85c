"""How good a retention model is: figures, money, fairness, leakage, reasons, pictures."""
