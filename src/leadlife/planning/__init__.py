"""Planning. For now it has only a small simulated world for demos."""
