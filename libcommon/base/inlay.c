#include "libcommon/base/inlay.h"

#include <stdlib.h>

#include "libcommon/base/invariant.h"

static void
let_go(struct rt_inlays *inlays, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		inlays->bytes -= inlays->items[i].bytes.len;
		rt_bulk_unref(inlays->items[i].bulk);
	}
}

void
rt_inlays_fini(struct rt_inlays *inlays)
{
	let_go(inlays, 0, inlays->count);
	free(inlays->items);
	*inlays = (struct rt_inlays){ 0 };
}

static void
make_room(struct rt_inlays *inlays, size_t extra)
{
	if (inlays->cap - inlays->count >= extra)
		return;
	inlays->cap = inlays->cap * 2 + extra;
	inlays->items = rt_realloc(inlays->items,
	    inlays->cap * sizeof(inlays->items[0]));
}

void
rt_inlays_add(struct rt_inlays *inlays, size_t at, struct rt_slice bytes,
    struct rt_bulk *bulk)
{
	rt_assert(inlays->count == 0 ||
	    inlays->items[inlays->count - 1].at <= at);
	make_room(inlays, 1);
	inlays->items[inlays->count++] = (struct rt_inlay){
		.at = at,
		.bytes = bytes,
		.bulk = rt_bulk_ref(bulk),
	};
	inlays->bytes += bytes.len;
}

void
rt_inlays_drop_first(struct rt_inlays *inlays, size_t count)
{
	if (count == inlays->count) {
		rt_inlays_fini(inlays);
		return;
	}
	let_go(inlays, 0, count);
	inlays->count -= count;
	memmove(inlays->items, inlays->items + count,
	    inlays->count * sizeof(inlays->items[0]));
}

void
rt_inlays_drop_last(struct rt_inlays *inlays, size_t from)
{
	let_go(inlays, from, inlays->count);
	inlays->count = from;
}

void
rt_inlays_move(struct rt_inlays *to, struct rt_inlays *from, size_t shift)
{
	make_room(to, from->count);
	for (size_t i = 0; i < from->count; i++) {
		to->items[to->count] = from->items[i];
		to->items[to->count++].at += shift;
	}
	to->bytes += from->bytes;
	free(from->items);
	*from = (struct rt_inlays){ 0 };
}

void
rt_inlays_shift(struct rt_inlays *inlays, size_t bytes)
{
	for (size_t i = 0; i < inlays->count; i++) {
		rt_assert(inlays->items[i].at >= bytes);
		inlays->items[i].at -= bytes;
	}
}

bool
rt_inlay_walk_next(struct rt_inlay_walk *walk, struct rt_slice *piece)
{
	const struct rt_inlays *inlays = walk->inlays;
	const struct rt_inlay *inlay =
	    inlays != NULL && walk->next < inlays->count
	    ? &inlays->items[walk->next]
	    : NULL;
	size_t end = walk->buffer.len;

	if (inlay != NULL && inlay->at < end)
		end = inlay->at;
	if (walk->at < end) {
		*piece = rt_slice(walk->buffer.data + walk->at,
		    end - walk->at);
		walk->at = end;
		return true;
	}
	if (inlay == NULL)
		return false;
	walk->next++;
	*piece = inlay->bytes;
	return piece->len != 0 || rt_inlay_walk_next(walk, piece);
}
