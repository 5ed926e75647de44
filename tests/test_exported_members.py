"""Pinned: the names that studies, notebooks and extensions import, module by module.

The table is written by hand from README.md, CONTRIBUTING.md, CHANGELOG.md, the docstrings of the packages, and what the studies
in `studies/` import. A name in it stays importable from that path, whatever file it lives in; a new public name joins it.
"""

from __future__ import annotations

import importlib
import inspect
from types import ModuleType

import pytest

# Modules that list their public names in `__all__`: that list and the table are the same.
LISTED: dict[str, tuple[str, ...]] = {
    "hpsearch": (
        "Auto",
        "Batch",
        "Choice",
        "Context",
        "Float",
        "HpsearchError",
        "Int",
        "MedianStop",
        "Outcome",
        "Proposal",
        "Result",
        "Space",
        "Status",
        "Stop",
        "Study",
        "Trial",
        "compare",
        "data",
        "main",
    ),
    "hpsearch.analysis": (
        "Box",
        "Contest",
        "Crossing",
        "Diagnosis",
        "Difference",
        "Extrapolation",
        "FAMILIES",
        "Family",
        "Gap",
        "Interval",
        "LearningCurve",
        "Progress",
        "Quality",
        "Scores",
        "SpeedUp",
        "TuningCurve",
        "all_differences",
        "area_under_regret",
        "assess",
        "average_ranks",
        "bootstrap_interval",
        "chance_of_beating",
        "critical_difference",
        "cross_validation",
        "diagnose",
        "difference",
        "efficiency_curve",
        "errors_of",
        "expected_best",
        "expected_best_with_replacement",
        "extrapolate",
        "find_crossings",
        "friedman",
        "gaps",
        "holm",
        "interactions",
        "label_of",
        "mean_curve",
        "mean_interval",
        "median_curve",
        "predict_largest",
        "prediction_interval",
        "progress",
        "scores",
        "share_interval",
        "signed_rank",
        "speed_up",
        "standard_error",
        "validation_set",
    ),
    "hpsearch.data": (
        "Available",
        "Dataset",
        "Part",
        "arrays",
        "available",
        "csv",
        "digits",
        "expanded",
        "idx",
        "mnist",
        "named",
        "parquet",
        "table",
    ),
    "hpsearch.nn": (
        "Ensemble",
        "Epoch",
        "FoundRate",
        "Monitors",
        "Network",
        "Recipe",
        "SavedNetwork",
        "Score",
        "Stack",
        "Training",
        "find_rate",
        "load",
        "save",
        "train",
    ),
    "hpsearch.nn.layers": (
        "Affine",
        "BatchNorm",
        "Dropout",
        "Elementwise",
        "HingeLoss",
        "Layer",
        "LearningLayer",
        "LinearWithQuadratic",
        "LinearWithSquaredErrors",
        "Loss",
        "MaxoutLayer",
        "SigmoidWithCrossEntropy",
        "SigmoidWithQuadratic",
        "SoftmaxWithLoss",
        "TanhWithQuadratic",
    ),
    "hpsearch.nn.training": ("Committee", "Epoch", "Evaluation", "Iteration", "LayerState", "Monitors", "Recipe", "Training"),
    "hpsearch.objectives": ("CrossValidate", "TrainNetwork", "TrainSVM", "TrainUnrolled", "TuneEstimator"),
    "hpsearch.plots": (
        "Chart",
        "KINDS",
        "Parallel",
        "Picture",
        "Plot",
        "contest_chart",
        "draw",
        "efficiency_chart",
        "interactive",
        "learning_curves_chart",
        "rate_chart",
        "still",
        "success_curves",
    ),
    "hpsearch.reproductions": (
        "EXPERIMENTS",
        "Experiment",
        "Options",
        "REPRODUCTIONS",
        "Reproduced",
        "Reproduction",
        "Row",
        "find_reproduction",
    ),
    "hpsearch.sklearn": ("NetworkFeatures", "SearchCV"),
    "hpsearch.space": (
        "Choice",
        "Domain",
        "Float",
        "Int",
        "Params",
        "Space",
        "Spacing",
        "can_reach",
        "cut_domain",
        "extend_domain",
        "narrow_domain",
        "widen_domain",
    ),
    "hpsearch.strategies": (
        "Bayesian",
        "FollowSlope",
        "FreezeThaw",
        "GaussianProcess",
        "Grid",
        "Grow",
        "Halving",
        "Hyperband",
        "InTurn",
        "QuasiRandom",
        "Random",
        "Staged",
    ),
    "hpsearch.testing": (
        "ExecutorContract",
        "ObjectiveContract",
        "SPACES",
        "StrategyContract",
        "TrackerContract",
        "bowl",
        "check_gradient",
        "drive",
        "table",
    ),
    "hpsearch.tracking": ("LeaseTimes", "MemoryTracker", "MlflowTracker", "Store", "project_root"),
}

