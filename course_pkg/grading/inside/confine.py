"""What a process gives up before it runs a student's code: capabilities, writing, sockets, forks, memory, core dumps.

Every function here acts on the calling process and all its later children, and none can be undone. System call numbers
are not written down here: the trusted side asks libseccomp for them and sends them with the compiled filter.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import resource
import struct
import sys
from typing import Any

LINUX = sys.platform.startswith("linux")
LIBC: Any = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_NO_NEW_PRIVS = 1, 4, 38
NEW_NAMESPACES = 0x00020000 | 0x20000000 | 0x08000000  # CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWIPC
MOUNT_FLAGS = 1 | 2 | 4 | 8  # never again: set-uid, devices, programs; read-only is lifted for the one small folder
SET_MODE_FILTER, NEW_LISTENER = 1, 8
NOTIF_RECV, NOTIF_SEND = 0xC0502100, 0xC0182101  # SECCOMP_IOCTL_NOTIF_*, on structures of 80 and 24 bytes
CONTINUE = 1

# Landlock: rights over files by version of its interface; all of them are handled, so what no rule gives is forbidden.
READ_FILES = 1 << 0 | 1 << 2 | 1 << 3  # execute (to map a library), read a file, list a folder
ALL_FILES = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1}
ALL_NEWEST = (1 << 16) - 1  # from version 5: ioctl on devices too
ALL_TCP, ALL_SCOPES = 0b11, 0b11  # version 4: bind, connect; version 6: abstract sockets, signals


def checked(result: int, what: str) -> int:
    """The result of a system call, or OSError with its reason."""
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")
    return result


def prctl(option: int, value: int = 0) -> None:
    """One option of this process."""
    checked(LIBC.prctl(option, ctypes.c_ulong(value), ctypes.c_ulong(0), ctypes.c_ulong(0), ctypes.c_ulong(0)), "prctl")


def undumpable() -> None:
    """No core dump, and nobody without privileges may open our memory through /proc."""
    if LINUX:
        prctl(PR_SET_DUMPABLE, 0)


def die_with_parent() -> None:
    """SIGKILL when the process that forked us ends."""
    if LINUX:
        prctl(PR_SET_PDEATHSIG, 9)


def enter_namespaces(folder: str, size: int) -> None:
    """Own mounts and IPC, own process numbers for the next child, and an empty folder in memory to write to."""
    checked(LIBC.unshare(NEW_NAMESPACES), "unshare")
    if folder:
        flags = MOUNT_FLAGS & ~1
        options = f"size={size},nr_inodes=1000,mode=755".encode()
        checked(LIBC.mount(b"tmpfs", folder.encode(), b"tmpfs", ctypes.c_ulong(flags), options), "mount")


def drop_capabilities() -> None:
    """No privilege is left in this process or comes back in its children."""
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    header, data = struct.pack("Ii", 0x20080522, 0), bytes(24)
    checked(LIBC.capset(ctypes.c_char_p(header), ctypes.c_char_p(data)), "capset")


def limit(memory: int, cpu: int, file_size: int) -> None:
    """Bounds of this process, none of which it can raise again. `memory` counts from what it holds now."""
    _lower(resource.RLIMIT_CORE, 0)
    _lower(resource.RLIMIT_CPU, cpu, cpu + 1)
    _lower(resource.RLIMIT_FSIZE, file_size)
    _lower(resource.RLIMIT_NOFILE, 64)
    if memory and sys.platform != "darwin":  # macOS accepts RLIMIT_AS and ignores it
        _lower(resource.RLIMIT_AS, held() + memory)
    if hasattr(resource, "RLIMIT_MSGQUEUE"):
        _lower(resource.RLIMIT_MSGQUEUE, 0)


def _lower(which: int, soft: int, hard: int | None = None) -> None:
    most = resource.getrlimit(which)[1]
    hard = soft if hard is None else hard
    if most != resource.RLIM_INFINITY:
        soft, hard = min(soft, most), min(hard, most)
    resource.setrlimit(which, (soft, hard))


_MAPPED = 0


def held() -> int:
    """Bytes of address space of this process. Asked of /proc, or found by trying."""
    global _MAPPED
    if not _MAPPED:
        try:
            with open("/proc/self/statm", "rb") as file:
                _MAPPED = int(file.read().split()[0]) * resource.getpagesize()
        except OSError:
            _MAPPED = _search_address_space()
    return _MAPPED


def _search_address_space() -> int:
    """The least RLIMIT_AS under which nothing more can be mapped: found by bisection, without /proc."""
    import mmap

    before = resource.getrlimit(resource.RLIMIT_AS)
    low, high = 0, 1 << 40
    while high - low > 1 << 20:
        middle = (low + high) // 2
        resource.setrlimit(resource.RLIMIT_AS, (middle, before[1]))
        try:
            mmap.mmap(-1, 1 << 16).close()
            high = middle
        except (OSError, MemoryError):
            low = middle
    resource.setrlimit(resource.RLIMIT_AS, before)
    return high


# --- seccomp ----------------------------------------------------------------------------------------------------------


def install_filter(program: bytes, seccomp_number: int) -> int:
    """Install a compiled filter for good. Returns the descriptor on which a guard decides about forks."""

    class Program(ctypes.Structure):
        _fields_ = [("length", ctypes.c_ushort), ("code", ctypes.c_void_p)]

    code = ctypes.create_string_buffer(program, len(program))
    whole = Program(len(program) // 8, ctypes.cast(code, ctypes.c_void_p))
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    call = LIBC.syscall
    call.restype = ctypes.c_long
    result = call(
        ctypes.c_long(seccomp_number), ctypes.c_long(SET_MODE_FILTER), ctypes.c_long(NEW_LISTENER), ctypes.byref(whole)
    )
    return checked(result, "seccomp")


def answer_fork(listener: int, allow: bool) -> bool:
    """Answer one waiting request to fork; False when the process that asked is gone."""
    request = bytearray(80)
    try:
        fcntl.ioctl(listener, NOTIF_RECV, request)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.EINTR):
            return False
        raise
    (identity,) = struct.unpack_from("=Q", request)
    if allow:
        answer = struct.pack("=QqiI", identity, 0, 0, CONTINUE)
    else:
        answer = struct.pack("=QqiI", identity, 0, -errno.EAGAIN, 0)
    try:
        fcntl.ioctl(listener, NOTIF_SEND, bytearray(answer))
    except OSError as error:
        if error.errno != errno.ENOENT:
            raise
        return False
    return True


# --- Landlock ---------------------------------------------------------------------------------------------------------


def landlock_version(number: int) -> int:
    """Version of the kernel's interface, 0 where there is none."""
    call = LIBC.syscall
    call.restype = ctypes.c_long
    return max(0, call(ctypes.c_long(number), None, ctypes.c_size_t(0), ctypes.c_long(1)))


