"""Teaching an encoder its pretext: a plain loop.

Not `training/loop.py`: what is learnt from here has labels and a side in the study, which a store
of photographs does not have, and there is neither a critic nor a model to ship.
"""

from __future__ import annotations

import math
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from kolorit.errors import TrainingDiverged
from kolorit.training.losses import PENALTIES
from kolorit.training.representation.distortions import distort
from kolorit.training.representation.pictures import (
    batches,
    colour_prior,
    cut,
    preprocessing_of,
    shuffled,
    to_pictures,
)
from kolorit.training.representation.pretexts import PRETEXTS, Loss, losses_of
from kolorit.training.representation.sets import ClassSet
from kolorit.training.representation.splits import Domain, Rows
from kolorit.training.representation.study import Arm, Study, Training
from kolorit.training.representation.taught import save_taught
from kolorit.training.squares import Say

SHOWN = 512  # pictures that a pretext is validated on, of each domain


def pretrain(
    study: Study,
    arm: Arm,
    seed: int,
    of: ClassSet,
    domains: dict[str, Domain],
    path: Path,
    device: torch.device,
    say: Say,
) -> None:
    """Teach an encoder with the in-domain pretext pictures and write it to ``path``.

    What is kept is the last step's, or with the defect ``test_chooses`` the one whose loss on the
    test pictures was least. Raises TrainingDiverged, and ConfigInvalid as `losses_of`.
    """
    how, inside = study.training, domains["in"]
    preprocessing = preprocessing_of(study)
    prior = None
    if arm.losses.get("rebalanced"):
        stride = 2 ** (len(study.net.widths) - 1)
        prior = colour_prior(of, inside.pretext, stride).float().to(device)
    losses, pretext = losses_of(arm, study.perceptual, prior), PRETEXTS[arm.pretext]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = pretext.make_net(study.net, study.decoder, len(of.classes)).to(device)
    # Lists of rows that no pretext learns from; the test is among them by the defect alone.
    judged = {name: _some(d.pool) for name, d in domains.items()}
    if study.defects.test_chooses:
        judged["test"] = _some(inside.test)
    optimiser = torch.optim.AdamW(net.parameters(), lr=how.lr, weight_decay=how.weight_decay)
    order = shuffled(inside.pretext, seed, how.steps * how.batch)
    log: list[dict[str, Any]] = []
    best, kept = math.inf, None
    began = told = time.monotonic()
    net.train()
    for step, (rgb, label) in enumerate(batches(of, inside, order, how.batch)):
        rng = np.random.default_rng((seed, step))
        rgb = cut(rgb, how.crop, rng)
        shown = distort(rgb, rng) if study.defects.distorted_input else None
        pictures = to_pictures(rgb, label, preprocessing, device, shown)
        for group in optimiser.param_groups:
            group["lr"] = how.lr * _share(how, step)
        optimiser.zero_grad(set_to_none=True)
        with torch.autocast(device.type, torch.bfloat16, enabled=how.bf16):
            out = net(pretext.make_input(pictures))
        loss, _ = _weigh(losses, _float32(out), pretext.make_target(pictures))
        for name, weight in arm.penalties.items():
            loss = loss + weight * PENALTIES[name](net)
        if not math.isfinite(loss.item()):
            raise TrainingDiverged(
                f"at step {step + 1} the loss of '{arm.pretext}' is no longer a number",
                file=path,
                remedy="Use a smaller training.lr or training.clip.",
            )
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(net.parameters(), how.clip)
        optimiser.step()
        done = step + 1
        if done % how.validate_every == 0 or done == how.steps:
            row: dict[str, Any] = {"step": done, "loss": round(loss.item(), 5)}
            for name, rows in judged.items():
                where = domains.get(name, inside)
                row[name] = _validate(net, arm, losses, of, where, rows, study, device)
            log.append(row)
            if study.defects.test_chooses and row["test"]["loss"] < best:
                best = row["test"]["loss"]
                kept = {k: v.detach().clone() for k, v in net.state_dict().items()}
        if time.monotonic() - told > 30 or done == how.steps:
            told = time.monotonic()
            rate = done * how.batch / (told - began)
            say(f"  step {done:,} of {how.steps:,}: loss {loss.item():.4f}, {rate:.0f} pictures/s")
    meta = {
        "pretext": arm.pretext,
        "seed": seed,
        "decoder": study.decoder,
        "shape": asdict(study.net),
        "classes": len(of.classes),
        "seconds": round(time.monotonic() - began, 1),
        "pictures": len(inside.pretext),
        "parameters": sum(p.numel() for p in net.parameters()),
    }
    save_taught(path, kept or net.state_dict(), preprocessing, log, meta)


def _some(rows: Rows) -> Rows:
    return np.asarray(rows[np.linspace(0, len(rows) - 1, min(SHOWN, len(rows))).astype(int)])


def _share(how: Training, step: int) -> float:
    """Of the full rate: a linear rise, then half a cosine to 2 %, or the same on."""
    if step < how.warmup:
        return (step + 1) / how.warmup
    if how.schedule == "constant":
        return 1.0
    along = (step - how.warmup) / max(1, how.steps - how.warmup)
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * along))


def _float32(out: Any) -> Any:
    """A network's answer, one tensor or two, for losses that need all of its digits."""
    return tuple(x.float() for x in out) if isinstance(out, tuple) else out.float()


def _weigh(
    losses: dict[str, tuple[float, Loss]], out: Any, target: Any
) -> tuple[Tensor, dict[str, float]]:
    """The weighted sum, and each loss as it is."""
    values = {name: loss(out, target) for name, (_, loss) in losses.items()}
    total = sum((losses[name][0] * value for name, value in values.items()), torch.zeros(()))
    return total, {name: value.item() for name, value in values.items()}


@torch.no_grad()
def _validate(
    net: nn.Module,
    arm: Arm,
    losses: dict[str, tuple[float, Loss]],
    of: ClassSet,
    domain: Domain,
    rows: Rows,
    study: Study,
    device: torch.device,
) -> dict[str, float]:
    """Mean over pictures of the loss and its parts, on whole and undistorted pictures.

    With the defect ``last_batch_logged`` the parts are the last batch's, over all pictures.
    """
    pretext, was = PRETEXTS[arm.pretext], net.training
    net.eval()
    sums: dict[str, float] = {}
    for rgb, label in batches(of, domain, rows, 64):
        pictures = to_pictures(rgb, label, preprocessing_of(study), device)
        out = net(pretext.make_input(pictures))
        total, parts = _weigh(losses, out, pretext.make_target(pictures))
        if study.defects.last_batch_logged:
            sums |= parts
            sums["loss"] = sums.get("loss", 0) + total.item() * len(rgb)
        else:
            for name, value in {"loss": total.item(), **parts}.items():
                sums[name] = sums.get(name, 0) + value * len(rgb)
    net.train(was)
    return {name: round(value / len(rows), 5) for name, value in sums.items()}
