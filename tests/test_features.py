"""features.py: the right tensors, found in the shipped file itself; and what its file holds."""

from __future__ import annotations

import io
import shutil
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from kolorit.colorizer import shrink
from kolorit.errors import ConfigInvalid, ModelUnavailable
from kolorit.features import (
    DEFAULT,
    READERS,
    Encoder,
    features_of,
    find_stages,
    list_stages,
    pack,
    spread,
)
from kolorit.picture.decode import decode
from kolorit.runtime.onnx import Node, Session, cut, read_nodes
from kolorit.runtime.store import find_model

CONSTANT = Path(__file__).parent / "data" / "constant.onnx"
SHIPPED = find_model("default").read_bytes()
EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
PHOTOGRAPHS = ("astronaut.jpg", "camera.png", "hopper.jpg", "rocket.jpg")
CHANNELS = {
    "s2": 16, "s4": 24, "s8": 32, "s16": 96, "s32": 1280,
    "deep": 256, "up16": 192, "up8": 128, "up4": 80, "up2": 32,
}  # fmt: skip


@pytest.fixture(scope="module")
def encoder() -> Encoder:
    return Encoder(threads=1)


@pytest.fixture(scope="module")
def seen(encoder: Encoder) -> dict[str, np.ndarray]:
    """Features of each example."""
    return {name: encoder.features(EXAMPLES / name) for name in PHOTOGRAPHS}


def likeness(a: np.ndarray, b: np.ndarray) -> float:
    """Cosine of two features."""
    return float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))


def grey(name: str) -> np.ndarray:
    return np.asarray(Image.open(EXAMPLES / name).convert("L"))


# which tensors


def test_every_stage_is_what_the_network_in_torch_calls_so() -> None:
    """The shipped weights in the network of the workshop, whose ``features`` names the stages."""
    torch = pytest.importorskip("torch")
    pytest.importorskip("onnx")
    from kolorit.training.nets.hinted_unet import build
    from kolorit.training.onnx_file import weights_of

    net = build().eval()
    net.load_state_dict(weights_of(SHIPPED))
    L = shrink(decode(EXAMPLES / "hopper.jpg"), Encoder().card, 96)
    with torch.no_grad():
        truth = net.features(torch.from_numpy(L)[None, None], torch.zeros(1, 3, *L.shape))
    assert list(truth) == list(READERS)
    for stage, maps in truth.items():
        found = Encoder(stage=stage, size=96, threads=1).maps(EXAMPLES / "hopper.jpg")
        scale = float(maps.abs().max())
        np.testing.assert_allclose(found, maps[0].numpy(), atol=1e-4 * scale, err_msg=stage)


def test_a_cut_network_gives_what_the_whole_one_has_inside() -> None:
    """The whole file with further outputs, made by the package onnx, is the other opinion."""
    onnx = pytest.importorskip("onnx")
    tensors = find_stages(read_nodes(SHIPPED))
    whole = onnx.load_from_string(SHIPPED)
    whole.graph.output.extend(
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None)
        for name in tensors.values()
    )
    rng = np.random.default_rng(0)
    feed = {
        "L": rng.uniform(0, 100, (1, 1, 96, 64)).astype(np.float32),
        "hints": np.zeros((1, 3, 96, 64), np.float32),
    }
    session = onnxruntime.InferenceSession(
        whole.SerializeToString(), providers=["CPUExecutionProvider"]
    )
    truth = session.run(list(tensors.values()), feed)
    short = Session(cut(SHIPPED, list(tensors.values())), "cpu").run(feed)
    assert list(short) == list(tensors.values())
    for name, maps in zip(tensors.values(), truth, strict=True):
        np.testing.assert_array_equal(short[name], maps)


def test_list_stages() -> None:
    strides = {name: 32 if name == "deep" else int(name.strip("sup")) for name in CHANNELS}
    assert list_stages() == {name: (CHANNELS[name], strides[name]) for name in CHANNELS}


def test_stages_are_found_by_weights_through_joins() -> None:
    nodes = [
        Node("Conv", ("L", "first"), ("x",)),
        Node("Relu", ("x",), ("y",)),
        Node("Resize", ("y", "", "twice"), ("z",)),
        Node("Concat", ("z", "hints"), ("w",)),
        Node("Conv", ("w", READERS["deep"]), ("v",)),
        Node("Conv", ("v", READERS["up8"]), ("u",)),
        Node("Conv", ("u", READERS["up8"]), ("ab",)),  # a second reader
    ]
    assert find_stages(nodes) == {"deep": "y", "up8": "v"}
    assert find_stages([]) == {}


