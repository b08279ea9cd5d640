"""Who is held out: classes out of domain, pictures for pretexts, labels for probes.

NumPy's legacy generator stands here on purpose: the second study drew with it, and its numbers
are known.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from kolorit.errors import ConfigInvalid, DataCorrupt
from kolorit.training.representation.sets import ClassSet
from kolorit.training.representation.study import Defects, Split

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Domain:
    """Rows of the set. classes (C,): labels that its pictures may have; pool: for probes."""

    name: str
    classes: tuple[int, ...]
    pretext: Rows
    pool: Rows
    test: Rows


def draw_classes(count: int, held_out: int, seed: int, *, replacement: bool) -> tuple[int, ...]:
    """Indices of classes that are held out, in the order in which they are drawn, all distinct.

    With replacement it is what ``numpy.random.seed(seed); numpy.random.choice(count, held_out)``
    gives, less what was drawn before: 18 of 20 for 101 classes and seed 42.
    """
    drawn = np.random.RandomState(seed).choice(count, held_out, replace=replacement)
    return tuple(dict.fromkeys(drawn.tolist()))


def stratified(labels: npt.ArrayLike, share: float, seed: int) -> tuple[Rows, Rows]:
    """Positions of a first part of ``share`` and of the rest, each class shared out alike.

    The same numbers, in the same order, as scikit-learn's ``train_test_split`` gives with
    ``train_size=share, random_state=seed, stratify=labels``.
    """
    _, classes = np.unique(labels, return_inverse=True)
    counts = np.bincount(classes)
    rng = np.random.RandomState(seed)
    first = int(np.floor(share * len(classes)))
    firsts = _shared_out(counts, first, rng)
    seconds = _shared_out(counts - firsts, len(classes) - first, rng)
    parts: tuple[list[Rows], list[Rows]] = ([], [])
    for of_class, (n, m) in enumerate(zip(firsts, seconds, strict=True)):
        order = np.flatnonzero(classes == of_class)[rng.permutation(counts[of_class])]
        parts[0].append(order[:n])
        parts[1].append(order[n : n + m])
    return rng.permutation(np.concatenate(parts[0])), rng.permutation(np.concatenate(parts[1]))


def _shared_out(counts: Rows, total: int, rng: np.random.RandomState) -> Rows:
    """``total`` over classes in proportion to their counts; what is left by largest remainder.

    Which of equal remainders come first is drawn.
    """
    exact = counts / counts.sum() * total
    whole = np.floor(exact)
    rest = exact - whole
    for value in np.unique(rest)[::-1]:
        left = int(total - whole.sum())
        if left <= 0:
            break
        equal = np.flatnonzero(rest == value)
        whole[rng.choice(equal, size=min(len(equal), left), replace=False)] += 1
    return np.asarray(whole, np.int64)


def split_set(of: ClassSet, split: Split, defects: Defects) -> dict[str, Domain]:
    """The domains "in" and "out". Raises ConfigInvalid where a class would be left too few."""
    used = np.arange(len(of.classes))
    if split.classes:
        used = np.linspace(0, len(of.classes) - 1, min(split.classes, len(used))).astype(int)
    if not 0 < split.held_out < len(used) - 1:
        raise ConfigInvalid(
            f"split.held_out = {split.held_out} of {len(used)} classes",
            remedy="Leave at least two classes in each domain.",
        )
    drawn = draw_classes(
        len(used), split.held_out, split.seed, replacement=defects.with_replacement
    )
    held = {int(used[k]) for k in drawn}
    domains = {}
    for name, classes in (
        ("in", tuple(int(k) for k in used if k not in held)),
        ("out", tuple(int(k) for k in used if k in held)),
    ):
        train = _rows(of, classes, split.train_per_class, test=False)
        first, rest = stratified(of.label[train], split.pretext, split.seed)
        test = _rows(of, classes, split.test_per_class, test=True)
        domains[name] = Domain(name, classes, train[first], train[rest], test)
        _check_enough(of, domains[name], split)
    if defects.out_is_in:
        inside = domains["in"]
        domains["out"] = Domain("out", inside.classes, inside.pretext, inside.pool, inside.test)
    return domains


def _rows(of: ClassSet, classes: tuple[int, ...], most: int, *, test: bool) -> Rows:
    """Rows of the official train or test pictures of some classes, ``most`` of each if not 0."""
    rows = np.flatnonzero((of.test == test) & np.isin(of.label, classes))
    if not most:
        return rows
    return np.sort(np.concatenate([rows[of.label[rows] == k][:most] for k in classes]))


def _check_enough(of: ClassSet, domain: Domain, split: Split) -> None:
    need = 2 if split.development else 1
    for part, least in (("pretext", 1), ("pool", need), ("test", 1)):
        counts = np.bincount(of.label[getattr(domain, part)], minlength=len(of.classes))
        few = [k for k in domain.classes if counts[k] < least]
        if few:
            raise ConfigInvalid(
                f"too few pictures of '{of.classes[few[0]]}': {counts[few[0]]} for the {part} of "
                f"the domain '{domain.name}', where {least} are needed",
                remedy="Add pictures of this class, or change split.pretext and split.development.",
            )


def deal(
    labels: npt.NDArray[np.int64], split: Split, fraction: float, seed: int
) -> tuple[Rows, Rows]:
    """Positions in a pool of (labels to learn from, pictures to choose by), of each class alike.

    A seed deals anew. A smaller fraction is a part of a larger one of the same seed, and the
    development pictures are the same; each class keeps at least one label.
    """
    learn, choose = [], []
    share = split.development / (1 - split.pretext)
    for of_class in np.unique(labels):
        rng = np.random.default_rng((seed, int(of_class)))
        order = rng.permutation(np.flatnonzero(labels == of_class))
        aside = min(max(1, round(share * len(order))), len(order) - 1) if share else 0
        rest = order[aside:]
        choose.append(order[:aside])
        learn.append(rest[: max(1, round(fraction * len(rest)))])
    return np.sort(np.concatenate(learn)), np.sort(np.concatenate(choose))


def check_labels(labels: npt.NDArray[np.int64], domain: Domain, of: ClassSet) -> None:
    """Raises DataCorrupt where a batch holds a class that is not its domain's."""
    strange = np.setdiff1d(labels, domain.classes)
    if len(strange):
        raise DataCorrupt(
            f"a batch of the domain '{domain.name}' holds pictures of "
            f"'{of.classes[int(strange[0])]}', which is not in it",
            remedy="Its rows are wrong: the split was made for another set.",
        )


def describe_split(of: ClassSet, domains: dict[str, Domain]) -> dict[str, Any]:
    """Counts of pictures, names of classes; chance: what naming the commonest class gets right."""
    return {
        "digest": of.digest,
        "pictures": len(of.label),
        "classes": len(of.classes),
        "skipped": len(of.skipped),
        "domains": {
            name: {
                "classes": [of.classes[k] for k in domain.classes],
                "pretext": len(domain.pretext),
                "pool": len(domain.pool),
                "test": len(domain.test),
                "chance": int(np.bincount(of.label[domain.test]).max()) / len(domain.test),
            }
            for name, domain in domains.items()
        },
    }
