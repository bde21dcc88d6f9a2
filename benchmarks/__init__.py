"""Measurements of rtig: each file answers one question. `python -m benchmarks` lists them."""
