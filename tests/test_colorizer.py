"""colorizer.py: the main path with a constant model; the same kind out as in."""

from __future__ import annotations

import hashlib
import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kolorit import Colorizer, Hint, colorize
from kolorit.errors import (
    ConfigInvalid,
    HintsInvalid,
    InputUnreadable,
    ModelUnavailable,
    OutputUnwritable,
)
from kolorit.picture.decode import decode

MODEL = Path(__file__).parent / "data" / "constant.onnx"


@pytest.fixture(scope="module")
def colorizer() -> Colorizer:
    return Colorizer(MODEL, threads=1)


@pytest.fixture
def jpeg(tmp_path: Path) -> Path:
    path = tmp_path / "farm.jpg"
    ramp = np.linspace(20, 230, 120 * 90).reshape(90, 120).astype(np.uint8)
    Image.fromarray(ramp).save(path, quality=95)
    return path


def test_path_in_path_out(jpeg: Path, colorizer: Colorizer) -> None:
    before = hashlib.sha256(jpeg.read_bytes()).digest()
    out = colorizer.colorize(jpeg)
    assert out == jpeg.with_name("farm.color.jpg")
    with Image.open(out) as image:
        assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (120, 90))
        assert b"compositeWithTrainedAlgorithmicMedia" in image.info["xmp"]
    assert hashlib.sha256(jpeg.read_bytes()).digest() == before
    with pytest.raises(OutputUnwritable, match="exist"):
        colorizer.colorize(str(jpeg))
    assert colorizer.colorize(jpeg, overwrite=True) == out
    assert colorizer.colorize(jpeg, out=jpeg.with_name("x.png")).suffix == ".png"


def test_bytes_in_bytes_out(jpeg: Path, colorizer: Colorizer) -> None:
    content = colorizer.colorize(jpeg.read_bytes(), mark=False)
    with Image.open(io.BytesIO(content)) as image:
        assert (image.format, image.size) == ("JPEG", (120, 90))
        assert "xmp" not in image.info


def test_pil_and_arrays(colorizer: Colorizer) -> None:
    grey = np.random.default_rng(0).integers(0, 255, (40, 60), dtype=np.uint8)
    coloured = colorizer.colorize(Image.fromarray(grey))
    assert isinstance(coloured, Image.Image)
    assert (coloured.mode, coloured.size) == ("RGB", (60, 40))
    assert colorizer.colorize(grey).shape == (40, 60, 3)
    deep = colorizer.colorize(grey.astype(np.uint16) * 257)
    assert (deep.dtype, deep.shape) == (np.uint16, (40, 60, 3))
    with_alpha = colorizer.colorize(np.dstack([grey, grey]))
    assert with_alpha.shape == (40, 60, 4)
    np.testing.assert_array_equal(with_alpha[..., 3], grey)


def test_the_grey_values_stay(jpeg: Path, colorizer: Colorizer) -> None:
    with Image.open(jpeg) as before, Image.open(colorizer.colorize(jpeg)) as after:
        moved = np.abs(np.asarray(before, int) - np.asarray(after.convert("L"), int))
    assert (moved <= 1).mean() >= 0.99
    assert moved.mean() < 0.5


