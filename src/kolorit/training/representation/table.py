"""From the answers of all probes to one table: accuracies, the best stages, differences."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from kolorit import __version__
from kolorit.evaluate.provenance import provenance
from kolorit.training.representation.certainty import Means, accuracy, compare, gap_of, means_of
from kolorit.training.representation.outcomes import Outcome, read_outcomes
from kolorit.training.representation.record import BOTTLENECK, MIDDLE, most_labels
from kolorit.training.representation.sets import ClassSet
from kolorit.training.representation.sources import sees
from kolorit.training.representation.splits import Domain, deal
from kolorit.training.representation.study import (
    Study,
    arms_of,
    as_table,
    perceptual_name,
    teaching,
)

Key = tuple[str, str, str, str, float]  # arm, stage, kind of probe, domain, fraction
PLAIN = "two-conv"  # the second study's classifier
Files = dict[tuple[str, int, str, str], Path]  # arm, pretext seed, stage, kind -> outcomes


def make_results(
    study: Study, of: ClassSet, domains: dict[str, Domain], files: Files, about: dict[str, Any]
) -> dict[str, Any]:
    """The record of a study, as JSON has it: every report and figure is made from it alone.

    about: what else it says. A stage is an arm's best by its development pictures.
    """
    aside = {name: _count_aside(study, of, domain) for name, domain in domains.items()}
    cells: dict[Key, dict[int, list[Outcome]]] = {}
    for (arm, seed, stage, kind), path in files.items():
        for outcome in read_outcomes(path):
            key = (arm, stage, kind, outcome.domain, outcome.fraction)
            cells.setdefault(key, {}).setdefault(seed, []).append(outcome)
    right, gaps, rows = {}, {}, []
    for key, by_seed in cells.items():
        answers = _right(by_seed, of, domains[key[3]])
        right[key] = means_of(answers)
        gaps[key] = gap_of(_train(by_seed), right[key])
        rows += [_row(key, by_seed, aside[key[3]], answers.mean(2), right[key], gaps[key])]
    best = _best_stages(rows)
    return {
        "schema": 1,
        "kolorit": __version__,
        **provenance("numpy", "torch", "diffusers"),
        "study": as_table(study),
        "perceptual": perceptual_name(study.perceptual),
        "sees": {name: sees(arm) for name, arm in arms_of(study).items()},
        **about,
        "rows": rows,
        "best": [dict(zip(("arm", "probe", "domain", "stage"), (*k, v), strict=True))
                 for k, v in best.items()],
        "differences": _differences(study, right, gaps, best),
    }  # fmt: skip


def confusions(
    results: dict[str, Any], of: ClassSet, domains: dict[str, Domain], files: Files
) -> dict[str, np.ndarray]:
    """ "ARM/PROBE/DOMAIN" -> counts (C,C) of test pictures by true and by taken class, as the set
    orders them; of the best stage, the most labels, all seeds together."""
    found = {}
    for best in results["best"]:
        most = most_labels(results, best["probe"])
        truth = of.label[domains[best["domain"]].test]
        counts = np.zeros((len(of.classes), len(of.classes)), np.int32)
        for (arm, _, stage, kind), path in files.items():
            if (arm, stage, kind) == (best["arm"], best["stage"], best["probe"]):
                for outcome in read_outcomes(path):
                    if (outcome.domain, outcome.fraction) == (best["domain"], most):
                        np.add.at(counts, (truth, outcome.predicted), 1)
        found[f"{best['arm']}/{best['probe']}/{best['domain']}"] = counts
    return found


def _right(by_seed: dict[int, list[Outcome]], of: ClassSet, domain: Domain) -> np.ndarray:
    """(P,S,N) bool: whether each test picture is taken for what it is."""
    truth = of.label[domain.test]
    return np.array([[o.predicted == truth for o in outcomes] for outcomes in by_seed.values()])


def _train(by_seed: dict[int, list[Outcome]]) -> np.ndarray:
    """(P,S): accuracy on what each probe learnt from."""
    return np.array([[o.train for o in outcomes] for outcomes in by_seed.values()])


def _count_aside(study: Study, of: ClassSet, domain: Domain) -> int:
    """The development pictures of a domain, as many in each deal: they chose decay and epoch."""
    _, choose = deal(of.label[domain.pool], study.split, fraction=1.0, seed=0)
    return len(choose)


def _row(
    key: Key,
    by_seed: dict[int, list[Outcome]],
    aside: int,
    each: np.ndarray,
    right: Means,
    gap: Means,
) -> dict[str, Any]:
    """aside: development pictures; each (P,S): accuracies."""
    arm, stage, kind, domain, fraction = key
    outcomes = [o for some in by_seed.values() for o in some]
    mean, low, high = accuracy(right)
    return {
        "arm": arm,
        "stage": stage,
        "probe": kind,
        "domain": domain,
        "fraction": fraction,
        "labels": outcomes[0].labels,
        "development_labels": aside,
        "accuracy": [mean, max(low, 0.0), min(high, 1.0)],
        "by_seed": each.round(5).tolist(),  # a list for each pretext seed
        "development": _mean([o.development for o in outcomes]),
        "train": _mean([o.train for o in outcomes]),
        "gap": accuracy(gap),  # train less test
        "choices": [o.choice for o in outcomes],
    }


def _mean(values: list[float]) -> float | None:
    mean = float(np.mean(values))
    return None if np.isnan(mean) else mean


def _best_stages(rows: list[dict[str, Any]]) -> dict[tuple[str, str, str], str]:
    """(arm, probe, domain) -> the stage of the best development accuracy with the most labels.

    Where nothing was developed on, the last stage.
    """
    best: dict[tuple[str, str, str], tuple[float, str]] = {}
    for row in rows:
        if row["fraction"] == most_labels({"rows": rows}, row["probe"]):
            key = (row["arm"], row["probe"], row["domain"])
            score = -1.0 if row["development"] is None else row["development"]
            if key not in best or score > best[key][0] or row["development"] is None:
                best[key] = (score, row["stage"])
    return {key: stage for key, (_, stage) in best.items()}


def _differences(
    study: Study,
    right: dict[Key, Means],
    gaps: dict[Key, Means],
    best: dict[tuple[str, str, str], str],
) -> list[dict[str, Any]]:
    """Arms against the baseline and by the study's pairs, each at its best stage; and of each arm
    its middle against its bottleneck, and stronger classifiers against the second study's."""
    arms = list(dict.fromkeys(arm for arm, *_ in right))
    pairs = [(arm, study.baseline) for arm in arms if arm != study.baseline]
    asked: list[tuple[Key, Key]] = []
    for kind, domain, fraction in dict.fromkeys(key[2:] for key in right):

        def at_best(arm: str, kind: str = kind, where: Any = (domain, fraction)) -> Key:
            return (arm, best.get((arm, kind, where[0]), ""), kind, *where)

        asked += [(at_best(first), at_best(second)) for first, second in (*pairs, *study.compare)]
        at_stage = [(MIDDLE, kind, domain, fraction), (BOTTLENECK, kind, domain, fraction)]
        asked += [((arm, *at_stage[0]), (arm, *at_stage[1])) for arm in arms]
        if kind not in ("linear", PLAIN):
            asked += [(at_best(arm), at_best(arm, PLAIN)) for arm in arms]
    return [
        _difference(study, first, second, right, gaps)
        for first, second in dict.fromkeys(asked)
        if first in right and second in right
    ]


def _difference(
    study: Study, first: Key, second: Key, right: dict[Key, Means], gaps: dict[Key, Means]
) -> dict[str, Any]:
    same = teaching(study.arms[first[0]]) == teaching(study.arms[second[0]])
    seen = compare(right[first], right[second], same_encoders=same)
    mean, low, high = seen.difference
    return {
        "first": first[0],
        "second": second[0],
        "stages": [first[1], second[1]],
        "probe": first[2],
        "second_probe": second[2],
        "domain": first[3],
        "fraction": first[4],
        "difference": [mean, low, high],
        "visible": seen.visible,
        "gap": compare(gaps[first], gaps[second], same_encoders=same).difference,
        "verdict": "higher" if low > 0 else "lower" if high < 0 else "open",
    }
