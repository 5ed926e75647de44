"""Write reference trial tables anew.

python -m tests.reference.write                  # all of them
python -m tests.reference.write random_mixed     # those named

A table changes on purpose only together with what it records: a change of a strategy's, an objective's or a data set's sequence
raises that class's ``version``, and the tables of the studies that use it are written anew, and no others. A new study is added
to `tests.reference.studies`, and its table written. On another machine or with other versions of libraries nothing has to be
written: the tests then compare what such facts leave equal.
"""

from __future__ import annotations

import sys

from tests.reference.studies import STUDIES
from tests.reference.trial_tables import table_of, write


def main(names: list[str]) -> None:
    """Run the studies named, or all, and write their tables."""
    if unknown := sorted(set(names) - set(STUDIES)):
        raise SystemExit(f"Studies must be of {', '.join(STUDIES)}, got {', '.join(unknown)}. Check the names.")
    for name in names or STUDIES:
        sys.stdout.write(f"{write(table_of(name))}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
