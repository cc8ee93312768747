"""The oracle for every gated cell: its equations once more, in torch, gate by gate, nothing of ours in it.

STEPS: name in CELLS -> step(p, x, state) on tensors. `states` unrolls one, with a mask.
"""

import numpy as np

from tests.package.helpers import tensor, torch

sigmoid, tanh = torch.sigmoid, torch.tanh


def block(p, k, n):
    """Gate k of n: a function of x and h, W_x[k] x + W_h[k] h + b[k]."""
    H = p.W_h.shape[1]
    assert len(p.b) == n * H
    rows = slice(k * H, (k + 1) * H)
    return lambda x, h: x @ p.W_x[rows].T + h @ p.W_h[rows].T + p.b[rows]


def rnn(p, x, h):
    return tanh(x @ p.W_xh.T + h @ p.W_hh.T + p.b_h)


def lstm(p, x, state):
    h, c = state
    c = sigmoid(block(p, 1, 4)(x, h)) * c + sigmoid(block(p, 0, 4)(x, h)) * tanh(block(p, 2, 4)(x, h))
    return type(state)(sigmoid(block(p, 3, 4)(x, h)) * tanh(c), c)


def peephole(p, x, state):
    h, c = state
    i, f = sigmoid(block(p, 0, 4)(x, h) + p.p_i * c), sigmoid(block(p, 1, 4)(x, h) + p.p_f * c)
    c = f * c + i * tanh(block(p, 2, 4)(x, h))
    return type(state)(sigmoid(block(p, 3, 4)(x, h) + p.p_o * c) * tanh(c), c)


def coupled(p, x, state):
    h, c = state
    f = sigmoid(block(p, 0, 3)(x, h))
    c = f * c + (1 - f) * tanh(block(p, 1, 3)(x, h))
    return type(state)(sigmoid(block(p, 2, 3)(x, h)) * tanh(c), c)


def gru(p, x, h, reset="after", update="keeps"):
    H = len(p.b_hn)
    r, z = sigmoid(block(p, 0, 3)(x, h)), sigmoid(block(p, 1, 3)(x, h))
    W_n = p.W_h[2 * H :]
    past = r * (h @ W_n.T + p.b_hn) if reset == "after" else (r * h) @ W_n.T + p.b_hn
    n = tanh(x @ p.W_x[2 * H :].T + p.b[2 * H :] + past)
    return (1 - z) * n + z * h if update == "keeps" else z * n + (1 - z) * h


def fitted(x, H):
    """Unit i reads the inputs j with the same number modulo the smaller size."""
    D = x.shape[1]
    joined = np.equal.outer(np.arange(H) % min(D, H), np.arange(D) % min(D, H)).astype(float)  # (H, D)
    return x @ tensor(joined).T


def mut(z, r, n):
    """h_t from the three parts of an equation in Jozefowicz et al. (2015)."""

    def step(p, x, h):
        update, reset = sigmoid(z(p, x, h)), sigmoid(r(p, x, h))
        return tanh((reset * h) @ p.W_hn.T + n(p, x) + p.b_n) * update + h * (1 - update)

    return step


STEPS = {
    "rnn": rnn,
    "lstm": lstm,
    "gru": gru,
    "gru_before": lambda p, x, h: gru(p, x, h, reset="before"),
    "peephole": peephole,
    "coupled": coupled,
    "mut1": mut(
        lambda p, x, h: x @ p.W_xz.T + p.b_z,
        lambda p, x, h: x @ p.W_xr.T + h @ p.W_hr.T + p.b_r,
        lambda p, x: tanh(fitted(x, len(p.b_n))),
    ),
    "mut2": mut(
        lambda p, x, h: x @ p.W_xz.T + h @ p.W_hz.T + p.b_z,
        lambda p, x, h: fitted(x, len(p.b_n)) + h @ p.W_hr.T + p.b_r,
        lambda p, x: x @ p.W_xn.T,
    ),
    "mut3": mut(
        lambda p, x, h: x @ p.W_xz.T + tanh(h) @ p.W_hz.T + p.b_z,
        lambda p, x, h: x @ p.W_xr.T + h @ p.W_hr.T + p.b_r,
        lambda p, x: x @ p.W_xn.T,
    ),
}


def states(step, p, xs, state, mask=None):
    """All T+1 states; where mask (T, B) is False the state is carried over."""
    found = [state]
    for t, x in enumerate(xs):
        new, old = step(p, x, found[-1]), found[-1]
        if mask is not None:
            real = tensor(mask)[t, :, None]
            pairs = zip(new, old, strict=True) if isinstance(new, tuple) else [(new, old)]
            new = [torch.where(real, a, b) for a, b in pairs]
            new = type(old)(*new) if isinstance(old, tuple) else new[0]
        found.append(new)
    return found
