"""frozen.py: the encoder stands still, byte by byte; features have their number; planted faults."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from kolorit.errors import ConfigInvalid, DataCorrupt, OutputUnwritable
from kolorit.training.representation.frozen import Wanted, digest, extract, resized, standing_still
from kolorit.training.representation.pictures import Pictures, Preprocessing
from kolorit.training.representation.sets import ClassSet
from kolorit.training.representation.sources import SOURCES, Features, foreign_digest, sees
from kolorit.training.representation.splits import Domain
from kolorit.training.representation.study import Arm, Study
from kolorit.training.representation.task import parts_of, places

CPU = torch.device("cpu")
Domains = dict[str, Domain]


def of_net(net: nn.Module) -> Features:
    def maps(pictures: Pictures, stages: Iterable[str]) -> dict[str, Tensor]:
        return {"one": net(pictures.grey)}

    return Features(net, Preprocessing(32), ("one",), maps)


def with_norm() -> nn.Module:
    return nn.Sequential(nn.Conv2d(1, 3, 3, padding=1), nn.BatchNorm2d(3))


def test_a_frozen_encoder_is_the_same_byte_by_byte() -> None:
    net = with_norm().train()
    before = digest(net)
    with standing_still(net):
        assert not net.training
        assert not any(p.requires_grad for p in net.parameters())
        net(torch.randn(4, 1, 8, 8))
    assert digest(net) == before
    assert all(p.requires_grad for p in net.parameters())


def test_a_norm_that_counts_is_caught() -> None:
    """Only its buffers change, no weight does."""
    net = with_norm()
    weights = [p.clone() for p in net.parameters()]
    with pytest.raises(ConfigInvalid, match="changed while it was probed") as told:
        with standing_still(net, train_mode=True):
            net(torch.randn(4, 1, 8, 8))
    assert "defects.train_mode" in told.value.remedy
    assert all(map(torch.equal, weights, net.parameters()))


def test_a_weight_that_moves_is_caught() -> None:
    net = with_norm()
    with pytest.raises(ConfigInvalid, match="changed"):
        with standing_still(net), torch.no_grad():
            net[0].bias += 1e-7


def test_an_error_inside_is_not_hidden() -> None:
    net = with_norm()
    with pytest.raises(ZeroDivisionError), standing_still(net, train_mode=True):
        net(torch.randn(4, 1, 8, 8))
        raise ZeroDivisionError


def test_the_digest_sees_names_weights_and_buffers() -> None:
    nets = [with_norm() for _ in range(3)]
    for net in nets:
        net.load_state_dict(nets[0].state_dict())
    nets[1][1].running_mean += 1e-6
    nets[2][0].weight.data[0, 0, 0, 0] += 1e-6
    assert len({digest(net) for net in nets}) == 3


@pytest.mark.parametrize(
    ("channels", "side", "numbers"),
    [(32, 64, 32 * 17**2), (64, 16, 9216), (4, 16, 9216), (3, 64, 3 * 55**2), (1280, 4, 1280 * 9)],
)
def test_about_nine_thousand_numbers(channels: int, side: int, numbers: int) -> None:
    vectors = resized(torch.rand(2, channels, side, side), 9216)
    assert vectors.shape == (2, numbers)
    assert abs(numbers - 9216) < 2500


def test_resizing_keeps_means_and_lets_one_place_alone() -> None:
    x = torch.rand(2, 4, 32, 32)
    np.testing.assert_allclose(
        resized(x, 4 * 64).reshape(2, 4, -1).mean(2), x.mean((2, 3)), atol=0.02
    )
    assert torch.equal(resized(x[:, :, :1, :1], 9216), x[:, :, 0, 0])


def test_extracted_rows_are_in_order(food_set: ClassSet, domains: Domains, tmp_path: Path) -> None:
    identity = of_net(nn.Identity())
    paths = extract(identity, Wanted(("one",), 32 * 32), food_set, domains, tmp_path, CPU)
    found = np.load(paths["one", "features"])
    rows = np.concatenate([rows for _, rows in parts_of(domains)])
    assert (found.shape, found.dtype) == ((len(rows), 1024), np.float16)
    from kolorit.colour.lab import bytes_to_lab

    for k in (0, 17, len(rows) - 1):
        L = bytes_to_lab(np.ascontiguousarray(food_set.pictures[rows[k]]))[..., 0]
        np.testing.assert_allclose(found[k].reshape(32, 32), L / 50 - 1, atol=2e-3)
    assert [p.name for p in tmp_path.iterdir()] == ["one.npy"]


def test_a_stage_that_is_not_there(food_set: ClassSet, domains: Domains, tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match="no stage 'two'") as told:
        extract(of_net(nn.Identity()), Wanted(("two",), 64), food_set, domains, tmp_path, CPU)
    assert told.value.remedy == "It has: one."


def test_features_that_are_no_numbers(food_set: ClassSet, domains: Domains, tmp_path: Path) -> None:
    class Loud(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return 1e6 * x

    with pytest.raises(DataCorrupt, match="'one' are no numbers, or too large"):
        extract(of_net(Loud()), Wanted(("one",), 64), food_set, domains, tmp_path, CPU)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_features_on_a_full_disk(food_set: ClassSet, domains: Domains, tmp_path: Path) -> None:
    (tmp_path / "one-maps.npy.part").symlink_to("/dev/full")
    wanted = Wanted(("one",), 64, ("one",))
    with pytest.raises(OutputUnwritable, match="disk is full") as told:
        extract(of_net(nn.Identity()), wanted, food_set, domains, tmp_path, CPU)
    assert told.value.file == str(tmp_path / "one-maps.npy")
    assert list(tmp_path.iterdir()) == []


def test_features_of_an_encoder_that_changed_are_not_kept(
    food_set: ClassSet, domains: Domains, tmp_path: Path
) -> None:
    wanted = Wanted(("one",), 64)
    with pytest.raises(ConfigInvalid, match="changed while it was probed"):
        extract(of_net(with_norm()), wanted, food_set, domains, tmp_path, CPU, train_mode=True)
    assert list(tmp_path.iterdir()) == []


def test_whole_maps_are_kept_as_they_are_and_mirrored(
    food_set: ClassSet, domains: Domains, tmp_path: Path
) -> None:
    identity = of_net(nn.Identity())
    wanted = Wanted(("one",), 16 * 16, ("one",))
    paths = extract(identity, wanted, food_set, domains, tmp_path, CPU)
    maps, vectors = (np.load(paths["one", form]) for form in ("maps", "features"))
    assert (maps.shape[1:], maps.dtype) == ((1, 32, 32), np.float16)
    assert len(maps) == len(vectors)
    where = places(domains, len(food_set.label))
    pool, test = domains["out"].pool, domains["out"].test
    np.testing.assert_array_equal(maps[where[1, pool]], maps[where[0, pool]][..., ::-1])
    assert (where[1, test] == -1).all() and (where[0, domains["in"].pretext] == -1).all()
    order = [rows for _, rows in parts_of(domains)] + [d.pool for d in domains.values()]
    assert len(maps) == sum(map(len, order))
    halves = resized(torch.from_numpy(maps[where[0, test]]).float(), 256)
    np.testing.assert_allclose(vectors[where[0, test]], halves, atol=2e-3)


def test_a_foreign_encoder_is_known_by_its_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that no answer of another model is taken for this one's."""
    shipped = foreign_digest(Arm("colorizer"))
    assert len(shipped) == 64 and foreign_digest(Arm("random")) == ""
    monkeypatch.setenv("KOLORIT_WEIGHTS", str(tmp_path))
    assert foreign_digest(Arm("imagenet")) == ""
    (tmp_path / "mobilenet_v2_imagenet_fp16.safetensors").write_bytes(b"abc")
    assert foreign_digest(Arm("imagenet")) == (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    )


