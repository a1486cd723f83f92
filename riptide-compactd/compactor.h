/* compactor: wait, load, pick, have it merged and published, sweep: one function
 * a step. Thread: main. Merges have threads of their own (workers.h). */
#ifndef RIPTIDE_COMPACTD_COMPACTOR_H
#define RIPTIDE_COMPACTD_COMPACTOR_H

#include "libcommon/daemon/config.h"
#include "libcommon/os/clock.h"
#include "libcommon/os/fs.h"

struct rtc_compactor;

struct rtc_options {
	struct rt_fs *fs;
	struct rt_clock *clock;
	struct rt_config *config;	/* borrowed, and reloaded on HUP */
	bool once;		/* end when nothing is due */
	bool full;		/* merge everything down, then end */
	uint64_t budget_s;	/* end after so long; 0: none */
	bool wait;		/* for the role, while another process has it */
	int signal_fd;		/* from rt_lifecycle_open(), or -1 */
	const char *sandbox;	/* for the status: rt_sandbox_state; NULL: off */
	/* Called for SIGHUP. */
	void (*reload)(void *arg);
	void *reload_arg;
};

/* Open the directory, take the compactor's role and claim its epoch. A
 * directory that is not a database: RT_ENOTFOUND, and nothing is created.
 * RT_ELOCKED: another process has the role, and with wait had it until the
 * budget was spent. RT_ESTOPPED: a signal ended the wait. */
RT_MUST_USE enum rt_code rtc_compactor_open(struct rtc_compactor **out,
    const struct rtc_options *options, struct rt_err *err);

/* Work until told to stop, until the budget is spent, or with once or full until
 * nothing is due. Errors
 * of a job are logged and tried again later, unless once or full is set.
 * RT_EFENCED: another compactor took the role. RT_EFORMAT: a newer program has
 * published what this one must not change. */
RT_MUST_USE enum rt_code rtc_compactor_run(struct rtc_compactor *compactor,
    struct rt_err *err);

/* One line in the log: why it ended, what it did, and the exit status that
 * follows from code. */
void rtc_compactor_log_end(const struct rtc_compactor *compactor,
    enum rt_code code, const struct rt_err *err);

void rtc_compactor_close(struct rtc_compactor *compactor);

#endif
