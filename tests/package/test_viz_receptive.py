"""The drawing of a receptive field shows what the network sees."""

import numpy as np
import pytest

from course_pkg.tcn import init_tcn, receptive_field
from course_pkg.viz.diagrams import draw_receptive_field
from course_pkg.viz.receptive import reads


@pytest.mark.parametrize("K, levels", [(2, 1), (2, 3), (3, 2)])
def test_receptive_field_is_drawn(K, levels):
    T = receptive_field(K, levels) + 2
    diagram = draw_receptive_field(init_tcn(np.random.default_rng(0), 1, 1, levels, K), T)
    assert f"The last output depends on {T - 2} steps of the input, from {T - 3} steps back to now" in diagram.alt
    assert diagram.svg.count("<circle") == T * (2 * levels + 1)
    assert diagram.svg.split("</style>")[-1].count(f"block {levels - 1}, dilation {2 ** (levels - 1)}") == 1


def test_what_a_step_reads():
    assert reads(3, 2, 9, 6) == [2, 4, 6]
    assert reads(3, 2, 9, 1) == [1]  # zeros stand before the first step