def test_half_precision_changes_little(
    food_set: ClassSet, domains: Domains, study: Callable[..., Study], tmp_path: Path
) -> None:
    how = study()
    features = SOURCES["random"](how, replace(how.arms["raw"], features="random"), 0, None)
    found = []
    for bf16 in (False, True):
        wanted, folder = Wanted(("latent",), 64), tmp_path / str(bf16)
        paths = extract(features, wanted, food_set, domains, folder, CPU, bf16=bf16)
        found.append(np.load(paths["latent", "features"]).astype(float))
    off = np.abs(found[0] - found[1]).mean() / found[0].std()
    assert 0 < off < 0.02


@pytest.mark.parametrize("name", ["grey", "rgb", "histogram", "random"])
def test_sources_without_weights(
    name: str, study: Callable[..., Study], food_set: ClassSet
) -> None:
    from kolorit.training.representation.pictures import to_pictures

    how = study()
    features = SOURCES[name](how, replace(how.arms["raw"], features=name), 0, None)
    pictures = to_pictures(food_set.pictures[:3], food_set.label[:3], Preprocessing(32), CPU)
    maps = features.maps(pictures, features.stages)
    assert tuple(maps) == features.stages
    assert sees(replace(how.arms["raw"], features=name)) == (
        "colour" if name in ("rgb", "histogram") else "grey"
    )
    if name == "histogram":
        np.testing.assert_allclose(maps["histogram"].square().sum((1, 2, 3)), 1, atol=1e-5)
        assert maps["histogram"].shape == (3, 313, 1, 1)


