#include "riptided/service.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "build-config.h"
#ifdef HAVE_SYSTEMD
#include <systemd/sd-daemon.h>
#endif

#include "libcommon/os/clock.h"

#ifdef HAVE_SYSTEMD

#define STATUS_EVERY_US UINT64_C(5000000)
/* While it loads, people look on. */
#define LOADING_STATUS_EVERY_US UINT64_C(1000000)
/* Each notice of a load asks for so much more time. */
#define LOADING_EXTENSION_US 60000000

void
rtd_service_open(struct rtd_service *service)
{
	*service = (struct rtd_service){ 0 };
	service->listens = getenv("NOTIFY_SOCKET") != NULL;
	if (sd_watchdog_enabled(0, &service->watchdog_us) <= 0)
		service->watchdog_us = 0;
}

/* To end a load that takes long would only make it begin again, so that as long
 * as the loop turns more time is asked for. */
static void
tell_loading(const struct rtd_server_state *state)
{
	uint64_t total = atomic_load(&state->loading.total_bytes);
	uint64_t loaded = atomic_load(&state->loading.loaded_bytes);

	sd_notifyf(0, "EXTEND_TIMEOUT_USEC=%d\n"
	    "STATUS=Loading: %" PRIu64 " of %" PRIu64 " MiB of the log",
	    LOADING_EXTENSION_US, loaded >> 20, total >> 20);
}

static void
tell_state(const struct rtd_server_state *state)
{
	struct rt_err err = { 0 };

	if (rtd_engine_write_state(state->engine, &err) == RT_OK)
		sd_notifyf(0, "STATUS=Serving %" PRIu64 " clients, %" PRIu64
		    " commands a second", state->connected_clients,
		    state->ops_per_sec);
	else
		sd_notifyf(0, "STATUS=Reads only: %s", err.text);
}

void
rtd_service_tick(struct rtd_service *service,
    const struct rtd_server_state *state)
{
	if (service->watchdog_us != 0 &&
	    state->now_us >= service->next_watchdog_us) {
		service->next_watchdog_us =
		    state->now_us + service->watchdog_us / 3;
		sd_notify(0, "WATCHDOG=1");
	}
	if (!service->listens || state->now_us < service->next_status_us)
		return;
	if (service->is_ready) {
		service->next_status_us = state->now_us + STATUS_EVERY_US;
		tell_state(state);
	} else {
		service->next_status_us =
		    state->now_us + LOADING_STATUS_EVERY_US;
		tell_loading(state);
	}
}

void
rtd_service_ready(struct rtd_service *service)
{
	service->is_ready = true;
	service->next_status_us = 0;
	sd_notify(0, "READY=1\nSTATUS=Serving");
}

void
rtd_service_reloading(const struct rtd_service *service)
{
	if (!service->is_ready)
		return;
	/* The time tells this reload from one that was asked for since. */
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
	    rt_clock_monotonic_ns(rt_clock_system()) / 1000);
}

void
rtd_service_reloaded(const struct rtd_service *service)
{
	if (service->is_ready)
		sd_notify(0, "READY=1");
}

void
rtd_service_stopping(const struct rtd_service *service)
{
	sd_notify(0, "STOPPING=1\nSTATUS=Bringing what is in memory to disk");
}

#else

void
rtd_service_open(struct rtd_service *service)
{
	*service = (struct rtd_service){ 0 };
}

void
rtd_service_tick(struct rtd_service *service,
    const struct rtd_server_state *state)
{
}

void
rtd_service_ready(struct rtd_service *service)
{
	service->is_ready = true;
}

void
rtd_service_reloading(const struct rtd_service *service)
{
}

void
rtd_service_reloaded(const struct rtd_service *service)
{
}

void
rtd_service_stopping(const struct rtd_service *service)
{
}

#endif
