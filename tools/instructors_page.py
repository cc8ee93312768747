"""The guide for instructors, book/instructors.md: its outputs and tables come from records, never from a hand.

    make instructors                       plays the demonstration and all attacks again, records them, writes the page
    python -m tools.instructors_page       the page again, from the records

Between `<!-- begin NAME -->` and `<!-- end NAME -->` stands what a record says. A test compares the page with the
records, and what the commands of the demonstration print today with what was recorded.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from pathlib import Path
from typing import Any

from tools.notebooks import ROOT

PAGE = ROOT / "book" / "instructors.md"
RESULTS = ROOT / "experiments" / "results"
SHOWN, ATTACKS, BENCH = (RESULTS / f"{name}.json" for name in ("instructors", "attacks", "bench_grading"))
BLOCK = re.compile(r"(<!-- begin ([\w-]+) -->\n).*?(<!-- end \2 -->)", re.S)


def attacks() -> dict[str, Any]:
    """Every submission of the corpus graded once, and what was wrong with the result, if anything was."""
    from tests.grading.corpus import ENTRIES
    from tests.grading.corpus import run as runs

    out = []
    with runs.grader() as grader:
        for entry in ENTRIES:
            result = grader.grade(entry.bytes(grader.where))
            wrong = runs.problems(entry, result) + runs.traces(grader)
            out.append({"name": entry.name, "kind": entry.kind, "aim": entry.aim, "problems": wrong})
        level = str(grader.settings.level)
    return {"level": level, "entries": out}


def attack_table(record: dict[str, Any]) -> str:
    """A row for each class."""
    rows = ["| class | submissions | cheats among them | an example of what they are after | went wrong |",
            "|---|---|---|---|---|"]  # fmt: skip
    kinds = dict.fromkeys(entry["kind"] for entry in record["entries"])
    for kind in kinds:
        found = [entry for entry in record["entries"] if entry["kind"] == kind]
        aims = [entry["aim"] for entry in found if entry["aim"]]
        wrong = sum(bool(entry["problems"]) for entry in found)
        example = aims[0].replace("|", "\\|") if aims else ""
        rows.append(f"| {kind} | {len(found)} | {len(aims)} | {example} | {wrong or 'nothing'} |")
    every = record["entries"]
    accepts = sum(any(p.startswith("false accept") for p in e["problems"]) for e in every)
    rejects = sum(any(p.startswith("false reject") for p in e["problems"]) for e in every)
    cheats = sum(bool(e["aim"]) for e in every)
    return "\n".join(rows) + (
        f"\n\n{len(every)} submissions, {cheats} of them cheats, at level {record['level']}. Accepted without right: "
        f"{accepts}. Rejected without reason: {rejects}."
    )


def bench_table(record: dict[str, Any]) -> str:
    """Ours beside nbgrader, then one submission and a large batch."""
    at, graders = record["conditions"], record["graders"]
    rows = ["| per submission, median (least to greatest) | ours | nbgrader |", "|---|---|---|"]
    for key, name in (("cpu_s_per_submission", "processor time, s"), ("wall_s_per_submission", "wall clock, s"),
                      ("peak_mib", "peak memory of all processes, MiB")):  # fmt: skip
        rows.append(f"| {name} | {_spread(graders['ours'][key])} | {_spread(graders['nbgrader'][key])} |")
    single, batch, ratio = record["single"], record["batch"], record["ratios"]
    return "\n".join(rows) + (
        f"\n\nA class of {at['students']} with three functions each, the same answers and the same hidden cases, "
        f"{at['rounds']} rounds in turn; {at['processor']}, {at['cores']} cores, Python {at['python']}, "
        f"nbgrader {at['nbgrader']}, ours at level {at['level']}. The machine was shared: {at['load_before']} of its "
        "processes wanted a processor before the run began, which stretches the wall clock. Both gave full "
        f"marks to {'the same' if record['full_marks'] == 'the same' else 'different'} students. nbgrader needs "
        f"{_spread(ratio['cpu'])} times the processor time of ours.\n\n"
        "One submission alone, the whole command from start to end: "
        f"{_spread(single['wall_s_per_submission'])} s of wall clock, {_spread(single['cpu_s_per_submission'])} s of "
        f"processor time. A batch of {batch['submissions']:,}: {batch['wall_s']:.0f} s of wall clock, "
        f"{batch['cpu_s_per_submission']:.3f} s of processor time each, "
        f"{batch['peak_mib']:.0f} MiB at most."
    )


def _spread(found: dict[str, float]) -> str:
    return f"{found['median']:.3g} ({found['least']:.3g} to {found['greatest']:.3g})"


def blocks() -> dict[str, str]:
    """Name -> what stands between its marks."""
    out = dict(json.loads(SHOWN.read_text("utf8"))["blocks"])
    out["attacks"] = attack_table(json.loads(ATTACKS.read_text("utf8")))
    out["bench"] = bench_table(json.loads(BENCH.read_text("utf8")))
    return out


def rendered(text: str, found: dict[str, str]) -> str:
    """The page with every block from its record; KeyError for a block without one."""
    return BLOCK.sub(lambda m: f"{m[1]}{found[m[2]]}\n{m[3]}", text)


def write(path: Path, data: dict[str, Any]) -> None:
    path.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", "utf8")


def main(arguments: list[str] | None = None) -> int:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--play", action="store_true", help="play the demonstration and all attacks again first")
    if parser.parse_args(arguments).play:
        from tools.instructors_demo import play

        write(SHOWN, {"command": "make instructors", "blocks": play()})
        write(ATTACKS, {"command": "make instructors"} | attacks())
    PAGE.write_text(rendered(PAGE.read_text("utf8"), blocks()), "utf8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