def test_the_defect_of_the_range_is_what_the_probe_shows(
    study: Callable[..., Study], food_set: ClassSet, domains: Domains, tmp_path: Path
) -> None:
    from kolorit.training.representation.pretraining import pretrain
    from kolorit.training.representation.taught import load_taught

    how = study()
    path = tmp_path / "a"
    pretrain(how, how.arms["colour"], 0, food_set, domains, path, CPU, lambda _: None)
    for switch, low in ((False, -1.0), (True, 0.0)):
        case = replace(how, defects=replace(how.defects, uneven_range=switch))
        features = SOURCES["pretext"](case, how.arms["colour"], 0, load_taught(path, case))
        assert features.preprocessing.low == low


def test_imagenet_sees_what_its_arm_says(
    weights_folder: Path, study: Callable[..., Study], food_set: ClassSet
) -> None:
    from kolorit.training.representation.pictures import to_pictures

    how = study()
    found = {}
    for seen in ("grey", "colour"):
        arm = replace(how.arms["raw"], features="imagenet", sees=seen, size=64)
        features = SOURCES["imagenet"](how, arm, 0, None)
        assert features.net is not None
        features.net.eval()
        pictures = to_pictures(food_set.pictures[:2], food_set.label[:2], Preprocessing(32), CPU)
        with torch.no_grad():
            found[seen] = features.maps(pictures, features.stages)
        assert tuple(found[seen]) == features.stages == ("s2", "s4", "s8", "s16", "s32", "last")
    assert found["grey"]["s4"].shape == (2, 24, 16, 16)
    assert not torch.allclose(found["grey"]["last"], found["colour"]["last"])


def test_the_shipped_colorizer(study: Callable[..., Study], food_set: ClassSet) -> None:
    from kolorit.training.representation.pictures import to_pictures

    how = study()
    arm = replace(how.arms["raw"], features="colorizer", size=64)
    features = SOURCES["colorizer"](how, arm, 0, None)
    pictures = to_pictures(food_set.pictures[:2], food_set.label[:2], Preprocessing(32), CPU)
    with torch.no_grad():
        maps = features.maps(pictures, features.stages)
    assert set(features.stages) == set(maps)
    assert maps["s8"].shape == (2, 32, 8, 8)
