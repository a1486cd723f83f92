#include "bench/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "libcommon/base/invariant.h"

struct rtb_row *
rtb_report_row(struct rtb_report *report, const char *test, const char *unit,
    bool less_is_better)
{
	struct rtb_row *row = &report->rows[report->rows_count];

	rt_assert(report->rows_count < RTB_ROWS_MAX);
	report->rows_count++;
	*row = (struct rtb_row){
		.test = test,
		.unit = unit,
		.less_is_better = less_is_better,
	};
	return row;
}

void
rtb_series_add(struct rtb_series *series, double figure)
{
	rt_assert(series->count < RTB_RUNS_MAX);
	series->runs[series->count++] = figure;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Least, median and most; of an even count the lower of the middle two. */
static void
spread(const struct rtb_series *series, double out[3])
{
	double sorted[RTB_RUNS_MAX];

	memset(out, 0, 3 * sizeof(out[0]));
	if (series->count == 0)
		return;
	memcpy(sorted, series->runs, series->count * sizeof(sorted[0]));
	qsort(sorted, series->count, sizeof(sorted[0]), compare);
	out[0] = sorted[0];
	out[1] = sorted[(series->count - 1) / 2];
	out[2] = sorted[series->count - 1];
}

double
rtb_series_median(const struct rtb_series *series)
{
	double figures[3];

	spread(series, figures);
	return figures[1];
}

double
rtb_row_ratio(const struct rtb_row *row, size_t store)
{
	double ours = rtb_series_median(&row->stores[0]);
	double theirs = rtb_series_median(&row->stores[store]);

	if (store == 0 || ours <= 0 || theirs <= 0)
		return 0;
	return row->less_is_better ? theirs / ours : ours / theirs;
}

char *
rtb_figure(char *out, double figure)
{
	double size = fabs(figure);

	if (size >= 1e7)
		snprintf(out, 16, "%.1fM", figure / 1e6);
	else if (size >= 1e6)
		snprintf(out, 16, "%.2fM", figure / 1e6);
	else if (size >= 1e5)
		snprintf(out, 16, "%.0fk", figure / 1e3);
	else if (size >= 1e4)
		snprintf(out, 16, "%.1fk", figure / 1e3);
	else if (size >= 100)
		snprintf(out, 16, "%.0f", figure);
	else if (size >= 10)
		snprintf(out, 16, "%.1f", figure);
	else
		snprintf(out, 16, "%.2f", figure);
	return out;
}

static void
print_cell(const struct rtb_series *series, FILE *out)
{
	char least[16], middle[16], most[16], cell[64];
	double figures[3];

	spread(series, figures);
	if (series->count == 0)
		snprintf(cell, sizeof(cell), "-");
	else if (series->count == 1)
		snprintf(cell, sizeof(cell), "%s",
		    rtb_figure(middle, figures[1]));
	else
		snprintf(cell, sizeof(cell), "%s (%s-%s)",
		    rtb_figure(middle, figures[1]),
		    rtb_figure(least, figures[0]),
		    rtb_figure(most, figures[2]));
	fprintf(out, " %22s", cell);
}

void
rtb_report_print(const struct rtb_report *report, FILE *out)
{
	char figure[16];

	fprintf(out, "%-22s %-6s", "test", "unit");
	for (size_t store = 0; store < report->stores_count; store++)
		fprintf(out, " %22s%s", report->stores[store],
		    store == 0 ? "" : "  ratio");
	fputc('\n', out);
	for (size_t i = 0; i < report->rows_count; i++) {
		const struct rtb_row *row = &report->rows[i];

		fprintf(out, "%-22s %-6s", row->test, row->unit);
		for (size_t store = 0; store < report->stores_count; store++) {
			double ratio = rtb_row_ratio(row, store);

			print_cell(&row->stores[store], out);
			if (store != 0)
				fprintf(out, " %6s", ratio == 0 ? "-" :
					rtb_figure(figure, ratio));
		}
		fputc('\n', out);
	}
}

static void
json_number(FILE *file, const char *name, double figure)
{
	if (figure == 0)
		fprintf(file, ",\"%s\":null", name);
	else
		fprintf(file, ",\"%s\":%.6g", name, figure);
}

static void
json_row(FILE *file, const struct rtb_report *report,
    const struct rtb_row *row, size_t store)
{
	fprintf(file, "{\"test\":\"%s\",\"peer\":", row->test);
	if (store == 0)
		fputs("null", file);
	else
		fprintf(file, "\"%s\"", report->stores[store]);
	json_number(file, "ours", rtb_series_median(&row->stores[0]));
	json_number(file, "theirs",
	    store == 0 ? 0 : rtb_series_median(&row->stores[store]));
	json_number(file, "ratio", rtb_row_ratio(row, store));
	fprintf(file, ",\"unit\":\"%s\"}", row->unit);
}

bool
rtb_report_json(const struct rtb_report *report, const char *path)
{
	FILE *file = fopen(path, "w");
	const char *between = "[\n";

	if (file == NULL)
		return false;
	for (size_t i = 0; i < report->rows_count; i++) {
		const struct rtb_row *row = &report->rows[i];
		bool told = false;

		for (size_t store = 1; store < report->stores_count; store++) {
			if (row->stores[store].count == 0)
				continue;
			fputs(between, file);
			json_row(file, report, row, store);
			between = ",\n";
			told = true;
		}
		if (told)
			continue;
		fputs(between, file);
		json_row(file, report, row, 0);
		between = ",\n";
	}
	fputs(report->rows_count == 0 ? "[]\n" : "\n]\n", file);
	if (ferror(file)) {
		fclose(file);
		return false;
	}
	return fclose(file) == 0;
}
