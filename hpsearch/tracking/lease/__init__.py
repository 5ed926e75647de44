"""The lease of a study on a server: which process, of all machines, may run it."""

from hpsearch.tracking.lease.claim import Claim, newest_claim
from hpsearch.tracking.lease.lease import Lease, LeaseLost, LeaseTimes, check_somebody, take, wait_until_free
from hpsearch.tracking.lease.owner import Owner

__all__ = ["Claim", "Lease", "LeaseLost", "LeaseTimes", "Owner", "check_somebody", "newest_claim", "take", "wait_until_free"]
