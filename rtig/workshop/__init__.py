"""Where authors try things: lint, a sentence, rules on recorded calls. Nothing of it may be felt by a call.

What takes longer than a moment is done in a process of its own (`__main__`), which gives way to everything else and is
ended as soon as nobody wants its answer. `bench` is the server's side of it.
"""
