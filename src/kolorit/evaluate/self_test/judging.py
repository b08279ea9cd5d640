"""Traps of judging a set: who is left out, what a failure costs, who sees the truth."""

from __future__ import annotations

import math

import numpy as np

from kolorit.evaluate import intervals
from kolorit.evaluate.deep.statistics import frechet
from kolorit.evaluate.judge import BASELINES, GREY, HALF, NEAR_GREY, NO_COLOUR, TRUTH
from kolorit.evaluate.self_test.finding import Finding, Material, db
from kolorit.evaluate.self_test.trial import BROKEN, GREY_ONE, PALE, STUMBLING, TINTS, Trial

_BATCH = 4


def floors(trial: Trial) -> Finding:
    """A number says little without those of the truth and of doing nothing."""
    there = all(list(v.terms)[:4] == list(BASELINES) for v in trial.judgement.verdicts)
    grey, half, truth = (trial.mean(row, "psnr") for row in (GREY, HALF, TRUTH))
    return Finding(
        "no floors",
        "an answer without any colour stands alone in the table",
        f"grey {db(grey)}, half-chroma {db(half)}, truth {db(truth)}",
        db(grey),
        "all four rows in each table; half-chroma 5 to 7 dB over grey (22.9 and 28.7 dB)",
        there and truth == math.inf and 5 < half - grey < 7,
    )


def failures(trial: Trial) -> Finding:
    """What a system could not colour counts as grey."""
    right = trial.mean(STUMBLING, "psnr")
    stems = [v.stem for v in trial.judgement.verdicts]
    warm, grey = trial.values("warm", "psnr"), trial.values(GREY, "psnr")
    failed = np.array([stem == trial.hard for stem in stems])
    survivors = float(warm[~failed].mean())
    by_all = float(warm[~failed].sum() / len(stems))
    named = [(v.stem, row) for v in trial.judgement.verdicts for row, _ in v.failures]
    as_grey = float(np.where(failed, grey, warm).mean())
    return Finding(
        "failures skipped",
        "the mean of the survivors; their sum by the number that was planned",
        f"{right:.2f} dB, {len(named)} failure named",
        f"{survivors:.2f} dB; {by_all:.2f} dB",
        "as grey, and named; the first mistake is higher, the second much lower",
        named == [(trial.hard, STUMBLING)]
        and math.isclose(right, as_grey, abs_tol=1e-4)
        and survivors > right + 0.05
        and by_all < right - 1,
    )


def dropped(trial: Trial) -> Finding:
    """What cannot be judged is left out by name; nothing vanishes."""
    found = len(trial.judgement.photo_set.photographs)
    judged, left_out = len(trial.judgement.verdicts), dict(trial.judgement.left_out)
    return Finding(
        "pictures dropped in silence",
        "what cannot be read, or has no colour, is skipped",
        f"{found} pictures: {judged} judged, {len(left_out)} left out by name",
        f"{judged} pictures",
        "judged and left out are all that there were",
        judged + len(left_out) == found and set(left_out) == {BROKEN, GREY_ONE},
    )


def greys_in_one_mean(trial: Trial) -> Finding:
    """One list of pictures for all rows and columns."""
    verdicts = trial.judgement.verdicts
    right, psnr = trial.mean(GREY, "psnr"), trial.values(GREY, "psnr")
    pale = np.array([v.stem == PALE for v in verdicts])
    wrong = float(psnr[~pale].mean())
    columns = {(row, tuple(terms)) for v in verdicts for row, terms in v.terms.items()}
    return Finding(
        "greys left out of one mean",
        "nearly grey pictures are left out of the PSNR of grey",
        f"{right:.2f} dB, {trial.judgement.near_grey} nearly grey counted and stated",
        f"{wrong:.2f} dB",
        "another mean (22.91 -> 21.88 dB)",
        len(columns) == len(verdicts[0].terms)
        and trial.judgement.near_grey >= 1
        and math.isclose(right, psnr.mean(), abs_tol=1e-4)
        and wrong < right - 0.2,
    )


def capped(trial: Trial) -> Finding:
    """A grey truth has no colour to find: it is no 50 dB for grey."""
    right, psnr = trial.mean(GREY, "psnr"), trial.values(GREY, "psnr")
    wrong = float(np.append(psnr, 50.0).mean())
    return Finding(
        "PSNR with a cap",
        "errors are at least 1e-5, so that a picture without colour gives grey 50 dB",
        f"{right:.2f} dB, and that picture left out by name",
        f"{wrong:.2f} dB",
        "a higher mean (22.91 -> 23.49 dB)",
        GREY_ONE in dict(trial.judgement.left_out)
        and math.isclose(right, psnr.mean(), abs_tol=1e-4)
        and wrong > right + 0.2,
    )


def mean_of_psnr(trial: Trial) -> Finding:
    """The mean is over the PSNR of each picture."""
    right, psnr = trial.mean(GREY, "psnr"), trial.values(GREY, "psnr")
    wrong = float(-10 * np.log10((10 ** (-psnr / 10)).mean()))
    return Finding(
        "PSNR of the mean error",
        "squared errors are averaged over the pictures before the logarithm",
        f"{right:.2f} dB",
        f"{wrong:.2f} dB",
        "0.3 dB less or more (22.91 -> 20.32 dB)",
        math.isclose(right, psnr.mean(), abs_tol=1e-4) and wrong < right - 0.3,
    )


