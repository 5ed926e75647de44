"""Distorted images: judged by scipy.ndimage and by geometry; labels kept, resumable, and learnt from."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import ndimage, stats

from hpsearch.errors import SettingError
from hpsearch.nn import Network, Recipe, Training
from hpsearch.nn.arrays import Array
from hpsearch.nn.augment import Affine, AnyExpansion, Elastic, Expansion, Noise, expand, side_of
from hpsearch.nn.averaging import TailAverage
from hpsearch.space import Float
from tests.nn.blobs import CLASSES, INPUTS, blobs

SIDE = 12
STILL = Affine(0.0, 0.0, 0.0)
RECIPE = Recipe(0.5, batch_size=7, epochs=4, expansion=Elastic(rotation=10.0, translation=0.1))


def images(count: int, side: int = SIDE, seed: int = 0) -> Array:
    """Random pixels with an empty frame, as digits have."""
    x = np.zeros((count, side, side), np.float32)
    x[:, 2:-2, 2:-2] = np.random.default_rng(seed).random((count, side - 4, side - 4))
    return x.reshape(count, -1)


def distorted(x: Array, expansion: AnyExpansion, seed: int = 0) -> Array:
    copy = x.copy()
    expand(copy, expansion, np.random.default_rng(seed))
    return copy


def sources(expansion: Expansion, *drawn: float) -> Array:
    """Where pixels come from, for chosen random numbers, (2, side, side)."""
    return expansion.sources(np.array([drawn], np.float32), SIDE).reshape(2, SIDE, SIDE)


@pytest.mark.parametrize("expansion", [Affine(), Affine(40.0, 30.0, 0.3), Elastic(), Elastic(0.2, 0.1, 20.0, 10.0, 0.1)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_pixels_are_those_of_map_coordinates(expansion: Expansion, dtype: str) -> None:
    """Independent: scipy's interpolation, one image at a time, at the same positions."""
    x = images(130).astype(dtype)  # more than a block
    x[:, :SIDE] = 0.5  # a frame that is not empty shows what happens at the edge
    found = distorted(x, expansion).reshape(-1, SIDE, SIDE)
    drawn = np.random.default_rng(0).random((130, expansion.draws(SIDE)), dtype=np.float32) * 2 - 1
    at = expansion.sources(drawn, SIDE).reshape(2, -1, SIDE, SIDE)
    for i in (0, 57, 99, 100, 129):
        wanted = ndimage.map_coordinates(x[i].reshape(SIDE, SIDE), at[:, i], order=1, mode="grid-constant", prefilter=False)
        np.testing.assert_allclose(found[i], wanted, atol=3e-6)
    assert found.dtype == dtype


