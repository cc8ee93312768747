"""python -m course_pkg: the same as the command `course`."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