def low_chroma(trial: Trial) -> Finding:
    """Without pale pictures colours look stronger, and nothing has become better."""
    right, cf = trial.mean(TRUTH, "colourfulness"), trial.values(TRUTH, "colourfulness")
    pale = np.array([v.stem == PALE for v in trial.judgement.verdicts])
    wrong = float(cf[~pale].mean())
    return Finding(
        "pale pictures dropped",
        f"pictures of mean chroma under {NEAR_GREY:g} are taken out, colourfulness of the truth",
        f"{right:.1f}, {trial.judgement.near_grey} nearly grey counted and stated",
        f"{wrong:.1f}",
        f"more; only those under {NO_COLOUR:g} are left out, by name",
        trial.judgement.near_grey >= 1
        and math.isclose(right, cf.mean(), abs_tol=1e-4)
        and wrong > 1.05 * right,
    )


def partial_batch(trial: Trial) -> Finding:
    """The mean is over all pictures, however they were worked through."""
    right = trial.mean(GREY, "psnr")
    psnr = np.sort(trial.values(GREY, "psnr"))[::-1]
    wrong = float(psnr[: len(psnr) // _BATCH * _BATCH].mean())
    return Finding(
        "last batch dropped",
        f"{len(psnr)} pictures in batches of {_BATCH}, the last not being full",
        f"{right:.2f} dB",
        f"{wrong:.2f} dB",
        "another mean",
        math.isclose(right, psnr.mean(), abs_tol=1e-4) and wrong > right + 0.2,
    )


def best_of_k(trial: Trial) -> Finding:
    """A choice among answers by looking at the truth is no result of a system."""
    best = max(TINTS, key=lambda row: float(trial.mean(row, "psnr")))
    right = trial.mean(best, "psnr")
    wrong = float(np.max([trial.values(row, "psnr") for row in TINTS], axis=0).mean())
    return Finding(
        "best of several",
        f"of {len(TINTS)} answers the truth chooses, picture by picture",
        f"{right:.2f} dB, the best of them throughout",
        f"{wrong:.2f} dB",
        "0.1 dB more or better (+2.2 dB); a system gives one answer and sees no truth",
        math.isclose(right, trial.values(best, "psnr").mean(), abs_tol=1e-4)
        and wrong > right + 0.1,
    )


def disjoint_reference(trial: Trial) -> Finding:
    """Distances of sets are to the truths of the same pictures, and equal sets give 0."""
    right = trial.mean(TRUTH, "frechet_means")
    points = np.stack([v.embeddings["means"][TRUTH] for v in trial.judgement.verdicts])
    wrong = frechet(points[::2], points[1::2])
    return Finding(
        "reference of other pictures",
        "truths are compared with the truths of other pictures",
        f"Fréchet distance {right:.1f}",
        f"{wrong:.1f}",
        "0 for equal sets; with the mistake a floor above 0 (FID 14.68)",
        right == 0 and wrong > 1,
    )


def processes(trial: Trial) -> Finding:
    """As many processes as one likes, the same numbers."""
    one, two = trial.judgement, trial.again
    pairs = list(zip(one.verdicts, two.verdicts, strict=True))
    differ = sum(a.terms[row] != b.terms.get(row) for a, b in pairs for row in a.terms)
    other = one.left_out != two.left_out or one.near_grey != two.near_grey
    psnr = trial.values(GREY, "psnr")
    part = (len(psnr) + 1) // 2
    wrong = (psnr[:part].mean() + psnr[part:].mean()) / 2
    return Finding(
        "one process or two",
        "each process gives a mean, and these are averaged",
        f"{differ} of {sum(len(v.terms) for v in one.verdicts)} rows differ",
        f"{wrong:.2f} dB for {psnr.mean():.2f} dB",
        "the same to the last digit",
        differ == 0 and not other and len(psnr) == len(two.verdicts),
    )


def seeds(material: Material) -> Finding:
    """Nothing hangs on a state of chance that others can change."""
    values = np.array([truth.colourfulness for truth in material.truths])
    state = np.random.get_state()
    found, seeded = [], []
    for seed in (1, 2):
        np.random.seed(seed)
        found.append(intervals.interval(values))
        seeded.append(_samples(len(values)))
    np.random.set_state(state)
    unseeded = [_samples(len(values), seed=seed) for seed in (1, 2)]
    # The samples, since the intervals of few pictures may be alike by chance.
    right, wrong = (int((one != other).any(1).sum()) for one, other in (seeded, unseeded))
    return Finding(
        "no seed",
        "each run draws its own samples, since a seed was assigned to the function that sets it",
        f"{right} of {len(seeded[0])} samples of two runs differ",
        f"{wrong}",
        "none; with the mistake most",
        right == 0 and found[0] == found[1] and wrong > len(unseeded[0]) / 2,
    )


def _samples(count: int, **seed: int) -> np.ndarray:
    """(R,N) indices that a bootstrap draws."""
    drawn = []

    def look(picks: np.ndarray) -> np.ndarray:
        drawn.append(picks)
        return np.asarray(picks.mean(1))

    intervals.interval_of(look, count, **seed)
    return drawn[-1]
