"""sources.py: each source has the stages that it is said to have, before anything is taught."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from kolorit.training.representation.pictures import Preprocessing, to_pictures
from kolorit.training.representation.pretexts import PRETEXTS
from kolorit.training.representation.sets import ClassSet
from kolorit.training.representation.sources import (
    SOURCES,
    blank,
    known_stages,
    stages_for,
    stages_of,
)
from kolorit.training.representation.study import Arm, Study

ARMS = [
    *(Arm(name, size=64) for name in SOURCES if name != "pretext"),
    *(Arm("pretext", pretext=name) for name in PRETEXTS),
]


@pytest.mark.parametrize("decoder", ["light", "seed"])
@pytest.mark.parametrize("arm", ARMS, ids=lambda arm: f"{arm.features}-{arm.pretext}")
def test_known_stages_are_those_that_there_are(
    study: Callable[..., Study], food_set: ClassSet, arm: Arm, decoder: str
) -> None:
    how = study(f"decoder={decoder}", "net.widths=[4, 8]")
    features, known = blank(how, arm, 6), known_stages(how, arm)
    if features.net is not None:
        features.net.eval()
    cpu = torch.device("cpu")
    pictures = to_pictures(food_set.pictures[:1], food_set.label[:1], Preprocessing(32), cpu)
    with torch.no_grad():
        maps = features.maps(pictures, known)
    assert features.stages == known and set(maps) == set(known)
    assert ("up2" in known) == (
        arm.features == "colorizer" or (decoder == "seed" and arm.pretext not in ("none", "labels"))
    )
    assert set(stages_of(study(), arm)) <= set(known_stages(study(), arm))


def test_a_foreign_source_falls_back_on_its_last_stage(study: Callable[..., Study]) -> None:
    how, arm = study(), Arm("imagenet")
    assert stages_for(how, arm, "two-conv") == ("last",)
    some = replace(how, probe=replace(how.probe, map_stages=("s8", "mid")))
    assert stages_for(some, arm, "two-conv") == ("s8",)
