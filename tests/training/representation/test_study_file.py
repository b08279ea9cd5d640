"""study_file.py: the shipped studies, --set, and one clear error for what is no study."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from kolorit.errors import ConfigInvalid
from kolorit.training.recipe_file import shipped_recipes
from kolorit.training.representation.study import Study, arms_of, teaching
from kolorit.training.representation.study_file import load_study, shipped_studies

from .conftest import TINY

Make = Callable[..., Study]


def test_the_shipped_studies_are_studies_and_no_recipes() -> None:
    assert set(shipped_studies()) == {
        *("study-food101-fair", "study-seed-b-faithful"),
        *("study-seed-b-gap", "study-seed-b-labels"),
    }
    assert not set(shipped_recipes()) & set(shipped_studies())
    for name in shipped_studies():
        whole, small = load_study(name), load_study(name, smoke=True)
        assert load_study(name.removeprefix("study-")) == whole
        assert small.training.steps <= 10 < whole.training.steps
        assert small.question == whole.question


def test_studies_share_the_autoencoders_of_the_fair_one() -> None:
    fair, gap = load_study("food101-fair"), load_study("seed-b-gap")
    assert teaching(gap.arms["autoencoder"]) == teaching(fair.arms["autoencoder"])
    assert (gap.net, gap.training, gap.decoder) == (fair.net, fair.training, fair.decoder)
    assert replace(gap.split, test_per_class=0) == fair.split


def test_the_fair_study_is_fair() -> None:
    fair = load_study("food101-fair")
    assert not any(vars(fair.defects).values())
    assert len(fair.training.seeds) >= 3 and len(fair.probe.seeds) >= 5
    pretexts = {arm.pretext for arm in fair.arms.values()}
    assert pretexts >= {"rgb", "grey", "ab", "bins", "split-brain", "labels"}
    sources = {arm.features for arm in fair.arms.values()}
    assert sources == {
        *("rgb", "grey", "histogram", "random", "pretext", "imagenet", "colorizer")
    }  # fmt: skip


def test_the_faithful_study_is_as_it_was() -> None:
    study = load_study("seed-b-faithful")
    assert all(vars(study.defects).values())
    how, probe = study.training, study.probe
    assert (how.lr, how.weight_decay, how.batch, how.steps) == (1e-4, 2e-5, 32, 16 * 1751)
    assert (probe.lr, probe.decay, probe.batch, probe.epochs) == (3e-4, 2e-5, 32, 10)
    assert (study.px, study.split.pretext, study.split.seed) == (128, 0.9, 42)
    assert study.arms["latent"].losses == {"smooth_l1": 1.0, "perceptual": 1.0}


def test_the_wishes_are_all_there() -> None:
    labels = load_study("seed-b-labels")
    assert labels.probe.map_fractions == (0.01, 0.05, 0.1, 0.25, 1.0)
    assert set(labels.probe.kinds) == {"two-conv", "resnet18", "resnet50", "vit_tiny"}
    study = load_study("seed-b-gap")
    assert not any([*vars(study.defects).values(), *vars(labels.defects).values()])
    plain, arms = study.arms["autoencoder"], study.arms.values()
    read = {
        field: {name for arm in arms for name in getattr(arm, field)}
        for field in (
            *("penalties", "feature_penalties", "probe_penalties", "probe_feature_penalties"),
        )
    }
    assert study.baseline == "autoencoder"
    kernels, features = (
        {"nuclear_norm", "kernel_l2", "orthogonality"},
        {"nuclear_norm", "decorrelation"},
    )
    assert read["penalties"] == read["probe_penalties"] == kernels
    assert read["feature_penalties"] == read["probe_feature_penalties"] == features
    for name, arm in study.arms.items():
        if name.startswith("classifier-"):
            assert (arm.pretext, arm.penalties) == (plain.pretext, plain.penalties)


def test_changes(study: Make) -> None:
    made = study(
        "px=48", "question=Why?", "net.widths=[4, 8, 8]", "arms.new.features=rgb", 'only=["new"]'
    )
    assert (made.px, made.question, made.net.widths) == (48, "Why?", (4, 8, 8))
    assert list(arms_of(made)) == ["new"]
    assert study("training.lr=1").training.lr == 1.0


@pytest.mark.parametrize(
    ("change", "cause"),
    [
        ("pixels=3", "unknown key 'pixels'"),
        ("split.hold=3", "unknown key 'split.hold'"),
        ("arms.raw.colour=3", r"unknown key 'arms\.raw\.colour'"),
        ("px", "no '='"),
        ("px.side=3", "'px' is no table"),
        ("px=big", "px = 'big'"),
        ("probe.seeds=3", r"probe\.seeds = 3"),
        ("probe.seeds=[true]", r"probe\.seeds = True"),
        ("compare=[['raw']]", "compare"),
        ("px=8", "px = 8"),  # and all that study_checks.py refuses
    ],
)
def test_what_is_wrong_is_told(study: Make, tmp_path: Path, change: str, cause: str) -> None:
    with pytest.raises(ConfigInvalid, match=cause) as told:
        study(change)
    assert told.value.remedy
    assert told.value.file in (None, str(tmp_path / "tiny.toml"))


def test_what_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text(TINY.replace('question = "Does it run?"\n', ""))
    with pytest.raises(ConfigInvalid, match="'question' is missing"):
        load_study(str(path))
    path.write_text("question = ")
    with pytest.raises(ConfigInvalid, match="cannot be read"):
        load_study(str(path))
    for name in ("nothing", str(tmp_path / "b.toml")):
        with pytest.raises(ConfigInvalid, match="no study") as told:
            load_study(name)
        assert "study-food101-fair" in told.value.remedy


def test_smoke_changes_inside_tables(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text(TINY + "\n[smoke]\npx = 16\n[smoke.training]\nsteps = 1\n")
    small, whole = load_study(str(path), smoke=True), load_study(str(path))
    assert (small.px, small.training.steps, small.training.batch) == (16, 1, 4)
    assert (whole.px, whole.training.steps) == (32, 3)
