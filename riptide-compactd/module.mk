# riptide-compactd: merges levels and publishes manifests.
noinst_LIBRARIES += riptide-compactd/libriptide-compactd.a
riptide_compactd_libriptide_compactd_a_SOURCES = \
	riptide-compactd/aging.c riptide-compactd/aging.h \
	riptide-compactd/auto_rate.c riptide-compactd/auto_rate.h \
	riptide-compactd/budget.c riptide-compactd/budget.h \
	riptide-compactd/claims.c riptide-compactd/claims.h \
	riptide-compactd/compactor.c riptide-compactd/compactor.h \
	riptide-compactd/database.c riptide-compactd/database.h \
	riptide-compactd/job.c riptide-compactd/job.h \
	riptide-compactd/job_report.c riptide-compactd/job_report.h \
	riptide-compactd/job_runner.c riptide-compactd/job_runner.h \
	riptide-compactd/levels.c riptide-compactd/levels.h \
	riptide-compactd/limits.c riptide-compactd/limits.h \
	riptide-compactd/merger.c riptide-compactd/merger.h \
	riptide-compactd/pace.c riptide-compactd/pace.h \
	riptide-compactd/picker.c riptide-compactd/picker.h \
	riptide-compactd/picker_targets.c \
	riptide-compactd/plan.c riptide-compactd/plan.h \
	riptide-compactd/progress.c riptide-compactd/progress.h \
	riptide-compactd/progress_bar.c riptide-compactd/progress_bar.h \
	riptide-compactd/progress_record.c \
	riptide-compactd/progress_record.h \
	riptide-compactd/publisher.c riptide-compactd/publisher.h \
	riptide-compactd/quarantine.c riptide-compactd/quarantine.h \
	riptide-compactd/range_merge.c riptide-compactd/range_merge.h \
	riptide-compactd/ranges.c riptide-compactd/ranges.h \
	riptide-compactd/rehearsal.c riptide-compactd/rehearsal.h \
	riptide-compactd/resume.c riptide-compactd/resume.h \
	riptide-compactd/retention.c riptide-compactd/retention.h \
	riptide-compactd/scrub.c riptide-compactd/scrub.h \
	riptide-compactd/spans.c riptide-compactd/spans.h \
	riptide-compactd/sweeper.c riptide-compactd/sweeper.h \
	riptide-compactd/table_chain.c riptide-compactd/table_chain.h \
	riptide-compactd/throttle.c riptide-compactd/throttle.h \
	riptide-compactd/tiers.c riptide-compactd/tiers.h \
	riptide-compactd/workers.c riptide-compactd/workers.h

sbin_PROGRAMS += riptide-compactd/riptide-compactd
riptide_compactd_riptide_compactd_SOURCES = riptide-compactd/main.c
riptide_compactd_riptide_compactd_LDADD = \
	riptide-compactd/libriptide-compactd.a $(DAEMON_LIBS) $(COMMON_LIBS) \
	$(COMMON_SYSTEM_LIBS)
EXTRA_DIST += docs/compaction.md
