"""weights.py: what each arm needs, and that what is missing is told by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from kolorit.errors import ConfigInvalid
from kolorit.training.representation.pretexts import PRETEXTS
from kolorit.training.representation.sources import MOBILENET
from kolorit.training.representation.study import Arm, Study
from kolorit.training.representation.weights import check_weights, needed_weights

Make = Callable[..., Study]
SQUEEZENET = "squeezenet1_1_caffe_fp16.safetensors"


def test_what_each_arm_needs(study: Make) -> None:
    how = study()
    perceptual = Arm("pretext", pretext="ab", losses={"perceptual": 1.0, "l1": 1.0})
    assert needed_weights(how, Arm("imagenet")) == (MOBILENET,)
    for pretext in PRETEXTS:
        files = (SQUEEZENET,) if pretext in ("rgb", "grey") else ()
        assert needed_weights(how, Arm("pretext", pretext=pretext)) == files
    assert needed_weights(how, perceptual) == (SQUEEZENET,)
    unweighted = replace(perceptual, losses={"perceptual": 0.0, "l1": 1.0})
    assert needed_weights(how, unweighted) == ()
    lpips = study("perceptual.linear=heads.safetensors")
    assert needed_weights(lpips, perceptual) == (SQUEEZENET, "heads.safetensors")
    for name in ("grey", "rgb", "histogram", "random", "colorizer"):
        assert needed_weights(how, Arm(name)) == ()


def test_a_missing_file_is_told_with_its_arm(
    study: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KOLORIT_WEIGHTS", str(tmp_path))
    how = study("arms.net.features=imagenet", "arms.coloured={features='pretext', pretext='rgb'}")
    check_weights(how, ["raw", "random", "colour"])
    for arm, file in (("net", MOBILENET), ("coloured", SQUEEZENET)):
        with pytest.raises(ConfigInvalid, match=f"'{arm}' needs are missing") as told:
            check_weights(how, ["raw", arm])
        assert told.value.file == str(tmp_path / file)
        assert "only" in told.value.remedy
        (tmp_path / file).write_bytes(b"")
        check_weights(how, ["raw", arm])
