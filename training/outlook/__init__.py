"""What will become of a customer: lost by when, and worth how much."""
