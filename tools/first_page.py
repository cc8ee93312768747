"""Print where the built book's first page is: its path, and its address for a browser."""

from __future__ import annotations

import re
import sys

from tools.notebooks import ROOT


def main() -> int:
    root = re.search(r"^root:\s*(\S+)", (ROOT / "_toc.yml").read_text(encoding="utf8"), re.MULTILINE)
    page = (ROOT / "_build/html" / (root.group(1) if root else "index")).with_suffix(".html")
    if not page.is_file():
        print(f"The first page was not built: {page.relative_to(ROOT)}")
        return 1
    print(f"\nThe book is built. Its first page: {page.relative_to(ROOT)}\nOpen it: {page.as_uri()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
