"""Facts of an environment that the bits of a trial table depend on."""

from __future__ import annotations

import platform
import sys
from functools import cache
from importlib import metadata
from importlib.util import find_spec

import numpy as np
import scipy.linalg  # noqa: F401 (loads SciPy's own BLAS, which is then found below)
from threadpoolctl import threadpool_info

_LIBRARIES = ("numpy", "scipy", "scikit-learn", "optuna", "cmaes", "numba", "llvmlite")
_ABSENT = "absent"


@cache
def facts() -> dict[str, str]:
    """Return versions and machine as plain text.

    python     minor version: from 3.12 on, `sum` adds floats in another way
    machine    architecture and system
    libc       the C library: exp, log and pow may round otherwise
    blas       library, version and core that multiply matrices: each core adds in an order of its own
    simd       instruction sets that NumPy dispatches on: exp and tanh of arrays may round otherwise
    cpu        what LLVM compiles for
    """
    return {
        "python": f"{sys.version_info.major}.{sys.version_info.minor}",
        "machine": f"{platform.machine()} {platform.system()}",
        "libc": " ".join(platform.libc_ver()).strip() or _ABSENT,
        "blas": _blas(),
        "simd": _simd(),
        "cpu": _cpu(),
        **{name: _version(name) for name in _LIBRARIES},
    }


def _blas() -> str:
    found = [pool for pool in threadpool_info() if pool.get("user_api") == "blas"]
    return ", ".join(sorted({f"{p['internal_api']} {p['version']} {p.get('architecture', '')}".strip() for p in found}))


def _simd() -> str:
    extensions = np.show_config(mode="dicts").get("SIMD Extensions", {})
    return " ".join([*extensions.get("baseline", ()), *extensions.get("found", ())])


def _cpu() -> str:
    if find_spec("llvmlite") is None:
        return _ABSENT
    from llvmlite import binding

    return str(binding.get_host_cpu_name())


def _version(library: str) -> str:
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return _ABSENT
