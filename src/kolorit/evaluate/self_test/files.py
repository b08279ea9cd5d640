"""Traps of reading: how truths and answers come from files, and which belongs to which.

folder: an empty one, for the files that a check writes.
"""

from __future__ import annotations

import math
import struct
from pathlib import Path

import numpy as np

from kolorit.colour.luma import rgb_to_ycbcr
from kolorit.errors import DataCorrupt, InputUnreadable
from kolorit.evaluate import sets, systems
from kolorit.evaluate.columns import numbers_of
from kolorit.evaluate.self_test.finding import (
    CONTEXT,
    Finding,
    Material,
    db,
    refusal,
    saturated,
    value,
)
from kolorit.evaluate.view import View
from kolorit.picture.encode import encode
from kolorit.picture.picture import from_luma
from kolorit.picture.png16 import chunk
from kolorit.picture.rgb import decode_rgb, encode_rgb, resize_rgb


def saturated_truth(material: Material, folder: Path) -> Finding:
    """The truth is the file's."""
    read = []
    for k, rgb in enumerate(material.few.pictures):
        (folder / f"{k}.png").write_bytes(encode_rgb(rgb, "PNG"))
        read.append(View(sets.read_truth(folder / f"{k}.png", min(rgb.shape[:2]))))
    shown = material.few.truths
    changed = [View(saturated(truth.rgb, 1.2)) for truth in shown]
    right, wrong = value("psnr", shown, read), value("psnr", shown, changed)
    truly, vividly = value("colourfulness", read, read), value("colourfulness", changed, changed)
    return Finding(
        "saturated truth",
        "truths are made 1.2 times as saturated before a perfect answer is judged",
        f"{db(right)}, colourfulness {truly:.1f}",
        f"{db(wrong)}, {vividly:.1f}",
        "infinite; with the mistake 30 to 50 dB, colourfulness over 1.1 times (37.3 dB, 1.19)",
        right == math.inf and 30 < wrong < 50 and vividly > 1.1 * truly,
    )


def jpeg(material: Material, folder: Path) -> Finding:
    """A perfect answer is infinitely good unless it is saved as JPEG."""
    right, wrong = (
        [_answer(folder / kind, rgb, encoded(rgb), kind) for rgb in material.few.pictures]
        for kind, encoded in (("png", _png), ("jpg", _jpeg))
    )
    truths = material.few.truths
    lossless, lossy = value("psnr", right, truths), value("psnr", wrong, truths)
    lost = value("colourfulness_shift", wrong, truths)
    return Finding(
        "answers saved as JPEG",
        "perfect answers are saved with quality 75 and half of the chroma",
        db(lossless),
        f"{db(lossy)}, colourfulness {lost:+.1f}",
        "infinite; with the mistake 20 to 45 dB (33.8 dB, -1.4)",
        lossless == math.inf and 20 < lossy < 45,
    )


