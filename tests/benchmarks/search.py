"""How many trials each search strategy needs, beside other packages, on problems nobody here made and one of our own.

    python -m tests.benchmarks.search                                       # everything installed: hours on one core
    python -m tests.benchmarks.search --sets tables bbob5 --seeds 10 --stop --contestants Bayesian GaussianProcess

What random search is expected to find in 64 and in 256 trials are the two targets. Per contestant and set of problems it prints

- to 64, to 256: the trials until the target is reached, at most the cap; over seeds the median, over problems the geometric
  mean. "mean" beside it is the geometric mean over both: it has no ties;
- ratio and p: that mean as a share of the yardstick's (``--against``), and Wilcoxon's signed-rank test of it, over problems
  (the mean of the logarithms per problem) and over all pairs of problem and seed;
- regret at 16, 32, 64, 128: the distance of the best so far from the lowest value there is, as a share of random search's
  expected one: 1 is random search, 0 the optimum. Over seeds the mean, over problems the geometric mean, at least .001;
- ms: CPU milliseconds per trial without the scoring, in this process and with one thread.

Runs are kept in the user's cache folder, so that a larger number of seeds or contestants adds to them; our own strategies run
again when their code has changed. With ``--stop`` a run ends at the second target, and there is no regret.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import geometric_mean, median

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import platformdirs
from scipy.stats import wilcoxon

import hpsearch
from tests.benchmarks.bbob import reached
from tests.benchmarks.search_contestants import CONTESTANTS, Ended, Timed
from tests.benchmarks.search_problems import SETS, problem

TARGETS = (64, 256)
REGRETS = (16, 32, 64, 128)
README = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- search: begin -->", "<!-- search: end -->"


@dataclass(frozen=True)
class Job:
    """One run: a contestant on a problem under a seed."""

    contestant: str
    problem: str
    seed: int
    cap: int
    stop: bool

    def key(self, code: str) -> str:
        """Return the name under which the run is kept."""
        return json.dumps([*asdict(self).values(), code])


@dataclass(frozen=True)
class Ran:
    """What a run found, in order, and the CPU time of its proposals."""

    values: tuple[float, ...]
    seconds: float


def perform(job: Job) -> Ran:
    """Run a contestant."""
    one = problem(job.problem)
    target = one.expected_best(TARGETS[-1])
    least = 0 if job.stop else min(job.cap, REGRETS[-1])
    score = Timed(one, target, job.cap, least)
    began = time.process_time()
    with suppress(Ended):
        CONTESTANTS[job.contestant].run(score, job.seed)
    return Ran(tuple(score.found), time.process_time() - began - score.seconds)


class Kept:
    """Runs in a file, a line each, so that a benchmark can be extended."""

    def __init__(self, path: Path, fresh: bool = False) -> None:
        self.path, self.runs = path, dict[str, Ran]()
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not fresh:
            for line in path.read_text().splitlines():
                key, values, seconds = json.loads(line)
                self.runs[key] = Ran(tuple(values), seconds)

    def perform(self, jobs: Sequence[Job], processes: int) -> list[Ran]:
        """Return what all jobs found; those that are not kept run now."""
        keys = [job.key(_code(job.contestant)) for job in jobs]
        left = [(key, job) for key, job in zip(keys, jobs, strict=True) if key not in self.runs]
        with self.path.open("a") as file:
            for (key, _), ran in zip(left, _map([job for _, job in left], processes), strict=True):
                self.runs[key] = ran
                file.write(json.dumps([key, ran.values, ran.seconds]) + "\n")
                file.flush()
        return [self.runs[key] for key in keys]


def _map(jobs: Sequence[Job], processes: int) -> Iterable[Ran]:
    if processes == 1 or len(jobs) < 2:
        yield from map(perform, jobs)
        return
    with ProcessPoolExecutor(processes) as pool:
        yield from pool.map(perform, jobs)


def _code(contestant: str) -> str:
    """Return what decides a contestant's values beside its name: the code of our searches, or the version of a package."""
    made = CONTESTANTS[contestant].code
    return _digest() if made == "ours" else made


def _digest() -> str:
    folder = Path(hpsearch.__file__).parent
    files = sorted(path for part in ("strategies", "surrogate", "space") for path in (folder / part).glob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:12]


@dataclass(frozen=True)
class Row:
    """One line of the table: a contestant on a set of problems."""

    contestant: str
    counts: dict[int, np.ndarray]  # per target (problems, seeds)
    regrets: list[float]
    milliseconds: float


def summarize(contestant: str, names: Sequence[str], runs: Sequence[Sequence[Ran]], cap: int, stop: bool) -> Row:
    """Return the figures of a contestant; ``runs`` are per problem, then per seed."""
    counts = {
        trials: np.array(
            [
                [reached(list(ran.values), problem(name).expected_best(trials), cap) for ran in row]
                for name, row in zip(names, runs, strict=True)
            ],
            float,
        )
        for trials in TARGETS
    }
    regrets = [] if stop else [_regret(names, runs, trials) for trials in REGRETS if trials <= cap]
    total = sum(len(ran.values) for row in runs for ran in row)
    return Row(contestant, counts, regrets, 1e3 * sum(ran.seconds for row in runs for ran in row) / max(total, 1))


