"""evaluate/places.py: folders that variables name."""

from __future__ import annotations

from pathlib import Path

import pytest

from kolorit.errors import ConfigInvalid
from kolorit.evaluate.places import data_root


def test_folders_are_named_by_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KOLORIT_DATA", str(tmp_path))
    assert data_root() == tmp_path
    for unset in (lambda: monkeypatch.setenv("KOLORIT_DATA", ""), monkeypatch.undo):
        unset()
        monkeypatch.delenv("KOLORIT_WEIGHTS", raising=False)
        with pytest.raises(ConfigInvalid, match="KOLORIT_WEIGHTS is not set"):
            data_root("KOLORIT_WEIGHTS")
    monkeypatch.setenv("KOLORIT_DATA", "")
    with pytest.raises(ConfigInvalid, match="KOLORIT_DATA is not set"):
        data_root()
