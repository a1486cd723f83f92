#include "riptided/net/floor.h"

#include "libcommon/base/invariant.h"
#include "riptided/cmd/command.h"
#include "riptided/net/conn.h"

/* The floor is had for a microsecond or so at a time: who looks again so often
 * mostly gets it without going to sleep. */
#define TRIES_MAX 64
/* A clock that went back by more has been set. */
#define STEP_BACK_MS 1000

static inline void
relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#endif
}

void
rtd_floor_open(struct rtd_floor *floor, struct rtd_server_state *server,
    struct rtd_loop *const *loops, unsigned count)
{
	rt_assert(count > 1 && count <= RTD_LANES_MAX);
	*floor = (struct rtd_floor){ .server = server, .count = count };
	rt_mutex_init(&floor->mu);
	for (unsigned i = 0; i < count; i++) {
		floor->loops[i] = loops[i];
		loops[i]->floor = floor;
		rt_mutex_init(&loops[i]->desk);
	}
	server->visit_client = rtd_floor_visit;
	server->leave_client = rtd_floor_unvisit;
}

void
rtd_floor_close(struct rtd_floor *floor)
{
	struct rtd_server_state *server = floor->server;

	if (server == NULL)
		return;
	for (unsigned i = 0; i < floor->count; i++) {
		floor->loops[i]->floor = NULL;
		rt_mutex_fini(&floor->loops[i]->desk);
	}
	server->visit_client = server->leave_client = NULL;
	server->lane = server->lanes[0];
	rt_mutex_fini(&floor->mu);
	*floor = (struct rtd_floor){ 0 };
}

/* -- the desk -- */

/* An engine appears while all loops stand still. */
static inline void
meet_engine(struct rtd_loop *loop)
{
	struct rtd_server_state *server = loop->server;

	if (RT_UNLIKELY(loop->lane.reader == NULL) && server->engine != NULL)
		loop->lane.reader = rtd_reader_new(server->engine);
}

void
rtd_desk_take(struct rtd_loop *loop) RT_NO_LOCK_CHECK
{
	rt_mutex_lock(&loop->desk);
	meet_engine(loop);
}

void
rtd_desk_leave(struct rtd_loop *loop) RT_NO_LOCK_CHECK
{
	rt_mutex_unlock(&loop->desk);
}

void
rtd_desk_make_way(struct rtd_loop *loop)
{
	if (RT_LIKELY(atomic_load_explicit(&loop->desk_wanted,
		memory_order_relaxed) == 0) || loop->on_floor)
		return;
	/* Who waits has the floor: behind him is behind what he does. */
	rtd_desk_leave(loop);
	rt_mutex_lock(&loop->floor->mu);
	rt_mutex_unlock(&loop->floor->mu);
	rtd_desk_take(loop);
}

/* FL3 */
void
rtd_desk_visit(struct rtd_loop *loop) RT_NO_LOCK_CHECK
{
	atomic_fetch_add(&loop->desk_wanted, 1);
	rt_mutex_lock(&loop->desk);
	atomic_fetch_sub(&loop->desk_wanted, 1);
}

/* -- the floor -- */

static bool
try_often(struct rtd_floor *floor) RT_NO_LOCK_CHECK
{
	for (int i = 0; i < TRIES_MAX; i++) {
		if (rt_mutex_try(&floor->mu))
			return true;
		relax();
	}
	return false;
}

bool
rtd_floor_come(struct rtd_loop *loop) RT_NO_LOCK_CHECK
{
	struct rtd_floor *floor = loop->floor;
	struct rtd_server_state *server = loop->server;

	if (loop->on_floor)
		return false;
	if (rt_mutex_try(&floor->mu)) {
		rtd_desk_leave(loop);
	} else {
		rtd_desk_leave(loop);
		if (!try_often(floor))
			rt_mutex_lock(&floor->mu);
		meet_engine(loop);
	}
	loop->on_floor = loop->was_on_floor = true;
	floor->holder = loop;
	server->lane = &loop->lane;
	server->now_ms = loop->lane.now_ms =
	    rtd_floor_now_ms(floor, loop->lane.now_ms);
	if (server->now_us < loop->lane.now_us)
		server->now_us = loop->lane.now_us;
	if (RT_UNLIKELY(server->deadlines.enabled))
		rtd_deadlines_tell(server);
	return true;
}

void
rtd_floor_go(struct rtd_loop *loop) RT_NO_LOCK_CHECK
{
	struct rtd_floor *floor = loop->floor;
	bool calm;

	if (!loop->on_floor)
		return;
	calm = rtd_server_is_calm(floor->server);
	if (calm != atomic_load_explicit(&floor->calm, memory_order_relaxed))
		atomic_store(&floor->calm, calm);
	if (RT_UNLIKELY(floor->server->shutdown_asked))
		rtd_loop_wake(floor->loops[0]);
	loop->on_floor = false;
	floor->holder = NULL;
	rt_mutex_lock(&loop->desk);
	rt_mutex_unlock(&floor->mu);
}

void
rtd_floor_clear(struct rtd_loop *loop)
{
	struct rtd_floor *floor = loop->floor;

	if (floor == NULL)
		return;
	rt_assert(floor->holder == loop && !floor->is_alone);
	for (unsigned i = 0; i < floor->count; i++)
		if (floor->loops[i] != loop)
			rtd_desk_visit(floor->loops[i]);
	floor->is_alone = true;
	rtd_lanes_gather(floor->server);
}

void
rtd_floor_admit(struct rtd_loop *loop)
{
	struct rtd_floor *floor = loop->floor;

	if (floor == NULL)
		return;
	rt_assert(floor->holder == loop && floor->is_alone);
	floor->is_alone = false;
	for (unsigned i = 0; i < floor->count; i++)
		if (floor->loops[i] != loop)
			rtd_desk_leave(floor->loops[i]);
}

void
rtd_floor_visit(struct rtd_server_state *server, struct rtd_client *client)
{
	struct rtd_loop *loop = ((struct rtd_conn *)client)->loop;

	if (rtd_floor_is_foreign(loop) && !loop->floor->is_alone)
		rtd_desk_visit(loop);
}

void
rtd_floor_unvisit(struct rtd_server_state *server, struct rtd_client *client)
{
	struct rtd_loop *loop = ((struct rtd_conn *)client)->loop;

	if (rtd_floor_is_foreign(loop) && !loop->floor->is_alone)
		rtd_desk_leave(loop);
}

void
rtd_floor_acked(struct rtd_loop *loop, uint64_t acked)
{
	struct rtd_floor *floor = loop->floor;

	atomic_store_explicit(&loop->awaits, true, memory_order_relaxed);
	if (floor->acked == acked)
		return;
	floor->acked = acked;
	for (unsigned i = 0; i < floor->count; i++)
		if (floor->loops[i] != loop &&
		    atomic_load_explicit(&floor->loops[i]->awaits,
			memory_order_relaxed))
			rtd_loop_wake(floor->loops[i]);
}

int64_t
rtd_floor_now_ms(struct rtd_floor *floor, int64_t now_ms)
{
	int64_t latest = atomic_load_explicit(&floor->now_ms,
	    memory_order_relaxed);

	while (latest < now_ms || latest - now_ms > STEP_BACK_MS)
		if (atomic_compare_exchange_weak(&floor->now_ms, &latest,
			now_ms))
			return now_ms;
	return latest;
}
