"""The linear probe: multinomial logistic regression on standardised features, full batch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from kolorit.training.representation.outcomes import Outcome
from kolorit.training.representation.splits import Domain, deal
from kolorit.training.representation.task import Task, answers_of, places

FLOOR = 1e-6  # of a feature's deviation: what never changes says nothing
ROUNDED = 2**-11  # of a value, when it is stored as float16: a smaller deviation is its flicker


def probe(task: Task) -> list[Outcome]:
    """A probe for each domain, fraction and seed.

    Features are standardised by the domain's pool. The weight decay is chosen on the development
    pictures of the first seed's deal, for each domain and fraction.
    """
    assert task.stored is not None
    found, where = np.load(task.stored, mmap_mode="r"), places(task.domains, len(task.of.label))[0]
    outcomes, axes = [], task.study.probe.axes
    for domain in task.domains.values():
        pool, test = (
            torch.from_numpy(found[where[rows]]).to(task.device).float()
            for rows in (domain.pool, domain.test)
        )
        standard = standardise(pool)
        outcomes += _probe_domain(task, domain, *turned(standard(pool), standard(test), axes))
    return outcomes


def _probe_domain(
    task: Task, domain: Domain, pool: Tensor, test: Tensor, spread: Tensor
) -> list[Outcome]:
    """pool (N,R), test (M,R), spread (R,): the domain's pictures as `turned` gives them."""
    study, names = task.study, answers_of(task, domain)
    of_class = task.of.label[domain.pool]
    label = torch.from_numpy(np.searchsorted(names, of_class)).to(pool.device)
    outcomes = []
    for fraction in study.probe.fractions:
        decay: float | None = None
        for seed in study.probe.seeds:
            dealt = deal(of_class, study.split, fraction, seed)
            learn, choose = (torch.from_numpy(rows).to(pool.device) for rows in dealt)
            x, y, iterations = pool[learn], label[learn], study.probe.iterations
            if decay is None:
                fits = path(x, y, len(names), study.probe.weight_decays, iterations, spread)
                decay = max(fits, key=lambda d: (_right(pool[choose], label[choose], fits[d]), d))
            weights = fit(x, y, len(names), decay, iterations, spread)  # all seeds alike, from 0
            outcomes.append(
                Outcome(
                    domain=domain.name,
                    fraction=fraction,
                    seed=seed,
                    labels=len(learn),
                    choice=decay,
                    train=_right(x, y, weights),
                    development=_right(pool[choose], label[choose], weights),
                    predicted=names[predict(test, weights)].astype(np.int16),
                )
            )
    return outcomes


@dataclass(frozen=True, eq=False)
class Standard:
    """Features less their mean, over their deviation, over the root of their number.

    The last makes one grid of weight decays fit every stage: a picture's features have length 1 on
    average, however many they are.
    """

    mean: Tensor
    scale: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        return (x - self.mean) * self.scale


def standardise(x: Tensor) -> Standard:
    """By the features x (N,D) of the pool, which has no test pictures."""
    deviation, mean = x.std(0, correction=0), x.mean(0)
    changes = deviation > FLOOR + ROUNDED * mean.abs()
    return Standard(mean, torch.where(changes, 1 / (deviation * x.shape[1] ** 0.5), 0.0))


def turned(pool: Tensor, others: Tensor, most: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """The same pictures along the principal axes of the pool: what makes a fit quick.

    pool (N,D), others (M,D) -> (N,R), (M,R), the mean square (R,) of each axis in the pool. Axes on
    which no picture of the pool has anything are left out: R is at most N and D. The best weights
    of a linear model with weight decay lie in the span of what it learns from, and a turn changes
    no length, so no answer changes. With ``most``, only as many axes are kept, the longest; the
    others are those that weight decay holds down anyway.
    """
    N, D = pool.shape
    exact = pool.double()
    if N < D:  # the smaller of the two products has the same values
        values, vectors = torch.linalg.eigh(exact @ exact.T)  # (N,), (N,N)
    else:
        values, vectors = torch.linalg.eigh(exact.T @ exact)  # (D,), (D,D)
    kept = torch.nonzero(values > values[-1] * 1e-10)[-most:, 0]  # they come rising
    values, axes = values[kept], vectors[:, kept]
    if N < D:
        axes = exact.T @ (axes / values.sqrt())  # (D,R), orthonormal
    axes = axes.to(pool)
    return pool @ axes, others @ axes, (values / N).to(pool)


def fit(
    x: Tensor,
    label: Tensor,
    classes: int,
    decay: float,
    iterations: int,
    spread: Tensor | None = None,
    start: tuple[Tensor, Tensor] | None = None,
) -> tuple[Tensor, Tensor]:
    """Weights (R,C) and offsets (C,) that make mean cross-entropy + decay / 2 |weights|^2 least.

    x (N,R), label (N,) in 0..C-1. The offsets are not decayed. L-BFGS with a line search; the
    problem is convex, so start and spread (R,), the mean squares of x, decide the time alone.
    """
    unit = x.new_ones(x.shape[1], 1)
    if spread is not None:
        # By the root of about the curvature along each axis, were all classes equally likely:
        # weights in such units are as steep in all directions, and few steps find the least.
        unit = (decay + spread / classes).rsqrt()[:, None]
    W = x.new_zeros(x.shape[1], classes) if start is None else start[0] / unit
    b = x.new_zeros(classes) if start is None else start[1].clone()
    W.requires_grad_()
    b.requires_grad_()
    search = torch.optim.LBFGS(
        [W, b],
        max_iter=iterations,
        history_size=10,
        tolerance_grad=1e-6,
        tolerance_change=1e-7,
        line_search_fn="strong_wolfe",
    )

    def closure() -> Tensor:
        search.zero_grad()
        weights = W * unit
        loss = F.cross_entropy(x @ weights + b, label) + decay / 2 * weights.square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    search.step(closure)  # type: ignore[no-untyped-call]
    return (W * unit).detach(), b.detach()


def path(
    x: Tensor,
    label: Tensor,
    classes: int,
    decays: tuple[float, ...],
    iterations: int,
    spread: Tensor | None = None,
) -> dict[float, tuple[Tensor, Tensor]]:
    """A fit for each decay, from the largest on, each begun where the one before ended."""
    fits: dict[float, tuple[Tensor, Tensor]] = {}
    last = None
    for decay in sorted(decays, reverse=True):
        last = fits[decay] = fit(x, label, classes, decay, iterations, spread, last)
    return fits


def predict(x: Tensor, weights: tuple[Tensor, Tensor]) -> np.ndarray:
    """The likeliest class (N,) of features x (N,D)."""
    W, b = weights
    return np.asarray((x @ W + b).argmax(1).cpu().numpy())


def _right(x: Tensor, label: Tensor, weights: tuple[Tensor, Tensor]) -> float:
    """Share of pictures that are taken for what they are; NaN without pictures."""
    if not len(x):
        return float("nan")
    return float((predict(x, weights) == label.cpu().numpy()).mean())
