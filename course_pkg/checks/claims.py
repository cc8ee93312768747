"""Claims about numbers that differ from machine to machine or from one Python version to the next.

What depends on the text of the standard library is never printed exactly: it is claimed to lie in a range, and the
cell prints the claim.
"""

import numpy as np


def claim(statement: str, holds: bool) -> None:
    """Print the statement if it holds; raise an AssertionError that carries it if not."""
    if not holds:
        raise AssertionError(f"claim: does not hold: {statement}")
    print(f"✓ {statement}")


def claim_between(name: str, value: float, low: float, high: float) -> None:
    """Print that low <= value <= high, without printing the value; an AssertionError shows the value found."""
    if not (np.isfinite(value) and low <= value <= high):
        raise AssertionError(f"claim_between: {name} must be between {low} and {high}, got {value}")
    print(f"✓ {name}: between {low} and {high}")
