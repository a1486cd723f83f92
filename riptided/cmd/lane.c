#include "riptided/cmd/lane.h"

#include <stdlib.h>
#include <string.h>

#include "libcommon/base/invariant.h"
#include "riptided/cmd/command.h"
#include "riptided/cmd/server_state.h"

static void
count_commands(struct rtd_lane *lane)
{
	size_t count = 0;

	rtd_command_table(&count);
	if (lane->commands == NULL)
		lane->commands = rt_alloc_zero(count,
		    sizeof(lane->commands[0]));
}

void
rtd_lane_open(struct rtd_server_state *server, struct rtd_lane *lane)
{
	rt_assert(server->lanes_count < RTD_LANES_MAX);
	lane->number = server->lanes_count;
	server->lanes[server->lanes_count++] = lane;
	if (lane->number == 0) {
		server->lane = lane;
		return;
	}
	count_commands(server->lanes[0]);
	count_commands(lane);
}

void
rtd_lane_close(struct rtd_lane *lane)
{
	size_t commands = 0;

	rtd_ahead_end(&lane->ahead);
	rtd_command_table(&commands);
	for (size_t i = 0; lane->commands != NULL && i < commands; i++)
		free(lane->commands[i].times);
	free(lane->commands);
	lane->commands = NULL;
}

uint64_t
rtd_lanes_counted(const struct rtd_server_state *server, enum rtd_counter which)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < server->lanes_count; i++)
		sum += rtd_lane_counted(server->lanes[i], which);
	return sum;
}

uint64_t
rtd_lanes_client_memory(const struct rtd_server_state *server)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < server->lanes_count; i++)
		sum += atomic_load_explicit(&server->lanes[i]->client_memory,
		    memory_order_relaxed);
	return sum;
}

void
rtd_lanes_reset(struct rtd_server_state *server)
{
	for (unsigned i = 0; i < server->lanes_count; i++)
		for (size_t j = 0; j < RTD_COUNT_PROTOCOL_ERRORS; j++)
			atomic_store_explicit(&server->lanes[i]->counts[j], 0,
			    memory_order_relaxed);
}

void
rtd_lane_ran(struct rtd_lane *lane, size_t command, uint64_t nsec)
{
	struct rtd_lane_command *counted = &lane->commands[command];

	if (RT_UNLIKELY(counted->times == NULL))
		counted->times = rt_alloc_zero(1, sizeof(*counted->times));
	counted->calls++;
	counted->nsec += nsec;
	rt_durations_add(counted->times, nsec);
}

static void
gather(struct rtd_command *command, struct rtd_lane_command *counted)
{
	if (counted->calls == 0)
		return;
	if (command->times == NULL)
		command->times = rt_alloc_zero(1, sizeof(*command->times));
	rt_durations_merge(command->times, counted->times);
	command->calls += counted->calls;
	command->nsec += counted->nsec;
	*counted->times = (struct rt_durations){ 0 };
	counted->calls = counted->nsec = 0;
}

void
rtd_lanes_gather(struct rtd_server_state *server)
{
	size_t commands = 0;
	struct rtd_command *table = rtd_command_table(&commands);

	for (unsigned i = 0; i < server->lanes_count; i++)
		for (size_t j = 0; j < commands &&
		     server->lanes[i]->commands != NULL; j++)
			gather(&table[j], &server->lanes[i]->commands[j]);
}
