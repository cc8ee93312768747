"""The mixture-density output against three oracles, torch.distributions, integration, and numbers at the edge."""

from typing import NamedTuple

import numpy as np
import pytest

from course_pkg.checks import relative_error
from course_pkg.frames import frame_step, init_frame_model, sequence_loss
from course_pkg.mixture_density import (
    biased,
    draw_strokes,
    mixture_log_density,
    mixture_loss,
    outputs_of,
    split_mixture,
    stroke_loss,
    write_strokes,
)
from tests.package.helpers import SHAPES, prove, random_mask, rng_for, shape_id, tensor, torch


class Outputs(NamedTuple):
    values: np.ndarray


def torch_log_density(outputs, points):
    """torch's own mixture of torch's own Gaussians, from covariance matrices."""
    weights, x, y, log_x, log_y, r = outputs.chunk(6, dim=-1)
    sx, sy, rho = log_x.exp(), log_y.exp(), torch.tanh(r)
    rows = [torch.stack([sx**2, rho * sx * sy], -1), torch.stack([rho * sx * sy, sy**2], -1)]
    gaussians = torch.distributions.MultivariateNormal(torch.stack([x, y], -1), torch.stack(rows, -2))
    mixture = torch.distributions.MixtureSameFamily(torch.distributions.Categorical(logits=weights), gaussians)
    return mixture.log_prob(points)


def some(shape, masked=False):
    """Outputs (T, B, 6M), points (T, B, 2) and a mask; M is the shape's last number."""
    (T, B, _, M), rng = shape, rng_for(*shape)
    mask = random_mask(rng, T, B) if masked else None
    return rng.normal(size=(T, B, 6 * M)), rng.normal(size=(T, B, 2)), mask


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_mixture_loss(shape, masked):
    outputs, points, mask = some(shape, masked)
    real = np.ones(points.shape[:2], bool) if mask is None else mask
    prove(
        Outputs(outputs),
        Outputs(mixture_loss(outputs, points, mask)[1]),
        lambda i: mixture_loss(i.values, points, mask)[0],
        lambda i: -torch_log_density(i.values, tensor(points))[tensor(real)].mean(),
    )


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("shape", SHAPES, ids=shape_id)
def test_stroke_loss(shape, masked):
    outputs, points, mask = some(shape, masked)
    rng = rng_for(*shape, 1)
    outputs = np.concatenate([outputs, rng.normal(size=(*points.shape[:2], 1))], axis=-1)
    strokes = np.concatenate([points, rng.integers(0, 2, (*points.shape[:2], 1))], axis=-1)
    real = tensor(np.ones(points.shape[:2], bool) if mask is None else mask)

    def in_torch(i):
        pen = torch.distributions.Bernoulli(logits=i.values[..., -1]).log_prob(tensor(strokes[..., 2]))
        return -(torch_log_density(i.values[..., :-1], tensor(points)) + pen)[real].mean()

    prove(
        Outputs(outputs),
        Outputs(stroke_loss(outputs, strokes, mask)[1]),
        lambda i: stroke_loss(i.values, strokes, mask)[0],
        in_torch,
        complex_too=False,  # the pen's loss uses np.logaddexp, which is for real numbers only
    )


@pytest.mark.parametrize("M", [1, 2, 3])
def test_the_density_integrates_to_one(M):
    outputs = 0.3 * rng_for(M).normal(size=6 * M)
    axis = np.linspace(-15, 15, 1201)
    grid = np.stack(np.meshgrid(axis, axis), axis=-1)
    density = np.exp(mixture_log_density(np.broadcast_to(outputs, (*grid.shape[:2], 6 * M)), grid))
    assert abs(density.sum() * (axis[1] - axis[0]) ** 2 - 1) < 1e-3


def test_one_round_gaussian_is_the_squared_error_and_a_constant():
    outputs, points = np.zeros((4, 3, 6)), rng_for(1).normal(size=(4, 3, 2))
    loss, _ = mixture_loss(outputs, points)
    assert abs(loss - (np.log(2 * np.pi) + (points**2).sum(axis=-1).mean() / 2)) < 1e-14


@pytest.mark.parametrize("size", [20, 100, 300])
def test_large_outputs_neither_overflow_nor_lose_the_gradient(size):
    rng = rng_for(size)
    outputs = rng.normal(size=(5, 2, 12))
    outputs[..., :2] *= 30 * size  # weights
    outputs[..., 2:6] *= size  # means
    outputs[..., 10:] = rng.choice([-1, 1], (5, 2, 2)) * size  # correlations of 1 - 1e-17 and nearer to 1
    loss, grads = mixture_loss(outputs, rng.normal(size=(5, 2, 2)))
    assert np.isfinite(loss) and np.isfinite(grads).all()


def test_the_correlation_is_exact_where_one_minus_its_square_has_no_digits_left():
    r, m, along = 25.0, 6, 1.25  # rho = 1 in float64; a point on the ridge, and one a hair beside it
    outputs = np.zeros((2, m))
    outputs[:, 5] = r
    points = np.array([[along, along], [along, along + 1e-12]])
    found = mixture_log_density(outputs, points)
    log_cosh = r - np.log(2)
    hair = (points[1, 1] - along) * np.cosh(r) + along * np.exp(-r)  # z_y cosh r - z_x sinh r, without cancellation
    wanted = log_cosh - np.log(2 * np.pi) - along**2 / 2 - np.array([0, hair**2 / 2])
    assert np.tanh(r) == 1 and np.allclose(found, wanted, rtol=0, atol=1e-12)


