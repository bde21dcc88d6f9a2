"""What tests of all folders share: the small playbook and calls of the core's tests."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "core"))
