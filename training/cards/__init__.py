"""Model cards: what a version is for, is made of and is worth, and where it ends."""
