#include "riptide-compactd/budget.h"

#define NS_PER_S UINT64_C(1000000000)
#define NS_PER_MS UINT64_C(1000000)

void
rtc_budget_init(struct rtc_budget *budget, uint64_t seconds, uint64_t now_ns)
{
	*budget = (struct rtc_budget){
		.ends_ns = seconds == 0 ? 0 : now_ns + seconds * NS_PER_S,
	};
}

void
rtc_budget_learn(struct rtc_budget *budget, uint64_t bytes, uint64_t ns)
{
	budget->bytes += bytes;
	budget->spent_ns += ns;
}

bool
rtc_budget_is_over(const struct rtc_budget *budget, uint64_t now_ns)
{
	return budget->ends_ns != 0 && now_ns >= budget->ends_ns;
}

uint64_t
rtc_budget_job_bytes(const struct rtc_budget *budget, uint64_t now_ns)
{
	double left_ns, bytes;

	if (budget->ends_ns == 0 || budget->spent_ns == 0)
		return 0;
	if (rtc_budget_is_over(budget, now_ns))
		return 1;
	left_ns = (double)(budget->ends_ns - now_ns);
	bytes = left_ns / 2 * ((double)budget->bytes /
	    (double)budget->spent_ns);
	return bytes < 1 ? 1 : bytes > 1e18 ? 0 : (uint64_t)bytes;
}

unsigned
rtc_budget_wait_ms(const struct rtc_budget *budget, uint64_t now_ns,
    unsigned limit)
{
	uint64_t left_ms;

	if (budget->ends_ns == 0)
		return limit;
	if (now_ns >= budget->ends_ns)
		return 0;
	left_ms = (budget->ends_ns - now_ns) / NS_PER_MS + 1;
	return left_ms < limit ? (unsigned)left_ms : limit;
}
