"""web/service.py: what the routes share, where there is no place for it; and a server's log."""

from __future__ import annotations

import asyncio
import logging

import pytest

from kolorit.cli.serve import _log_to_stderr
from kolorit.errors import OutputUnwritable
from kolorit.web.service import open_service

from .conftest import FIGURES, MODEL


@pytest.mark.parametrize("where", ["new_folder", "Store"])
def test_nowhere_to_keep_anything(monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    def fail(*_: object) -> None:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr(f"kolorit.web.service.{where}", fail)

    async def run() -> None:
        async with open_service(FIGURES, MODEL):
            pass

    with pytest.raises(OutputUnwritable, match="temporary") as caught:
        asyncio.run(run())
    assert "TMPDIR" in caught.value.remedy


def test_broken_forms_are_not_worth_a_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who sends them could fill the log."""
    for name in ("kolorit.web", "uvicorn.error", "python_multipart"):
        for kept in ("handlers", "propagate", "level"):
            logger = logging.getLogger(name)
            monkeypatch.setattr(logger, kept, getattr(logger, kept))
    _log_to_stderr(False)
    logging.getLogger("python_multipart.multipart").warning("Expected boundary character 45")
    logging.getLogger("kolorit.web").error("a bug")
    assert capsys.readouterr().err == "error: a bug\n"