def resizing(material: Material, folder: Path) -> Finding:
    """Truth and answer are made small by the same filter.

    In pictures without detail all filters give about the same, and nothing is to be seen.
    """
    shown, others, truths = [], [], []
    for rgb in material.few.pictures:
        large = rgb[: rgb.shape[0] // 2 * 2, : rgb.shape[1] // 2 * 2]
        (folder / "truth.png").write_bytes(_png(large))
        truth = sets.read_truth(folder / "truth.png", min(large.shape[:2]) // 2)
        truths.append(View(truth))
        shown.append(_answer(folder / "answers", truth, _png(large)))
        corners = [large[y::2, x::2].astype(np.float64) for y in (0, 1) for x in (0, 1)]
        others.append(View(np.asarray(np.round(sum(corners) / 4)).astype(np.uint8)))
    right, wrong = value("psnr", shown, truths), value("psnr", others, truths)
    unseen = right == math.inf and wrong >= 48
    return Finding(
        "another filter for the truth",
        "photographs themselves, halved by bilinear sampling, are judged against bicubic ones",
        "needs larger pictures, or such with more detail" if unseen else db(right),
        db(wrong),
        "infinite; with the mistake 20 to 48 dB (36.3 and 34.2 dB)",
        None if unseen else right == math.inf and 20 < wrong,
    )


def proportions(material: Material, folder: Path) -> Finding:
    """A cropped or stretched answer is refused, and then scored as grey."""
    rgb = material.pictures[0]
    middle = rgb[:, rgb.shape[1] // 4 : -rgb.shape[1] // 4]
    right = refusal(lambda: _answer(folder, rgb, _png(middle)), InputUnreadable)
    whole, part = (value("colourfulness", views, views) for views in ([View(rgb)], [View(middle)]))
    return Finding(
        "stretched or cropped",
        "the middle half of a photograph stands for it, colourfulness",
        _without(right, folder) or "accepted",
        f"{part:.1f} for {whole:.1f}",
        "refused",
        right is not None,
    )


def pairing(material: Material, folder: Path) -> Finding:
    """Answers are found by their exact stems, and by nothing like them."""
    names = ("1", "10", "a.b", "a.c")
    pictures = dict(zip(names, material.pictures, strict=False))
    for name in names[1:]:
        (folder / f"{name}.png").write_bytes(_png(pictures[name]))
    system = systems.folder_system("answers", folder)

    def colour(name: str) -> View:
        return View(system.colour(name, systems.grey_of(pictures[name])).rgb)

    missing = refusal(lambda: colour("1"), InputUnreadable)
    found = value(
        "psnr", [colour(name) for name in names[1:]], [View(pictures[n]) for n in names[1:]]
    )
    scores = []
    for name in ("1", "a.c"):  # each gets its neighbour
        taken = decode_rgb(min(folder.glob(name.split(".")[0] + "*")))
        truth = View(pictures[name])
        scores.append(value("psnr", [View(resize_rgb(taken, truth.rgb.shape[:2]))], [truth]))
    right = f"{db(found)}; 1 without answer is {'refused' if missing else 'given another one'}"
    return Finding(
        "pairing by the start of a name",
        "1 takes 10.png, a.c takes a.b.png",
        right,
        ", ".join(db(score) for score in scores),
        "infinite and refused; with the mistake below 30 dB",
        found == math.inf and missing is not None and max(scores) < 30,
    )


def duplicates(material: Material, folder: Path) -> Finding:
    """Two pictures of one stem are an error, since either could be the right one."""
    first, second = material.pictures[:2]
    (folder / "1.png").write_bytes(_png(first))
    (folder / "1.bmp").write_bytes(_bmp(second))
    right = refusal(lambda: sets.find_photographs(folder), DataCorrupt)
    other = View(resize_rgb(second, (first.shape[0], first.shape[1])))
    return Finding(
        "one stem twice",
        "the last one listed is taken",
        _without(right, folder) or "accepted",
        db(value("psnr", [other], [View(first)])),
        "refused",
        right is not None,
    )


def same_picture(material: Material, folder: Path) -> Finding:
    """Renamed, turned with a note of it, or saved again without loss: the same numbers."""
    rgb, grey = material.pictures[0], material.greys[0]
    turned = encode_rgb(np.ascontiguousarray(rgb[::-1, ::-1]), "PNG")
    head = 33  # bytes: signature and first chunk
    noted = turned[:head] + chunk(b"eXIf", _UPSIDE_DOWN) + turned[head:]
    contents = {"a.png": _png(rgb), "other name.png": _png(rgb), "b.png": noted, "c.bmp": _bmp(rgb)}
    numbers = []
    for name, content in contents.items():
        (folder / name).write_bytes(content)
        truth = View(sets.read_truth(folder / name, min(rgb.shape[:2])))
        numbers.append(numbers_of(grey, truth, CONTEXT))
    differ = [name for name, n in zip(contents, numbers, strict=True) if n != numbers[0]]
    wrong = value("psnr", [View(decode_rgb(turned))], material.truths[:1])
    return Finding(
        "renamed, turned, saved again",
        "the note that a photograph stands on its head is not read",
        f"other numbers for {', '.join(differ)}" if differ else "the same numbers",
        db(wrong),
        "the same numbers to the last digit; with the mistake below 30 dB",
        not differ and wrong < 30,
    )


def _answer(folder: Path, truth: np.ndarray, content: bytes, suffix: str = "png") -> View:
    """What the judge takes for the answer when this is the file in a folder of answers."""
    folder.mkdir(exist_ok=True)
    (folder / f"1.{suffix}").write_bytes(content)
    return View(systems.folder_system("answers", folder).colour("1", systems.grey_of(truth)).rgb)


def _png(rgb: np.ndarray) -> bytes:
    return encode_rgb(rgb, "PNG")


def _jpeg(rgb: np.ndarray) -> bytes:
    """Quality 75, one chroma for 2 x 2 pixels, as programs do when nothing else is asked for."""
    planes = 255 * rgb_to_ycbcr(rgb / 255.0) + (0, 128, 128)  # (H,W,3)
    even = np.pad(planes, [(0, n % 2) for n in rgb.shape[:2]] + [(0, 0)], "edge")
    halves = sum(even[y::2, x::2, 1:] for y in (0, 1) for x in (0, 1)) / 4  # (h,w,2)
    luma, chroma = (np.clip(np.round(x), 0, 255).astype(np.uint8) for x in (planes[..., 0], halves))
    return encode(from_luma(luma, chroma.transpose(2, 0, 1)), "JPEG", quality=75)


def _bmp(rgb: np.ndarray) -> bytes:
    """24 bits, rows from below, each filled up to four bytes."""
    height, width = rgb.shape[:2]
    rows = np.pad(rgb[::-1, :, ::-1].reshape(height, -1), ((0, 0), (0, -3 * width % 4))).tobytes()
    head = struct.pack("<2sIHHI", b"BM", 54 + len(rows), 0, 0, 54)
    return head + struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0) + rows


# EXIF with one entry: orientation (0x0112), a short, 3.
_UPSIDE_DOWN = b"II*\0" + struct.pack("<IHHHIHHI", 8, 1, 0x0112, 3, 1, 3, 0, 0)


def _without(words: str | None, folder: Path) -> str | None:
    """An error without the folder's own name, which is another one each time."""
    return None if words is None else words.replace(f"{folder}", "...")
