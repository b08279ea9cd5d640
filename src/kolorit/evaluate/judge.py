"""Judging a set: every photograph, every row, all numbers; in this process or in several.

    survey   what each truth is like: readable? any colour?   -> the set's mean ab, for the tint
    verdict  one photograph: its rows coloured from grey bytes, and everything counted
    judge    both for a whole set; failures are kept by name and scored as grey

A photograph's numbers come from it alone, so any number of processes gives the same result.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from kolorit.errors import DataCorrupt, KoloritError
from kolorit.evaluate.calibration import calibration_terms
from kolorit.evaluate.colours import hue_histogram, red_terms
from kolorit.evaluate.columns import Context, numbers_of
from kolorit.evaluate.deep.kinds import Classifier, Distance, Embedding
from kolorit.evaluate.fidelity import psnr
from kolorit.evaluate.sets import Photograph, PhotoSet, read_truth
from kolorit.evaluate.spots import true_spots
from kolorit.evaluate.systems import Coloured, Put, System, grey_of, paint_on
from kolorit.evaluate.view import View
from kolorit.evaluate.workers import workers

NO_COLOUR, NEAR_GREY = 1.0, 5.0  # mean chroma of a truth: not judged below; counted below
TRUTH, GREY, TINT, HALF = BASELINES = ("truth", "grey", "tint", "half-chroma")


@dataclass(frozen=True)
class Bench:
    """All that judging needs besides the photographs; each process builds one of its own.

    hints: how many true spots are given, one colouring each. deep: metrics from deep features.
    """

    systems: tuple[System, ...]
    put: Put
    context: Context
    short_side: int = 256
    hints: tuple[int, ...] = ()
    deep: tuple[Distance | Embedding | Classifier, ...] = ()


@dataclass(frozen=True)
class Survey:
    """A truth at a glance: its mean ab (2,) and mean chroma; why, where it cannot be read."""

    stem: str
    ab: tuple[float, float] = (0.0, 0.0)
    chroma: float = 0.0
    unreadable: str | None = None


@dataclass(frozen=True)
class Verdict:
    """All numbers of one photograph, by row. terms: column -> (numerator, weight)."""

    stem: str
    reds: float  # share of red pixels in the truth
    terms: dict[str, dict[str, tuple[float, float]]] = field(default_factory=dict)
    hue: dict[str, np.ndarray] = field(default_factory=dict)  # (36,)
    hints: dict[str, dict[int, float]] = field(default_factory=dict)  # PSNR by number of hints
    calibration: dict[str, np.ndarray] = field(default_factory=dict)  # (10,3)
    embeddings: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)  # metric -> (D,)
    classes: dict[str, dict[str, int]] = field(default_factory=dict)  # metric -> class
    labels: dict[str, int] = field(default_factory=dict)  # metric -> the class that it is
    failures: tuple[tuple[str, str], ...] = ()  # (row, why)


@dataclass(frozen=True)
class Judgement:
    """A set with the verdicts of all that could be judged."""

    photo_set: PhotoSet
    verdicts: tuple[Verdict, ...]
    left_out: tuple[tuple[str, str], ...]  # (stem, why)
    near_grey: int


def judge(
    photo_set: PhotoSet,
    make: Callable[[], Bench],
    jobs: int = 1,
    tell: Callable[[], None] = lambda: None,
) -> Judgement:
    """Judge a set. make: builds the bench, once in each process, so it must be picklable.

    Truths that cannot be read or have no colour (mean chroma below 1) are left out of every row
    and metric, by name. tell is called for each photograph, judged or left out. Raises DataCorrupt
    when none is left, LimitExceeded where the system ends a process.
    """
    with workers(make, jobs) as do:
        surveys = list(do(survey, [(p,) for p in photo_set.photographs]))
        reasons = {s.stem: _why_not(s) for s in surveys}
        left_out = tuple((stem, why) for stem, why in reasons.items() if why)
        judged = [s for s in surveys if not reasons[s.stem]]
        if not judged:
            raise DataCorrupt(
                f"no picture of {photo_set.name} can be judged ({': '.join(left_out[0])}, ...)",
                remedy="Give colour photographs, 32 pixels or more each way.",
            )
        for _ in left_out:
            tell()
        a, b = np.mean([s.ab for s in judged], axis=0)
        kept = {s.stem for s in judged}
        tasks = [(p, (float(a), float(b))) for p in photo_set.photographs if p.stem in kept]
        verdicts = []
        for found in do(verdict, tasks):
            verdicts.append(found)
            tell()
    near_grey = sum(s.chroma < NEAR_GREY for s in judged)
    return Judgement(photo_set, tuple(verdicts), left_out, near_grey)


def survey(bench: Bench, photograph: Photograph) -> Survey:
    """Look at one truth."""
    try:
        truth = View(read_truth(photograph.path, bench.short_side))
    except KoloritError as error:
        return Survey(photograph.stem, unreadable=error.cause)
    a, b = truth.ab.mean((0, 1))
    return Survey(photograph.stem, (float(a), float(b)), float(truth.chroma.mean()))


def verdict(bench: Bench, photograph: Photograph, tint: tuple[float, float]) -> Verdict:
    """Judge one photograph."""
    truth = View(read_truth(photograph.path, bench.short_side))
    answers, failures = answer(bench, photograph.stem, truth, tint)
    shown = {row: View(coloured.rgb) for row, coloured in answers.items()}
    _, reds = red_terms(shown=truth.ab, truth=truth.ab)
    out = Verdict(photograph.stem, reds / truth.chroma.size, failures=tuple(failures))
    for row, view in shown.items():
        out.terms[row] = numbers_of(view, truth, bench.context)
        out.hue[row] = hue_histogram(view.ab)
        _look_deeply(bench, row, view.rgb, truth.rgb, out)
        said = answers[row]
        if said.ab is not None and said.confidence is not None:
            out.calibration[row] = calibration_terms(said.ab, said.confidence, truth=truth.ab)
    for metric in bench.deep:
        if isinstance(metric, Classifier) and (label := metric.label(photograph.stem)) is not None:
            out.labels[metric.name] = label
    grey = grey_of(truth.rgb)
    for system in bench.systems:
        if system.hinted and bench.hints:
            scores = {0: out.terms[system.row]["psnr"][0]}
            for count in bench.hints:
                spots = true_spots(truth.ab, count, photograph.stem)
                scores[count] = psnr(shown=system.hinted(grey, spots), truth=truth.rgb)
            out.hints[system.row] = scores
    return out


def answer(
    bench: Bench, stem: str, truth: View, tint: tuple[float, float]
) -> tuple[dict[str, Coloured], list[tuple[str, str]]]:
    """Every row's picture, and what failed: (row, why), shown as grey.

    Systems get the grey bytes and the stem; only the baselines know the truth.
    """
    grey = grey_of(truth.rgb)
    plain = Coloured(paint_on(grey, np.zeros(2), bench.put))
    answers = {
        TRUTH: Coloured(truth.rgb),
        GREY: plain,
        TINT: Coloured(paint_on(grey, np.array(tint), bench.put)),
        HALF: Coloured(paint_on(grey, truth.ab / 2, bench.put)),
    }
    failures = []
    for system in bench.systems:
        try:
            answers[system.row] = system.colour(stem, grey)
        except KoloritError as error:
            failures.append((system.row, str(error)))
            answers[system.row] = plain
    return answers, failures


def _why_not(found: Survey) -> str | None:
    if found.unreadable is not None:
        return f"its truth cannot be read: {found.unreadable}"
    return "its truth has no colour" if found.chroma < NO_COLOUR else None


def _look_deeply(
    bench: Bench, row: str, shown: np.ndarray, truth: np.ndarray, out: Verdict
) -> None:
    for metric in bench.deep:
        if isinstance(metric, Distance):
            out.terms[row][metric.name] = metric.terms(shown=shown, truth=truth)
        elif isinstance(metric, Embedding):
            out.embeddings.setdefault(metric.name, {})[row] = metric.embed(shown)
        else:
            out.classes.setdefault(metric.name, {})[row] = metric.classify(shown)
