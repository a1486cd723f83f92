#include "riptide-compactd/auto_rate.h"

#define MIB ((double)(UINT64_C(1) << 20))
#define NS_PER_S 1e9
/* A4 */
#define RATE_MIN (8 * MIB)
#define RATE_MAX (4096 * MIB)
#define RATE_FIRST (32 * MIB)
#define STEP_NS UINT64_C(900000000)
/* Looks further apart count as if they were this far: the rate is not to jump
 * because somebody slept. */
#define STEP_S_MAX 5.0
/* A1 */
#define CLEAR_S 60.0
#define INGEST_WEIGHT 0.2	/* of a second's look */
#define COST_MIN 2.0
#define COST_MAX 40.0
/* As if so much had been merged before at that cost. */
#define COST_FIRST 8.0
#define COST_FIRST_BYTES (256 * MIB)
/* A2, A3: a second */
#define BOOST_UP 1.25
#define BOOST_DOWN 0.95
#define BOOST_MAX 64.0
#define DRAINED_PART 0.2
#define RATE_UP 1.5
#define RATE_DOWN 0.9
/* A5 */
#define PRESSING_TRIGGERS 4

void
rtc_auto_rate_init(struct rtc_auto_rate *rate)
{
	*rate = (struct rtc_auto_rate){ .bytes_per_s = RATE_FIRST, .boost = 1 };
}

static double
clamp(double value, double low, double high)
{
	return value < low ? low : value > high ? high : value;
}

/* base to the power of seconds, of which there are few. */
static double
over_time(double base, double seconds)
{
	unsigned whole = (unsigned)seconds;
	double result = 1 + (base - 1) * (seconds - whole);

	for (unsigned i = 0; i < whole; i++)
		result *= base;
	return result;
}

/* What merges have written for each byte of level 0. */
static double
cost_so_far(const struct rtc_auto_look *look)
{
	return clamp(((double)look->written_bytes +
		COST_FIRST * COST_FIRST_BYTES) /
		((double)look->flushed_bytes + COST_FIRST_BYTES),
	    COST_MIN, COST_MAX);
}

static void
learn(struct rtc_auto_rate *rate, const struct rtc_auto_look *look,
    double slept_s, double seconds)
{
	const struct rtc_auto_look *last = &rate->last;
	double came = (double)(look->flushed_bytes - last->flushed_bytes);
	double waited = (double)(look->waited_ns - last->waited_ns) / NS_PER_S;
	double weight = clamp(INGEST_WEIGHT * slept_s, 0, 1);

	rate->ingest += weight * (came / slept_s - rate->ingest);
	if (look->debt_bytes > last->debt_bytes &&
	    waited >= DRAINED_PART * slept_s)
		rate->boost *= over_time(BOOST_UP, seconds);
	else if (look->debt_bytes <= last->debt_bytes)
		rate->boost *= over_time(BOOST_DOWN, seconds);
	rate->boost = clamp(rate->boost, 1, BOOST_MAX);
}

static bool
is_pressing(const struct rtc_auto_look *look)
{
	return look->level0_runs >= PRESSING_TRIGGERS * look->level0_trigger;
}

uint64_t
rtc_auto_rate_update(struct rtc_auto_rate *rate,
    const struct rtc_auto_look *look)
{
	double slept_s, seconds, target, now = rate->bytes_per_s;

	if (!rate->has_last) {
		rate->last = *look;
		rate->has_last = true;
	} else if (look->now_ns - rate->last.now_ns >= STEP_NS) {
		slept_s = (double)(look->now_ns - rate->last.now_ns) /
		    NS_PER_S;
		seconds = clamp(slept_s, 0, STEP_S_MAX);
		learn(rate, look, slept_s, seconds);
		target = rate->boost * (rate->ingest * cost_so_far(look) +
			(double)look->debt_bytes / CLEAR_S);
		target = clamp(target, RATE_MIN, RATE_MAX);
		rate->bytes_per_s = clamp(target,
		    now * over_time(RATE_DOWN, seconds),
		    now * over_time(RATE_UP, seconds));
		rate->last = *look;
	}
	return is_pressing(look) ? 0 : (uint64_t)rate->bytes_per_s;
}
