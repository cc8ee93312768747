"""Bad input to LSTM, GRU, their relatives and their sequences is refused by the message that every function gives."""

import numpy as np
import pytest

from course_pkg import cells, gru, gru_fast, lstm, lstm_fast, lstm_variants, variants
from course_pkg.lstm import LSTMState, LSTMStates
from tests.package.test_bad_input import check_refusal, fields, full, mask, replace, spoilt

T, B, D, H = 3, 4, 2, 5  # all different, and no multiple of one another
RNG = np.random.default_rng(0)
X, XS, MASK, UP = full(B, D), full(T, B, D), mask(T, B), full(T, B, H)
HS = full(T + 1, B, H)
STATE, STATES = LSTMState(full(B, H), full(B, H)), LSTMStates(HS, HS)
LSTM, GRU = lstm.init_lstm(RNG, D, H), gru.init_gru(RNG, D, H)
PEEPHOLE, COUPLED = lstm_variants.init_peephole(RNG, D, H), lstm_variants.init_coupled(RNG, D, H)


def pair_steps(step, backward, p):
    return {step: {"p": p, "x": X, "state": STATE},
            backward: {"p": p, "x": X, "prev": STATE, "state": STATE, "dstate": STATE}}  # fmt: skip


def steps(step, backward, p):
    return {step: {"p": p, "x": X, "h_prev": full(B, H)},
            backward: {"p": p, "x": X, "h_prev": full(B, H), "h": full(B, H), "dh": full(B, H)}}  # fmt: skip


GOOD = {
    **pair_steps(lstm.lstm_step, lstm.lstm_step_backward, LSTM),
    **pair_steps(lstm_variants.peephole_step, lstm_variants.peephole_step_backward, PEEPHOLE),
    **pair_steps(lstm_variants.coupled_step, lstm_variants.coupled_step_backward, COUPLED),
    **steps(gru.gru_step, gru.gru_step_backward, GRU),
    **steps(variants.mut1_step, variants.mut1_step_backward, variants.init_mut1(RNG, D, H)),
    **steps(variants.mut2_step, variants.mut2_step_backward, variants.init_mut2(RNG, D, H)),
    **steps(variants.mut3_step, variants.mut3_step_backward, variants.init_mut3(RNG, D, H)),
    lstm.lstm_forward: {"p": LSTM, "xs": XS, "state0": STATE, "mask": MASK},
    lstm.lstm_backward: {"p": LSTM, "xs": XS, "states": STATES, "dhs": UP, "dcs": UP, "mask": MASK},
    lstm_fast.lstm_forward_fast: {"p": LSTM, "xs": XS, "state0": STATE, "mask": MASK},
    gru.gru_forward: {"p": GRU, "xs": XS, "h0": full(B, H), "mask": MASK},
    gru.gru_backward: {"p": GRU, "xs": XS, "hs": HS, "dhs": UP, "mask": MASK},
    gru_fast.gru_forward_fast: {"p": GRU, "xs": XS, "h0": full(B, H), "mask": MASK},
    lstm.lstm_gates: {"p": LSTM, "x": X, "h_prev": full(B, H)},
    gru.gru_gates: {"p": GRU, "x": X, "h_prev": full(B, H)},
    gru.swap_update: {"p": GRU},
    lstm.split_gates: {"p": LSTM},
    lstm_variants.coupled_as_lstm: {"p": COUPLED},
}  # fmt: skip


def cases():
    for function, good in GOOD.items():
        for argument, value in good.items():
            if isinstance(value, np.ndarray):
                yield function, argument, (), value
            else:
                for path, array in fields(value):
                    yield function, argument, path, array


CASES = list(cases())


@pytest.mark.parametrize("function", GOOD, ids=lambda function: function.__name__)
def test_the_good_calls_are_good(function):
    assert function(**GOOD[function]) is not None


