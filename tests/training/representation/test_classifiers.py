"""classifiers.py: shapes at every side, stems fitted to small maps, nothing fetched."""

from __future__ import annotations

import socket

import pytest
import torch

from kolorit.training.representation.classifiers import CLASSIFIERS


@pytest.mark.parametrize(
    ("name", "parameters"), [("resnet18", 11_181_642), ("resnet50", 23_528_522)]
)
def test_at_224_px_they_are_the_papers(name: str, parameters: int) -> None:
    net = CLASSIFIERS[name](3, 224, 10)
    assert sum(p.numel() for p in net.parameters()) == parameters


@pytest.mark.parametrize(("side", "cells"), [(8, 1), (16, 2), (32, 4), (64, 4), (128, 4)])
def test_the_stem_leaves_four_cells_where_it_can(side: int, cells: int) -> None:
    net = CLASSIFIERS["resnet18"](1, side, 3).eval()
    with torch.no_grad():
        assert net.forward_features(torch.zeros(1, 1, side, side)).shape == (1, 512, cells, cells)


@pytest.mark.parametrize(("side", "tokens"), [(4, 16), (8, 64), (16, 64), (64, 64)])
def test_the_transformer_has_its_patches(side: int, tokens: int) -> None:
    net = CLASSIFIERS["vit_tiny"](4, side, 3).eval()
    with torch.no_grad():
        assert net.forward_features(torch.zeros(1, 4, side, side)).shape == (1, tokens + 1, 192)
        assert net(torch.zeros(2, 4, side, side)).shape == (2, 3)


def test_nothing_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "socket", lambda *_, **__: pytest.fail("a connection is opened"))
    for make in CLASSIFIERS.values():
        make(2, 16, 3)
