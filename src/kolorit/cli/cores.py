"""How many processor cores this process may use."""

from __future__ import annotations

import os


def allowed_cores() -> int:
    """By affinity where the system has it, as set by taskset or a container; at least 1."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
