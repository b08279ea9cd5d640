"""describe.py: what it says of classes and classifiers is what a run would have."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kolorit.training.representation.classifiers import CLASSIFIERS
from kolorit.training.representation.describe import count, describe
from kolorit.training.representation.splits import draw_classes
from kolorit.training.representation.study import Study

Make = Callable[..., Study]
ON_MAPS = "probe.kinds=['linear', 'two-conv']"


def size(kind: str, *shape: int) -> int:
    return count(CLASSIFIERS[kind](*shape))


def test_the_classes_are_those_of_the_domain(study: Make) -> None:
    assert describe(study())["probes"] == {"linear": {"numbers": 64, "classes": 4}}
    assert describe(study("probe.all_classes=true"))["probes"]["linear"]["classes"] == 6
    twice = ("split.held_out=3", "split.seed=2", "defects.with_replacement=true")
    assert len(draw_classes(6, 3, 2, replacement=True)) == 2  # of three draws one is a repeat
    assert describe(study(*twice))["probes"]["linear"]["classes"] == 4
    some = describe(study("split.classes=5", ON_MAPS))
    assert len(some["data"]["domains"]["in"]["classes"]) == 3
    assert some["probes"]["linear"]["classes"] == 3
    assert some["probes"]["two-conv"]["4 channels"] == size("two-conv", 4, 8, 3)


def test_without_data_the_classes_are_those_of_the_settings(
    study: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KOLORIT_DATA")
    for changes, classes in (((), 99), (("split.classes=8",), 6), (("split.held_out=200",), 2)):
        found = describe(study(*changes))
        assert "problem" in found["data"]
        assert found["probes"]["linear"]["classes"] == classes


def test_a_split_that_fails_is_told(study: Make) -> None:
    found = describe(study("split.held_out=6", ON_MAPS))
    assert "held_out = 6 of 6" in found["data"]["problem"]
    assert found["probes"]["linear"]["classes"] == 2


def test_classifiers_are_counted_on_the_stages_that_they_are_put_on(study: Make) -> None:
    mid = ("probe.stages=['down1', 'mid', 'latent']", "probe.map_stages=['mid']", ON_MAPS)
    found = describe(study(*mid))["probes"]["two-conv"]
    assert found == {
        "1 channels": size("two-conv", 1, 32, 4),  # raw, in grey
        "8 channels": size("two-conv", 8, 8, 4),
    }
    latent = describe(study(ON_MAPS, "only=['colour']", "baseline=colour"))["probes"]["two-conv"]
    assert latent == {"4 channels": size("two-conv", 4, 8, 4)}


def test_sides_are_told_where_they_matter(study: Make) -> None:
    changes = ["only=['raw', 'large']", "baseline=raw", "probe.kinds=['two-conv', 'vit_tiny']"]
    changes += ["probe.side=8", "arms.large={ features = 'grey', side = 32 }"]
    found = describe(study(*changes))["probes"]
    assert found["two-conv"] == {"1 channels": size("two-conv", 1, 8, 4)}
    assert found["vit_tiny"] == {
        "1 channels of 8 px": size("vit_tiny", 1, 8, 4),
        "1 channels of 32 px": size("vit_tiny", 1, 32, 4),
    }


def test_an_encoder_whose_weights_are_missing_is_counted_all_the_same(
    study: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KOLORIT_WEIGHTS", raising=False)
    net = "arms.net={ features = 'imagenet', kinds = ['two-conv'], size = 64 }"
    found = describe(study(net, "only=['net']", "baseline=net"))
    assert found["probes"]["two-conv"] == {"1280 channels": size("two-conv", 1280, 2, 4)}
    assert found["arms"]["net"]["weights"]["found"] is False


def test_of_several_files_the_missing_one_is_told(
    study: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KOLORIT_WEIGHTS", str(tmp_path))
    (tmp_path / "squeezenet1_1_caffe_fp16.safetensors").write_bytes(b"")
    loss = "arms.colour.losses={ perceptual = 1 }"
    found = describe(study(loss))["arms"]["colour"]["weights"]
    assert found == {"file": "squeezenet1_1_caffe_fp16.safetensors", "found": True}
    found = describe(study(loss, "perceptual.linear=lin"))["arms"]["colour"]["weights"]
    assert found == {"file": "lin", "found": False}
