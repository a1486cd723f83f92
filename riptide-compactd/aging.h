/* aging: tables whose tombstones are older than the limits allow, of which P12
 * of the picker makes jobs. Pure, as the picker is. Thread: any.
 *
 * A table counts while every snapshot sees all that it deletes: as long as one
 * is older, merging would free nothing. One whose tombstones have no time does
 * not count. The next merge that it is in gives it one. */
#ifndef RIPTIDE_COMPACTD_AGING_H
#define RIPTIDE_COMPACTD_AGING_H

#include "riptide-compactd/picker.h"

#define RTC_AGING_NEVER UINT64_MAX

bool rtc_aging_is_due(const struct rt_manifest *manifest,
    const struct rtc_limits *limits, const struct rt_manifest_table *table);

/* Seconds until the next table is due that is not yet; RTC_AGING_NEVER: none
 * will be with this manifest. */
uint64_t rtc_aging_next_s(const struct rt_manifest *manifest,
    const struct rtc_limits *limits);

#endif