def _regret(names: Sequence[str], runs: Sequence[Sequence[Ran]], trials: int) -> float:
    shares = []
    for name, row in zip(names, runs, strict=True):
        one = problem(name)
        mean = float(np.mean([min(ran.values[:trials]) for ran in row])) - one.least
        shares.append(max(mean / max(one.expected_best(trials) - one.least, 1e-300), 1e-3))
    return geometric_mean(shares)


def _p_value(logs: np.ndarray, against: np.ndarray) -> float:
    """Return Wilcoxon's p-value of paired logarithms; 1 where all are equal."""
    differences = (logs - against).ravel()
    return 1.0 if not differences.any() else float(wilcoxon(differences).pvalue)


def lines(rows: Sequence[Row], yardstick: Row, with_regret: bool) -> list[str]:
    """Return the table as lines of Markdown."""
    regrets = [f"regret at {trials}" for trials in REGRETS[: len(rows[0].regrets)]] if with_regret else []
    heads = ["contestant", "to 64", "mean", "to 256", "mean", "ratio", "p: problems", "p: all", *regrets, "ms"]
    table = [f"| {' | '.join(heads)} |", f"| --- |{' ---: |' * (len(heads) - 1)}"]
    for row in rows:
        cells = [row.contestant]
        for counts in row.counts.values():
            cells += [f"{geometric_mean(map(median, counts)):.1f}", f"{np.exp(np.log(counts).mean()):.1f}"]
        logs, against = np.log(row.counts[TARGETS[-1]]), np.log(yardstick.counts[TARGETS[-1]])
        cells += [f"{np.exp((logs - against).mean()):.2f}"]
        cells += [f"{_p_value(logs.mean(1), against.mean(1)):.3f}", f"{_p_value(logs, against):.3f}"]
        cells += [f"{regret:.3f}" for regret in row.regrets] + [f"{row.milliseconds:.1f}"]
        table.append(f"| {' | '.join(cells)} |")
    return table


def run(options: argparse.Namespace) -> list[str]:
    """Run what is asked for and return the tables; print each as soon as it is there."""
    kept = Kept(options.cache, options.fresh)
    names = [name for name in options.contestants if CONTESTANTS[name].is_installed]
    missing = [name for name in options.contestants if name not in names]
    against = options.against if options.against in names else names[0]
    told = [f"{datetime.now(UTC):%Y-%m-%d}, {options.seeds} seeds, at most {options.cap} trials, against {against}."]
    told += [f"Not installed: {', '.join(missing)}."] if missing else []
    print(*told, sep="\n", flush=True)
    for title in options.sets:
        problems = [name for name in SETS[title] if not options.problems or name in options.problems]
        if problems:
            told += ["", f"{title}: {', '.join(problems)}", ""]
            print(*told[-3:], sep="\n", flush=True)
            told += _table(title, names, problems, against, options, kept)
    return told


def _table(
    title: str, names: Sequence[str], problems: Sequence[str], against: str, options: argparse.Namespace, kept: Kept
) -> list[str]:
    found: dict[str, Row] = {}
    for name in [against, *(name for name in names if name != against)]:
        jobs = [Job(name, one, seed, options.cap, options.stop) for one in problems for seed in range(options.seeds)]
        ran = kept.perform(jobs, options.processes)
        runs = [ran[first : first + options.seeds] for first in range(0, len(ran), options.seeds)]
        found[name] = summarize(name, problems, runs, options.cap, options.stop)
        table = lines([found[name]], found[against], not options.stop)
        print(*table[0 if name == against else 2 :], sep="\n", flush=True)
        if options.each:
            print("  ", *(f"{o}:{median(c):g}" for o, c in zip(problems, found[name].counts[TARGETS[-1]], strict=True)))
    return lines([found[name] for name in names], found[against], not options.stop)


def write(told: Sequence[str]) -> None:
    """Write the tables into README.md, in place of the earlier ones."""
    text = README.read_text()
    section = "\n".join([BEGIN, *told, END])
    if BEGIN in text:
        before, after = text.split(BEGIN)[0], text.split(END)[1]
        README.write_text(f"{before}{section}{after}")
    else:
        README.write_text(f"{text.rstrip()}\n\n## Search\n\n`python -m tests.benchmarks.search`, see there.\n\n{section}\n")


def parser() -> argparse.ArgumentParser:
    """Return the command's options."""
    made = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    made.add_argument("--sets", nargs="+", choices=list(SETS), default=list(SETS))
    made.add_argument("--problems", nargs="+", default=[], help="only these problems of the sets")
    made.add_argument("--contestants", nargs="+", choices=list(CONTESTANTS), default=list(CONTESTANTS), metavar="NAME")
    made.add_argument("--against", choices=list(CONTESTANTS), default="Bayesian before", metavar="NAME")
    made.add_argument("--seeds", type=int, default=10)
    made.add_argument("--processes", type=int, default=1)
    made.add_argument("--cap", type=int, default=256)
    made.add_argument("--stop", action="store_true", help="end a run at random search's 256; no regrets")
    made.add_argument("--each", action="store_true", help="print the median per problem too")
    made.add_argument("--write", action="store_true", help="write the tables into tests/benchmarks/README.md")
    made.add_argument("--fresh", action="store_true", help="run again what is kept")
    made.add_argument("--cache", type=Path, default=platformdirs.user_cache_path("hpsearch") / "benchmark-search.jsonl")
    return made


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the benchmark."""
    options = parser().parse_args(arguments)
    told = run(options)
    if options.write:
        write(told)


if __name__ == "__main__":
    main()