# Modules whose public names are those without an underscore; one that gets an `__all__` lists at least these.
PLAIN: dict[str, tuple[str, ...]] = {
    "hpsearch.analysis.bands": ("TuningCurve", "mean_curve", "median_curve"),
    "hpsearch.analysis.bestof": ("expected_best", "expected_best_with_replacement"),
    "hpsearch.analysis.contest": ("Contest",),
    "hpsearch.analysis.crossings": ("Crossing", "Gap", "crossing_places", "crossings", "find_crossings", "gaps", "shared"),
    "hpsearch.analysis.diagnosis": ("Diagnosis", "LABELS", "diagnose", "label_of", "of_trial"),
    "hpsearch.analysis.differences": ("Difference", "all_differences", "difference"),
    "hpsearch.analysis.efficiency": (
        "Best",
        "Box",
        "Scores",
        "binomial_variance",
        "chance_of_best",
        "efficiency_curve",
        "experiment",
        "mixture",
    ),
    "hpsearch.analysis.extrapolation": (
        "Extrapolation",
        "FAMILIES",
        "Family",
        "Fit",
        "extrapolate",
        "fit",
        "foretold",
        "predict_largest",
    ),
    "hpsearch.analysis.importance": ("Importance", "Varied", "importance", "most_important", "varied"),
    "hpsearch.analysis.interaction": ("interactions",),
    "hpsearch.analysis.intervals": (
        "Interval",
        "bootstrap_interval",
        "mean_interval",
        "prediction_interval",
        "share_interval",
        "standard_error",
    ),
    "hpsearch.analysis.learning_curve": ("LearningCurve",),
    "hpsearch.analysis.ranks": ("average_ranks", "critical_difference", "friedman", "holm", "signed_rank"),
    "hpsearch.analysis.regret": ("Progress", "area_under_regret", "progress"),
    "hpsearch.analysis.resampling": (
        "Quality",
        "assess",
        "cross_validation",
        "errors_of",
        "folds",
        "misclassified",
        "squared",
        "validation_set",
    ),
    "hpsearch.analysis.simulation": ("GRID_REFERENCE", "TARGETS", "TRIALS", "Targets", "law", "place", "success"),
    "hpsearch.analysis.speedup": ("SpeedUp", "chance_of_beating", "speed_up"),
    "hpsearch.comparison": ("Comparison", "compare", "comparison_study"),
    "hpsearch.data.vault": ("Sealed", "close_for_life", "closed", "narrowed", "open_test", "seal"),
    "hpsearch.errors": (
        "DataError",
        "Diverged",
        "ExecutorError",
        "HpsearchError",
        "InputError",
        "Lagging",
        "RecordChanged",
        "SettingError",
        "SpaceError",
        "StudyError",
        "TrackingError",
        "VaultError",
        "brief",
        "did_you_mean",
        "must_be",
    ),
    "hpsearch.integrations.keras": ("checkpoint", "restore"),
    "hpsearch.integrations.lightgbm": ("checkpoint", "init_model", "train"),
    "hpsearch.integrations.lightning": ("checkpoint", "ckpt_path"),
    "hpsearch.integrations.xgboost": ("checkpoint", "train", "xgb_model"),
    "hpsearch.nn.activations": (
        "ACTIVATIONS",
        "Activation",
        "ELEMENTWISE",
        "Elementwise",
        "Elu",
        "LeakyRelu",
        "Linear",
        "Maxout",
        "Relu",
        "Sigmoid",
        "Tanh",
    ),
    "hpsearch.nn.augment": ("Affine", "Elastic", "Expansion", "Noise"),
    "hpsearch.nn.averaging": ("Averaging", "MovingAverage", "Snapshots", "TailAverage"),
    "hpsearch.nn.costs": (
        "COSTS",
        "Cost",
        "CrossEntropy",
        "Hinge",
        "LogLikelihood",
        "Quadratic",
        "QuadraticTanh",
        "SquaredError",
        "SquaredErrors",
        "one_hot",
    ),
    "hpsearch.nn.ensemble": ("Ensemble",),
    "hpsearch.nn.export": ("VERSION", "architecture", "restore", "weights"),
    "hpsearch.nn.gradcheck": ("check_gradient", "numeric_gradient"),
    "hpsearch.nn.initializers": ("Glorot", "INITIALIZERS", "Initializer", "Normal", "Uniform"),
    "hpsearch.nn.network": ("Network",),
    "hpsearch.nn.optimizers": ("Adam", "Nesterov", "OPTIMIZERS", "Optimizer", "RMSProp", "Rule", "SGD", "sgd"),
    "hpsearch.nn.recipe": ("Monitors", "Recipe"),
    "hpsearch.nn.regularizers": ("L1", "L2", "WeightCost"),
    "hpsearch.nn.schedules": (
        "Anneal",
        "Constant",
        "Cosine",
        "Cyclic",
        "DivideOnPlateau",
        "Exponential",
        "Gradual",
        "HalveOnPlateau",
        "InverseTime",
        "Linear",
        "Memory",
        "Schedule",
        "Step",
        "WarmUp",
    ),
    "hpsearch.nn.settings": ("Template",),
    "hpsearch.nn.stack": ("Stack",),
    "hpsearch.nn.stopping": ("Memory", "NoImprovement", "SmallGain", "Stopping"),
    "hpsearch.nn.storage": ("load", "read", "save", "write"),
    "hpsearch.plots.success": ("success_curves",),
    "hpsearch.ports": (
        "AnyObjective",
        "Baseline",
        "Batch",
        "Checkpoint",
        "CheckpointPlace",
        "Checkpoints",
        "Context",
        "DataRecord",
        "DataSet",
        "EarlierIdentity",
        "Executor",
        "ExecutorBase",
        "Exported",
        "ExportedEstimator",
        "ExportedModel",
        "Limits",
        "Objective",
        "ObjectiveBase",
        "PICKED",
        "PICKED_BECAUSE",
        "PartRecord",
        "Point",
        "Predictions",
        "Preflight",
        "Proposal",
        "Recorded",
        "RunningTrial",
        "Search",
        "Strategy",
        "StrategyBase",
        "StudyRecord",
        "Task",
        "TrackedStudy",
        "Tracker",
        "TrackerBase",
        "adapt_objective",
        "adapt_strategy",
        "describe_identity",
    ),
    "hpsearch.report": ("draw_all", "files", "headline", "report", "trials_csv"),
    "hpsearch.reproductions.catalogue": ("EXPERIMENTS", "REPRODUCTIONS", "find_reproduction", "named"),
    "hpsearch.study": ("Study",),
    "hpsearch.trial": ("CONFIRM", "Curve", "Outcome", "PREFLIGHT", "Params", "Status", "Trial", "best", "root"),
}

