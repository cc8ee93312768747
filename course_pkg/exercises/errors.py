"""The one error that authors see: a source of exercises that is refused, with file, cell and line."""

from __future__ import annotations


class ExerciseError(ValueError):
    """A notebook or a declaration that cannot become an exercise. The message begins with the place."""

    def __init__(self, place: str, message: str, cell: int | None = None, line: int | None = None) -> None:
        where = place
        if cell is not None:
            where += f", cell {cell}"
        if line is not None:
            where += f", line {line}"
        super().__init__(f"{where}: {message}")
        self.place, self.cell, self.line = place, cell, line
