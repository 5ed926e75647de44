"""Does random search hit a target of 1 % of the space as often as 1 - 0.99^T says, and do a grid and Sobol points do better?"""

from pathlib import Path

from hpsearch import Choice, Context, Space, Study
from hpsearch.analysis import simulation
from hpsearch.plots.success import success_curves
from hpsearch.strategies import Grid


def share_missed(params: dict, context: Context) -> dict[str, float]:
    """Search 10,000 targets of one shape and dimension; the value is the share that the longest search did not hit."""
    targets = simulation.place(params["shape"], params["dimension"], context.rng)
    curve = simulation.success(params["method"], targets, context.rng)
    for trials, share in curve:
        context.report(trials, success=share)
    off = [share - simulation.law(trials) for trials, share in curve]
    return {"value": 1 - curve[-1][1], "most_below_law": min(off), "most_above_law": max(off)}


study = Study(
    name="random-law",
    space=Space(
        shape=Choice("cube", "rectangle"),
        dimension=Choice(3, 5),
        method=Choice("random", "sobol", "grid"),
    ),
    objective=share_missed,
    strategy=Grid(),
    seed=0,
)

if __name__ == "__main__":
    success_curves(study.run().trials).savefig(Path(__file__).parent / "pictures" / "random_law.png", dpi=150)