# Public names that only the package itself uses: free to move and to change.
INSIDE: dict[str, tuple[str, ...]] = {
    "hpsearch.analysis.intervals": ("resamples",),
    "hpsearch.nn.activations": ("check_activation", "elementwise", "pieces_of"),
    "hpsearch.nn.augment": ("check_expansion", "check_inputs", "expand", "moves_pixels", "side_of"),
    "hpsearch.nn.averaging": (
        "AveragedWeights",
        "CycleEnds",
        "Timeline",
        "WeightAverager",
        "check_averaging",
        "check_keeps_statistics",
        "copy_into",
        "cycles_of",
    ),
    "hpsearch.nn.costs": ("encode_rows", "encode_targets"),
    "hpsearch.nn.ensemble": ("as_data", "from_data", "members_of"),
    "hpsearch.nn.initializers": ("check_init", "draw"),
    "hpsearch.nn.network": ("check_layer", "fixed_generator"),
    "hpsearch.nn.optimizers": (
        "Descent",
        "FullBatchSteps",
        "LayerGroup",
        "LayerSteps",
        "MOMENTUM",
        "MaxNormSteps",
        "Momentum",
        "PenalisedBiasesSteps",
        "SparseDescent",
        "check_max_norm",
        "check_optimizer",
        "is_full_batch",
        "rule_of",
    ),
    "hpsearch.nn.recipe": ("check_full_batch", "check_layers"),
    "hpsearch.nn.regularizers": ("check_l2", "decay"),
    "hpsearch.nn.settings": ("number", "refuse_open", "setting", "unresolved", "whole", "widths"),
    "hpsearch.nn.stopping": ("Plateau",),
    "hpsearch.plots.success": ("nine_trials_figure",),
    "hpsearch.ports": ("CopyObjects", "PruningThresholds", "SLOPE", "process_token"),
    "hpsearch.trial": (
        "Candidate",
        "EPOCH",
        "GIVEN",
        "IMAGES",
        "ITERATION",
        "Rule",
        "Times",
        "candidates",
        "chances",
        "check_rule",
        "duration",
        "exact_params",
        "flip_sign",
        "format_spread",
        "format_value",
        "lowest",
        "params_line",
        "rank_candidates",
        "seconds_of",
        "select",
        "step_unit",
    ),
}


