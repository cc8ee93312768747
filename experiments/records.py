"""What the record of a run says of where it was made."""

import platform
import time
from typing import Any

import numpy as np


def conditions(begin: float) -> dict[str, Any]:
    """Versions, machine, and seconds of one thread since `begin` = time.process_time(): the end of a record."""
    return {
        "versions": {"python": platform.python_version(), "numpy": np.__version__},
        "machine": f"{platform.machine()}, one thread",
        "cpu_seconds": round(time.process_time() - begin),
    }
