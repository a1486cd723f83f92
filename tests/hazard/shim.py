"""shim: a library for LD_PRELOAD that lies about the file system and about the
clocks.

SHIM_FS is the number that fstatfs(2) tells. SHIM_CLOCK names a file of two
signed 64-bit numbers: milliseconds to add to the wall clock, and milliseconds
by which all clocks that expiry looks at are further than they are. A test
writes into it while programs run.
"""

import os
import shutil
import struct
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from hazard import rt  # noqa: E402

_SOURCE = r"""
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *offsets;

__attribute__((constructor)) static void
open_clock(void)
{
	const char *path = getenv("SHIM_CLOCK");
	int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	void *map;

	if (fd < 0)
		return;
	map = mmap(NULL, 16, PROT_READ, MAP_SHARED, fd, 0);
	close(fd);
	if (map != MAP_FAILED)
		offsets = map;
}

int
clock_gettime(clockid_t clock, struct timespec *out)
{
	int result = (int)syscall(SYS_clock_gettime, clock, out);
	int64_t ms = 0, ns;

	if (result != 0 || offsets == NULL)
		return result;
	if (clock == CLOCK_REALTIME)
		ms = offsets[0] + offsets[1];
	else if (clock == CLOCK_BOOTTIME)
		ms = offsets[1];
	ns = out->tv_nsec + ms % 1000 * 1000000;
	out->tv_sec += ms / 1000 + (ns >= 1000000000) - (ns < 0);
	out->tv_nsec = (ns + 1000000000) % 1000000000;
	return 0;
}

int
fstatfs(int fd, struct statfs *out)
{
	int result = (int)syscall(SYS_fstatfs, fd, out);

	if (result == 0 && getenv("SHIM_FS") != NULL)
		out->f_type = strtol(getenv("SHIM_FS"), NULL, 10);
	return result;
}
"""


def build():
    """The library's path, or None where it cannot be made or loaded."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    with open(rt.RIPTIDED, "rb") as file:
        # A sanitizer wants to be loaded first.
        text = file.read()
        if compiler is None or b"__asan_init" in text or \
                b"__tsan_init" in text:
            return None
    directory = rt.scratch_dir()
    source = os.path.join(directory, "shim.c")
    library = os.path.join(directory, "shim.so")
    with open(source, "w", encoding="ascii") as file:
        file.write(_SOURCE)
    done = subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library,
                           source], check=False)
    return library if done.returncode == 0 else None


class Clock:
    """The clocks of all programs that are started with env()."""

    def __init__(self, library):
        self.library = library
        self.path = os.path.join(rt.scratch_dir(), "clock")
        self.wall_ms = 0
        self.passed_ms = 0
        self._write()

    def _write(self):
        with open(self.path, "r+b" if os.path.exists(self.path)
                  else "wb") as file:
            file.write(struct.pack("qq", self.wall_ms, self.passed_ms))

    def env(self):
        return {"LD_PRELOAD": self.library, "SHIM_CLOCK": self.path}

    def step(self, ms):
        """The wall clock jumps."""
        self.wall_ms += ms
        self._write()

    def pass_time(self, ms):
        """Time passes, on every clock."""
        self.passed_ms += ms
        self._write()
