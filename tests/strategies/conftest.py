"""One BLAS thread for strategies that are driven without a study: a study limits them itself."""

from collections.abc import Iterator

import pytest
import scipy.linalg  # noqa: F401 (its BLAS must be loaded to be limited)
from threadpoolctl import threadpool_limits


@pytest.fixture(scope="package", autouse=True)
def one_blas_thread() -> Iterator[None]:
    with threadpool_limits(1):
        yield
