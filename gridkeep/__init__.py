"""The `gridkeep` command: composition only, no logic."""
