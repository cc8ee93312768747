"""Before any test starts a kernel: one thread, a fixed hash seed, no progress bars (tools/notebooks.py)."""

from tools.notebooks import set_environment

set_environment()