@pytest.mark.parametrize("largest", [30.0, 90.0, 135.0, 180.0])
@pytest.mark.parametrize("angle", [1.0, -0.5])
def test_rotation_is_that_of_scipy(angle: float, largest: float) -> None:
    """``scipy.ndimage.rotate`` turns by the same angle, in the same direction for every image."""
    at, picture = sources(Affine(largest, 0.0, 0.0), angle, 0.9, 0.9, 0.9), images(1).reshape(SIDE, SIDE)
    ours = ndimage.map_coordinates(picture, at, order=1, mode="grid-constant")
    theirs = ndimage.rotate(picture, largest * angle, reshape=False, order=1, mode="grid-constant")
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_a_half_turn_turns_the_rows_of_pixels_around() -> None:
    picture = images(1)
    at = sources(Affine(180.0, 0.0, 0.0), 1.0, 0.0, 0.0, 0.0)
    turned = ndimage.map_coordinates(picture.reshape(SIDE, SIDE), at, order=1, mode="grid-constant")
    np.testing.assert_allclose(turned.ravel(), picture[0, ::-1], atol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("width", [1, 6, 49])
def test_noise_is_normal_with_its_scale_and_independent(width: int, dtype: str) -> None:
    x = np.zeros((12_000 // width, width), dtype)
    noise = distorted(x, Noise(0.3)).ravel()
    assert noise.dtype == dtype
    assert stats.kstest(noise / 0.3, "norm").pvalue > 0.01
    assert np.corrcoef(noise[1:], noise[:-1])[0, 1] == pytest.approx(0, abs=0.04)


def test_noise_is_added_to_rows_that_are_no_images() -> None:
    x, labels = blobs(60)
    training = Training(Network.create((INPUTS, CLASSES), np.random.default_rng(0)), (x, labels),
                        Recipe(1e-30, epochs=3, expansion=Noise(0.5)), np.random.default_rng(0))  # fmt: skip
    before = x.copy()
    assert len({epoch.training_cost for epoch in training.run()}) == 3
    np.testing.assert_array_equal(x, before)


def test_noise_on_a_linear_network_is_weight_decay() -> None:
    """Bishop: of least squares with noise of variance s^2 on the inputs the solution is that of ridge with n s^2."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((200, 3))
    y = x @ [1.0, -2.0, 0.5] + 0.1 * rng.standard_normal(200)
    x, y = x - x.mean(axis=0), y - y.mean()
    network = Network([np.zeros((1, 3))], [np.zeros(1)], cost_name="squared_error")
    recipe = Recipe(0.02, batch_size=200, epochs=4000, expansion=Noise(0.7), averaging=TailAverage(0.1))
    training = Training(network, (x, y), recipe, rng)
    for _ in training.run():
        pass
    wanted = np.linalg.solve(x.T @ x + 200 * 0.49 * np.eye(3), x.T @ y)
    np.testing.assert_allclose(training.kept.weights[0][0], wanted, atol=0.03)
    assert np.abs(wanted - [1.0, -2.0, 0.5]).max() > 0.3


def test_skew_slants_upright_lines_by_its_angle() -> None:
    at = sources(Affine(0.0, 45.0, 0.0), 0.3, 1.0, 0.0, 0.0) - np.indices((SIDE, SIDE))
    np.testing.assert_allclose(at[0], 0.0 * at[0], atol=1e-5)  # every row stays where it is
    # tan 45 = 1: every row moves on by one pixel more than the one above it.
    np.testing.assert_allclose(np.diff(at[1], axis=0), 1.0, atol=1e-5)


def test_translation_moves_by_shares_of_the_side() -> None:
    picture = images(1)
    moved = picture.copy()
    expand(moved, Moved(0.25), np.random.default_rng(0))
    wanted = ndimage.shift(picture.reshape(SIDE, SIDE), (3, -3), order=1)  # a quarter of 12 pixels
    np.testing.assert_allclose(moved.reshape(SIDE, SIDE), wanted, atol=1e-6)


class Moved(Affine):
    """Moved down and to the left by the whole translation."""

    def __init__(self, translation: float) -> None:
        super().__init__(0.0, 0.0, translation)

    def sources(self, drawn: Array, side: int) -> Array:
        return super().sources(np.array([[0, 0, -1, 1]] * len(drawn), np.float32), side)


def test_amounts_are_uniform_up_to_the_largest() -> None:
    drawn = np.random.default_rng(0).random((4000, 4), dtype=np.float32) * 2 - 1
    at = Affine(0.0, 0.0, 0.25).sources(drawn, SIDE).reshape(2, -1, SIDE, SIDE)
    shift = at[:, :, 0, 0]
    assert np.abs(shift).max() <= 3.0
    # Uniform in [-3, 3): variance 3, and the standard error of a variance of 8,000 of them is below 0.04.
    assert shift.var() == pytest.approx(3.0, abs=0.15)


@pytest.mark.parametrize("smoothness", [0.1, 1 / 7])
def test_the_field_has_its_strength_and_is_smoothed_as_scipy_smooths(smoothness: float) -> None:
    side, strength, count = 28, 0.05, 3000
    drawn = np.random.default_rng(0).random((count, 4 + 2 * side * side), dtype=np.float32) * 2 - 1
    field = Elastic(strength, smoothness).sources(drawn, side).reshape(2, count, side, side)
    field = field - np.indices((side, side))[:, None]
    assert field[:, :, 14, 14].std() == pytest.approx(strength * side, rel=0.05)
    noise = drawn[0, 4:].reshape(2, side, side).astype(float)
    smooth = ndimage.gaussian_filter(noise, (0, smoothness * side, smoothness * side), mode="constant")
    ratio = field[:, 0] / smooth
    np.testing.assert_allclose(ratio, np.median(ratio), rtol=2e-3)


def test_published_settings_are_told_right() -> None:
    """Simard's alpha = 34 and sigma = 4 on 28 pixels, by simulation with scipy."""
    noise = np.random.default_rng(0).uniform(-1, 1, (400, 61, 61))
    field = 34 * ndimage.gaussian_filter(noise, (0, 4, 4), mode="constant")[:, 30, 30]
    assert field.std() / 28 == pytest.approx(0.049, rel=0.1)


def test_without_amounts_nothing_changes() -> None:
    x = images(5)
    np.testing.assert_allclose(distorted(x, STILL), x, atol=1e-5)
    np.testing.assert_allclose(distorted(x, Elastic(strength=0.0)), x, atol=1e-5)


@pytest.mark.parametrize("expansion", [Affine(), Elastic(), Noise()])
def test_images_do_not_depend_on_how_they_are_cut_up(expansion: AnyExpansion) -> None:
    x = images(250)
    at_once, in_parts, rng = distorted(x, expansion), x.copy(), np.random.default_rng(0)
    for rows in (slice(0, 3), slice(3, 130), slice(130, 250)):
        expand(in_parts[rows], expansion, rng)
    assert at_once.tobytes() == in_parts.tobytes()
    same = distorted(np.tile(x[:1], (2, 1)), expansion)
    assert not np.array_equal(same[0], same[1])  # each image in its own way


def training_of(recipe: Recipe, dtype: str = "float32") -> Training:
    rng = np.random.default_rng(3)
    network = Network.create((SIDE * SIDE, 5, 3), rng, dtype=dtype)
    labels = np.arange(60) % 3
    return Training(network, (images(60), labels), recipe, rng, (images(30, seed=1), labels[:30]))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("changes", [{}, {"dropout": 0.5}, {"expansion": Affine()}, {"expansion": Noise()}])
def test_a_break_changes_no_bit(changes: dict[str, Any], dtype: str) -> None:
    recipe = replace(RECIPE, **changes)
    straight, first, second = (training_of(recipe, dtype) for _ in range(3))
    list(straight.run())
    list(first.run(until=2))
    second.restore(first.state())
    list(second.run())
    ours, theirs = straight.state(), second.state()
    assert all(ours[name].tobytes() == theirs[name].tobytes() for name in ours)


def test_every_epoch_shows_other_images_and_the_data_stay() -> None:
    """At a rate next to nothing the training cost would be the same in every epoch if the images were."""
    training = training_of(replace(RECIPE, learning_rate=1e-30, epochs=3), "float64")
    costs = [epoch.training_cost for epoch in training.run()]
    assert len(set(costs)) == 3
    assert training.network.mean_cost(*training._train) not in costs
    np.testing.assert_array_equal(training._train[0], images(60))


def test_refuses_what_is_no_image() -> None:
    assert side_of(64) == 8
    rng = np.random.default_rng(0)
    with pytest.raises(SettingError, match=r"Inputs that an expansion distorts must be those of a square image, .*, got 6\."):
        Training(Network.create((6, 3), rng), (np.zeros((20, 6), np.float32), np.arange(20) % 3), RECIPE, rng)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Affine(skew=90.0), r"Affine skew must be a number in \[0, 90\), got 90\.0\. It is the largest angle"),
        (lambda: Affine(rotation=181), r"Affine rotation must be a number in \[0, 180\], got 181\. It is the largest angle"),
        (lambda: Noise(scale=-0.1), r"Noise scale must be a number in \[0, inf\), got -0\.1\. It is the standard deviation"),
        (lambda: Noise(scale="some"), r"Noise scale must be a number in \[0, inf\), got 'some'\."),  # type: ignore[arg-type]
        (lambda: replace(RECIPE, expansion=Noise(Float(0.1, 1.0))), r"expansion scale must be a plain value"),  # type: ignore[arg-type]
        (lambda: replace(RECIPE, expansion=Noise), r"expansion must be an expansion or None, got <class"),  # type: ignore[arg-type]
        (lambda: Affine(translation=-0.1), r"Affine translation must be a number in \[0, 1\], got -0\.1\. It is a share"),
        (lambda: Elastic(smoothness=0.0), r"Elastic smoothness must be a number in \(0, 1\], got 0\.0\."),
        (lambda: replace(RECIPE, expansion=Affine), r"expansion must be an expansion or None, got <class .*Take Affine\(\)"),  # type: ignore[arg-type]
        (lambda: replace(RECIPE, expansion="affine"), r"expansion must be an expansion or None, got 'affine'\."),  # type: ignore[arg-type]
    ],
)
def test_refuses_bad_settings(make: Any, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        make()
