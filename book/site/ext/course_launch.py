"""Buttons that open a chapter's notebook on a machine: Binder, Colab, and a JupyterHub through nbgitpuller.

They appear as soon as `course_repository` is set in _config.yml (and `course_hub`, for the hub), and open the notebook
of the commit that the page was built from, with that commit's package: Binder builds the repository at the commit; the
other two open a copy that fetches the commit itself (tools/launchable.py makes them, the workflow publishes them).
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sphinx.application import Sphinx
from sphinx.errors import ConfigError

ROOT = Path(__file__).resolve().parents[3]
GITHUB = re.compile(r"https://github\.com/([\w.-]+/[\w.-]+?)(?:\.git)?/?")


def launch_links(page: str, repository: str, hub: str, commit: str) -> list[tuple[str, str]]:
    """(name, address) of each button of the page `page` ("book/06_lstm"); none without a repository or a commit."""
    if not repository or not commit:
        return []
    found = GITHUB.fullmatch(repository)
    if not found:
        raise ConfigError(f"course_repository: expected https://github.com/OWNER/NAME, found {repository!r}")
    name, copy = found[1], f"{commit[:7]}/{page}.ipynb"
    links = [
        ("Binder", f"https://mybinder.org/v2/gh/{name}/{commit}?urlpath={quote(f'lab/tree/{page}.ipynb', safe='')}"),
        ("Colab", f"https://colab.research.google.com/github/{name}/blob/notebooks/{copy}"),
    ]
    if hub:
        place = quote(f"lab/tree/{name.split('/')[1]}/{copy}", safe="")
        query = f"repo={quote(f'https://github.com/{name}', safe='')}&branch=notebooks&urlpath={place}"
        links.append(("JupyterHub", f"{hub.rstrip('/')}/hub/user-redirect/git-pull?{query}"))
    return links


def commit_of(root: Path) -> str:
    """The 40 digits of the commit that is checked out; empty in a copy without its history."""
    asked = ["git", "-C", str(root), "rev-parse", "HEAD"]
    try:
        return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def add_links(app: Sphinx, pagename: str, templatename: str, context: dict[str, Any], doctree: Any) -> None:
    if (ROOT / f"{pagename}.ipynb").is_file():
        config = app.config
        context["course_launch"] = launch_links(
            pagename, config.course_repository, config.course_hub, commit_of(ROOT)
        )


def setup(app: Sphinx) -> None:
    app.add_config_value("course_repository", "", "html", types=[str])
    app.add_config_value("course_hub", "", "html", types=[str])
    app.connect("html-page-context", add_links)
