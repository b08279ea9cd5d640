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
from kolorit.training.representation.outcomes import Outcome
from kolorit.training.representation.pictures import batches, cut, to_pictures
from kolorit.training.representation.splits import Domain, Rows, check_labels, deal
from kolorit.training.representation.task import Task, answers_of, places

MEASURED = 512  # pictures by which maps are standardised
FLOOR = 1e-6  # of a channel's deviation: what never changes stays as it is
RAW_RATE_OUT = 5e-4  # the defect "uneven_rates"
# Maps of rows of a domain; with an rng they are to learn from, and mirrored half of the time.
Show = Callable[[Domain, Rows, np.random.Generator | None], Tensor]


def probe(task: Task, make: Callable[[int, int, int], nn.Module]) -> list[Outcome]:
    """A probe for each domain, fraction and seed; ``make``: as in CLASSIFIERS.

    Raises TrainingDiverged.
    """
    how, show = task.study.probe, maps_from(task)
    return [
        _learn(task, show, domain, fraction, seed, make)
        for domain in task.domains.values()
        for fraction in how.map_fractions or (max(how.fractions),)
        for seed in how.seeds
    ]


def maps_from(task: Task) -> Show:
    """Maps (B,C,h,w) of rows of a domain, a half of them mirrored if there is an rng.

    An encoder's are read from the file that `frozen.extract` made: here it has nothing to do, and
    nothing can change it. The picture itself may be distorted, and is made anew each time.
    """
    show = _from_pictures(task) if task.features.net is None else _from_file(task)
    if not task.study.probe.standardised:
        return show
    standards = {name: _standard(show, domain) for name, domain in task.domains.items()}

    def standardised(domain: Domain, rows: Rows, rng: np.random.Generator | None) -> Tensor:
        mean, deviation = standards[domain.name]
        return (show(domain, rows, rng) - mean) / deviation

    return standardised


def _from_file(task: Task) -> Show:
    assert task.maps is not None
    kept, where = np.load(task.maps, mmap_mode="r"), places(task.domains, len(task.of.label))

    def show(domain: Domain, rows: Rows, rng: np.random.Generator | None) -> Tensor:
        check_labels(task.of.label[rows], domain, task.of)
        mirrored = 0 if rng is None else (rng.random(len(rows)) < 0.5).astype(int)
        maps = kept[where[mirrored, rows]]
        return _sized(task, torch.from_numpy(maps).to(task.device).float())

    return show


def _from_pictures(task: Task) -> Show:
    strong = task.study.defects.uneven_augmentation and task.arm.features == "rgb"

    def show(domain: Domain, rows: Rows, rng: np.random.Generator | None) -> Tensor:
        rgb, label = next(batches(task.of, domain, rows, len(rows)))
        if rng is not None:
            rgb = cut(trivial_augment(rgb, rng) if strong else rgb, 0, rng)
        pictures = to_pictures(rgb, label, task.features.preprocessing, task.device)
        return _sized(task, task.features.maps(pictures, (task.stage,))[task.stage])

    return show


def _sized(task: Task, maps: Tensor) -> Tensor:
    """At the probe's own size where it has one."""
    side = task.arm.side or task.study.probe.side
    if side and maps.shape[-1] != side:
        maps = F.interpolate(maps, (side, side), mode="bilinear", antialias=True)
    return maps


def _standard(show: Show, domain: Domain) -> tuple[Tensor, Tensor]:
    """Mean and deviation (1,C,1,1) of each channel over some of the domain's pool."""
    count = len(domain.pool)
    some = np.linspace(0, count - 1, min(MEASURED, count)).astype(int)
    maps = show(domain, domain.pool[some], None)
    deviation, mean = torch.std_mean(maps, (0, 2, 3), correction=0, keepdim=True)
    return mean, torch.where(deviation > FLOOR, deviation, 1.0)


def _learn(
    task: Task,
    show: Show,
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
    _, channels, side, _ = show(domain, rows[:1], None).shape
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
        _epoch(task, show, domain, rows, net, optimiser, names, (seed, epoch))
        if epoch not in judged:
            continue
        score = _accuracy(task, show, domain, judges, net, names) if len(judges) else float(epoch)
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
        train=_accuracy(task, show, domain, rows, net, names),
        development=_accuracy(task, show, domain, aside, net, names),
        predicted=_answers(task, show, domain, domain.test, net, names),
    )


def _epoch(
    task: Task,
    show: Show,
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
    net.train()
    order = rng.permutation(rows)
    for some in np.split(order, range(how.batch, len(order), how.batch)):
        if len(some) == 1 and len(rows) > 1:
            continue  # a norm over one value is none
        with (
            listening([last_linear(net)] if on_features else [], inputs=True) as heard,
            torch.autocast(task.device.type, torch.bfloat16, enabled=how.bf16),
        ):
            scores = net(show(domain, some, rng)).float()
        wanted = torch.from_numpy(np.searchsorted(names, task.of.label[some])).to(task.device)
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
def _answers(
    task: Task, show: Show, domain: Domain, rows: Rows, net: nn.Module, names: np.ndarray
) -> np.ndarray:
    """The class (n,) that each picture of the rows is taken for."""
    net.eval()
    found = []
    for some in np.split(rows, range(64, len(rows), 64)):
        with torch.autocast(task.device.type, torch.bfloat16, enabled=task.study.probe.bf16):
            found.append(net(show(domain, some, None)).argmax(1).cpu().numpy())
    return np.asarray(names[np.concatenate(found)]).astype(np.int16)


def _accuracy(
    task: Task, show: Show, domain: Domain, rows: Rows, net: nn.Module, names: np.ndarray
) -> float:
    if not len(rows):
        return float("nan")
    right = _answers(task, show, domain, rows, net, names) == task.of.label[rows]
    return float(right.mean())
