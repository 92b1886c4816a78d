"""The scoring of other systems, rebuilt from the same rules."""
