"""linear.py: the optimum against a slow Newton's method; what must not change an answer."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from kolorit.training.representation.linear import fit, path, predict, standardise, turned


def clouds(n: int = 60, d: int = 5, classes: int = 3, seed: int = 0):  # type: ignore[no-untyped-def]
    rng = np.random.default_rng(seed)
    label = np.arange(n) % classes
    x = rng.normal(0, 1, (n, d)) + 1.2 * rng.normal(0, 1, (classes, d))[label]
    return torch.from_numpy(x).float(), torch.from_numpy(label)


def newton(x: np.ndarray, label: np.ndarray, classes: int, decay: float) -> np.ndarray:
    """Scores of the optimum, by Newton's method on the whole Hessian."""
    n, d = x.shape
    X = np.concatenate([x, np.ones((n, 1))], 1)
    Y = np.eye(classes)[label]
    W = np.zeros((d + 1, classes))
    ridge = decay * np.kron(np.diag([1.0] * d + [0.0]), np.eye(classes))
    for _ in range(30):
        scores = X @ W
        P = np.exp(scores - scores.max(1, keepdims=True))
        P /= P.sum(1, keepdims=True)
        gradient = (X.T @ (P - Y) / n).reshape(-1) + ridge @ W.reshape(-1)
        hessian = ridge.copy()
        for k in range(n):
            outer = np.diag(P[k]) - np.outer(P[k], P[k])
            hessian += np.kron(np.outer(X[k], X[k]), outer) / n
        W -= (np.linalg.pinv(hessian) @ gradient).reshape(W.shape)
    return X @ W


@pytest.mark.parametrize("decay", [1e-3, 1e-1])
def test_the_optimum_is_newtons(decay: float) -> None:
    x, label = clouds()
    W, b = fit(x, label, 3, decay, 500)
    want = newton(x.double().numpy(), label.numpy(), 3, decay)
    shown, want = (s - s.mean(1, keepdims=True) for s in ((x @ W + b).numpy(), want))
    np.testing.assert_allclose(shown, want, atol=2e-2)
    assert (predict(x, (W, b)) == want.argmax(1)).all()


def test_a_path_of_decays_ends_where_cold_starts_do() -> None:
    x, label = clouds(seed=1)
    fits = path(x, label, 3, (1e-3, 1e-1, 1e-2), 500)
    assert list(fits) == [1e-1, 1e-2, 1e-3]
    for decay, (W, b) in fits.items():
        cold, offset = fit(x, label, 3, decay, 500)
        np.testing.assert_allclose(x @ W + b, x @ cold + offset, atol=3e-2)
    sizes = [float(W.square().sum()) for W, _ in fits.values()]
    assert sizes == sorted(sizes)


@pytest.mark.parametrize(("n", "d"), [(30, 200), (90, 20)])
def test_turned_features_give_the_same_answers(n: int, d: int) -> None:
    x, label = clouds(n=n, d=d)
    others, _ = clouds(n=50, d=d, seed=2)
    x[:, 7] = 3.0  # a feature that never changes
    standard = standardise(x)
    pool, test = standard(x), standard(others)
    few, few_test, spread = turned(pool, test)
    assert few.shape[1] == min(n, d) - 1  # less one: the mean, or the feature that never changes
    assert few_test.shape == (50, few.shape[1])
    np.testing.assert_allclose(few.square().mean(0), spread, rtol=1e-3)
    np.testing.assert_allclose(few.T @ few / n, torch.diag(spread), atol=1e-5)
    whole = fit(pool, label, 3, 1e-2, 500)
    small = fit(few, label, 3, 1e-2, 500, spread)
    np.testing.assert_allclose(
        test @ whole[0] + whole[1], few_test @ small[0] + small[1], atol=1e-2
    )


def test_knowing_the_spread_finds_the_least_in_fewer_steps() -> None:
    """Where classes can hardly be told apart, as ever with frozen features."""
    rng = np.random.default_rng(0)
    label = torch.from_numpy(rng.integers(0, 10, 400))
    middles = 0.3 * rng.normal(0, 1, (10, 30))
    x = torch.from_numpy(rng.normal(0, 1, (400, 30)) + middles[label.numpy()]).float()
    x = x * torch.logspace(0, -2.5, 30)  # long and narrow
    spread = x.square().mean(0)

    def loss(steps: int, spread: torch.Tensor | None) -> float:
        W, b = fit(x, label, 10, 1e-4, steps, spread)
        fits = torch.nn.functional.cross_entropy(x @ W + b, label)
        return float(fits + 1e-4 / 2 * W.square().sum())

    least = loss(2000, spread)
    assert least == pytest.approx(loss(2000, None), rel=5e-3)
    assert loss(10, spread) - least < (loss(10, None) - least) / 20


def test_the_longest_axes_are_kept() -> None:
    x, _ = clouds(n=90, d=20)
    few, few_others, spread = turned(x, x[:7], 5)
    assert few.shape == (90, 5) and few_others.shape == (7, 5)
    np.testing.assert_allclose(spread, turned(x, x[:7])[2][-5:])
    best = np.linalg.svd(x.double().numpy())[1][:5] ** 2 / 90
    np.testing.assert_allclose(spread.flip(0), best, rtol=1e-4)


def test_what_has_no_length_has_no_axis() -> None:
    """200 pictures whose 900 features are mixtures of 20: float32 alone leaves many more axes."""
    rng = torch.Generator().manual_seed(0)
    mixed = torch.randn(200, 20, generator=rng) @ torch.randn(20, 900, generator=rng)
    few, _, spread = turned(mixed, mixed[:3])
    assert few.shape == (200, 20)
    np.testing.assert_allclose(few.square().mean(0), spread, rtol=1e-3)


def test_the_flicker_of_rounding_is_no_feature() -> None:
    x = torch.full((100, 2), 7.3)
    x[:, 0] += 1e-3 * torch.randn(100, generator=torch.Generator().manual_seed(0))
    x[:, 1] += torch.linspace(-1, 1, 100)
    z = standardise(x.half().float())(x.half().float())
    assert (z[:, 0] == 0).all() and z[:, 1].std() > 0.5


def test_standardised_features_have_length_one() -> None:
    x = 5 + 30 * torch.randn(400, 64, generator=torch.Generator().manual_seed(0))
    x[:, 3] = 7.0
    z = standardise(x)(x)
    assert z.square().sum(1).mean() == pytest.approx(63 / 64, rel=1e-3)
    assert z.mean(0).abs().max() < 1e-5
    assert (z[:, 3] == 0).all()
