"""The system calls that a student's process may make, compiled by libseccomp into a filter for the machine at hand.

An allow list: what is not on it fails with "Operation not permitted". Names only; libseccomp knows the numbers of each
processor, and names that a processor does not have are left out. A plain fork is neither allowed nor forbidden: the
kernel asks the guard (supervisor), which grants exactly one for each call of the student's function.
"""

from __future__ import annotations

import ctypes
import functools
import os
import tempfile
from dataclasses import dataclass
from typing import Any

ALLOW, NOTIFY = 0x7FFF0000, 0x7FC00000
EPERM, ENOSYS, ENOTTY = 1, 38, 25
EQ, PR_SET_PDEATHSIG, SIGKILL = 4, 1, 9
FORK_FLAGS = 0x00200000 | 0x01000000 | 17  # CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID | SIGCHLD, as fork() of libc asks

ALLOWED = """
 read readv pread64 preadv write writev pwrite64 pwritev lseek close close_range dup dup2 dup3 fcntl flock
 open openat stat fstat lstat newfstatat fstatat64 statx access faccessat faccessat2 readlink readlinkat getcwd chdir
 getdents64 statfs fstatfs unlink unlinkat mkdir mkdirat rmdir rename renameat renameat2 ftruncate fsync fdatasync umask
 mmap munmap mprotect mremap madvise brk mincore membarrier futex set_robust_list get_robust_list set_tid_address rseq
 rt_sigaction rt_sigprocmask rt_sigreturn rt_sigsuspend sigaltstack setitimer getitimer alarm pause restart_syscall
 clock_gettime clock_getres clock_nanosleep nanosleep gettimeofday time times getrusage getrlimit
 getpid getppid gettid getuid geteuid getgid getegid getgroups getpgrp getpgid uname sysinfo getcpu
 sched_yield sched_getaffinity sched_getparam sched_getscheduler getrandom arch_prctl
 poll ppoll select pselect6 getsockname getsockopt sendmsg recvmsg sendto recvfrom shutdown wait4 waitid exit exit_group
""".split()
LANDLOCK = {"landlock_create_ruleset": 444, "landlock_add_rule": 445, "landlock_restrict_self": 446}  # everywhere
HOW_TO_GET = "libseccomp is missing. On Debian and Ubuntu: sudo apt-get install libseccomp2; on Fedora: libseccomp"


class _Compare(ctypes.Structure):
    _fields_ = [("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64)]


@dataclass(frozen=True)
class Filter:
    """A compiled filter, and the numbers of the calls that install it and Landlock's rules."""

    program: bytes
    seccomp: int
    landlock: tuple[int, int, int]


@functools.cache
def compiled() -> Filter:
    """The filter for this machine; OSError says what is missing."""
    library = _library()
    context = library.seccomp_init(_fail(EPERM))
    if not context:
        raise OSError("libseccomp could not begin a filter")
    try:
        for name in ALLOWED:
            _rule(library, context, ALLOW, name)
        _rule(library, context, NOTIFY, "clone", (0, FORK_FLAGS))
        _rule(library, context, ALLOW, "prctl", (0, PR_SET_PDEATHSIG), (1, SIGKILL))
        _rule(library, context, _fail(ENOSYS), "clone3")  # libc then takes clone, whose flags a filter can read
        _rule(library, context, ALLOW, "prlimit64", (2, 0))  # asking, not setting
        _rule(library, context, _fail(ENOTTY), "ioctl")
        with tempfile.TemporaryFile() as file:
            if library.seccomp_export_bpf(context, file.fileno()) != 0:
                raise OSError("libseccomp could not compile the filter")
            file.seek(0)
            program = file.read()
    finally:
        library.seccomp_release(context)
    numbers = [_number(library, name) for name in LANDLOCK]
    known = [n if n >= 0 else default for n, default in zip(numbers, LANDLOCK.values(), strict=True)]
    return Filter(program, _number(library, "seccomp"), (known[0], known[1], known[2]))


def _library() -> Any:
    for name in ("libseccomp.so.2", "libseccomp.so"):
        try:
            library = ctypes.CDLL(name)
        except OSError:
            continue
        library.seccomp_init.restype = ctypes.c_void_p
        library.seccomp_init.argtypes = [ctypes.c_uint32]
        library.seccomp_release.argtypes = [ctypes.c_void_p]
        library.seccomp_release.restype = None
        library.seccomp_export_bpf.argtypes = [ctypes.c_void_p, ctypes.c_int]
        library.seccomp_syscall_resolve_name.argtypes = [ctypes.c_char_p]
        add = library.seccomp_rule_add_array
        add.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint, ctypes.POINTER(_Compare)]
        return library
    raise OSError(HOW_TO_GET)


def _number(library: Any, name: str) -> int:
    return int(library.seccomp_syscall_resolve_name(name.encode()))


def _rule(library: Any, context: int, action: int, name: str, *equal: tuple[int, int]) -> None:
    """The action for a call whose arguments (by position) equal the values."""
    number = _number(library, name)
    if number < 0:  # this processor does not have it, or has it under another name
        return
    compare = (_Compare * max(1, len(equal)))(*[_Compare(position, EQ, value, 0) for position, value in equal])
    code = library.seccomp_rule_add_array(context, action, number, len(equal), compare)
    if code < 0:
        raise OSError(-code, f"libseccomp refused the rule for {name}: {os.strerror(-code)}")


def _fail(code: int) -> int:
    return 0x00050000 | code