def restrict_files(readable: list[str], numbers: list[int]) -> int:
    """From now on only `readable` can be read, nothing written, no TCP. Returns the version used."""
    create, add, restrict = numbers
    call = LIBC.syscall
    call.restype = ctypes.c_long
    version = landlock_version(create)
    if version < 1:
        raise OSError(errno.ENOSYS, "Landlock is not in this kernel")
    rights = ALL_FILES.get(version, ALL_NEWEST)
    attributes = struct.pack("=Q", rights)
    attributes += struct.pack("=Q", ALL_TCP) if version >= 4 else b""
    attributes += struct.pack("=Q", ALL_SCOPES) if version >= 6 else b""
    rules = checked(
        call(ctypes.c_long(create), ctypes.c_char_p(attributes), ctypes.c_size_t(len(attributes)), ctypes.c_long(0)),
        "landlock_create_ruleset",
    )
    for path in readable:
        try:
            folder = os.open(path, os.O_PATH | os.O_CLOEXEC)  # type: ignore[attr-defined]
        except OSError:
            continue
        allowed = READ_FILES if os.path.isdir(path) else READ_FILES & ~(1 << 3)
        rule = struct.pack("=Qi", allowed, folder)
        done = call(ctypes.c_long(add), ctypes.c_long(rules), ctypes.c_long(1), ctypes.c_char_p(rule), ctypes.c_long(0))
        checked(done, f"landlock_add_rule for {path}")
        os.close(folder)
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    checked(call(ctypes.c_long(restrict), ctypes.c_long(rules), ctypes.c_long(0)), "landlock_restrict_self")
    os.close(rules)
    return version
