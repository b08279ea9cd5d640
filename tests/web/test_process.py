"""What counts as an answer of a worker, whatever comes through its pipe."""

from __future__ import annotations

import asyncio
import signal
import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from kolorit.errors import KoloritError, LimitExceeded
from kolorit.web import process as module
from kolorit.web.process import Died, Process, _Ear
from kolorit.web.tasks import Suggest, Sure, Task, read_answer

SURE, SUGGEST = Sure(Path(), Path()), Suggest(Path(), 0, 0)


def read(line: bytes, task: Task = SURE) -> Any:
    """What a worker said, and what it says of itself."""
    worker = cast(Process, SimpleNamespace())
    value = Process._read(worker, line, partial(read_answer, task))
    return value, worker.held, worker.hurt


def test_answers() -> None:
    assert read(b'{"ok": true, "held": 7, "value": 0.5}\n') == (0.5, 7, False)
    told = b'{"ok": true, "held": 7, "value": [["#112233", 0.5]]}\n'
    assert read(told, SUGGEST)[0] == [("#112233", 0.5)]
    with pytest.raises(LimitExceeded, match="too much") as caught:
        read(b'{"ok": false, "held": 7, "slug": "limit-exceeded", "cause": "too much"}\n')
    assert caught.value.remedy == LimitExceeded.remedy
    with pytest.raises(LimitExceeded) as caught:
        read(
            b'{"ok": false, "held": 7, "slug": "limit-exceeded", "cause": "c", "remedy": "Less."}\n'
        )
    assert caught.value.remedy == "Less."


@pytest.mark.parametrize(
    "lie",
    [
        b"",
        b"no JSON\n",
        b'{"ok": true}\n',
        b'{"ok": true, "held": "much", "value": 0.5}\n',
        b'{"ok": true, "held": 1, "value": {"a": "b"}}\n',
        b'{"ok": false, "held": 1, "slug": "__class__", "cause": ""}\n',
        b'{"ok": false, "held": 1, "slug": ["busy"], "cause": ""}\n',
        b"[1]\n",
        b"null\n",
        b"\xff\xfe\n",
        b"[" * 100_000 + b"\n",
    ],
)
def test_lies(lie: bytes) -> None:
    """They end as one of the errors that ``Process`` takes for a death, never as an answer."""
    with pytest.raises(module.NONSENSE) as caught:
        read(lie)
    assert not isinstance(caught.value, KoloritError)


def test_hearing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LINE", 10)

    async def go() -> None:
        ear = _Ear()
        ear.pipe_data_received(1, b"unasked\n")
        line = ear.listen()
        ear.pipe_data_received(1, b"in ")
        assert not line.done()
        ear.pipe_data_received(1, b"parts\n")
        assert line.result() == b"in parts\n"
        ear.pipe_data_received(1, b"more\n")  # hurts nobody
        line = ear.listen()
        for _ in range(100):
            ear.pipe_data_received(1, b"without end")
        assert line.result() == b""
        assert len(ear._heard) <= 10
        line = ear.listen()
        ear.pipe_connection_lost(1, None)
        assert line.result() == ear.listen().result() == b""
        assert not ear.gone.done()
        ear.process_exited()
        assert ear.gone.done()

    asyncio.run(go())


@pytest.mark.skipif(sys.platform == "win32", reason="signals")
def test_what_it_died_of() -> None:
    kinds = {
        code: (died.too_long, died.starved, died.crashed)
        for code in (0, 1, 11, 127, -signal.SIGKILL, -signal.SIGXCPU, -signal.SIGSEGV)
        for died in [Died(code)]
    }
    assert kinds == {
        0: (False, False, False),
        1: (False, False, False),
        11: (False, False, False),
        127: (False, True, False),
        -signal.SIGKILL: (False, False, False),
        -signal.SIGXCPU: (True, False, False),
        -signal.SIGSEGV: (False, False, True),
    }
