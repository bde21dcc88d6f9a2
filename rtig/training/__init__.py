"""How the weights in `models/` are made: from labelled text that may be used for it, reproducibly, on a CPU.

Needs the `train` extra. Nothing that serves calls imports from here.
"""
