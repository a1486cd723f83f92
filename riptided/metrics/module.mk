# metrics: what the daemon counts, as Prometheus reads it.
EXTRA_DIST += docs/monitoring.md
noinst_LIBRARIES += riptided/metrics/libmetrics.a
riptided_metrics_libmetrics_a_SOURCES = \
	riptided/metrics/exposition.c riptided/metrics/exposition.h \
	riptided/metrics/gather.h \
	riptided/metrics/gather_compactor.c \
	riptided/metrics/gather_storage.c \
	riptided/metrics/metrics.c riptided/metrics/metrics.h
