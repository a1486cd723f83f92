#include "libcommon/base/invariant.h"
#include "riptided/engine/engine_state.h"
#include "riptided/view/view_trace.h"

void
rtd_reader_trace(struct rtd_reader *reader, struct rt_slice key,
    struct rtd_trace *out)
{
	struct rtd_engine *engine = reader->engine;
	uint64_t drop_seq = 0;
	uint32_t keyspace;

	rt_assert(key.len >= RT_KEY_PREFIX_BYTES);
	keyspace = (uint32_t)key.data[0] << 24 | (uint32_t)key.data[1] << 16 |
	    (uint32_t)key.data[2] << 8 | key.data[3];
	if (keyspace < RTD_KEYSPACES_MAX)
		drop_seq = atomic_load(&engine->drops[keyspace]);
	(void)rtd_reader_view(reader);
	rtd_epoch_enter(reader->epochs, &reader->slot);
	rtd_view_trace(reader->view, key, atomic_load(&engine->visible_seq),
	    drop_seq, out);
}
