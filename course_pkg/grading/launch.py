"""How a box is started at each level of the ladder: which program, which files are there, what the process may do.

A: bubblewrap: own namespaces, an empty root with nothing but Python and NumPy in it, read-only; inside it seccomp.
B: Landlock and seccomp on a plain process, for containers in which bubblewrap may not make namespaces.
C: a container of Docker or Podman, for macOS: no network, our few files mounted, one container for each box.
D: a plain process. It keeps honest code and slips apart from the grader, and nothing else.
"""

from __future__ import annotations

import functools
import glob
import importlib.util
import os
import py_compile
import re
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

LEVELS = ("A", "B", "C", "D")
IMAGE = f"rnn-course-box:{np.__version__}"
HOW_TO_GET_C = (
    f"Docker or Podman is not installed, or not running, or the image {IMAGE} is not built: start it, then "
    "`make sandbox` builds the image"
)
HERE = Path(__file__).resolve().parent
START = "import gc, sys; gc.disable(); sys.path[:0] = sys.argv[1].split(':'); from inside.zygote import start; start()"
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")
FOLDER = 16 << 20  # bytes of the folder in memory that a student's code may write to
DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom", "/dev/random")
HOW_TO_GET_A = (
    "bubblewrap is missing. On Debian and Ubuntu: sudo apt-get install bubblewrap libseccomp2; on Fedora: "
    "sudo dnf install bubblewrap libseccomp"
)


@dataclass(frozen=True)
class Launch:
    """What to start, and what to tell it first."""

    command: list[str]
    environment: dict[str, str]
    settings: dict[str, Any] = field(default_factory=dict)
    filter: bytes = b""
    stdio: bool = False  # it speaks on standard input and output


def launch(level: str, torch: bool, descriptor: int) -> Launch:
    """The start of a zygote that speaks on `descriptor`; OSError says why this machine cannot."""
    if level not in LEVELS:
        raise ValueError(f"there is no level {level!r}, only {', '.join(LEVELS)}")
    _compile_inside()
    if os.name != "posix":
        raise OSError("boxes need Linux or macOS; on Windows run the course in WSL2")
    settings: dict[str, Any] = {"level": level, "torch": torch, "work": "/", "readable": [], "forget": []}
    settings |= {"seccomp": 0, "landlock": [0, 0, 0], "folder_bytes": FOLDER, "nest": True}
    program = b""
    if level in ("A", "B"):
        if not sys.platform.startswith("linux"):
            raise OSError(f"level {level} needs Linux")
        from .seccomp import compiled

        found = compiled()
        program, settings["seccomp"], settings["landlock"] = found.program, found.seccomp, list(found.landlock)
    environment = {"PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8", "PATH": "", "HOME": "/", **dict.fromkeys(THREADS, "1")}
    if level == "C":
        if torch:
            raise OSError("level C has no PyTorch, which this chapter needs: grade it on Linux, at level A or B")
        settings["work"] = "/work"
        return Launch(_container(), {**os.environ}, settings, _filter_if_there(settings), stdio=True)
    packages = package_paths(torch)
    if level == "A":
        settings["work"] = "/work"
        command = [*_bubblewrap(packages), "--", *_python("/box:/site", descriptor)]
    else:
        sites = sorted({str(path.parent) for path in packages})
        settings["forget"] = [str(HERE), *([] if torch and level == "D" else sites)]
        settings["readable"] = [*readable(), *map(str, packages), *DEVICES] if level == "B" else []
        command = _python(":".join([str(HERE), *sites]), descriptor)
    return Launch(command, environment, settings, program)


def _compile_inside() -> None:
    """Bytecode beside what runs inside, since no box may write it. Where this account may not either, none is there."""
    for path in (HERE / "inside").glob("*.py") if not sys.dont_write_bytecode else ():
        made = Path(importlib.util.cache_from_source(str(path)))
        try:
            if not made.exists() or made.stat().st_mtime < path.stat().st_mtime:
                py_compile.compile(str(path))
        except (OSError, py_compile.PyCompileError):
            return


def _python(path: str, descriptor: int) -> list[str]:
    return [executable(), "-s", "-S", "-P", "-B", "-X", "utf8", "-c", START, path, str(descriptor)]


def executable() -> str:
    """The interpreter itself, behind every virtual environment and link."""
    return os.path.realpath(getattr(sys, "_base_executable", "") or sys.executable)


# --- what is there to read --------------------------------------------------------------------------------------------


def stdlib() -> Path:
    """The folder of the standard library."""
    return Path(os.path.realpath(os.__file__)).parent


