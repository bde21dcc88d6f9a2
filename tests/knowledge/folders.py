"""Small knowledge bases, written to disk for tests of what reads them."""

from collections.abc import Mapping
from pathlib import Path

KB = "name: Test\n"
ARTICLE = """---
id: doubled-bill
title: A bill that doubled
say: Let me look at it with you.
review_by: 2027-01-31
triggers:
  - said: [bill has doubled, why so expensive]
    unless: [joking about it]
---
Look at the *last two* bills.

## Steps

1. Open both bills.
2. Compare `plan` and
   calls.
"""
TRIGGERS = """triggers:
  - id: ask-manager
    title: Wants a manager
    say: Let me see who is free.
    said: [speak to (a|your) manager]
    done: [put you through to]
    cooldown: 3m
  - id: record
    title: Say that it is recorded
    kind: alert
    say: This call is recorded.
    not_said: [call is recorded]
    within: 20s
    exempt: true
    once: true
"""
CHECKLIST = """id: opening
title: Opening
steps:
  - id: greet
    text: Greet
    said: [thanks for calling, good morning]
"""
LEXICON = """valence:
  cancel: 0
signals:
  - id: again
    reason: has called before
    weight: 0.4
    said: [third time I call]
"""
CALL = """id: doubled
title: A bill that doubled
seed: 3
lines:
  - agent: good morning this call is recorded
  - customer: my bill has doubled
"""
TEST = """id: test-doubled
title: A doubled bill
call: doubled
expect:
  - card: doubled-bill
    line: 2
never: [ask-manager]
"""
GOOD = {
    "kb.yaml": KB,
    "articles/billing/doubled-bill.md": ARTICLE,
    "triggers/coaching.yaml": TRIGGERS,
    "playbooks/opening.yaml": CHECKLIST,
    "lexicons/service.yaml": LEXICON,
    "calls/doubled.yaml": CALL,
    "tests/doubled.yaml": TEST,
}


def write(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """The files in a folder; a file whose text is empty is left out."""
    for name, text in files.items():
        if text:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder
