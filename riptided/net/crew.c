#include "riptided/net/crew.h"

#include <pthread.h>
#include <stdlib.h>

#include "libcommon/base/invariant.h"
#include "libcommon/daemon/log.h"
#include "libcommon/os/mutex.h"
#include "riptided/net/client_memory.h"
#include "riptided/net/floor.h"

#define TICKS_PER_SECOND 10

struct member {
	struct rtd_loop loop;
	pthread_t thread;
	struct event *tick_event;
	unsigned ticks;
	uint64_t patience_us;		/* before is_stopping */
	atomic_bool is_stopping;
	bool runs;
};

struct rtd_crew {
	struct rtd_floor floor;
	struct rtd_loop *first;
	unsigned count;			/* of members */
	struct member members[];
};

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct member *member = arg;
	struct rtd_loop *loop = &member->loop;

	rtd_loop_begin_turn(loop);
	rtd_floor_take(loop);
	rtd_loop_tick(loop);
	rtd_client_memory_configure(loop);
	if (member->ticks++ % TICKS_PER_SECOND == 0) {
		/* The first loop tells when it is not well formed. */
		(void)rtd_loop_config_changed(loop);
		rtd_loop_check_times(loop);
	}
	rtd_floor_leave(loop);
}

static enum rt_code
open_member(struct member *member, struct rtd_server_state *server,
    struct rt_err *err)
{
	static const struct timeval tick = {
		.tv_usec = 1000000 / TICKS_PER_SECOND };
	enum rt_code code = rtd_loop_open(&member->loop, server, err);

	if (code != RT_OK)
		return code;
	member->tick_event = event_new(member->loop.base, -1, EV_PERSIST,
	    on_tick, member);
	rt_assert(member->tick_event != NULL);
	event_add(member->tick_event, &tick);
	return RT_OK;
}

enum rt_code
rtd_crew_open(struct rtd_crew **out, struct rtd_loop *first, unsigned loops,
    struct rt_err *err)
{
	struct rtd_crew *crew;
	struct rtd_loop *all[RTD_LANES_MAX] = { first };
	enum rt_code code = RT_OK;

	*out = NULL;
	if (loops <= 1)
		return RT_OK;
	rt_assert(loops <= RTD_LANES_MAX);
	crew = rt_alloc_zero(1, sizeof(*crew) +
	    (loops - 1) * sizeof(crew->members[0]));
	*out = crew;
	crew->first = first;
	for (; code == RT_OK && crew->count < loops - 1; crew->count++) {
		struct member *member = &crew->members[crew->count];

		code = open_member(member, first->server, err);
		all[crew->count + 1] = &member->loop;
	}
	if (code == RT_OK)
		rtd_floor_open(&crew->floor, first->server, all, loops);
	return code;
}

static void *
serve(void *arg)
{
	struct member *member = arg;
	struct rtd_loop *loop = &member->loop;

	/* Homes of the pool and loops have the same numbers. */
	rtd_pool_go_home(loop->lane.number);
	while (!atomic_load(&member->is_stopping))
		rtd_loop_turn(loop);
	rtd_loop_drain(loop, member->patience_us);
	return NULL;
}

void
rtd_crew_start(struct rtd_crew *crew)
{
	if (crew == NULL)
		return;
	for (unsigned i = 0; i < crew->count; i++) {
		struct member *member = &crew->members[i];
		unsigned home = rtd_pool_add_home(crew->first->server->pool,
		    rtd_loop_wake, &member->loop);

		rt_assert(home == member->loop.lane.number);
	}
	for (unsigned i = 0; i < crew->count; i++) {
		struct member *member = &crew->members[i];

		member->runs = true;
		rt_thread_start(&member->thread, "riptided-loop", serve,
		    member);
	}
	rt_log(RT_LOG_NOTICE, "net", "several loops serve", "loops=%u",
	    crew->count + 1);
}

void
rtd_crew_set_tls(struct rtd_crew *crew, struct ssl_ctx_st *tls)
{
	for (unsigned i = 0; crew != NULL && i < crew->count; i++)
		crew->members[i].loop.tls = tls;
}

bool
rtd_crew_accept(struct rtd_crew *crew, int fd, const struct rtd_door *door)
{
	struct rtd_loop *best;
	size_t least;

	if (crew == NULL)
		return false;
	best = crew->first;
	least = best->conns;
	for (unsigned i = 0; i < crew->count; i++) {
		struct rtd_loop *loop = &crew->members[i].loop;

		if (loop->conns + loop->arriving < least) {
			least = loop->conns + loop->arriving;
			best = loop;
		}
	}
	if (best == crew->first)
		return false;
	rtd_desk_visit(best);
	rtd_loop_hand_over(best, fd, door);
	rtd_desk_leave(best);
	return true;
}

bool
rtd_crew_has_arrivals(const struct rtd_crew *crew)
{
	for (unsigned i = 0; crew != NULL && i < crew->count; i++)
		if (crew->members[i].loop.arriving != 0)
			return true;
	return false;
}

void
rtd_crew_wake(struct rtd_crew *crew)
{
	for (unsigned i = 0; crew != NULL && i < crew->count; i++)
		rtd_loop_wake(&crew->members[i].loop);
}

void
rtd_crew_ask_to_stop(struct rtd_crew *crew, uint64_t patience_us)
{
	for (unsigned i = 0; crew != NULL && i < crew->count; i++) {
		crew->members[i].patience_us = patience_us;
		atomic_store(&crew->members[i].is_stopping, true);
	}
	rtd_crew_wake(crew);
}

void
rtd_crew_stop(struct rtd_crew *crew)
{
	if (crew == NULL)
		return;
	rtd_loop_rest(crew->first);
	for (unsigned i = 0; i < crew->count; i++) {
		if (crew->members[i].runs)
			rt_thread_join(crew->members[i].thread);
		crew->members[i].runs = false;
	}
	rtd_floor_close(&crew->floor);
}

void
rtd_crew_close(struct rtd_crew *crew)
{
	if (crew == NULL)
		return;
	for (unsigned i = 0; i < crew->count; i++) {
		if (crew->members[i].tick_event != NULL)
			event_free(crew->members[i].tick_event);
		rtd_loop_close(&crew->members[i].loop);
	}
	free(crew);
}
