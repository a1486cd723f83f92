# tests: every single test counts once, in TAP. A libcheck program is added to
# unit_tests by the module.mk beside it; a script to script_tests.
TEST_EXTENSIONS = .py .sh
TAP_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
LOG_DRIVER = $(TAP_DRIVER)
PY_LOG_DRIVER = $(TAP_DRIVER)
PY_LOG_COMPILER = python3
SH_LOG_DRIVER = $(TAP_DRIVER)
SH_LOG_COMPILER = $(SHELL)
AM_TESTS_ENVIRONMENT = RTT_TAP=1; export RTT_TAP; \
	PYTHONDONTWRITEBYTECODE=1; export PYTHONDONTWRITEBYTECODE; \
	RTT_SRCDIR='$(abs_top_srcdir)'; export RTT_SRCDIR; \
	RTT_BUILDDIR='$(abs_top_builddir)'; export RTT_BUILDDIR;

include tests/support/module.mk
include tests/unit/libcommon/base/module.mk
include tests/unit/libcommon/os/module.mk
include tests/unit/libcommon/table/module.mk
include tests/unit/libcommon/manifest/module.mk
include tests/unit/libcommon/daemon/module.mk
include tests/unit/riptided/module.mk
include tests/unit/riptide-compactd/module.mk
include tests/unit/bench/module.mk
include tests/fault/module.mk
include tests/damage/module.mk
include tests/powercut/module.mk
include tests/crash/module.mk
include tests/compactor/module.mk
include tests/hazard/module.mk
include tests/package/module.mk
include tests/system/module.mk
include tests/clients/module.mk
include tests/page/module.mk
include tests/linearizability/module.mk
include tests/model/module.mk
include tests/hypothesis/module.mk
include tests/fuzz/module.mk

check_PROGRAMS = $(unit_tests) $(test_programs)
TESTS = $(unit_tests) $(script_tests)
dist_check_SCRIPTS = $(script_tests)

# The libcheck programs alone, for the sanitized builds.
check-unit: $(unit_tests)
	$(MAKE) check TESTS="$(unit_tests)" check_PROGRAMS="$(unit_tests)"
.PHONY: check-unit

# What a test program without lines of its own is linked with.
LDADD = tests/support/libsupport.a $(COMMON_LIBS) $(COMMON_SYSTEM_LIBS) $(CHECK_LIBS)
