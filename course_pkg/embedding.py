"""The embedding layer: a table with one row for each token, looked up by the token's number.

Looking a row up is the product of a one-hot vector with the table, without the zeros. Its gradient adds each row's
share to the row that was looked up.
"""

import numpy as np

from course_pkg.shapes import Float, Int, check_positive_int, check_rng, checked


def init_embedding(rng: np.random.Generator, V: int, E: int, dtype: type = np.float64) -> np.ndarray:
    """A table (V, E) of normal numbers with variance 1 / E, so that a row has length 1 on average."""
    check_rng("init_embedding", rng)
    check_positive_int("init_embedding", "V", V)
    check_positive_int("init_embedding", "E", E)
    return (rng.standard_normal((V, E)) / np.sqrt(E)).astype(dtype)


@checked
def embedding_forward(table: Float["V E"], ids: Int["..."]) -> np.ndarray:
    """(embedding)  ids: integers (...) in 0..V-1 -> rows of the table: (..., E)."""
    V = len(table)
    if ids.size and (ids.min() < 0 or ids.max() >= V):
        worst = ids.max() if ids.max() >= V else ids.min()
        raise ValueError(f"embedding_forward: ids must be in 0..{V - 1} (V={V} from table), got {worst}")
    return table[ids]


@checked
def embedding_backward(table: Float["V E"], ids: Int["..."], drows: Float["... E"]) -> np.ndarray:
    """(embedding-grad)  drows: (..., E), the gradient of what was looked up -> dtable: (V, E).

    A token that occurs several times collects the sum.
    """
    if drows.shape != (*ids.shape, table.shape[1]):
        raise ValueError(f"embedding_backward: drows must be {(*ids.shape, table.shape[1])} (from ids and table), "
                         f"got shape {drows.shape}")  # fmt: skip
    dtable = np.zeros_like(table)
    np.add.at(dtable, ids.ravel(), drows.reshape(-1, table.shape[1]))
    return dtable
