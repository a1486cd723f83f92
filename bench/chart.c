#include "bench/chart.h"

#include <string.h>

#define WIDTH 760
#define LEFT 170
#define BARS 440
#define BAR 13
#define GAP 10
#define TOP 58

/* Colours that are told apart on light and dark ground, and in grey. */
static const char *const colours[RTB_STORES_MAX] = { "#1b6ca8", "#e08e45",
	"#7a9e3f", "#a3577f", "#6b6b6b", "#c4a000" };

static double
best_of(const struct rtb_report *report, const struct rtb_row *row)
{
	double best = 0;

	for (size_t i = 0; i < report->stores_count; i++) {
		double figure = rtb_series_median(&row->stores[i]);

		best = figure > best ? figure : best;
	}
	return best;
}

static void
write_text(FILE *file, int x, int y, const char *end, const char *text)
{
	fprintf(file, "<text x=\"%d\" y=\"%d\"%s>", x, y, end);
	for (; *text != '\0'; text++)
		switch (*text) {
		case '<': fputs("&lt;", file); break;
		case '>': fputs("&gt;", file); break;
		case '&': fputs("&amp;", file); break;
		default: fputc(*text, file);
		}
	fputs("</text>\n", file);
}

static int
write_row(FILE *file, const struct rtb_report *report,
    const struct rtb_row *row, int y)
{
	double best = best_of(report, row);
	int first = y;

	for (size_t i = 0; i < report->stores_count; i++) {
		double figure = rtb_series_median(&row->stores[i]);
		int width = best > 0 ? (int)(figure / best * BARS) : 0;
		char text[16];

		if (row->stores[i].count == 0)
			continue;
		fprintf(file, "<rect x=\"%d\" y=\"%d\" width=\"%d\" "
		    "height=\"%d\" fill=\"%s\"/>\n", LEFT, y,
		    width > 0 ? width : 1, BAR - 2, colours[i]);
		write_text(file, LEFT + width + 6, y + BAR - 3, "",
		    rtb_figure(text, figure));
		y += BAR;
	}
	write_text(file, LEFT - 8, (first + y) / 2 + 4,
	    " text-anchor=\"end\"", row->test);
	return y + GAP;
}

static void
write_names(FILE *file, const struct rtb_report *report)
{
	int x = LEFT;

	for (size_t i = 0; i < report->stores_count; i++) {
		fprintf(file, "<rect x=\"%d\" y=\"34\" width=\"10\" "
		    "height=\"10\" fill=\"%s\"/>\n", x, colours[i]);
		write_text(file, x + 15, 43, "", report->stores[i]);
		x += 40 + 8 * (int)strlen(report->stores[i]);
	}
}

bool
rtb_chart_write(const struct rtb_report *report, const char *unit,
    const char *title, const char *path)
{
	FILE *file = fopen(path, "w");
	int y = TOP, height = TOP;
	bool good;

	if (file == NULL)
		return false;
	for (size_t i = 0; i < report->rows_count; i++)
		height += strcmp(report->rows[i].unit, unit) == 0
		    ? (int)report->stores_count * BAR + GAP : 0;
	fprintf(file, "<svg xmlns=\"http://www.w3.org/2000/svg\" "
	    "width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" role=\"img\" "
	    "font-family=\"sans-serif\" font-size=\"12\" fill=\"#333\">\n"
	    "<title>%s</title>\n"
	    "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n",
	    WIDTH, height, WIDTH, height, title);
	write_text(file, LEFT, 20, " font-weight=\"bold\"", title);
	write_names(file, report);
	for (size_t i = 0; i < report->rows_count; i++)
		if (strcmp(report->rows[i].unit, unit) == 0)
			y = write_row(file, report, &report->rows[i], y);
	fputs("</svg>\n", file);
	good = ferror(file) == 0;
	return fclose(file) == 0 && good;
}
