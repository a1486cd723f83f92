#include "riptided/engine/memory.h"

#include "libcommon/daemon/option.h"

#define RESERVE_PART 16
#define MEMTABLES_PART 4
#define CLIENTS_PART 8
#define TABLES_PART 4
#define ARGUMENT_PART 16
#define SPARES_UNBOUNDED 2

static uint64_t
lower(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* The size that stands in the configuration, or no bound when nobody chose
 * it. */
static uint64_t
chosen_cache(const struct rt_config *config)
{
	const struct rt_option *option =
	    rt_option_find(rt_slice_cstr("block-cache-size"));

	return config->block_cache_size == (uint64_t)option->def
	    ? UINT64_MAX : config->block_cache_size;
}

void
rtd_memory_shares(const struct rt_config *config,
    struct rtd_memory_shares *out)
{
	uint64_t limit = config->memory_limit;
	uint64_t memtables = limit / MEMTABLES_PART;
	uint64_t clients = limit / CLIENTS_PART;

	if (limit == 0) {
		*out = (struct rtd_memory_shares){
			.memtable = config->memtable_size,
			.memtables = UINT64_MAX,
			.tables = UINT64_MAX,
			.blocks = config->block_cache_size,
			.tables_and_blocks = UINT64_MAX,
			.clients = UINT64_MAX,
			.argument = config->proto_max_bulk_len,
			.spares = SPARES_UNBOUNDED,
		};
		return;
	}
	/* A quarter of a memtable goes to its index, its sorted views and the
	 * chunk that is not full yet. One memtable more than may hold entries
	 * is kept for reuse, or still read by an iterator. */
	*out = (struct rtd_memory_shares){
		.limit = limit,
		.memtable = lower(config->memtable_size, memtables / 4 * 3 /
		    (uint64_t)(config->memtable_max_count + 1)),
		.memtables = memtables / 4 * 3,
		.tables = limit / TABLES_PART,
		.tables_and_blocks =
		    limit - limit / RESERVE_PART - memtables - clients,
		.clients = clients,
		.argument =
		    lower(config->proto_max_bulk_len, limit / ARGUMENT_PART),
		.spares = 1,
	};
	out->blocks = lower(chosen_cache(config), out->tables_and_blocks);
}

uint64_t
rtd_memory_open_tables(uint64_t files, uint64_t clients)
{
	uint64_t others = clients + RTD_OTHER_FILES;

	return files > others + RTD_OPEN_TABLES_MIN ? files - others
						    : RTD_OPEN_TABLES_MIN;
}
