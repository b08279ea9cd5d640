"""samples.py: what decoders make, beside grey and truth; of pictures that taught nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from kolorit.colour.bins import BINS
from kolorit.colour.lab import bytes_to_lab
from kolorit.errors import DataCorrupt
from kolorit.training.representation.pictures import Preprocessing
from kolorit.training.representation.pretexts import PRETEXTS, REACH
from kolorit.training.representation.samples import (
    SHOWN,
    make_samples,
    read_samples,
    write_samples,
)
from kolorit.training.representation.sets import ClassSet
from kolorit.training.representation.splits import Domain
from kolorit.training.representation.study import Study
from kolorit.training.representation.taught import Taught

Domains = dict[str, Domain]


class Says(nn.Module):
    """Gives one answer at every place, whatever it sees."""

    def __init__(self, *answer: float, side: int = 8, pair: bool = False):
        super().__init__()
        self.answer, self.side, self.pair = torch.tensor(answer), side, pair

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        out = self.answer[None, :, None, None].expand(len(x), -1, self.side, self.side)
        return (out, torch.zeros(len(x), 50, self.side, self.side)) if self.pair else out


def lab_of(rgb: np.ndarray) -> np.ndarray:
    return np.stack([bytes_to_lab(np.ascontiguousarray(picture)) for picture in rgb])


@pytest.mark.parametrize("pretext", ["ab", "bins", "split-brain"])
def test_colours_are_put_on_the_pictures_own_lightness(
    pretext: str, food_set: ClassSet, domains: Domains
) -> None:
    """A network that says (10, 20) everywhere."""
    answer = [10 / REACH, 20 / REACH]
    if pretext != "ab":
        answer = (20.0 * (BINS == (10, 20)).all(1)).tolist()
    taught = Taught(Says(*answer, pair=pretext == "split-brain"), Preprocessing(32), [], {})
    found = make_samples(taught, pretext, food_set, domains)
    made, truth, grey = (lab_of(found[name]) for name in ("made", "truth", "grey"))
    assert len(made) == 6
    np.testing.assert_allclose(made[..., 0], truth[..., 0], atol=0.6)
    np.testing.assert_allclose(grey[..., 0], truth[..., 0], atol=0.6)
    assert np.abs(grey[..., 1:]).max() < 0.1
    middle = (truth[..., 0] > 30) & (truth[..., 0] < 75)  # where the screen can show them
    np.testing.assert_allclose(np.median(made[middle][:, 1:], 0), (10, 20), atol=0.7)


def test_an_autoencoders_whole_answer_is_shown(food_set: ClassSet, domains: Domains) -> None:
    taught = Taught(Says(0.0, 9.0, -9.0, side=32), Preprocessing(32), [], {})
    for pretext in ("rgb", "grey"):
        made = make_samples(taught, pretext, food_set, domains)["made"]
        assert np.unique(made.reshape(-1, 3), axis=0).tolist() == [[128, 255, 0]]


def test_the_pictures_are_of_the_pools(
    food_set: ClassSet, domains: Domains, study: Callable[..., Study]
) -> None:
    net = PRETEXTS["ab"].make_net(study().net, "light", 6).eval()
    truth = make_samples(Taught(net, Preprocessing(32), [], {}), "ab", food_set, domains)["truth"]
    pools = [{food_set.pictures[row].tobytes() for row in d.pool} for d in domains.values()]
    assert [t.tobytes() in pools[k >= 3] for k, t in enumerate(truth)] == [True] * 6


def test_labels_are_no_pictures(food_set: ClassSet, domains: Domains) -> None:
    assert (
        make_samples(Taught(Says(1.0), Preprocessing(32), [], {}), "labels", food_set, domains)
        == {}
    )
    assert set(SHOWN) == set(PRETEXTS) - {"labels"}


def test_they_survive_a_file(tmp_path: Path) -> None:
    pictures = {"grey": np.full((1, 2, 2, 3), 7, np.uint8)}
    write_samples(pictures, tmp_path / "a.npz")
    assert np.array_equal(read_samples(tmp_path / "a.npz")["grey"], pictures["grey"])
    write_samples({}, tmp_path / "b.npz")
    assert read_samples(tmp_path / "b.npz") == {}
    (tmp_path / "c.npz").write_bytes(b"PK")
    with pytest.raises(DataCorrupt, match="samples cannot be read"):
        read_samples(tmp_path / "c.npz")
