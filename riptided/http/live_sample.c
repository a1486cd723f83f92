#include "riptided/http/live_sample.h"

#include <inttypes.h>
#include <stdlib.h>

#include "libcommon/base/durations.h"
#include "libcommon/base/hash.h"
#include "libcommon/base/invariant.h"
#include "libcommon/table/key.h"
#include "libcommon/table/table_reader.h"
#include "riptided/cmd/command.h"
#include "riptided/http/json.h"
#include "riptided/view/view.h"

/* Times are told as how many were below 2^bits ns, for these bits: from a
 * quarter of a microsecond to half a minute. */
#define BITS_MIN 8
#define BITS_MAX 35

/* -- commands -- */

struct commands {
	uint64_t calls;
	struct rt_durations times;
};

static void
put_commands(struct rt_buf *out, const char *name,
    const struct commands *commands)
{
	rt_buf_printf(out, ",\"%s\":{\"calls\":%" PRIu64 ",\"below\":[", name,
	    commands->calls);
	for (unsigned bits = BITS_MIN; bits <= BITS_MAX; bits++)
		rt_buf_printf(out, "%s%" PRIu64, bits > BITS_MIN ? "," : "",
		    rt_durations_below(&commands->times, bits));
	rt_buf_printf(out, "]}");
}

/* Those that read keys, and those that write them. */
static void
put_all_commands(struct rt_buf *out)
{
	struct commands *sums = rt_alloc_zero(2, sizeof(*sums));
	size_t count;
	const struct rtd_command *table = rtd_command_table(&count);

	for (size_t i = 0; i < count; i++) {
		bool writes = (table[i].flags & RTD_CMD_WRITE) != 0;

		if (table[i].times == NULL || table[i].first_key == 0)
			continue;
		sums[writes].calls += table[i].calls;
		rt_durations_merge(&sums[writes].times, table[i].times);
	}
	put_commands(out, "reads", &sums[false]);
	put_commands(out, "writes", &sums[true]);
	free(sums);
}

/* -- memory and log -- */

static void
put_memtables(struct rt_buf *out, struct rtd_engine *engine)
{
	struct rtd_memtable_look looks[RTD_MEMTABLES_MAX + 1];
	size_t count = rtd_engine_memtables(engine, looks, RT_COUNTOF(looks));

	rt_buf_printf(out, ",\"memtables\":[");
	for (size_t i = 0; i < count; i++)
		rt_buf_printf(out, "%s[%" PRIu64 ",%" PRIu64 ",%" PRIu64 "]",
		    i != 0 ? "," : "", looks[i].bytes, looks[i].bytes_max,
		    looks[i].entries);
	rt_buf_printf(out, "]");
}

static void
put_engine(struct rt_buf *out, const struct rtd_engine_stats *e)
{
	rt_buf_printf(out, ",\"wal\":{\"segments\":%" PRIu64 ",\"bytes\":%"
	    PRIu64 ",\"written\":%" PRIu64 ",\"syncs\":%" PRIu64
	    ",\"visible\":%" PRIu64 ",\"in_file\":%" PRIu64
	    ",\"durable\":%" PRIu64 "}",
	    e->wal_segments, e->wal_bytes, e->wal_bytes_written, e->wal_syncs,
	    e->visible_seq, e->written_seq, e->durable_seq);
	rt_buf_printf(out, ",\"flushes\":%" PRIu64 ",\"flush_bytes\":%" PRIu64
	    ",\"user_bytes\":%" PRIu64 ",\"generation\":%" PRIu64
	    ",\"obsolete\":%" PRIu64 ",\"snapshots\":%" PRIu64,
	    e->flushes, e->flush_bytes, e->user_bytes_written,
	    e->manifest_generation, e->obsolete_files, e->snapshots);
	rt_buf_printf(out, ",\"cache\":{\"bytes\":%" PRIu64 ",\"max\":%" PRIu64
	    ",\"hits\":%" PRIu64 ",\"misses\":%" PRIu64
	    "},\"filtered\":%" PRIu64, e->cache.bytes, e->block_cache_max,
	    e->cache.hits, e->cache.misses, rt_table_filter_useful());
}

/* -- a key -- */

/* A bound of some table, or the same with a byte behind it, which is hardly
 * anybody's key. */
static void
pick_key(const struct rt_manifest *manifest, uint64_t random,
    struct rt_buf *out)
{
	const struct rt_manifest_run *run;
	const struct rt_manifest_table *table;

	if (manifest->runs_count == 0)
		return;
	run = &manifest->runs[random % manifest->runs_count];
	random /= manifest->runs_count;
	table = &run->tables[random % run->tables_count];
	random /= run->tables_count;
	rt_buf_append_slice(out, random % 2 != 0 ? table->smallest
						 : table->largest);
	if (random / 2 % 4 == 0)
		rt_buf_append_byte(out, 0xff);
}

static void
follow_key(struct rtd_server_state *server, struct rt_slice user_key,
    struct rtd_answer *out)
{
	uint8_t now[8], prefix[RT_KEY_PREFIX_BYTES];

	for (size_t i = 0; i < sizeof(now); i++)
		now[i] = (uint8_t)(server->now_us >> 8 * i);
	if (user_key.len != 0) {
		rt_key_put_prefix(prefix,
		    rtd_engine_keyspace(server->engine, 0),
		    RT_KEY_KIND_STRING);
		rt_buf_append(&out->key, prefix, sizeof(prefix));
		rt_buf_append_slice(&out->key, user_key);
	} else {
		pick_key(out->manifest,
		    rt_hash64(rt_slice(now, sizeof(now))), &out->key);
	}
	if (out->key.len != 0)
		rtd_reader_trace(server->lane->reader,
		    rt_buf_slice(&out->key), &out->trace);
}

/* -- all -- */

static void
put_loading(struct rtd_server_state *server, struct rt_buf *out)
{
	rt_buf_printf(out, ",\"state\":\"loading\",\"loaded\":[%" PRIu64
	    ",%" PRIu64 "]", atomic_load(&server->loading.loaded_bytes),
	    atomic_load(&server->loading.total_bytes));
}

void
rtd_live_sample(struct rtd_server_state *server, struct rt_slice user_key,
    struct rtd_answer *out)
{
	struct rt_buf *text = &out->text;
	struct rtd_engine_stats stats;

	out->status = 200;
	rt_buf_printf(text, "\"now\":%" PRId64 ",\"up\":%" PRId64
	    ",\"run\":\"%.8s\",\"clients\":%" PRIu64, server->now_ms,
	    (server->now_ms - server->started_ms) / 1000, server->run_id,
	    server->connected_clients);
	if (server->engine == NULL) {
		put_loading(server, text);
		return;
	}
	rtd_engine_get_stats(server->engine, &stats);
	rt_buf_printf(text, ",\"state\":\"%s\",\"why\":",
	    stats.write_error[0] != '\0' ? "read-only" : "ready");
	rtd_json_text(text, rt_slice_cstr(stats.write_error));
	put_engine(text, &stats);
	put_memtables(text, server->engine);
	put_all_commands(text);
	rt_buf_printf(text, ",\"hits\":%" PRIu64 ",\"misses\":%" PRIu64,
	    rtd_lanes_counted(server, RTD_COUNT_HITS),
	    rtd_lanes_counted(server, RTD_COUNT_MISSES));
	out->manifest = rtd_engine_manifest(server->engine);
	follow_key(server, user_key, out);
}
