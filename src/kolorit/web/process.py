"""One worker as the server sees it: a process that answers questions, or ends."""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import signal
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, cast

from kolorit import errors
from kolorit.errors import InternalError, KoloritError
from kolorit.web.figures import Figures
from kolorit.web.tasks import Task, read_answer
from kolorit.web.worker import STARVED

_LINE = 1 << 20  # bytes of the longest answer
_LOADING = 60.0  # seconds in which a worker must have loaded the model
_LATE = 1.0  # seconds beyond its own bound on time that a worker has before it is killed
# What reading an answer raises where it is none
NONSENSE = (ValueError, LookupError, TypeError, AttributeError, RecursionError)


class Died(Exception):
    """The process ended without an answer. code: as subprocess has it, signals below zero."""

    def __init__(self, code: int) -> None:
        super().__init__(f"a worker ended with code {code}")
        self.code = code

    @property
    def too_long(self) -> bool:
        """Whether it met its own bound on time."""
        return self._by("SIGXCPU")

    @property
    def starved(self) -> bool:
        """Whether it met its bound on memory where nothing can be said any more."""
        return self.code == STARVED

    @property
    def crashed(self) -> bool:
        """Whether native code failed, as it would again."""
        return self._by("SIGSEGV", "SIGABRT", "SIGBUS", "SIGILL", "SIGFPE")

    def _by(self, *names: str) -> bool:
        return -self.code in [getattr(signal, name, None) for name in names]


class Overran(Exception):
    """The process took too long and was killed."""


class Process:
    """A worker that has loaded the model; ``start`` makes it.

    gone: done when the process has ended. tasks: how many it has done. held: bytes of memory at
    its last answer. hurt: whether it then had run out of memory.
    """

    def __init__(self, transport: asyncio.SubprocessTransport, ear: _Ear) -> None:
        self._transport = transport
        self._ear = ear
        self.gone = ear.gone
        self.pid = transport.get_pid()
        self.tasks = 0
        self.held = 0
        self.hurt = False

    @classmethod
    async def start(cls, figures: Figures, model: str) -> Process:
        """Raises ModelUnavailable for a model that does not load, Died and Overran."""
        transport, ear = await asyncio.get_running_loop().subprocess_exec(
            _Ear,
            sys.executable,
            "-P",  # nothing is imported from the folder that the server was started in
            "-m",
            "kolorit.web.worker",
            stderr=None,  # the server's own
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            start_new_session=True,  # the terminal's Ctrl-C is the server's
        )
        worker = cls(transport, ear)
        try:
            await worker._ask((figures, model), _LOADING)
        except BaseException:
            await worker.end()
            raise
        return worker

    async def ask(self, task: Task | None, seconds: float) -> Any:
        """What the task gives; None only asks whether it lives.

        Raises the KoloritError that the worker met; Died, and Overran after so many seconds: then
        this process is of no use any more.
        """
        if task is None:
            return await self._ask((task, seconds), seconds)
        self.tasks += 1
        return await self._ask((task, seconds), seconds, partial(read_answer, task))

    async def end(self) -> None:
        """Kill it, whatever it does, with all that it may have started, and see it gone.

        That takes a moment only, and whoever cancels has to wait for it.
        """
        cancelled = None
        while not self.gone.done():
            try:
                self._kill()
                await asyncio.wait({self.gone})
            except asyncio.CancelledError as error:
                cancelled = error
        self._transport.close()
        if cancelled is not None:
            raise cancelled

    def _kill(self) -> None:
        try:
            if sys.platform == "win32":
                self._transport.kill()
            else:
                os.killpg(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass  # its end has only not been told yet

    async def _ask(
        self, message: object, seconds: float, parse: Callable[[Any], Any] = lambda value: value
    ) -> Any:
        inbox = cast(asyncio.WriteTransport, self._transport.get_pipe_transport(0))
        line = self._ear.listen()
        inbox.write(pickle.dumps(message))
        either: set[asyncio.Future[Any]] = {line, self.gone}
        await asyncio.wait(either, timeout=seconds + _LATE, return_when=asyncio.FIRST_COMPLETED)
        if not line.done() and not self.gone.done():
            await self.end()
            raise Overran
        await asyncio.wait({line}, timeout=_LATE)  # its last words may still be on their way
        said = line.result() if line.done() else b""
        if not said:
            await asyncio.wait({self.gone}, timeout=_LATE)  # by itself, and of what?
        try:
            return self._read(said, parse)
        except NONSENSE:
            pass  # it died, or is no longer the program that was started
        await self.end()
        raise Died(self._transport.get_returncode() or 0)

    def _read(self, line: bytes, parse: Callable[[Any], Any]) -> Any:
        said = json.loads(line)
        self.held = int(said["held"])
        self.hurt = bool(said.get("hurt"))
        if said["ok"]:
            return parse(said["value"])
        raise _errors()[said["slug"]](said["cause"], remedy=said.get("remedy"))


class _Ear(asyncio.SubprocessProtocol):
    """Hears lines of a process, one for each ``listen``, and its end.

    The end is that of the process alone: whoever else holds its pipe open is not waited for.
    """

    def __init__(self) -> None:
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line: asyncio.Future[bytes] | None = None
        self._heard = bytearray()
        self._closed = False

    def listen(self) -> asyncio.Future[bytes]:
        """The next line; empty where none will come, or none of a decent length."""
        self._line = asyncio.get_running_loop().create_future()
        self._heard.clear()  # nobody asked for that
        if self._closed:
            self._line.set_result(b"")
        return self._line

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        room = _LINE - len(self._heard)
        self._heard += data[:room]
        if len(data) > room:
            self._settle(b"")
        elif data.endswith(b"\n"):
            self._settle(bytes(self._heard))

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        if fd == 1:
            self._closed = True
            self._settle(b"")

    def process_exited(self) -> None:
        if not self.gone.done():
            self.gone.set_result(None)

    def _settle(self, line: bytes) -> None:
        if self._line is not None and not self._line.done():
            self._line.set_result(line)


def _errors() -> dict[str, type[KoloritError]]:
    """Classes by slug."""
    classes = [c for c in vars(errors).values() if isinstance(c, type)]
    known = {c.slug: c for c in classes if issubclass(c, KoloritError)}
    return {**known, InternalError.slug: InternalError}
