"""The scoring of other systems, rebuilt from the rules of this library."""
