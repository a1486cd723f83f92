/* service: what the service manager that started us is told, by the protocol of
 * systemd (sd_notify(3)): that the data is loaded, that the loop still turns,
 * a line for people, that options are read again, that we end. Nothing happens
 * where there is none. Thread: main. */
#ifndef RIPTIDED_SERVICE_H
#define RIPTIDED_SERVICE_H

#include "riptided/cmd/server_state.h"

/* Inert when zeroed. */
struct rtd_service {
	bool listens;			/* there is a manager */
	bool is_ready;
	uint64_t watchdog_us;		/* its patience; 0: it has no watchdog */
	uint64_t next_watchdog_us;	/* monotonic */
	uint64_t next_status_us;
};

void rtd_service_open(struct rtd_service *service);

/* Ten times a second. */
void rtd_service_tick(struct rtd_service *service,
    const struct rtd_server_state *state);

/* The data is loaded. */
void rtd_service_ready(struct rtd_service *service);

/* Options are about to be read again, and were. */
void rtd_service_reloading(const struct rtd_service *service);
void rtd_service_reloaded(const struct rtd_service *service);

void rtd_service_stopping(const struct rtd_service *service);

#endif
