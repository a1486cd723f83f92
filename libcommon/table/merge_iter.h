/* merge_iter: k sorted inputs as one, newest version first (the order of
 * key.h); a loser tree. It owns its inputs. Thread: one at a time. */
#ifndef LIBCOMMON_TABLE_MERGE_ITER_H
#define LIBCOMMON_TABLE_MERGE_ITER_H

#include "libcommon/table/iter.h"

/* inputs: count pointers, taken over and freed with the merge, even when count
 * is 0. When two inputs hold an equal entry (same key and sequence, as after
 * an aborted publish) the input with the lower index comes first and both are
 * given; going backward, in the opposite order. An input's error ends the merge
 * with that error (IT3). A single input is the result. */
struct rt_iter *rt_merge_iter_new(struct rt_iter **inputs, size_t count);

/* The same for inputs of which all keys begin with the same `common` bytes:
 * they are not looked at, and what comes behind decides sooner. */
struct rt_iter *rt_merge_iter_new_common(struct rt_iter **inputs, size_t count,
    size_t common);

#endif
