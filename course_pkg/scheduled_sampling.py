"""Scheduled sampling: in training the decoder reads its own words more and more often (Bengio et al. 2015).

Under teacher forcing it reads the right word at every step, and when it writes, it reads what it wrote. Here each
word that it reads is the right one with probability epsilon, else one that it draws itself; epsilon falls with time.
"""

from collections.abc import Callable

import numpy as np

from course_pkg.encoder_decoder import START, EncoderDecoder, decoder_inputs, start, step
from course_pkg.sampling import draw
from course_pkg.shapes import Bool, Int, check_rng, checked


@checked
def scheduled_inputs(
    p: EncoderDecoder,
    source: Int["S B"],
    source_mask: Bool["S B"] | None,
    targets: Int["T B"],
    rng: np.random.Generator,
    epsilon: float,
    cell: str = "gru",
) -> np.ndarray:
    """(scheduled-sampling)  targets: (T, B) -> what the decoder reads: (T, B), for encoder_decoder_loss(inputs=...).

    The first is START. Each later one is the target before with probability epsilon, else a token that the model
    draws after what it has read so far. A coin is thrown for each step of each sequence.
    """
    check_rng("scheduled_inputs", rng)
    if not 0 <= epsilon <= 1:
        raise ValueError(f"scheduled_inputs: epsilon must be in [0, 1], got {epsilon}")
    if epsilon == 1:
        return decoder_inputs(targets)
    state, read = start(p, source, source_mask, cell), [np.full(targets.shape[1], START)]
    for right in targets[:-1]:
        log_probs, state = step(p, state, read[-1], cell)  # (B, V)
        own = draw(rng, np.exp(log_probs))
        read.append(np.where(rng.random(len(right)) < epsilon, right, own))
    return np.stack(read)


def inverse_sigmoid_decay(k: float) -> Callable[[int], float]:
    """(inverse-sigmoid-decay)  Number of updates n -> epsilon = k / (k + exp(n / k)).

    It is near 1 at first, and 1/2 at n = k ln k.
    """
    if not k >= 1:
        raise ValueError(f"inverse_sigmoid_decay: k must be at least 1, got {k}")
    return lambda n: float(0.5 * (1 + np.tanh(0.5 * (np.log(k) - n / k))))  # sigmoid(ln k - n/k): no overflow
