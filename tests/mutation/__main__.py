"""How many changes of the code its tests notice: ``python -m tests.mutation [--sample 150] [--seed 0]``.

A seeded sample of mutations (a neighbouring operator or comparison, a constant one up or down, a condition negated; see
`tests.mutation.sites`) over the packages named with ``--packages``, in turn. Each is made in a copy of the checkout, and the
tests that mirror the module run until one fails (see `tests.mutation.mirror`). A mutation is killed by a failure, or by a run
that takes far longer than the tests did without it; it survives where all of them pass. Printed are one line for each, the
difference of every survivor, and the share killed per package.

The mutations come from cosmic-ray: ``pip install -e .[dev,mutation]``. The tests must pass without a mutation, and this is
checked first. ``--only space/domains`` takes every mutation of one module, ``--jobs`` is the number of tests side by side.
"""

from __future__ import annotations

import argparse
import difflib
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from queue import SimpleQueue

from tests.mutation.mirror import mirror_of
from tests.mutation.runner import Ending, changed, copies, run_tests
from tests.mutation.sites import Mutation, draw, mutations

ROOT = Path(__file__).parents[2]
PACKAGES = ("space", "trial", "search", "strategies", "analysis", "execution", "tracking")
LONGEST = 1800.0  # seconds for all tests of the sample without a mutation


def module_of(file: str) -> str:
    """Return the name of a module below the package.

    >>> module_of("hpsearch/space/domains.py")
    'space/domains'
    """
    return str(PurePosixPath(file).with_suffix("").relative_to("hpsearch"))


def difference(mutation: Mutation) -> str:
    """Return the lines that a mutation changes."""
    before = (ROOT / mutation.file).read_text()
    lines = difflib.unified_diff(before.splitlines(), mutation.apply(before).splitlines(), lineterm="", n=0)
    return "\n".join(line for line in lines if line[:3] not in ("---", "+++") and line[:2] != "@@")


def unchanged(place: Path, sample: Sequence[Mutation]) -> dict[str, float]:
    """Return the seconds of every test file without a mutation; end the command where one does not pass."""
    files = dict.fromkeys(test for m in sample for test in mirror_of(module_of(m.file), ROOT / "tests"))
    ending = run_tests(place, list(files), LONGEST, stop=False)
    if not ending.passed:
        raise SystemExit(f"The tests must pass without a mutation, got {ending.failure}. Repair them first.")
    return ending.seconds


def judge(mutation: Mutation, place: Path, seconds: dict[str, float]) -> Ending:
    """Run the tests of a mutation in a copy."""
    tests = mirror_of(module_of(mutation.file), place / "tests")
    limit = 60 + 10 * sum(seconds.get(test, 0.0) for test in tests) if seconds else LONGEST / 4
    with changed(place / mutation.file, mutation.apply((ROOT / mutation.file).read_text())):
        return run_tests(place, tests, limit)


def run(sample: Sequence[Mutation], jobs: int, checked: bool) -> list[Ending]:
    """Run the tests of every mutation and print a line for each."""
    with copies(ROOT, jobs) as places, ThreadPoolExecutor(jobs) as pool:
        seconds = unchanged(places[0], sample) if checked else {}
        free: SimpleQueue[Path] = SimpleQueue()
        for place in places:
            free.put(place)

        def one(mutation: Mutation) -> Ending:
            place = free.get()
            try:
                ending = judge(mutation, place, seconds)
            finally:
                free.put(place)
            verdict = "SURVIVED" if ending.passed else f"killed by {ending.failure}"
            print(f"{mutation.file}:{mutation.line} {mutation.operator} {verdict}", flush=True)
            if ending.passed:
                print(difference(mutation), flush=True)
            return ending

        return list(pool.map(one, sample))


def print_table(sample: Sequence[Mutation], endings: Sequence[Ending]) -> None:
    """Print the killed and all of every package, and of all."""
    everything = Counter(module_of(m.file).partition("/")[0] for m in sample)
    pairs = zip(sample, endings, strict=True)
    killed = Counter(module_of(m.file).partition("/")[0] for m, ending in pairs if not ending.passed)
    print("| package | killed | of | share |\n| --- | ---: | ---: | ---: |")
    for name, count in [*everything.items(), ("all", everything.total())]:
        part = killed.total() if name == "all" else killed[name]
        print(f"| {name} | {part} | {count} | {part / count:.0%} |")


def main() -> None:
    """Read the options and print the findings."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=(__doc__ or "").partition(":")[0])
    parser.add_argument("--sample", type=int, default=150, help="the number of mutations")
    parser.add_argument("--start", type=int, default=0, help="leave out so many at the beginning of the sample")
    parser.add_argument("--seed", type=int, default=0, help="a shorter sample begins a longer one of the same seed")
    parser.add_argument("--packages", nargs="+", default=PACKAGES, help="packages below hpsearch")
    parser.add_argument("--only", help="every mutation of one module, such as space/domains")
    parser.add_argument("--jobs", type=int, default=2, help="tests side by side")
    parser.add_argument("--unchecked", action="store_true", help="leave out the run without a mutation")
    options = parser.parse_args()
    if options.only:
        file = f"hpsearch/{options.only}.py"
        sample = mutations(file, (ROOT / file).read_text())
    else:
        sample = draw(ROOT, options.packages, options.sample, options.seed)[options.start :]
    print_table(sample, run(sample, options.jobs, not options.unchecked))


if __name__ == "__main__":
    main()