@pytest.mark.parametrize("path", [*LISTED, *PLAIN])
def test_every_name_is_importable_from_its_documented_path(path: str) -> None:
    """What `from PATH import NAME` does, for each name."""
    module = importlib.import_module(path)
    missing = [name for name in (LISTED | PLAIN)[path] if not _importable(module, name)]
    assert missing == [], f"{path} has lost {missing}: studies import them. Keep an alias there."


@pytest.mark.parametrize("path", LISTED)
def test_the_list_of_a_package_is_the_table(path: str) -> None:
    assert sorted(importlib.import_module(path).__all__) == sorted(LISTED[path]), f"{path}: add it to the table, or keep it"


@pytest.mark.parametrize("path", PLAIN)
def test_a_new_public_name_stands_in_the_table(path: str) -> None:
    """New is what `__all__` lists; without one, the classes and functions of the module, or of the package, itself."""
    module = importlib.import_module(path)
    known = {*PLAIN[path], *INSIDE.get(path, ())}
    new = sorted(set(getattr(module, "__all__", _defined(module))) - known)
    assert new == [], f"{path} offers {new}: add it to the table, or give it an underscore."


def test_the_tables_are_sorted_and_apart() -> None:
    tables = [LISTED, PLAIN, INSIDE]
    assert [path for table in tables for path, names in table.items() if list(names) != sorted(set(names))] == []
    assert [path for path in INSIDE if set(INSIDE[path]) & set(PLAIN[path])] == []
    assert set(LISTED) & set(PLAIN) == set()


def test_the_command_line_is_found_where_the_project_file_says() -> None:
    """`hpsearch.cli:app` in pyproject.toml, and `main` for a study's own file."""
    module = importlib.import_module("hpsearch.cli")
    assert callable(module.app)
    assert callable(module.main)


def _importable(module: ModuleType, name: str) -> bool:
    """Return whether ``from module import name`` works: an attribute, a lazy one, or a submodule."""
    try:
        exec(f"from {module.__name__} import {name}", {})
    except ImportError:
        return False
    return True


def _defined(module: ModuleType) -> set[str]:
    """Return the public classes and functions that are written in a module, or in the files of a package."""
    home = module.__name__
    made = {name: value for name, value in vars(module).items() if inspect.isclass(value) or inspect.isroutine(value)}
    ours = {name for name, value in made.items() if f"{value.__module__}.".startswith(f"{home}.")}
    return {name for name in ours if not name.startswith("_")}