def test_options_reach_the_picture(jpeg: Path, colorizer: Colorizer) -> None:
    picture = decode(jpeg)
    vivid = colorizer.run(picture)
    chroma = lambda result: np.abs(result.picture.chroma.astype(int) - 128).mean()  # noqa: E731
    assert chroma(colorizer.run(picture, strength=0.5)) < 0.6 * chroma(vivid)
    assert chroma(colorizer.run(picture, strength=0)) == 0
    assert chroma(colorizer.run(picture, saturation=1.4)) > 1.2 * chroma(vivid)
    assert chroma(colorizer.run(picture, look="faithful")) < chroma(vivid)
    blue = colorizer.run(picture, hints=[Hint(0.5, 0.5, "#2040c0", 0.3)]).picture
    middle = blue.chroma[0, blue.chroma.shape[1] // 2, blue.chroma.shape[2] // 2]
    assert middle > 140  # Cb of a blue; the model's own brick is below 128
    assert len(colorizer.run(picture, alternatives=3).alternatives) == 3
    assert colorizer.run(picture, merge="lab").picture.chroma.shape[1:] == picture.luma.shape
    assert colorizer.predict(picture, size=96).L.size > 2 * colorizer.predict(picture).L.size


@pytest.mark.parametrize(
    "bad",
    [
        {"look": "sepia"},
        {"merge": "rgb"},
        {"size": 1},
        {"size": 0},
        {"size": "256"},
        {"strength": 2},
        {"strength": "1"},
        {"colour": 1},
        {"alternatives": -1},
        {"alternatives": "2"},
    ],
    ids=str,
)
def test_wrong_options_are_refused(
    jpeg: Path, colorizer: Colorizer, bad: dict[str, object]
) -> None:
    with pytest.raises(ConfigInvalid):
        colorizer.run(decode(jpeg), **bad)


@pytest.mark.parametrize("hints", [None, "h.json", [{"x": 0.5}], 3], ids=str)
def test_wrong_hints_are_refused(jpeg: Path, colorizer: Colorizer, hints: object) -> None:
    with pytest.raises(HintsInvalid):
        colorizer.run(decode(jpeg), hints=hints)


@pytest.mark.parametrize("threads", [0, -1, "x"])
def test_wrong_threads_are_refused(threads: object) -> None:
    with pytest.raises(ConfigInvalid, match="threads"):
        Colorizer(MODEL, threads=threads)


def test_result_says_what_was_done(jpeg: Path, colorizer: Colorizer) -> None:
    result = colorizer.run(jpeg)
    assert set(result.seconds) == {"shrink", "network", "look", "merge"}
    assert all(seconds >= 0 for seconds in result.seconds.values())
    assert 0 <= result.confidence <= 1
    assert result.prediction.ab.shape == (2, *result.prediction.L.shape)


def test_one_colorizer_serves_many_threads(jpeg: Path, colorizer: Colorizer) -> None:
    serial = colorizer.colorize(jpeg.read_bytes())
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda _: colorizer.colorize(jpeg.read_bytes()), range(24)))
    assert set(together) == {serial}


def test_errors_name_the_file(tmp_path: Path, jpeg: Path) -> None:
    with pytest.raises(InputUnreadable, match=r"none\.jpg"):
        colorize(tmp_path / "none.jpg", model=MODEL)
    with pytest.raises(ModelUnavailable, match="gone"):
        colorize(jpeg, model=tmp_path / "gone.onnx")


def test_the_shipped_model_colours_the_examples(repository: Path) -> None:
    """Grass, sky, skin: at least some colour, none at the luma's cost, same bytes twice."""
    colorizer = Colorizer(threads=1)
    for path in sorted((repository / "examples").glob("*.jpg")):
        one, two = (colorizer.colorize(path.read_bytes()) for _ in range(2))
        assert one == two
        with Image.open(io.BytesIO(one)) as after, Image.open(path) as before:
            rgb = np.asarray(after).astype(int)
            moved = np.abs(np.asarray(after.convert("L"), int) - np.asarray(before, int))
        assert np.ptp(rgb, -1).mean() > 8
        assert (moved <= 1).mean() >= 0.99


def test_a_model_that_does_not_look_at_hints_says_so(tmp_path: Path) -> None:
    for file in (MODEL, MODEL.with_suffix(".toml")):
        (tmp_path / file.name).write_bytes(file.read_bytes())
    card = tmp_path / "constant.toml"
    card.write_text(card.read_text().replace("multiple = 4", "multiple = 4\nhints = false"))
    deaf, hint = Colorizer(tmp_path / "constant.onnx"), Hint(0.5, 0.5, "#aa3322")
    grey = np.full((20, 30), 99, np.uint8)
    assert "this model does not look at hints" in deaf.run(grey, hints=[hint]).notes
    assert not deaf.run(grey).notes
    assert not Colorizer(MODEL).run(grey, hints=[hint]).notes
