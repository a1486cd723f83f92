# package: the Debian package, built, installed and used; needs root, a network and
# a quarter of an hour, so that `make check` does without.
#
#     make check-package
#     ROOT=DIRECTORY DEB=FILE make check-package
dist_noinst_SCRIPTS += tests/package/boot-root
EXTRA_DIST += tests/package/check_package.py tests/package/connect_always.py
check-package: all
	RTT_SRCDIR='$(abs_top_srcdir)' RTT_BUILDDIR='$(abs_top_builddir)' \
		python3 $(srcdir)/tests/package/check_package.py
.PHONY: check-package
