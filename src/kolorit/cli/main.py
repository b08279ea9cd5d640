"""The door: finds the command, and turns whatever comes out of it into words and an exit code."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from threading import current_thread, main_thread
from types import FrameType
from typing import Any

import click

from kolorit.cli import words
from kolorit.cli.command import COMPLETE, VERBS
from kolorit.errors import KoloritError

USAGE, INTERRUPTED, TERMINATED, CLOSED = 2, 130, 143, 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run ``kolorit`` with these arguments, or those of the process; gives the exit code.

    0 all done, 1 some inputs failed, 2 wrong command line, 130 and 143 signals, 141 standard output
    closed early; the others stand in ``kolorit.errors``.
    """
    words_given = list(sys.argv[1:] if arguments is None else arguments)
    signals = _Signals()
    try:
        with signals:
            code = _run(list(words_given))  # click takes its list apart
            if sys.stdout is not None:
                sys.stdout.flush()
            return code
    except click.UsageError as error:
        return _usage(error, words_given)
    except KoloritError as error:
        return _failure(error, words_given)
    except BrokenPipeError:
        _forget_stdout()
        return CLOSED
    except KeyboardInterrupt:
        return _signalled(signal.SIGINT)
    except SystemExit as error:
        if error.code == TERMINATED:
            return _signalled(signal.SIGTERM)
        raise
    except Exception as error:
        if signals.interrupted:  # an import on its way turned the interrupt into its own failure
            return _signalled(signal.SIGINT)
        return _failure(words.bug(error), words_given)


def _run(arguments: list[str]) -> int:
    if COMPLETE in os.environ:
        from kolorit.cli.completion import complete

        return complete(os.environ[COMPLETE])
    verb = arguments[0] if arguments and arguments[0] in VERBS else None
    command = load_command(verb)
    title = f"kolorit {verb}" if verb else "kolorit"
    try:
        with command.make_context(title, arguments[1:] if verb else arguments) as context:
            return int(command.invoke(context) or 0)
    except click.exceptions.Exit as done:  # --help
        return done.exit_code


def load_command(verb: str | None) -> click.Command:
    """The command of a verb of VERBS, imported now; None is the one that colours."""
    where, _, name = (VERBS[verb] if verb else "kolorit.cli.colorize:colorize").partition(":")
    command: click.Command = getattr(import_module(where), name)
    return command


class _Signals:
    """While inside, SIGTERM comes as SystemExit, so that cleaning up happens, and SIGINT as usual
    but not forgotten: some libraries swallow the KeyboardInterrupt while they are imported.
    """

    def __init__(self) -> None:
        self.interrupted = False
        self.before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> None:
        if current_thread() is not main_thread():
            return
        self.before[signal.SIGTERM] = signal.signal(signal.SIGTERM, self._terminate)
        if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else it is ignored
            self.before[signal.SIGINT] = signal.signal(signal.SIGINT, self._interrupt)

    def __exit__(self, *_: object) -> None:
        for number, handler in self.before.items():
            signal.signal(number, handler)

    def _terminate(self, number: int, frame: FrameType | None) -> None:
        raise SystemExit(TERMINATED)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        self.interrupted = True
        raise KeyboardInterrupt


def _usage(error: click.UsageError, arguments: list[str]) -> int:
    message = error.format_message().rstrip(".")
    title = error.ctx.command_path if error.ctx is not None else "kolorit"
    remedy = f"See `{title} --help`."
    lines = [words.plain(line) for line in message.split("\n")]
    words.say(f"error: {chr(10).join(lines)}\nhint: {remedy}")
    details = {"code": USAGE, "slug": "usage-error", "message": message, "hint": remedy}
    return _as_json(details, arguments, USAGE)


def _failure(error: KoloritError, arguments: list[str]) -> int:
    from kolorit.cli.report import describe_error

    words.say_error(error, debug=_asked("--debug", arguments))
    return _as_json(describe_error(error), arguments, error.exit_code)


def _as_json(details: dict[str, object], arguments: list[str], code: int) -> int:
    """The error as an object too, where objects were asked for."""
    if _asked("--json", arguments):
        from kolorit.cli.report import record

        try:
            words.print_json(record(None, None, error=details))
        except (BrokenPipeError, KoloritError):
            _forget_stdout()
    return code


def _asked(flag: str, arguments: list[str]) -> bool:
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return flag in options


def _signalled(number: signal.Signals) -> int:
    """128 + the signal. On a terminal the signal itself, so that a shell's loop ends with it."""
    if current_thread() is main_thread() and sys.stderr is not None and sys.stderr.isatty():
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    return 128 + number


def _forget_stdout() -> None:
    """Nobody reads: let Python's last flush go nowhere instead of complaining."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, sys.stdout.fileno())
    except (OSError, ValueError):
        pass  # standard output is no file of the system, as in tests
    finally:
        os.close(nowhere)
