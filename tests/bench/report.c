/* SPDX-License-Identifier: BSD-3-Clause */
#include "report.h"

#include <string.h>
#include <jansson.h>
#include <rte_common.h>

/* Ticks per packet at most, with packets of 78 octets in bursts of 64; .counted: with the counters of all objects. */
struct goal {
	const char *name;
	double one, many, million, counted;
};

static const struct goal goals[] = {
	{"mag_uplink_direct", 60, 70, 100, 130},
	{"mag_downlink", 60, 75, 105, 135},
	{"mag_downlink_direct", 65, 85, 120, 150},
	{"lma_downlink", 55, 65, 95, 125},
	{"lma_hairpin", 95, 120, 175, 210},
};

#define MANY             65536
#define MILLION          1000000
#define WALK_LIMIT       1.6
#define GROWTH_LIMIT     1.3
#define UPDATE_LIMIT     1000
#define UPDATE_FALL      1.05
#define HUNDREDTH(x)     ((double)(int64_t)((x)*100 + 0.5) / 100)
#define RATIO_OR_0(a, b) ((b) > 0 ? (a) / (b) : 0)

static json_t *results, *stages, *references;
static const char *rig; /* of the rows to come */

static void start(void)
{
	if (results != NULL)
		return;
	results = json_array();
	stages = json_array();
	references = json_object();
	if (results == NULL || stages == NULL || references == NULL)
		abort();
}

void report_rig(const char *name)
{
	rig = name;
}

void report_header(void)
{
	printf("%-34s%10s  %-12s%10s%10s%10s%10s\n", "name", "flows", "unit", "min", "median", "max", "Mpps");
}

void report_add(const struct bench *bench, double packets_per_tick)
{
	double rounds[BENCH_ROUNDS], median, mpps;

	start();
	memcpy(rounds, bench->rounds + 1, sizeof(rounds));
	qsort(rounds, BENCH_ROUNDS, sizeof(*rounds), bench_compare);
	median = rounds[BENCH_ROUNDS / 2];
	mpps = packets_per_tick > 0 ? (double)rte_get_tsc_hz() / 1e6 / median * packets_per_tick : 0;
	json_array_append_new(results,
		json_pack("{s:s, s:s, s:I, s:s, s:f, s:f, s:f, s:f}", "name", bench->name, "rig", rig, "flows",
			(json_int_t)bench->flows, "unit", bench->unit, "min", HUNDREDTH(rounds[0]), "median",
			HUNDREDTH(median), "max", HUNDREDTH(rounds[BENCH_ROUNDS - 1]), "mpps", HUNDREDTH(mpps)));
	printf("%-34s%10llu  %-12s%10.1f%10.1f%10.1f", bench->name, (unsigned long long)bench->flows, bench->unit,
		rounds[0], median, rounds[BENCH_ROUNDS - 1]);
	if (mpps > 0)
		printf("%10.2f", mpps);
	printf("\n");
	fflush(stdout);
}

static const char *text_of(const json_t *row, const char *member)
{
	return json_string_value(json_object_get(row, member));
}

/* The last row of that name, of any rig if @of is NULL; or NULL. */
static const json_t *row_of(const char *name, uint64_t flows, const char *of)
{
	const json_t *found = NULL;
	json_t *row;
	size_t i;

	json_array_foreach(
		results, i, row) if (strcmp(text_of(row, "name"), name) == 0 &&
				     json_integer_value(json_object_get(row, "flows")) == (json_int_t)flows &&
				     (of == NULL || strcmp(text_of(row, "rig"), of) == 0)) found = row;
	return found;
}

static double median_of(const json_t *row)
{
	return row != NULL ? json_number_value(json_object_get(row, "median")) : 0;
}

double report_median(const char *name, uint64_t flows)
{
	start();
	return median_of(row_of(name, flows, NULL));
}

/* The walk in as much memory as the path of @row has, measured beside it. */
static double walk_beside(const json_t *row, uint64_t flows)
{
	return row != NULL ? median_of(row_of("two_line_walk", flows, text_of(row, "rig"))) : 0;
}

void report_stages(const char *path, uint64_t flows, const char *const *names, const double *ticks, unsigned n)
{
	json_t *row = json_object();

	start();
	for (unsigned i = 0; i < n; i++)
		json_object_set_new(row, names[i], json_real(HUNDREDTH(ticks[i])));
	json_array_append_new(
		stages, json_pack("{s:s, s:I, s:o}", "path", path, "flows", (json_int_t)flows, "ticks", row));
}

void report_reference(const char *name, uint64_t flows, double value)
{
	json_t *list;

	start();
	list = json_object_get(references, name);
	if (list == NULL) {
		list = json_array();
		json_object_set_new(references, name, list);
	}
	json_array_append_new(
		list, json_pack("{s:s, s:I, s:f}", "rig", rig, "flows", (json_int_t)flows, "value", HUNDREDTH(value)));
}

static unsigned check(const char *what, double measured, double limit)
{
	bool met = measured <= limit;

	if (measured <= 0)
		return 0; /* not measured in this run */
	printf("  %-52s%10.2f  goal <= %-8g %s\n", what, measured, limit, met ? "met" : "NOT MET");
	return !met;
}

static unsigned check_path(const struct goal *goal)
{
	const json_t *row = row_of(goal->name, MILLION, NULL);
	double million = median_of(row), walk = walk_beside(row, MILLION);
	char name[64], what[96];
	unsigned missed = 0;

	snprintf(what, sizeof(what), "%s, 1", goal->name);
	missed += check(what, report_median(goal->name, 1), goal->one);
	snprintf(what, sizeof(what), "%s, 65536", goal->name);
	missed += check(what, report_median(goal->name, MANY), goal->many);
	snprintf(what, sizeof(what), "%s, 1 M", goal->name);
	missed += check(what, million, goal->million);
	snprintf(name, sizeof(name), "%s_counters", goal->name);
	snprintf(what, sizeof(what), "%s, 1 M", name);
	missed += check(what, report_median(name, MILLION), goal->counted);
	snprintf(what, sizeof(what), "%s, 1 M: times the two-line walk", goal->name);
	missed += check(what, RATIO_OR_0(million, walk), WALK_LIMIT);
	snprintf(what, sizeof(what), "%s: 8 M over 1 M", goal->name);
	return missed +
	       check(what, RATIO_OR_0(report_median(goal->name, 8 * (uint64_t)MILLION), million), GROWTH_LIMIT);
}

unsigned report_goals(void)
{
	double quiet = report_median("mag_uplink_direct_updates_0", MILLION);
	unsigned missed = 0;

	start();
	printf("\ngoals (ticks per packet where nothing else is said)\n");
	for (unsigned i = 0; i < RTE_DIM(goals); i++)
		missed += check_path(&goals[i]);
	missed += check("owner: ticks per applied update, 1 M", report_median("owner_update", MILLION), UPDATE_LIMIT);
	missed += check("mag_uplink_direct with 100,000 updates/s over none",
		RATIO_OR_0(report_median("mag_uplink_direct_updates_100000", MILLION), quiet), UPDATE_FALL);
	return missed;
}

int report_write(const char *file)
{
	json_t *root;
	int result;

	start();
	root = json_pack("{s:O, s:O, s:O}", "results", results, "stages", stages, "references", references);
	result = json_dump_file(root, file, JSON_INDENT(2) | JSON_REAL_PRECISION(8));
	json_decref(root);
	return result;
}
