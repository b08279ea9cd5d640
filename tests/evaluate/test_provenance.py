"""evaluate/provenance.py: a command that can be run again, and versions of what is there."""

from __future__ import annotations

import shlex
import sys

import numpy as np
import pytest

from kolorit.evaluate.provenance import provenance


def test_the_command_can_be_run_again(monkeypatch: pytest.MonkeyPatch) -> None:
    arguments = ["evaluate", "my holidays/", "-m", "folder:it's here", "$HOME; ls"]
    monkeypatch.setattr(sys, "argv", ["/somewhere/bin/kolorit", *arguments])
    assert shlex.split(provenance()["command"]) == ["kolorit", *arguments]
    monkeypatch.setattr(sys, "argv", ["benchmarks/one more.py", "x"])
    assert shlex.split(provenance()["command"]) == ["python", "benchmarks/one more.py", "x"]


def test_versions_of_what_is_installed() -> None:
    assert provenance("numpy", "no-such-package")["versions"] == {"numpy": np.__version__}
