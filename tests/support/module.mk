# support: what tests share.
check_LIBRARIES += tests/support/libsupport.a
tests_support_libsupport_a_SOURCES = \
	tests/support/cow_bytes.c tests/support/cow_bytes.h \
	tests/support/mem_fs.c tests/support/mem_fs.h \
	tests/support/record_fs.c tests/support/record_fs.h \
	tests/support/draw_manifest.c tests/support/draw_manifest.h \
	tests/support/call_sites.c tests/support/call_sites.h \
	tests/support/dir_image.c tests/support/dir_image.h \
	tests/support/fault_fs.c tests/support/fault_fs.h \
	tests/support/reply_check.c tests/support/reply_check.h \
	tests/support/runner.c tests/support/runner.h \
	tests/support/scratch_dir.c tests/support/scratch_dir.h \
	tests/support/text_cases.c tests/support/text_cases.h
EXTRA_DIST += tests/support/http_client.py tests/support/redis_peer.py tests/support/riptide_test.py \
	tests/support/side_by_side.py tests/support/tls_files.py

# In front of the programs, by LD_PRELOAD.
tests/support/sick_disk.so: tests/support/sick_disk.c
	@$(MKDIR_P) tests/support
	$(CC) -D_GNU_SOURCE -O1 -fPIC -shared -o $@ \
		$(srcdir)/tests/support/sick_disk.c
CLEANFILES += tests/support/sick_disk.so
EXTRA_DIST += tests/support/sick_disk.c
