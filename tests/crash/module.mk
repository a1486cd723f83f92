# crash: real processes killed and stopped under load. crash_loop.py is short
# here; make crash-long lengthens it.
script_tests += tests/crash/crash_loop.py tests/crash/test_oracle.py \
	tests/crash/test_races.py tests/crash/test_stopped_compactor.py
EXTRA_DIST += tests/crash/life.py tests/crash/load.py tests/crash/oracle.py \
	tests/crash/programs.py tests/crash/tsan.supp
if PLAIN_FLAVOUR
tests/crash/test_races.log: tsan-programs
endif

# The two programs of the same objects, and what acts at RT_CRASHPOINT.
test_programs += tests/crash/riptided tests/crash/riptide-compactd
tests_crash_riptided_SOURCES = $(riptided_riptided_SOURCES) \
	libcommon/os/crashpoint.c
tests_crash_riptided_LDADD = $(riptided_riptided_LDADD)
tests_crash_riptide_compactd_SOURCES = \
	$(riptide_compactd_riptide_compactd_SOURCES) libcommon/os/crashpoint.c
tests_crash_riptide_compactd_LDADD = \
	$(riptide_compactd_riptide_compactd_LDADD)
