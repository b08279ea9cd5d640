"""The same files as the command line's, and a view that shows what they will be."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from kolorit.colorizer import Colorizer, shrink
from kolorit.errors import ConfigInvalid, HintsInvalid, KoloritError, OutputUnwritable
from kolorit.hints import Hint
from kolorit.picture.decode import decode
from kolorit.picture.encode import encode
from kolorit.web.figures import Figures
from kolorit.web.tasks import GREY, LIGHTNESS, VIEW, Colour, Open, Show, Suggest, Sure, Wanted
from kolorit.web.work import Bench, colour, open_view, show, suggest_colours, sure

HINTS = (Hint(0.25, 0.25, "#8a3324", 0.05),)
GPS = 0x8825


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench(Colorizer("default", device="cpu", threads=1), Figures())


@pytest.fixture(scope="module")
def photograph() -> Image.Image:
    """Grey shapes with some grain, upright."""
    rng = np.random.default_rng(14)
    small = Image.fromarray(rng.integers(0, 255, (9, 12), np.uint8))
    grey = np.asarray(small.resize((320, 240), Image.Resampling.BICUBIC)).astype(int)
    return Image.fromarray(np.clip(grey + rng.integers(-6, 7, grey.shape), 0, 255).astype(np.uint8))


def saved(image: Image.Image, path: Path, format: str = "JPEG", **options: Any) -> Path:
    image.save(path, format, **options)
    return path


@pytest.mark.parametrize(
    ("wanted", "format"),
    [
        (Wanted(), "JPEG"),
        (Wanted(look="faithful", strength=0.7, saturation=1.4, warmth=0.3), "JPEG"),
        (Wanted(hints=HINTS), "PNG"),
        (Wanted(merge="lab", mark=False), "TIFF"),
        (Wanted(size=96, format="webp", quality=70), "JPEG"),
        (Wanted(format="PNG"), "GIF"),
    ],
)
def test_the_same_bytes_as_the_library(
    bench: Bench, photograph: Image.Image, tmp_path: Path, wanted: Wanted, format: str
) -> None:
    path = saved(photograph, tmp_path / "original", format)
    said = colour(bench, Colour(path, tmp_path / "result", wanted))
    names = ("look", "strength", "saturation", "warmth", "hints", "merge", "size")
    result = bench.colorizer.run(path, **{name: getattr(wanted, name) for name in names})
    mark = bench.colorizer.mark if wanted.mark else None
    own = encode(result.picture, wanted.format, wanted.quality, mark)
    assert (tmp_path / "result").read_bytes() == own
    assert said.bytes == len(own)
    assert (said.width, said.height, said.confidence) == (320, 240, result.confidence)
    with Image.open(tmp_path / "result") as image:
        assert Image.MIME[image.format or ""] == said.media_type
        assert Image.EXTENSION[said.suffix if said.suffix != ".jpg" else ".jpeg"] == image.format


def test_others_are_the_command_lines_numbered_ones(
    bench: Bench, photograph: Image.Image, tmp_path: Path
) -> None:
    path = saved(photograph, tmp_path / "original")
    wish = {"saturation": 1.2, "warmth": -0.2}
    result = bench.colorizer.run(path, alternatives=3, **wish)
    for number, other in enumerate(result.alternatives, 1):
        wanted = Wanted(alternative=number, **wish)  # type: ignore[arg-type]
        colour(bench, Colour(path, tmp_path / "result", wanted))
        own = encode(other, mark=bench.colorizer.mark)
        assert (tmp_path / "result").read_bytes() == own


def test_a_format_that_is_only_read_is_told(
    bench: Bench, photograph: Image.Image, tmp_path: Path
) -> None:
    path = saved(photograph, tmp_path / "original", "GIF")
    said = colour(bench, Colour(path, tmp_path / "result", Wanted()))
    assert (said.media_type, said.suffix) == ("image/png", ".png")
    assert "GIF is not written: the result is a PNG" in said.notes


def test_where_it_was_taken_stays_here_unless_asked_for(
    bench: Bench, photograph: Image.Image, tmp_path: Path
) -> None:
    exif = Image.Exif()
    exif[271] = "A camera"
    exif.get_ifd(GPS)[2] = (52.0, 31.0, 12.0)
    path = saved(photograph, tmp_path / "original", exif=exif)
    for metadata, there in (("safe", False), ("all", True)):
        colour(bench, Colour(path, tmp_path / metadata, Wanted(metadata=metadata)))
        with Image.open(tmp_path / metadata) as image:
            assert bool(image.getexif().get_ifd(GPS)) == there


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"alternative": 4}, ConfigInvalid),
        ({"alternative": -1}, ConfigInvalid),
        ({"metadata": "some"}, ConfigInvalid),
        ({"quality": 0}, ConfigInvalid),
        ({"quality": 101}, ConfigInvalid),
        ({"format": "psd"}, ConfigInvalid),
        ({"look": "bright"}, ConfigInvalid),
        ({"merge": "both"}, ConfigInvalid),
        ({"strength": float("nan")}, ConfigInvalid),
        ({"size": 5000}, ConfigInvalid),
        ({"hints": ("red",)}, HintsInvalid),
    ],
)
def test_wrong_wishes_are_refused(
    bench: Bench,
    photograph: Image.Image,
    tmp_path: Path,
    change: dict[str, Any],
    error: type[KoloritError],
) -> None:
    path = saved(photograph, tmp_path / "original")
    with pytest.raises(error):
        colour(bench, Colour(path, tmp_path / "result", replace(Wanted(), **change)))
    assert not (tmp_path / "result").exists()


def test_what_a_format_cannot_hold(bench: Bench, tmp_path: Path) -> None:
    path = saved(Image.new("L", (17_000, 2)), tmp_path / "original", "PNG")
    with pytest.raises(OutputUnwritable):
        colour(bench, Colour(path, tmp_path / "result", Wanted(format="webp")))


def test_opening_makes_a_view(bench: Bench, photograph: Image.Image, tmp_path: Path) -> None:
    """Turned upright; small; with the network's L of the whole photograph, not of the view."""
    exif = Image.Exif()
    exif[274] = 6  # to be turned by a quarter
    large = photograph.resize((1600, 1200), Image.Resampling.BICUBIC)
    path = saved(large, tmp_path / "original", "JPEG", exif=exif)
    said = open_view(bench, Open(path, tmp_path, 40_000))
    assert (said.width, said.height, said.format) == (1200, 1600, "JPEG")
    assert said.view_width * said.view_height <= 40_000
    assert said.view_width * said.view_height > 38_000
    view = np.load(tmp_path / VIEW)
    assert (view.shape, view.dtype) == ((said.view_height, said.view_width), np.uint8)
    whole = decode(path)
    L = shrink(whole, bench.colorizer.model.card)
    assert np.array_equal(np.load(tmp_path / LIGHTNESS), L)
    assert said.confidence == pytest.approx(bench.colorizer.run(path).confidence)
    assert not said.already_coloured
    with Image.open(tmp_path / GREY) as grey:
        assert (grey.mode, grey.size) == ("L", (said.view_width, said.view_height))
        assert np.abs(np.asarray(grey).astype(int) - view).mean() < 2


