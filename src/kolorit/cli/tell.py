"""Telling what became of each picture: to people, to programs, to the report, and as exit code."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from kolorit.cli import words
from kolorit.cli.report import Report
from kolorit.cli.work import Outcome
from kolorit.errors import KoloritError, SomeInputsFailed


@dataclass
class Teller:
    """Called with every outcome in turn.

    json: objects on standard output. loud: -1 errors only, 0 usual, 1 every picture. total: of all
    pictures that were named.
    """

    total: int
    progress: words.Progress
    json: bool = False
    report: Report | None = None
    loud: int = 0
    debug: bool = False
    coloured: int = 0
    skipped: int = 0
    noted: int = 0
    errors: list[KoloritError] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def __call__(self, outcome: Outcome) -> None:
        self.progress.clear()
        if self.report is not None and outcome.record.get("skipped") != "finished":
            self.report.write(outcome.record)  # first, since it is what a later run builds on
        if outcome.content is not None:
            words.print_bytes(outcome.content)
        if self.json:
            words.print_json(outcome.record)
        if outcome.error is not None:
            self.errors.append(outcome.error)
            words.say_error(outcome.error, debug=self.debug)
        elif outcome.skipped:
            self.skipped += 1
            self._say(1, f"{outcome.job.input.shown}: left as it is, {outcome.record['skipped']}")
        else:
            self.coloured += 1
            self._tell_coloured(outcome)

    def _tell_coloured(self, outcome: Outcome) -> None:
        single = self.total == 1
        self.noted += bool(outcome.notes)
        for note in outcome.notes:
            self._say(0 if single else 1, f"note: {note} ({outcome.job.input.shown})")
        seconds = sum(outcome.record["seconds"].values())
        places = ", ".join(str(path) for path in reversed(outcome.job.outputs))
        if places:
            self._say(0 if single else 1, f"{places} ({words.duration(seconds)})")

    def _say(self, loud: int, text: str) -> None:
        if self.loud >= loud:
            words.say(words.plain(text))

    def finish(self, full: bool) -> int:
        """Say how it went and give the exit code. full: a full disk ended the run early."""
        if self.total > 1:
            counts = [f"{self.coloured} of {self.total} coloured"]
            counts += [f"{self.skipped} left as they are"] if self.skipped else []
            counts += [f"{len(self.errors)} failed"] if self.errors else []
            counts += [f"{self.noted} with notes (see -v)"] if self.noted and self.loud < 1 else []
            took = words.duration(time.monotonic() - self.began)
            self._say(0, f"{', '.join(counts)}, in {took}")
        if not self.errors:
            return 0
        if self.total == 1 or full:
            return self.errors[-1].exit_code
        if self.loud >= 0:
            some = SomeInputsFailed(f"{len(self.errors)} of {self.total} pictures failed")
            if self.report is not None:
                some.remedy = "See the lines above; mend them and run again with --resume."
            words.say_error(some)
        return SomeInputsFailed.exit_code
