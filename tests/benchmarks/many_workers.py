"""How busy a study keeps many workers: a simulation with costs that are measured here.

python -m tests.benchmarks.many_workers              # measures the costs, about 3 minutes; needs hpsearch[dask]
python -m tests.benchmarks.many_workers 4.5 1.5 80   # with given ms a trial: dispatch, record in a database, on a server

The study's process hands out trials, takes them back, and records them. A worker has its next trial already when one ends,
since twice as many are handed out as there are workers. So workers stand idle only where the process cannot keep up. On a
database the record is computing in the same process. On a server it is waiting, done by several threads while the process goes
on, up to so many trials that wait for them; beyond that, the process waits too.
"""

from __future__ import annotations

import heapq
import resource
import subprocess
import sys
import time
from collections import deque
from dataclasses import dataclass

from hpsearch import Study
from hpsearch.strategies import Random
from hpsearch.tracking import MemoryTracker
from hpsearch.tracking.delivery.writer_thread import MAX_WAITING
from tests.benchmarks.overhead import SPACE, Train, measured

WORKERS, SECONDS = (10, 100, 1000), (1.0, 5.0, 20.0)
TRIALS_EACH = 20
CLUSTER = """
import sys
from distributed import LocalCluster
if __name__ == "__main__":
    with LocalCluster(n_workers=2, threads_per_worker=8, host="127.0.0.1", dashboard_address=None) as cluster:
        print(cluster.scheduler_address, flush=True)
        sys.stdin.read()
"""


@dataclass(frozen=True)
class Costs:
    """What a trial costs the study's process.

    Args:
        serial: seconds of computing, which no two trials share.
        waiting: seconds per trial that a server's record takes, all its threads together; 0 for a database.
    """

    serial: float
    waiting: float = 0.0


def share_busy(workers: int, seconds: float, costs: Costs, each: int = TRIALS_EACH) -> float:
    """Return the share of the workers' time in which they run trials, from the first start to the end of the record.

    >>> round(share_busy(10, 1.0, Costs(0.001)), 2)  # ten trials a second cost 10 ms
    1.0
    >>> round(share_busy(1000, 1.0, Costs(0.01), each=100), 2)  # a hundred trials a second instead of a thousand
    0.1
    """
    total, process, record = workers * each, 0.0, 0.0
    idle = [0.0] * workers  # when each worker ends what it has
    ended: list[float] = []  # ends of trials, of which the process hears
    backlog: deque[float] = deque()  # when each trial that waits for the record will be recorded
    for number in range(total):
        if number >= 2 * workers:  # one comes back before the next is handed out
            process = max(process, heapq.heappop(ended))
            record = max(record, process) + costs.waiting
            backlog.append(record)
            while len(backlog) > MAX_WAITING:
                process = max(process, backlog.popleft())
        process += costs.serial
        start = max(heapq.heappop(idle), process)
        heapq.heappush(idle, start + seconds)
        heapq.heappush(ended, start + seconds)
    return total * seconds / (workers * max(max(ended), process))


def measure_dispatch(trials: int = 1000) -> float:
    """Return the CPU seconds of the study's process per empty trial on a Dask cluster, whose scheduler is another process."""
    with subprocess.Popen([sys.executable, "-c", CLUSTER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as cluster:
        assert cluster.stdin is not None
        assert cluster.stdout is not None
        address = cluster.stdout.readline().strip()
        study = Study("dispatch", SPACE, Train(), Random(trials=trials))
        study.run(executor=address, tracker=MemoryTracker(), report=False)  # everything is warm
        before = own_cpu()
        study.run(executor=address, tracker=MemoryTracker(), report=False)
        found = (own_cpu() - before) / trials
        cluster.stdin.close()  # ends it
    return found


def own_cpu() -> float:
    """Return the CPU seconds of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    """Measure or read the costs, and print the table."""
    given = [float(text) / 1e3 for text in sys.argv[1:]]
    if given:
        dispatch, database, server = given
    else:
        dispatch = measure_dispatch()
        loop = measured("loop", 1)["cpu"]
        database = (measured("written", "database", 0, 2000, None)["cpu"] - loop) / 1e3
        server = measured("far", 16, 200)["wall"] / 1e3
    print(f"{time.strftime('%Y-%m-%d')}, ms per trial: dispatch {dispatch * 1e3:.1f} of CPU,")
    print(f"record in a database {database * 1e3:.1f} of CPU, on a server 0.1 s away {server * 1e3:.0f} of waiting")
    print("share of time in which workers run trials:")
    print(f"{'workers':>8} {'s a trial':>10} {'database':>9} {'server':>9}")
    for workers in WORKERS:
        for seconds in SECONDS:
            near = share_busy(workers, seconds, Costs(dispatch + database))
            far = share_busy(workers, seconds, Costs(dispatch, server))
            print(f"{workers:8} {seconds:10.0f} {near:9.0%} {far:9.0%}")


if __name__ == "__main__":
    main()
