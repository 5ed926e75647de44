"""Damage left by killed runs and outages: found, and repaired."""

from hpsearch.tracking.doctor.doctor import examine, repair
from hpsearch.tracking.doctor.finding import Finding

__all__ = ["Finding", "examine", "repair"]
