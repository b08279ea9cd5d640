"""runtime/model.py: any size in, the same size out; confidence is the mass nearby."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kolorit.colour.bins import BINS
from kolorit.errors import ModelUnavailable
from kolorit.runtime.model import Model, Prediction, block_means, load_model, upsample
from kolorit.runtime.onnx import Session

CONSTANT = Path(__file__).parents[1] / "data" / "constant.onnx"


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model(CONSTANT, threads=1)


@pytest.mark.parametrize("size", [(64, 64), (1, 1), (37, 91), (4, 130)])
def test_any_size(model: Model, size: tuple[int, int]) -> None:
    h, w = size
    hints = np.zeros((3, h, w), np.float32)
    hints[:, 0, 0] = (-40, 20, 1)
    out = model.predict(np.full(size, 40, np.float32), hints)
    assert out.ab.shape == (2, h, w)
    assert out.logits is not None
    assert out.logits.shape == (313, -(-h // 4), -(-w // 4))
    assert out.confidence.shape == size
    np.testing.assert_allclose(out.ab[:, 0, 0], (-40, 20), atol=1e-5)
    if w > 1:
        np.testing.assert_allclose(out.ab[:, -1, -1], (12, 28), atol=1e-5)


class _Slanted:
    """A network whose ab depends on the column, for which a mirror image is another picture."""

    inputs, outputs = ("L", "hints"), ("ab", "logits")

    def run(self, feed: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        h, w = feed["L"].shape[2:]
        columns = np.arange(w, dtype=np.float32)
        ab = feed["L"] * np.ones((1, 2, 1, 1), np.float32) + columns + feed["hints"][:, 2:]
        logits = np.broadcast_to(columns[: w // 4], (1, 313, h // 4, w // 4))
        return {"ab": ab, "logits": logits.astype(np.float32)}


@pytest.mark.parametrize("width", [64, 37])
def test_the_mirror_image_is_looked_at_too(model: Model, width: int) -> None:
    """The mean of both, each at its own place; in the padded picture, which is what is mirrored."""
    slanted = Model(model.card, cast(Session, _Slanted()))
    L = np.random.default_rng(0).uniform(0, 100, (64, width)).astype(np.float32)
    hints = np.zeros((3, 64, width), np.float32)
    hints[2, :, 5] = 3
    one, both = slanted.predict(L, hints, mirror=False), slanted.predict(L, hints)
    padded = -(-width // model.card.multiple) * model.card.multiple
    np.testing.assert_allclose(one.ab[0], L + np.arange(width) + hints[2], atol=1e-4)
    np.testing.assert_allclose(both.ab[0], L + (padded - 1) / 2 + hints[2], atol=1e-4)
    assert both.logits is not None and one.logits is not None
    np.testing.assert_allclose(both.logits, (padded // 4 - 1) / 2, atol=1e-5)
    assert one.logits.shape == both.logits.shape


def test_confidence_is_the_mass_within_twenty_units(model: Model) -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (313, 3, 4)).astype(np.float32)
    ab = np.repeat(np.repeat(rng.uniform(-30, 30, (2, 3, 4)), 4, 1), 4, 2).astype(np.float32)
    prediction = Prediction(np.zeros((12, 16), np.float32), ab, logits, model.card)
    p = np.exp(logits - logits.max(0))
    p /= p.sum(0)
    expected = np.array(
        [
            [p[np.hypot(*(BINS - ab[:, 4 * y, 4 * x]).T) <= 20, y, x].sum() for x in range(4)]
            for y in range(3)
        ]
    )
    np.testing.assert_allclose(
        prediction.confidence, upsample(expected[None], 4, (12, 16))[0], atol=1e-4
    )
    flat = Prediction(np.zeros((4, 4), np.float32), ab[:, :4, :4], logits[:, :1, :1], model.card)
    near = np.hypot(*(BINS - ab[:, 0, 0]).T) <= 20
    np.testing.assert_allclose(flat.confidence, p[near, 0, 0].sum(), atol=1e-4)


@given(st.integers(1, 30), st.integers(1, 30))
def test_upsampled_means_keep_constants_and_sizes(h: int, w: int) -> None:
    plane = np.full((2, h, w), 7.5, np.float32)
    small = block_means(plane, 4)
    assert small.shape == (2, -(-h // 4), -(-w // 4))
    np.testing.assert_allclose(upsample(small, 4, (h, w)), plane, atol=1e-4)


def test_upsample_is_linear_between_centres() -> None:
    ramp = np.arange(5, dtype=np.float32)[None, None].repeat(5, 1)  # cell x holds x
    up = upsample(ramp, 4, (20, 20))[0, 10]
    np.testing.assert_allclose(up[2:18], (np.arange(2, 18) + 0.5) / 4 - 0.5, atol=1e-5)
    assert up[0] == 0
    assert up[-1] == 4


@pytest.mark.parametrize(
    ("old", "new"), [("stride = 4", "stride = 8"), ("stride = 4", "stride = -1"), ("", "")]
)
def test_a_card_that_lies_about_its_network(tmp_path: Path, old: str, new: str) -> None:
    """Each is refused with the model's error, at the latest when it runs; the last is no lie."""
    shutil.copy(CONSTANT, tmp_path / "m.onnx")
    text = CONSTANT.with_suffix(".toml").read_text()
    (tmp_path / "m.toml").write_text(text.replace(old, new))
    L = np.full((16, 16), 40, np.float32)

    def use() -> Prediction:
        return load_model(tmp_path / "m.onnx").predict(L, np.zeros((3, 16, 16), np.float32))

    if old == new:
        assert use().ab.shape == (2, 16, 16)
    else:
        with pytest.raises(ModelUnavailable):
            use()


def test_a_multiple_that_the_network_cannot_take(tmp_path: Path) -> None:
    shutil.copy(CONSTANT, tmp_path / "m.onnx")
    text = CONSTANT.with_suffix(".toml").read_text()
    (tmp_path / "m.toml").write_text(text.replace("multiple = 4", "multiple = 3"))
    with pytest.raises(ModelUnavailable):
        load_model(tmp_path / "m.onnx").predict(
            np.zeros((13, 13), np.float32), np.zeros((3, 13, 13), np.float32)
        )
