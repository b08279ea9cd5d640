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
from kolorit.evaluate.provenance import provenance
from kolorit.training.losses import PENALTIES
from kolorit.training.representation.activations import latents_of, listening, weigh_features
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
from kolorit.training.representation.unfinished import EVERY, restore_progress, save_progress
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
    test pictures was least. A run that was killed goes on from the file `unfinished` beside it, to
    the same weights. Raises TrainingDiverged, ConfigInvalid as `losses_of`, and CheckpointRefused
    as `restore_progress`.
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
    # What it is taught with; what no pretext learns from; the test by the defect alone.
    judged = {"taught": _some(inside.pretext)}
    judged |= {name: _some(d.pool) for name, d in domains.items()}
    if study.defects.test_chooses:
        judged["test"] = _some(inside.test)
    optimiser = torch.optim.AdamW(net.parameters(), lr=how.lr, weight_decay=how.weight_decay)
    order = shuffled(inside.pretext, seed, how.steps * how.batch)
    part = unfinished(path)
    at = restore_progress(part, net, optimiser)
    if at.step:
        say(f"  goes on after step {at.step:,}")
    began = told = saved = time.monotonic()
    spent, first = at.seconds, at.step
    net.train()
    left = batches(of, inside, order[first * how.batch :], how.batch)
    for step, (rgb, label) in enumerate(left, first):
        rng = np.random.default_rng((seed, step))
        rgb = cut(rgb, how.crop, rng)
        shown = distort(rgb, rng) if study.defects.distorted_input else None
        pictures = to_pictures(rgb, label, preprocessing, device, shown)
        for group in optimiser.param_groups:
            group["lr"] = how.lr * _share(how, step)
        optimiser.zero_grad(set_to_none=True)
        with listening(latents_of(net) if arm.feature_penalties else []) as heard:
            with torch.autocast(device.type, torch.bfloat16, enabled=how.bf16):
                out = net(pretext.make_input(pictures))
        loss, _ = _weigh(losses, _float32(out), pretext.make_target(pictures))
        for name, weight in arm.penalties.items():
            loss = loss + weight * PENALTIES[name](net)
        if heard:
            loss = loss + weigh_features(arm.feature_penalties, heard)
        if not math.isfinite(loss.item()):
            raise TrainingDiverged(
                f"at step {step + 1} the loss of '{arm.pretext}' is no longer a number",
                file=path,
                remedy="Use a smaller training.lr or training.clip.",
            )
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(net.parameters(), how.clip)
        optimiser.step()
        at.step = done = step + 1
        if done % how.validate_every == 0 or done == how.steps:
            row: dict[str, Any] = {"step": done, "loss": round(loss.item(), 5)}
            for name, rows in judged.items():
                where = domains.get(name, inside)
                row[name] = _validate(net, arm, losses, of, where, rows, study, device)
            at.log.append(row)
            if study.defects.test_chooses and row["test"]["loss"] < at.best:
                at.best = row["test"]["loss"]
                at.kept = {k: v.detach().clone() for k, v in net.state_dict().items()}
        now = time.monotonic()
        at.seconds = spent + now - began
        if now - saved > EVERY and done < how.steps:
            saved = now
            save_progress(part, at, net, optimiser)
        if now - told > 30 or done == how.steps:
            told = now
            rate = (done - first) * how.batch / (now - began)
            say(f"  step {done:,} of {how.steps:,}: loss {loss.item():.4f}, {rate:.0f} pictures/s")
    made = provenance("torch", "diffusers")
    meta = {
        "pretext": arm.pretext,
        "seed": seed,
        "decoder": study.decoder,
        "shape": asdict(study.net),
        "classes": len(of.classes),
        "seconds": round(at.seconds, 1),
        "pictures": len(inside.pretext),
        "parameters": sum(p.numel() for p in net.parameters()),
        "device": str(device),
        **{key: made[key] for key in ("commit", "machine", "versions")},
    }
    save_taught(path, at.kept or net.state_dict(), preprocessing, at.log, meta)
    part.unlink(missing_ok=True)


def unfinished(path: Path) -> Path:
    """Where a pretext that will be written to ``path`` keeps how far it is."""
    return path.with_suffix(".part")


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