@pytest.mark.parametrize("case", CASES, ids=lambda case: ".".join((case[0].__name__, case[1], *case[2])))
def test_an_array_that_is_wrong_is_named(case):
    function, argument, path, array = case
    good, name = GOOD[function], (argument, *path)[-1]
    if function.__name__ in ("swap_update", "split_gates", "coupled_as_lstm"):
        free = {"axis 1 too long"} if name == "W_x" else set()  # D may be anything
    else:
        free = set()
    for what, bad, error in spoilt(array):
        if what not in free:
            value = replace(good[argument], path, bad) if path else bad
            check_refusal(function, good | {argument: value}, error, None if "too long" in what else name)


@pytest.mark.parametrize("function", GOOD, ids=lambda function: function.__name__)
def test_parameters_of_another_cell_are_named(function):
    other = GRU if GOOD[function]["p"] is not GRU else LSTM
    for bad in (list(GOOD[function]["p"]), other, None):
        check_refusal(function, GOOD[function] | {"p": bad}, TypeError, "p")


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: lstm.lstm_forward(LSTM, full(T, B, D + 1)),
            ValueError,
            r"^lstm_forward: xs must be \(T, B, D\) with D=2 \(from p.W_x\), got shape \(3, 4, 3\)$",
        ),
        (
            lambda: lstm.lstm_step(lstm.LSTMParams(full(12, D), full(12, H), full(12)), X, STATE),
            ValueError,
            r"^lstm_step: p.W_h must be \(4H, H\) with 4H=12 \(from p.W_x\), got shape \(12, 5\)$",
        ),
        (
            lambda: gru.gru_step(GRU._replace(b=full(20)), X, full(B, H)),
            ValueError,
            r"^gru_step: p.b must be \(3H,\) with 3H=15 \(from p.W_h\), got shape \(20,\)$",
        ),
        (
            lambda: lstm.lstm_forward(LSTM, XS, (full(B, H), full(B, H))),
            TypeError,
            "^lstm_forward: state0 must be a LSTMState, got tuple$",
        ),
        (
            lambda: lstm_fast.lstm_backward_fast(LSTM, XS, STATES, UP),
            TypeError,
            "^lstm_backward_fast: trace must be a LSTMTrace, got LSTMStates$",
        ),
        (
            lambda: gru_fast.gru_backward_fast(GRU, XS, HS, UP),
            TypeError,
            "^gru_backward_fast: trace must be a GRUTrace, got ndarray$",
        ),
        (
            lambda: gru.gru_step(GRU, X, full(B, H), reset="middle"),
            ValueError,
            "^gru_step: reset must be one of 'after', 'before', got 'middle'$",
        ),
        (
            lambda: gru.gru_forward(GRU, XS, update="forgets"),
            ValueError,
            "^gru_forward: update must be one of 'keeps', 'overwrites', got 'forgets'$",
        ),
        (
            lambda: lstm.init_lstm(RNG, 2, 3, recurrent="identity"),
            ValueError,
            "^init_lstm: recurrent must be one of 'orthogonal', 'uniform', got 'identity'$",
        ),
        (lambda: gru.init_gru(RNG, 2, 0), ValueError, "^init_gru: H must be an integer >= 1, got 0$"),
        (lambda: variants.init_mut2(RNG, 0, 2), ValueError, "^init_mut2: D must be an integer >= 1, got 0$"),
        (lambda: lstm_variants.init_coupled(RNG, 2.0, 2), TypeError, "^init_coupled: D must be an integer .* float"),
        (lambda: lstm.init_lstm(7, 2, 3), TypeError, "rng must be a numpy Generator"),
        (
            lambda: cells.run(cells.CELLS["mut1"], LSTM, XS),
            TypeError,
            "^mut1_step: p must be a MUT1Params, got LSTMParams$",
        ),
        (
            lambda: cells.run(cells.CELLS["lstm"], LSTM, XS, full(B, H)),
            TypeError,
            "^lstm_forward_fast: state0 must be a LSTMState, got ndarray$",
        ),
    ],
)
def test_messages(call, error, message):
    with pytest.raises(error, match=message):
        call()
