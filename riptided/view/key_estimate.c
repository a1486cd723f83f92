#include "riptided/view/key_estimate.h"

#include "libcommon/base/invariant.h"

/* A part of the union whose number is known. */
static void
note_base(struct rtd_key_estimate *estimate, uint64_t keys,
    const struct rt_key_sketch *sketch)
{
	if (keys <= estimate->base)
		return;
	estimate->base = keys;
	estimate->base_about = rt_key_sketch_estimate(sketch);
}

static double
union_now(const struct rtd_key_estimate *estimate)
{
	return rt_key_sketch_estimate(&estimate->all) - estimate->base_about +
	    (double)estimate->base;
}

void
rtd_key_estimate_add(struct rtd_key_estimate *estimate,
    const struct rtd_key_layer *layer)
{
	double before;

	if (layer->keys == 0)
		return;
	estimate->keys += layer->keys;
	estimate->live += layer->live;
	estimate->expiring += layer->expiring;
	estimate->expire_sum_ms += layer->expire_sum_ms;
	if (estimate->layers++ == 0) {
		/* Nothing newer: the dead keys are known. */
		estimate->dead = (double)(layer->keys - layer->live);
		rt_key_sketch_merge(&estimate->all, layer->all);
		note_base(estimate, layer->keys, layer->all);
		return;
	}
	if (layer->live == layer->keys) {
		rt_key_sketch_merge(&estimate->all, layer->all);
		note_base(estimate, layer->keys, layer->all);
		return;
	}
	rt_assert(layer->alive != NULL);
	rt_key_sketch_merge(&estimate->all, layer->alive);
	note_base(estimate, layer->live, layer->alive);
	before = union_now(estimate);
	rt_key_sketch_merge(&estimate->all, layer->all);
	note_base(estimate, layer->keys, layer->all);
	estimate->dead += union_now(estimate) - before;
}

uint64_t
rtd_key_estimate_live(const struct rtd_key_estimate *estimate)
{
	double live;

	if (estimate->layers == 0)
		return 0;
	live = union_now(estimate) - estimate->dead;
	if (live < 0)
		return 0;
	if (live > (double)estimate->live)
		return estimate->live;
	return (uint64_t)(live + 0.5);
}
