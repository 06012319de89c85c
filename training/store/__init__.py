"""What is kept of models beside MLflow: bundles, aliases, their history."""
