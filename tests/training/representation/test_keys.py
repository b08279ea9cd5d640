"""keys.py: names that stay what they are, and what changes which of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from kolorit.training.representation.keys import (
    encoder_of,
    features_of,
    look_of,
    outcomes_of,
)
from kolorit.training.representation.sets import ClassSet
from kolorit.training.representation.study import Study

Make = Callable[..., Study]
OUT = Path("run")


@pytest.fixture
def of() -> ClassSet:
    nothing = np.zeros(0, np.int64)
    return ClassSet(np.zeros((0, 1, 1, 3), np.uint8), nothing, nothing > 0, (), (), "0" * 16)


def names(study: Study, of: ClassSet, arm: str = "colour") -> dict[str, str]:
    """All names of an arm's files with the second seed."""
    rest = (study.arms[arm], 1, of, OUT)
    outcomes = outcomes_of(study, arm, *rest)
    return {
        "encoder": encoder_of(study, *rest).as_posix(),
        "features": features_of(study, arm, *rest).as_posix(),
        **{
            kind: path.as_posix()
            for (*_, stage, kind), path in outcomes.items()
            if stage == "latent"
        },
        "look": look_of(study, of),
    }


PINNED = {
    "encoder": "run/pretexts/ab-1-56ba0d56d0.safetensors",
    "features": "run/features/colour-1-ccc80e3d00",
    "linear": "run/probes/colour-1-latent-linear-917333a484.npz",
    "two-conv": "run/probes/colour-1-latent-two-conv-bdb80f72a6.npz",
    "look": "b129919a06",
}
KINDS = "probe.kinds=['linear', 'two-conv']"


def test_names_stay_what_they_are(study: Make, of: ClassSet) -> None:
    """A long study finds its files by them: another name here makes every study begin anew."""
    assert names(study(KINDS), of) == PINNED


@pytest.mark.parametrize(
    ("change", "changed"),
    [
        ("question=Why?", ""),
        ("only=['colour']", ""),
        ("probe.stages=['mid', 'latent']", ""),
        ("probe.numbers=65", "features linear look"),
        ("probe.iterations=3", "linear look"),
        ("probe.epochs=3", "two-conv look"),
        ("arms.colour.side=4", "two-conv look"),
        ("arms.colour.probe_penalties.kernel_l2=1", "two-conv look"),
        ("probe.seeds=[0]", "linear two-conv look"),
        ("probe.bf16=true", "features linear two-conv look"),
        ("split.test_per_class=3", "features linear two-conv look"),
        ("arms.raw.sees=colour", "look"),
        ("training.seeds=[1]", "look"),
        ("training.lr=1", "encoder features linear two-conv look"),
        ("net.layers=2", "encoder features linear two-conv look"),
        ("split.pretext=0.4", "encoder features linear two-conv look"),
        ("defects.test_chooses=true", "encoder features linear two-conv look"),
    ],
)
def test_what_changes_which_name(study: Make, of: ClassSet, change: str, changed: str) -> None:
    before, after = names(study(KINDS), of), names(study(KINDS, change), of)
    assert {name for name in before if before[name] != after[name]} == set(changed.split())


def test_other_pictures_change_all(study: Make, of: ClassSet) -> None:
    before, after = (names(study(KINDS), some) for some in (of, replace(of, digest="1" * 16)))
    assert all(before[name] != after[name] for name in before)
    assert before.keys() == after.keys() == PINNED.keys()
