"""The machinery of the exercises: declare, generate, check. It holds no task of its own.

Students use one name: ``from course_pkg.exercises import check``. Authors write ``solutions/NN_name.ipynb`` and
``solutions/tasks_NN.py`` with the names of ``declare`` and run ``make exercises``; README.md here tells how.
"""

from .check import CheckResult, check
from .declare import Alternative, Case, Exercise, Mutant, Variant, case, given

__all__ = ["Alternative", "Case", "CheckResult", "Exercise", "Mutant", "Variant", "case", "check", "given"]
