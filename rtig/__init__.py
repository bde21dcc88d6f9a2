"""rtig: real-time interaction guidance. A call is a log of events; guidance is a fold over that log."""

__version__ = "0.1.0"
