"""Twin of `course_pkg.scheduled_sampling`: in training the decoder reads its own words more and more often.

The coins and the draws come from the same NumPy generator in the same order, so a twin and our own model with the same
weights read the same words (Bengio et al. 2015). epsilon falls by `inverse_sigmoid_decay`, which is the same for both.
"""

from __future__ import annotations

import numpy as np
import torch

from course_pkg.encoder_decoder import START
from course_pkg.sampling import draw
from course_pkg.shapes import check_rng
from course_pkg.torch_twins.seq2seq import Seq2Seq, check_ids, decoder_inputs


@torch.no_grad()
def scheduled_inputs(
    twin: Seq2Seq,
    source: torch.Tensor,
    mask: torch.Tensor | None,
    targets: torch.Tensor,
    rng: np.random.Generator,
    epsilon: float,
) -> torch.Tensor:
    """(scheduled-sampling)  targets: (T, B) -> what the decoder reads: (T, B), for twin.loss(inputs=...).

    source, mask: (S, B). The first word is START. Each later one is the target before with probability epsilon, else
    a token that the twin draws after what it has read so far. A coin is thrown for each step of each sequence. No
    gradient flows through the draws.
    """
    check_rng("scheduled_inputs", rng)
    if not 0 <= epsilon <= 1:
        raise ValueError(f"scheduled_inputs: epsilon must be in [0, 1], got {epsilon}")
    check_ids("scheduled_inputs", "targets", targets, len(twin.target), source)
    if epsilon == 1:
        return decoder_inputs(targets)
    (memory, state), read = twin.start(source, mask), [torch.full_like(targets[0], START)]
    for right in targets[:-1]:
        shown, state, _ = twin.step(memory, twin.target[read[-1]], state)
        probs = torch.softmax(twin.out(shown), dim=-1)  # (B, V)
        own = torch.from_numpy(draw(rng, probs.cpu().numpy())).to(right)  # (B,)
        taught = torch.from_numpy(rng.random(len(right)) < epsilon).to(right.device)  # (B,)
        read.append(torch.where(taught, right, own))
    return torch.stack(read)
