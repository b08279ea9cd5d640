"""What a figure was measured on: machine, versions, commit. Every file in results/ carries it."""

from __future__ import annotations

import os
import platform
import shlex
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any


def provenance(*packages: str) -> dict[str, Any]:
    """Machine, Python, commit, the command that was run, as a shell would take it, and the versions
    of the packages, of which those that are not installed are left out."""
    return {
        "command": shlex.join([*_program(), *sys.argv[1:]]),
        "commit": _commit(),
        "machine": f"{_processor()}, {_cores()} cores",
        "python": platform.python_version(),
        "versions": {name: found for name in packages if (found := _version(name))},
    }


def _program() -> list[str]:
    """``kolorit``, or ``python benchmarks/x.py``."""
    name = Path(sys.argv[0]).name
    script = name.endswith(".py") and name != "__main__.py"
    return ["python", sys.argv[0]] if script else ["kolorit"]


def _cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _commit() -> str | None:
    """Of the checkout that this file stands in; None where it is installed as a package."""
    root = Path(__file__).resolve().parents[3]
    if not (root / ".git").exists():
        return None
    git = ["git", "-C", str(root), "describe", "--always", "--dirty"]
    try:
        done = subprocess.run(git, capture_output=True, text=True, check=False)
    except OSError:
        return None
    return done.stdout.strip() or None


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next(
                line.split(":")[1].strip() for line in lines if line.startswith("model name")
            )
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