@functools.cache
def libraries() -> tuple[str, ...]:
    """Folders and files with the shared libraries that Python and NumPy load."""
    arch = sysconfig.get_config_var("MULTIARCH") or ""
    found = [f"{top}/{arch}" for top in ("/lib", "/usr/lib") if arch] + ["/lib64", "/usr/lib64", "/etc/ld.so.cache"]
    found += glob.glob("/lib/ld-*") + glob.glob("/usr/lib/ld-*")
    base = Path(os.path.realpath(sys.base_prefix)) / "lib"
    found += [str(path) for path in base.glob("lib*.so*")] if str(base) != "/usr/lib" else []
    return tuple(dict.fromkeys(os.path.realpath(path) for path in found if os.path.exists(path)))


def readable() -> list[str]:
    """Level B: the standard library without the packages in it, the shared libraries, and our own few files."""
    inside = [str(path) for path in stdlib().iterdir() if path.name not in ("site-packages", "dist-packages")]
    return [executable(), *inside, *libraries(), str(HERE / "inside")]


@functools.cache
def package_paths(torch: bool) -> tuple[Path, ...]:
    """NumPy, or torch with all that it needs: folders and files in site-packages."""
    if not torch:
        spec = importlib.util.find_spec("numpy")
        if spec is None or not spec.submodule_search_locations:
            raise OSError("NumPy is not installed")
        folder = Path(spec.submodule_search_locations[0])
        return tuple(path for path in (folder, folder.with_name("numpy.libs")) if path.exists())
    from importlib import metadata  # slow to import, and only torch needs it

    wanted, seen, found = ["torch", "numpy"], set(), {}
    while wanted:
        name = wanted.pop()
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            if name == "torch":
                raise OSError("PyTorch is not installed") from None
            continue
        if name in seen:
            continue
        seen.add(name)
        for file in distribution.files or ():
            top = file.parts[0]
            if top not in ("..", "__pycache__", "bin") and not top.endswith(".dist-info"):
                found.setdefault(Path(str(distribution.locate_file(top))), None)
        for line in distribution.requires or ():
            if "extra ==" not in line:
                wanted.append(re.split(r"[^\w.-]", line, maxsplit=1)[0])
    return tuple(path for path in found if path.exists())


def _bubblewrap(packages: tuple[Path, ...]) -> list[str]:
    program = shutil.which("bwrap")
    if program is None:
        raise OSError(HOW_TO_GET_A)
    command = [program, "--unshare-user", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"]
    command += ["--unshare-cgroup-try", "--uid", "1000", "--gid", "1000", "--hostname", "box"]
    command += ["--cap-drop", "ALL", "--cap-add", "CAP_SYS_ADMIN"]
    for link in ("/lib", "/lib64"):
        if os.path.islink(link):
            command += ["--symlink", os.readlink(link), link]
    for path in dict.fromkeys([*libraries(), str(stdlib()), executable()]):
        command += ["--ro-bind", path, path]
    for name in ("site-packages", "dist-packages"):
        if (stdlib() / name).is_dir():
            command += ["--tmpfs", str(stdlib() / name), "--remount-ro", str(stdlib() / name)]
    command += ["--ro-bind", str(HERE / "inside"), "/box/inside"]
    for path in packages:
        command += ["--ro-bind", str(path), f"/site/{path.name}"]
    for device in DEVICES:
        command += ["--dev-bind-try", device, device]
    return [*command, "--dir", "/work", "--remount-ro", "/", "--chdir", "/"]


def _container() -> list[str]:
    """Start a container whose only way out is its standard output."""
    program = shutil.which("docker") or shutil.which("podman")
    if program is None:
        raise OSError(HOW_TO_GET_C)
    try:
        look = [program, "image", "inspect", "--format", "{{.Id}}", IMAGE]
        subprocess.run(look, check=True, capture_output=True, timeout=20)
    except (subprocess.SubprocessError, OSError) as error:
        raise OSError(HOW_TO_GET_C) from error
    command = [program, "run", "--rm", "--interactive", "--network", "none", "--read-only", "--cap-drop", "ALL"]
    command += ["--security-opt", "no-new-privileges", "--pids-limit", "32", "--memory", "3g", "--user", "65534:65534"]
    command += ["--tmpfs", f"/work:rw,noexec,nosuid,size={FOLDER},mode=1777", "--workdir", "/work"]
    command += ["--volume", f"{HERE / 'inside'}:/box/inside:ro"]
    for name in THREADS:
        command += ["--env", f"{name}=1"]
    command += ["--env", "PYTHONHASHSEED=0", IMAGE]
    return [*command, "python", "-s", "-P", "-B", "-X", "utf8", "-c", START, "/box", "-1"]


def _filter_if_there(settings: dict[str, Any]) -> bytes:
    """On Linux the container's processes are filtered as well; elsewhere its limit on processes must do."""
    if not sys.platform.startswith("linux"):
        return b""
    from .seccomp import compiled

    try:
        found = compiled()
    except OSError:
        return b""
    settings["seccomp"] = found.seccomp
    return found.program
