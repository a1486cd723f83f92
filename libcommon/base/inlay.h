/* inlay: bulks that stand between the bytes of a buffer without being copied
 * into it. The whole is the buffer's bytes up to the first inlay's place, the
 * inlay, the buffer's bytes up to the next one's place, and so on.
 * Thread: one owner at a time. */
#ifndef LIBCOMMON_BASE_INLAY_H
#define LIBCOMMON_BASE_INLAY_H

#include <stdint.h>
#include <sys/uio.h>

#include "libcommon/base/buf.h"
#include "libcommon/base/bulk.h"

struct rt_inlay {
	size_t at;		/* so many of the buffer's bytes are before */
	struct rt_slice bytes;	/* within the bulk */
	struct rt_bulk *bulk;	/* a reference */
};

/* In the order of their places. Inert when zeroed. */
struct rt_inlays {
	struct rt_inlay *items;
	size_t count, cap;
	uint64_t bytes;		/* of all together */
};

/* Let go of all, and free the list. */
void rt_inlays_fini(struct rt_inlays *inlays);

/* Add bytes of bulk, of which a reference is taken, at a place not before
 * that of the last. */
void rt_inlays_add(struct rt_inlays *inlays, size_t at, struct rt_slice bytes,
    struct rt_bulk *bulk);
/* Let go of the first `count`. */
void rt_inlays_drop_first(struct rt_inlays *inlays, size_t count);
/* Let go of those with an index from `from` on. */
void rt_inlays_drop_last(struct rt_inlays *inlays, size_t from);
/* Move all of `from` behind those of `to`, their places `shift` further on. */
void rt_inlays_move(struct rt_inlays *to, struct rt_inlays *from, size_t shift);
/* The buffer lost its first bytes: no inlay lies before `bytes`. */
void rt_inlays_shift(struct rt_inlays *inlays, size_t bytes);

/* The pieces of the whole, one after the other. Set the first two. */
struct rt_inlay_walk {
	struct rt_slice buffer;
	const struct rt_inlays *inlays;
	size_t at;		/* in the buffer */
	size_t next;		/* inlay */
};

/* False: that was all. Pieces are not empty. */
bool rt_inlay_walk_next(struct rt_inlay_walk *walk, struct rt_slice *piece);

#endif