# the file as protobuf


@pytest.mark.parametrize("path", [CONSTANT, find_model("default")])
def test_nodes_as_the_package_onnx_reads_them(path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    graph = onnx.load(path).graph
    expected = [Node(n.op_type, tuple(n.input), tuple(n.output)) for n in graph.node]
    assert read_nodes(path.read_bytes()) == expected


def test_a_cut_file_is_whole_for_the_package_onnx() -> None:
    onnx = pytest.importorskip("onnx")
    before, after = (onnx.load_from_string(b) for b in (SHIPPED, cut(SHIPPED, ["conv2d_2"])))
    assert [output.name for output in after.graph.output] == ["conv2d_2"]
    assert 0 < len(after.graph.node) < len(before.graph.node) / 4
    assert list(after.graph.initializer) == list(before.graph.initializer)
    assert list(after.graph.input) == list(before.graph.input)
    del before.graph.node[:], before.graph.output[:], after.graph.node[:], after.graph.output[:]
    assert before == after


def test_cutting_the_constant_network() -> None:
    rng = np.random.default_rng(0)
    hints = rng.normal(0, 20, (1, 3, 8, 12)).astype(np.float32)
    hints[:, 2] = 1
    short = cut(CONSTANT.read_bytes(), ["cells", "mask"])
    assert "Conv" not in {node.kind for node in read_nodes(short)}
    out = Session(short).run({"L": np.zeros((1, 1, 8, 12), np.float32), "hints": hints})
    assert list(out) == ["cells", "mask"]
    means = hints[:, :2].reshape(1, 2, 2, 4, 3, 4).mean((3, 5))
    np.testing.assert_allclose(out["cells"], means, atol=1e-4)
    np.testing.assert_array_equal(out["mask"], hints[:, 2:])


def test_a_tensor_that_nothing_makes() -> None:
    with pytest.raises(ModelUnavailable):
        Session(cut(CONSTANT.read_bytes(), ["nowhere"]))


@pytest.mark.parametrize(
    "content", [b"", b"garbage" * 100, CONSTANT.read_bytes()[:-1], 2 * CONSTANT.read_bytes()]
)
def test_what_is_no_network(content: bytes) -> None:
    for use in (read_nodes, lambda network: cut(network, ["ab"])):
        with pytest.raises(ModelUnavailable, match="no ONNX"):
            use(content)


@given(st.integers(0, CONSTANT.stat().st_size - 1), st.integers(0, 255))
def test_a_damaged_byte_ends_in_the_model_s_error_or_in_a_network(place: int, byte: int) -> None:
    damaged = bytearray(CONSTANT.read_bytes())
    damaged[place] = byte
    try:
        read_nodes(bytes(damaged))
        cut(bytes(damaged), ["cells"])
    except ModelUnavailable:
        pass


# what the numbers mean


def test_features_are_the_mean_of_the_maps(encoder: Encoder) -> None:
    maps = encoder.maps(EXAMPLES / "rocket.jpg")
    h, w = shrink(decode(EXAMPLES / "rocket.jpg"), encoder.card).shape
    assert maps.shape == (96, h // 16, w // 16)
    assert maps.dtype == np.float32
    found = encoder.features(EXAMPLES / "rocket.jpg")
    assert found.shape == (96,)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, maps.mean((1, 2)), atol=1e-5)
    np.testing.assert_array_equal(features_of(EXAMPLES / "rocket.jpg"), found)


def test_two_crops_of_a_photograph_are_nearest_to_each_other(encoder: Encoder) -> None:
    crops = {}
    for name in PHOTOGRAPHS:
        whole = grey(name)
        h, w = (n * 4 // 5 for n in whole.shape)
        crops[name] = (encoder.features(whole[:h, :w]), encoder.features(whole[-h:, -w:]))
    for name, (first, second) in crops.items():
        others = [f for other, pair in crops.items() if other != name for f in pair]
        for crop in (first, second):
            assert likeness(first, second) > max(likeness(crop, other) for other in others), name


def test_colours_play_no_part(encoder: Encoder, seen: dict[str, np.ndarray]) -> None:
    """A photograph under a strong wash of colours, and its grey version by Pillow."""
    light = grey("astronaut.jpg").astype(float)
    y, x = np.mgrid[0 : light.shape[0], 0 : light.shape[1]]
    wash = np.stack([60 * np.sin(x / 40), 40 * np.cos(y / 55), 60 * np.cos(x / 30)], -1)
    coloured = Image.fromarray(np.clip(light[..., None] + wash, 0, 255).astype(np.uint8))
    assert np.ptp(np.asarray(coloured), -1).mean() > 30
    alike = likeness(encoder.features(coloured), encoder.features(coloured.convert("L")))
    assert alike > 0.999
    others = [likeness(seen["astronaut.jpg"], seen[name]) for name in PHOTOGRAPHS[1:]]
    assert max(others) < 0.9


def test_the_default_is_the_deepest_stage_that_tells_pictures_apart(
    seen: dict[str, np.ndarray],
) -> None:
    """Of the shipped model. When a new one fails here, choose the default anew, and say so in
    docs/features.md."""
    assert spread(np.stack(list(seen.values()))) > 0.1
    stages = list(READERS)
    deeper = stages[stages.index(DEFAULT) + 1 : stages.index("deep") + 1]
    assert deeper == ["s32", "deep"]
    for stage in deeper:
        encoder = Encoder(stage=stage, threads=1)
        assert spread(np.stack([encoder.features(EXAMPLES / name) for name in seen])) < 0.01


def test_threads_may_share_an_encoder(encoder: Encoder, seen: dict[str, np.ndarray]) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(encoder.features, [EXAMPLES / name for name in 3 * PHOTOGRAPHS]))
    for name, features in zip(3 * PHOTOGRAPHS, found, strict=True):
        np.testing.assert_array_equal(features, seen[name])


def test_spread() -> None:
    row = np.array([[3.0, 4.0]])
    assert spread(np.repeat(row, 5, 0)) == pytest.approx(0)
    assert spread(np.eye(2)) == pytest.approx(0.5)
    assert spread(np.concatenate([row, -row])) == pytest.approx(1)
    assert spread(np.zeros((3, 2))) == 0


# the archive


def test_an_archive(encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["a.jpg", "b/é.png", "odd\udcff.png"]
    features = np.arange(6).reshape(3, 2) / 7
    content = pack(names, features, encoder)
    archive = np.load(io.BytesIO(content), allow_pickle=False)
    assert archive["names"].tolist() == names
    assert archive["features"].dtype == np.float32
    np.testing.assert_array_equal(archive["features"], features.astype(np.float32))
    about = {name: archive[name].item() for name in ("model", "model_sha256", "stage", "size")}
    assert about == {
        "model": "default",
        "model_sha256": encoder.card.sha256,
        "stage": "s16",
        "size": encoder.card.size,
    }
    assert len(archive.files) == 6
    now = time.time()
    monkeypatch.setattr("time.time", lambda: now + 1e6)
    assert pack(names, features, encoder) == content


@pytest.mark.parametrize("shape", [(2, 4), (3,), (3, 4, 1)])
def test_an_archive_of_other_names(encoder: Encoder, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="3 names"):
        pack(["a", "b", "c"], np.zeros(shape), encoder)


# refusals


def test_a_model_without_such_stages() -> None:
    for use in (Encoder, list_stages):
        with pytest.raises(ModelUnavailable, match="none of the stages") as caught:
            use(CONSTANT)
        assert caught.value.file == str(CONSTANT)
        assert "hinted_unet" in caught.value.remedy


def test_an_unknown_stage() -> None:
    with pytest.raises(ConfigInvalid, match="s64") as caught:
        Encoder(stage="s64")
    assert "s2, s4, s8, s16, s32, deep" in caught.value.remedy


def test_a_size_that_no_network_looks_at() -> None:
    with pytest.raises(ConfigInvalid, match="size = 7"):
        Encoder(size=7).features(np.zeros((64, 64), np.uint8))


def test_an_altered_model_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for suffix in (".onnx", ".toml"):
        shutil.copy(find_model("default").with_suffix(suffix), tmp_path / f"m{suffix}")
    assert Encoder(tmp_path / "m.onnx").card.name == "default"
    altered = bytearray(SHIPPED)
    altered[5_000_000] ^= 1
    (tmp_path / "m.onnx").write_bytes(altered)
    monkeypatch.setattr("kolorit.features.read_nodes", lambda network: pytest.fail("it was read"))
    with pytest.raises(ModelUnavailable, match="sha256 differs"):
        Encoder(tmp_path / "m.onnx")
