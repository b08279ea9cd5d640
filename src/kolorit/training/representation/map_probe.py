"""A classifier put on a stage's maps; its epoch is chosen on development pictures.

The second study's two convolutions, or a stronger one: `classifiers.py`. Of arms whose features are
the picture, the classifier learns from the picture itself.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from kolorit.errors import TrainingDiverged
from kolorit.training.losses import PENALTIES
from kolorit.training.representation.activations import last_linear, listening, weigh_features
from kolorit.training.representation.distortions import trivial_augment
from kolorit.training.representation.frozen import standing_still
from kolorit.training.representation.outcomes import Outcome
from kolorit.training.representation.pictures import batches, cut, to_pictures
from kolorit.training.representation.splits import Domain, Rows, deal
from kolorit.training.representation.task import Task, answers_of

RAW_RATE_OUT = 5e-4  # the defect "uneven_rates"


def probe(task: Task, make: Callable[[int, int, int], nn.Module]) -> list[Outcome]:
    """A probe for each domain, fraction and seed; ``make``: as in CLASSIFIERS.

    Maps are made anew for each batch, since pictures are mirrored. Raises TrainingDiverged, and
    ConfigInvalid as `standing_still`.
    """
    how = task.study.probe
    with standing_still(task.features.net, train_mode=task.study.defects.train_mode):
        return [
            _learn(task, domain, fraction, seed, make)
            for domain in task.domains.values()
            for fraction in how.map_fractions or (max(how.fractions),)
            for seed in how.seeds
        ]


def _learn(
    task: Task,
    domain: Domain,
    fraction: float,
    seed: int,
    make: Callable[[int, int, int], nn.Module],
) -> Outcome:
    how, defects = task.study.probe, task.study.defects
    learn, choose = deal(task.of.label[domain.pool], task.study.split, fraction, seed)
    rows, aside = domain.pool[learn], domain.pool[choose]
    judges = domain.test if defects.test_chooses else aside  # none: the last epoch is taken
    names = answers_of(task, domain)
    _, channels, side, _ = _maps(task, *next(batches(task.of, domain, rows, 1))).shape
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = make(channels, side, len(names)).to(task.device)
    faster = defects.uneven_rates and task.arm.features == "rgb" and domain.name == "out"
    rate = RAW_RATE_OUT if faster else how.lr
    optimiser = torch.optim.AdamW(net.parameters(), lr=rate, weight_decay=how.decay)
    best, epoch_kept, kept = -1.0, 0, net.state_dict()
    epochs = max(how.epochs, -(-how.steps // -(-len(rows) // how.batch)))
    judged = {-(-k * epochs // how.epochs) - 1 for k in range(1, how.epochs + 1)}
    for epoch in range(epochs):
        _epoch(task, domain, rows, net, optimiser, names, (seed, epoch))
        if epoch not in judged:
            continue
        score = _accuracy(task, domain, judges, net, names) if len(judges) else float(epoch)
        if score > best:
            best, epoch_kept = score, epoch
            kept = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    net.load_state_dict(kept)
    return Outcome(
        domain=domain.name,
        fraction=fraction,
        seed=seed,
        labels=len(rows),
        choice=epoch_kept,
        train=_accuracy(task, domain, rows, net, names),
        development=_accuracy(task, domain, aside, net, names),
        predicted=_answers(task, domain, domain.test, net, names),
    )


def _epoch(
    task: Task,
    domain: Domain,
    rows: Rows,
    net: nn.Module,
    optimiser: torch.optim.Optimizer,
    names: np.ndarray,
    seed: tuple[int, int],
) -> None:
    """All pictures once, in an order of their own."""
    how, rng = task.study.probe, np.random.default_rng(seed)
    penalties = how.penalties | task.arm.probe_penalties
    on_features = how.feature_penalties | task.arm.probe_feature_penalties
    strong = task.study.defects.uneven_augmentation and task.arm.features == "rgb"
    net.train()
    for rgb, label in batches(task.of, domain, rng.permutation(rows), how.batch):
        if len(rgb) == 1 and len(rows) > 1:
            continue  # a norm over one value is none
        rgb = cut(trivial_augment(rgb, rng) if strong else rgb, 0, rng)
        with listening([last_linear(net)] if on_features else [], inputs=True) as heard:
            scores = net(_maps(task, rgb, label))
        wanted = torch.from_numpy(np.searchsorted(names, label)).to(task.device)
        loss = F.cross_entropy(scores, wanted)
        for name, weight in penalties.items():
            loss = loss + weight * PENALTIES[name](net)
        if on_features:
            loss = loss + weigh_features(on_features, heard)
        if not torch.isfinite(loss):
            raise TrainingDiverged(
                f"in epoch {seed[1]} of a probe the loss is no longer a number",
                remedy="Use a smaller probe.lr.",
            )
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()


@torch.no_grad()
def _maps(task: Task, rgb: np.ndarray, label: np.ndarray) -> Tensor:
    """The stage's maps (B,C,h,w), at the probe's own size where it has one."""
    pictures = to_pictures(rgb, label, task.features.preprocessing, task.device)
    maps = task.features.maps(pictures, (task.stage,))[task.stage]
    side = task.study.probe.side
    if side and maps.shape[-1] != side:
        maps = F.interpolate(maps, (side, side), mode="bilinear", antialias=True)
    return maps


@torch.no_grad()
def _answers(
    task: Task, domain: Domain, rows: Rows, net: nn.Module, names: np.ndarray
) -> np.ndarray:
    """The class (n,) that each picture of the rows is taken for."""
    net.eval()
    found = [
        net(_maps(task, rgb, label)).argmax(1).cpu().numpy()
        for rgb, label in batches(task.of, domain, rows, 64)
    ]
    return np.asarray(names[np.concatenate(found)]).astype(np.int16)


def _accuracy(task: Task, domain: Domain, rows: Rows, net: nn.Module, names: np.ndarray) -> float:
    if not len(rows):
        return float("nan")
    return float((_answers(task, domain, rows, net, names) == task.of.label[rows]).mean())
