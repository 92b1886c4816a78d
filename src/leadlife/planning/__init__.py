"""From journeys to plans. Today it holds a small simulated world for demos."""
