"""The process that makes the playbook of one folder and writes it to stdout; see `rtig.knowledge.making`."""

import gc
import os
import signal
import sys
import traceback
from pathlib import Path

from rtig.errors import PlaybookErrors
from rtig.knowledge.base import compile_folder
from rtig.knowledge.making import Made, Unable, tell

BELOW_EVERYTHING = 10
"""How much this process gives way (`nice`): calls come first."""


def main() -> int:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the server's, which ends this process
    os.nice(BELOW_EVERYTHING)
    gc.disable()  # it ends before there is anything to collect
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # a library that prints would break the pickle
    made: Made
    try:
        made = compile_folder(Path(sys.argv[1]))
    except PlaybookErrors as wrong:
        made = wrong.errors
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        made = Unable(f"{type(error).__name__} in {Path(place.filename).name}, line {place.lineno}")
    tell(out, made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