def test_a_small_photograph_is_its_own_view(
    bench: Bench, photograph: Image.Image, tmp_path: Path
) -> None:
    path = saved(photograph, tmp_path / "original")
    said = open_view(bench, Open(path, tmp_path, 1_000_000))
    assert (said.view_width, said.view_height) == (320, 240)
    assert np.array_equal(np.load(tmp_path / VIEW), decode(path).luma)


def test_colours_are_told(bench: Bench, tmp_path: Path) -> None:
    colours = Image.merge("RGB", [Image.linear_gradient("L").rotate(90 * k) for k in range(3)])
    path = saved(colours, tmp_path / "original", "PNG")
    said = open_view(bench, Open(path, tmp_path, 1_000_000))
    assert said.already_coloured
    assert any("colours" in note for note in said.notes)


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(),
        Wanted(hints=HINTS, saturation=1.5, warmth=0.5),
        Wanted(alternative=3),
        Wanted(merge="lab", look="faithful"),
    ],
)
def test_the_view_shows_what_the_file_will_be(
    bench: Bench, photograph: Image.Image, tmp_path: Path, wanted: Wanted
) -> None:
    """For a photograph as small as its view: the file's pixels, but for the JPEG."""
    path = saved(photograph, tmp_path / "original")
    open_view(bench, Open(path, tmp_path, 1_000_000))
    said = show(bench, Show(tmp_path, tmp_path / "show.jpg", wanted))
    assert (said.width, said.height, said.media_type) == (320, 240, "image/jpeg")
    colour(bench, Colour(path, tmp_path / "result", replace(wanted, format="png")))
    with Image.open(tmp_path / "show.jpg") as shown, Image.open(tmp_path / "result") as file:
        shown_rgb, file_rgb = (np.asarray(i.convert("RGB")).astype(int) for i in (shown, file))
    assert np.abs(shown_rgb - file_rgb).mean() < 2.5
    plain = np.asarray(photograph)[..., None]
    assert np.abs(file_rgb - plain).mean() > 5  # else both may be grey


def test_how_sure_it_is(bench: Bench, photograph: Image.Image, tmp_path: Path) -> None:
    path = saved(photograph, tmp_path / "original")
    open_view(bench, Open(path, tmp_path, 1_000_000))
    plain = sure(bench, Sure(tmp_path, tmp_path / "sure.png"))
    prediction = bench.colorizer.predict(path)
    assert plain == pytest.approx(float(prediction.confidence.mean()))
    with Image.open(tmp_path / "sure.png") as image:
        assert (image.format, image.mode, image.size) == ("PNG", "L", (320, 240))
        assert np.asarray(image).mean() / 255 == pytest.approx(plain, abs=0.02)
    assert sure(bench, Sure(tmp_path, tmp_path / "sure.png", HINTS)) != plain


def test_suggested_colours(bench: Bench, photograph: Image.Image, tmp_path: Path) -> None:
    path = saved(photograph, tmp_path / "original")
    open_view(bench, Open(path, tmp_path, 1_000_000))
    found = suggest_colours(bench, Suggest(tmp_path, 0.5, 0.5, count=4))
    shares = [share for _, share in found]
    assert 1 <= len(found) <= 4
    assert shares == sorted(shares, reverse=True)
    assert all(Hint(0, 0, colour) for colour, _ in found)
    hinted = suggest_colours(bench, Suggest(tmp_path, 0.25, 0.25, HINTS, count=4))
    assert hinted != suggest_colours(bench, Suggest(tmp_path, 0.25, 0.25, count=4))
    with pytest.raises(ConfigInvalid):
        suggest_colours(bench, Suggest(tmp_path, 1.5, 0.5))


def test_a_polyglot_loses_its_tail(bench: Bench, photograph: Image.Image, tmp_path: Path) -> None:
    out = io.BytesIO()
    photograph.save(out, "PNG")
    (tmp_path / "original").write_bytes(out.getvalue() + b"PK\x03\x04<script>alert(1)</script>")
    colour(bench, Colour(tmp_path / "original", tmp_path / "result", Wanted(metadata="all")))
    assert b"<script>" not in (tmp_path / "result").read_bytes()
