"""How many files and connections a service may have open."""

import resource

from ..documents.limits import LIMITS


def allow_many(wanted: int = LIMITS.descriptors) -> int:
    """Raise this process's limit, which is 1,024 by default, as far as the system lets it; what it is now.

    A port scan of a thousand connections would otherwise leave nothing to store a card with.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return soft
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return most
