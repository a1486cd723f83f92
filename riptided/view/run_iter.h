/* run_iter: the tables of one run, one after the other, each opened when its
 * turn comes. Thread: one at a time. */
#ifndef RIPTIDED_VIEW_RUN_ITER_H
#define RIPTIDED_VIEW_RUN_ITER_H

#include "libcommon/table/iter.h"
#include "riptided/view/view.h"

/* run: borrowed for the iterator's life, so the view must be held. */
struct rt_iter *rtd_run_iter_new(const struct rtd_view_run *run,
    unsigned flags);

#endif
