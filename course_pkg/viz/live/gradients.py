"""Chapter 5: how long a gradient still is, n steps back, against the line that the spectral radius predicts."""

from __future__ import annotations

from functools import partial

import numpy as np

from course_pkg.cells import CELLS
from course_pkg.initialisers import scaled_to_radius
from course_pkg.rnn import RNNParams, rnn_step, rnn_step_backward
from course_pkg.spectra import gradient_norms
from course_pkg.viz.live.figure import LiveFigure, shipped

H, T, SEED = 32, 100, 0
FAN = (0.7, 0.8, 0.9, 1.0, 1.1, 1.2, 1.4)  # radii whose predicted lines stand behind


def network() -> tuple[RNNParams, np.ndarray, np.ndarray]:
    """Weights of radius 1, the inputs (T,) and the direction (1, H) of the gradient that arrives at the last step."""
    rng = np.random.default_rng(SEED)
    W_hh = scaled_to_radius(rng.normal(size=(H, H)), 1.0)
    direction = rng.normal(size=(1, H))
    p = RNNParams(rng.normal(size=(H, 1)), W_hh, np.zeros(H))
    return p, rng.normal(size=T).round(2), direction / np.linalg.norm(direction)


def figure() -> LiveFigure:
    """Drag the spectral radius and the gap; the gradient vanishes or explodes along the predicted line."""
    p, heard, direction = network()
    (p, direction), weights = shipped((p, direction))
    direction = direction / np.linalg.norm(direction)

    def numbers(state: dict) -> dict:
        how = {"activation": state["activation"]}
        cell = CELLS["rnn"]._replace(step=partial(rnn_step, **how), step_backward=partial(rnn_step_backward, **how))
        scaled = p._replace(W_hh=state["rho"] * p.W_hh)
        norms = gradient_norms(cell, scaled, heard[:, None, None], direction)[:, 0]  # (T+1,)
        logs = np.log10(norms)
        return {"logs": logs, "line": state["gap"] * np.log10(state["rho"])}

    return LiveFigure(
        name="gradients", label="The length of a gradient on its way back through a recurrent network",
        data={"heard": heard, "fan": list(FAN)}, weights={"W_xh": p.W_xh, "W_hh": p.W_hh, "direction": direction},
        state={"rho": 0.9, "gap": 50, "activation": "identity"}, numbers=numbers,
        cases=({"rho": 1.4, "gap": 100}, {"rho": 0.6, "gap": 7}, {"rho": 1.0}, {"rho": 1.4, "activation": "tanh"},
               {"rho": 0.6, "activation": "tanh", "gap": 1}),
    )  # fmt: skip
