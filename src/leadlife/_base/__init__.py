"""What every module may use: the frozen model, lazy names, escaped HTML, checked outcomes."""