def test_float32_stays_float32_and_far_points_keep_a_finite_loss():
    outputs = rng_for(3).normal(size=(3, 2, 13)).astype(np.float32)
    strokes = np.full((3, 2, 3), 1.0, np.float32)
    loss, grads = stroke_loss(outputs, strokes)
    assert grads.dtype == np.float32 and np.isfinite(loss)
    far, dfar = mixture_loss(rng_for(4).normal(size=(2, 12)), np.full((2, 2), 1e100))
    assert np.isfinite(far) and far > 1e150 and np.isfinite(dfar).all()


def test_refusals_say_what_was_expected():
    good, points = np.zeros((2, 12)), np.zeros((2, 2))
    with pytest.raises(ValueError, match=r"outputs must be \(..., 6M\), six for each Gaussian, got shape \(2, 11\)"):
        mixture_loss(good[:, 1:], points)
    with pytest.raises(ValueError, match=r"outputs must be \(..., 6M\+1\).*got shape \(2, 12\)"):
        stroke_loss(good, np.zeros((2, 3)))
    with pytest.raises(ValueError, match=r"points must be \(2, 2\) \(from outputs\), got shape \(3, 2\)"):
        mixture_loss(good, np.zeros((3, 2)))
    with pytest.raises(ValueError, match=r"\|log scale\| \+ \|r\| must stay below 345 .*got 400"):
        mixture_loss(good - 200.0, points)
    with pytest.raises(ValueError, match="bias must be a number >= 0, got -1"):
        biased(good, -1)
    with pytest.raises(TypeError, match="rng must be a numpy Generator"):
        draw_strokes(0, np.zeros((2, 13)))


def test_samples_have_the_mixtures_moments():
    rng = rng_for(5)
    outputs = rng.normal(size=13) * 0.7
    drawn = draw_strokes(rng, np.broadcast_to(outputs, (200_000, 13)))
    mixture = split_mixture("test", outputs[:-1])
    weights, scales, rho = np.exp(mixture.log_weights), np.exp(mixture.log_scales), np.tanh(mixture.r)
    mean = mixture.means @ weights
    own = np.array([[scales[0] ** 2, rho * scales[0] * scales[1]], [rho * scales[0] * scales[1], scales[1] ** 2]])
    centred = mixture.means - mean[:, None]
    covariance = (own + centred[:, None] * centred[None]) @ weights
    assert np.allclose(drawn[:, :2].mean(axis=0), mean, atol=0.02)
    assert np.allclose(np.cov(drawn[:, :2].T), covariance, rtol=0.03, atol=0.03)
    assert abs(drawn[:, 2].mean() - 1 / (1 + np.exp(-outputs[-1]))) < 0.01


def test_a_large_bias_draws_the_mean_of_the_likeliest_gaussian():
    rng = rng_for(6)
    outputs = rng.normal(size=(50, 19))
    outputs[:, 0] += 6  # no near ties
    likeliest = outputs[:, :3].argmax(axis=-1)
    means = np.stack([outputs[:, 3:6], outputs[:, 6:9]], axis=-1)[np.arange(50), likeliest]
    drawn = draw_strokes(rng, outputs, bias=200.0)
    assert np.allclose(drawn[:, :2], means, rtol=0, atol=1e-12)
    assert np.array_equal(biased(outputs[:, :-1], 0.0), outputs[:, :-1])


def test_writing_reads_what_it_wrote():
    rng = rng_for(7)
    p = init_frame_model(rng, 3, 5, outputs_of(2))
    first = np.zeros((4, 3))
    seen = []

    def step(strokes, state):
        seen.append(strokes)
        return frame_step(p, strokes, state)

    written = write_strokes(step, None, rng, first, 6)
    assert written.shape == (6, 4, 3) and set(np.unique(written[..., 2])) <= {0.0, 1.0}
    assert np.array_equal(np.stack(seen), np.concatenate([first[None], written[:-1]]))


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_a_network_with_this_output_has_the_right_gradient(cell):
    rng = rng_for(8)
    p = init_frame_model(rng, 3, 4, outputs_of(2), cell)
    strokes = np.concatenate([rng.normal(size=(5, 3, 2)), rng.integers(0, 2, (5, 3, 1))], axis=-1)
    mask = random_mask(rng, 5, 3)
    _, grads = sequence_loss(stroke_loss, p, strokes, strokes, mask, cell=cell)
    prove(p, grads, lambda q: sequence_loss(stroke_loss, q, strokes, strokes, mask, cell=cell)[0], complex_too=False)


def test_log_density_is_the_loss_without_the_mean():
    outputs, points, mask = some((4, 3, 1, 2), True)
    wanted = -mixture_log_density(outputs, points)[mask].mean()
    assert relative_error(wanted, mixture_loss(outputs, points, mask)[0]) < 1e-14
