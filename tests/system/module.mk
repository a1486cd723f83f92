# system: the programs as a user sees them.
script_tests += \
	tests/system/test_bad_start.py \
	tests/system/test_big_values.py \
	tests/system/test_bench.py \
	tests/system/test_cold_reads.py \
	tests/system/test_checkpoint.py \
	tests/system/test_client_modes.py \
	tests/system/test_command_table.py \
	tests/system/test_commands.py \
	tests/system/test_compact_command.py \
	tests/system/test_compactor.py \
	tests/system/test_compare.py \
	tests/system/test_compactor_eyes.py \
	tests/system/test_units.py \
	tests/system/test_damaged_reads.py \
	tests/system/test_differential.py \
	tests/system/test_du.py \
	tests/system/test_http.py \
	tests/system/test_idle_clients.py \
	tests/system/test_info.py \
	tests/system/test_live.py \
	tests/system/test_load.py \
	tests/system/test_loading.py \
	tests/system/test_manuals.py \
	tests/system/test_logs.py \
	tests/system/test_memory_limit.py \
	tests/system/test_notifications.py \
	tests/system/test_package.py \
	tests/system/test_passwords.py \
	tests/system/test_metrics.py \
	tests/system/test_nothing_blocks.py \
	tests/system/test_policy.py \
	tests/system/test_prometheus.py \
	tests/system/test_protocol.py \
	tests/system/test_pubsub.py \
	tests/system/test_recovery.py \
	tests/system/test_repair.py \
	tests/system/test_riptide_tool.py \
	tests/system/test_sandbox.py \
	tests/system/test_service.py \
	tests/system/test_snapshots.py \
	tests/system/test_second_compactor.py \
	tests/system/test_spawn.py \
	tests/system/test_table_document.py \
	tests/system/test_tls.py \
	tests/system/test_tombstone_age.py \
	tests/system/test_transactions.py \
	tests/system/test_window.py
# make differential COMMANDS=2000000 SEED=1: replies beside those of
# redis-server, for longer than `make check` has time.
differential: all
	RTT_SRCDIR=$(abs_top_srcdir) RTT_BUILDDIR=$(abs_builddir) \
		RTT_COMMANDS=$${COMMANDS:-2000000} RTT_SEED=$${SEED:-1} \
		python3 $(srcdir)/tests/system/test_differential.py
.PHONY: differential

tests/system/test_http.log tests/system/test_loading.log \
	tests/system/test_service.log: tests/support/sick_disk.so
