/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hawser-bench: TSC ticks per packet of the data plane as it ships, in one process: rx_queue_poll(), which is what the
 * worker loop calls, with all stages, drops and traces, over ports made of rings, in bursts of 64, of random mobile
 * nodes. Rows of one kind of gateway alternate round by round with each other and with a plain walk over two cache
 * lines per packet, so that a disturbance of the machine meets all alike. README.md says what each row is.
 */
#include <getopt.h>
#include <inttypes.h>
#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_mempool.h>

#include "drive.h"
#include "report.h"
#include "scale.h"
#include "walk.h"

#define FLOWS_MAX      16
#define FLOWS_TOP      (UINT32_C(1) << 26)
#define SCALE_FLOWS    1000000 /* where updates and two workers are measured, if it is among the flows */
#define STAGE_PACKETS  10000   /* for the split by stages, per millisecond of a round */
#define ROWS_MAX       32
#define USUAL_BUFFERS  512
#define USUAL_SEED     UINT64_C(88172645463325252)
#define USUAL_PACKETS  4096
#define PACKETS_TOP    (UINT32_C(1) << 18)
#define DRIVE_MS       1000
#define POOL_CACHE     RTE_MEMPOOL_CACHE_MAX_SIZE
#define EXIT_ARGUMENTS 2

struct options {
	uint32_t flows[FLOWS_MAX];
	unsigned flow_count;
	uint32_t paths; /* bit by path */
	struct traffic_shape shape;
	unsigned buffers;
	unsigned packets;     /* of the capture */
	bool counters, plain; /* rows with and without counters of objects */
	bool scale;
	const char *json, *write_pcap, *drive;
};

static void usage(FILE *out)
{
	fputs("usage: hawser-bench [options]\n"
	      "\n"
	      "Measures the forwarding pipeline of this build on generated traffic and prints TSC ticks per packet.\n"
	      "\n"
	      "  --flows N,N...      mobile nodes, each in a pair on the direct paths (1,65536,1000000)\n"
	      "  --paths NAME,...    of: lma_downlink lma_uplink lma_hairpin mag_uplink mag_downlink\n"
	      "                      mag_uplink_direct mag_downlink_direct (all)\n"
	      "  --counters WHICH    off, on: counters of nodes, tunnels and pairs; both (both)\n"
	      "  --traffic WHICH     uniform, or zipf:EXPONENT (uniform)\n"
	      "  --size OCTETS       of the inner packet, 64 to 1460; or imix: 7 of 64, 4 of 576, 1 of 1420 (64)\n"
	      "  --buffers N         packet buffers in turn; 32768 do not fit into a cache (512)\n"
	      "  --seed N            of the generator\n"
	      "  --round-ms N        length of a round; 7 rounds count (100)\n"
	      "  --no-scale          leave out updates and two workers\n"
	      "  --json FILE         write the results there, too\n"
	      "  --write-pcap FILE   only write packets of the first path to FILE\n"
	      "  --drive FILE        only measure the first path with packets of FILE from net_pcap, driver included\n"
	      "  --packets N         in FILE; net_pcap keeps a buffer for each (4096)\n"
	      "  --help              print this text\n"
	      "\n"
	      "Exit codes: 0 measured, 1 could not, 2 wrong arguments.\n",
		out);
}

/* ---- arguments ---- */

static bool number(const char *text, uint64_t min, uint64_t max, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 10);
	return end != text && *end == '\0' && errno == 0 && *text != '-' && *value >= min && *value <= max;
}

static bool refuse(const char *option, const char *value, const char *allowed)
{
	fprintf(stderr, "hawser-bench: %s: %s: %s\n", option, value, allowed);
	return false;
}

static bool read_flows(struct options *options, char *list)
{
	char *rest, *item;
	uint64_t value;

	options->flow_count = 0;
	for (item = strtok_r(list, ",", &rest); item != NULL; item = strtok_r(NULL, ",", &rest)) {
		if (!number(item, 1, FLOWS_TOP, &value))
			return refuse("--flows", item, "1 to 67108864 are allowed");
		if (options->flow_count == FLOWS_MAX)
			return refuse("--flows", item, "16 numbers at most");
		options->flows[options->flow_count++] = (uint32_t)value;
	}
	return options->flow_count != 0 || refuse("--flows", "", "at least one number is needed");
}

static bool read_paths(struct options *options, char *list)
{
	char *rest, *item;

	options->paths = 0;
	for (item = strtok_r(list, ",", &rest); item != NULL; item = strtok_r(NULL, ",", &rest)) {
		unsigned path = 0;

		while (path < PATH_COUNT && strcmp(item, traffic_paths[path].name) != 0)
			path++;
		if (path == PATH_COUNT)
			return refuse("--paths", item, "no such path; --help lists them");
		options->paths |= UINT32_C(1) << path;
	}
	return options->paths != 0 || refuse("--paths", "", "at least one path is needed");
}

static bool read_counters(struct options *options, const char *word)
{
	options->counters = strcmp(word, "off") != 0;
	options->plain = strcmp(word, "on") != 0;
	return strcmp(word, "on") == 0 || strcmp(word, "off") == 0 || strcmp(word, "both") == 0 ||
	       refuse("--counters", word, "on, off and both are allowed");
}

static bool read_traffic(struct options *options, const char *word)
{
	char *end = NULL;

	options->shape.zipf = 0;
	if (strcmp(word, "uniform") == 0)
		return true;
	if (strncmp(word, "zipf:", 5) == 0)
		options->shape.zipf = strtod(word + 5, &end);
	return (end != NULL && *end == '\0' && options->shape.zipf > 0 && options->shape.zipf <= 5) ||
	       refuse("--traffic", word, "uniform, or zipf:EXPONENT with an exponent above 0 up to 5");
}

static bool read_size(struct options *options, const char *word)
{
	uint64_t value;

	if (strcmp(word, "imix") == 0) {
		options->shape.size = TRAFFIC_IMIX;
		return true;
	}
	if (!number(word, TRAFFIC_SIZE_MIN, TRAFFIC_SIZE_MAX, &value))
		return refuse("--size", word, "64 to 1460, or imix");
	options->shape.size = (uint16_t)value;
	return true;
}

enum option_key {
	FLOWS = 'f',
	PATHS,
	COUNTERS,
	TRAFFIC,
	SIZE,
	BUFFERS,
	SEED,
	ROUND_MS,
	NO_SCALE,
	JSON,
	WRITE,
	DRIVE,
	PACKETS,
	HELP
};

static bool read_option(struct options *options, int key, char *value)
{
	uint64_t n;

	switch (key) {
	case FLOWS: return read_flows(options, value);
	case PATHS: return read_paths(options, value);
	case COUNTERS: return read_counters(options, value);
	case TRAFFIC: return read_traffic(options, value);
	case SIZE: return read_size(options, value);
	case BUFFERS:
		if (!number(value, STREAM_BURST, STREAM_BUFFERS, &n) || n % STREAM_BURST != 0)
			return refuse("--buffers", value, "multiples of 64 up to 32768 are allowed");
		options->buffers = (unsigned)n;
		return true;
	case SEED: return number(value, 1, UINT64_MAX, &options->shape.seed) || refuse("--seed", value, "1 or more");
	case ROUND_MS:
		if (!number(value, 1, 10000, &n))
			return refuse("--round-ms", value, "1 to 10000 are allowed");
		bench_round_ms = (unsigned)n;
		return true;
	case NO_SCALE: options->scale = false; return true;
	case JSON: options->json = value; return true;
	case WRITE: options->write_pcap = value; return true;
	case DRIVE: options->drive = value; return true;
	case PACKETS:
		if (!number(value, 1, PACKETS_TOP, &n))
			return refuse("--packets", value, "1 to 262144 are allowed");
		options->packets = (unsigned)n;
		return true;
	default: return false;
	}
}

/* -1: go on; else the exit code. */
static int read_arguments(struct options *options, int argc, char **argv)
{
	static const struct option known[] = {
		{"flows", required_argument, NULL, FLOWS},
		{"paths", required_argument, NULL, PATHS},
		{"counters", required_argument, NULL, COUNTERS},
		{"traffic", required_argument, NULL, TRAFFIC},
		{"size", required_argument, NULL, SIZE},
		{"buffers", required_argument, NULL, BUFFERS},
		{"seed", required_argument, NULL, SEED},
		{"round-ms", required_argument, NULL, ROUND_MS},
		{"no-scale", no_argument, NULL, NO_SCALE},
		{"json", required_argument, NULL, JSON},
		{"write-pcap", required_argument, NULL, WRITE},
		{"drive", required_argument, NULL, DRIVE},
		{"packets", required_argument, NULL, PACKETS},
		{"help", no_argument, NULL, HELP},
		{NULL, 0, NULL, 0},
	};
	int key;

	*options = (struct options){.flows = {1, 65536, 1000000},
		.flow_count = 3,
		.paths = (UINT32_C(1) << PATH_COUNT) - 1,
		.shape = {.seed = USUAL_SEED, .size = TRAFFIC_SIZE_USUAL},
		.buffers = USUAL_BUFFERS,
		.packets = USUAL_PACKETS,
		.counters = true,
		.plain = true,
		.scale = true};
	while ((key = getopt_long(argc, argv, "", known, NULL)) != -1) {
		if (key == HELP) {
			usage(stdout);
			return 0;
		}
		if (key == '?' || !read_option(options, key, optarg))
			return EXIT_ARGUMENTS;
	}
	if (optind != argc) {
		usage(stderr);
		return EXIT_ARGUMENTS;
	}
	return -1;
}

/* ---- rows ---- */

static const char *const rig_words[RIG_KINDS] = {[RIG_LMA] = "lma", [RIG_MAG] = "mag", [RIG_MAG_PAIRS] = "mag_pairs"};

/* The rows of one rig, and the walk in between. */
struct rows {
	struct stream streams[ROWS_MAX];
	struct bench benches[ROWS_MAX + 1];
	char names[ROWS_MAX][48];
	unsigned count;
};

static void add_row(struct rows *rows, struct rig *rig, enum traffic_path path, const struct options *options,
	bool count, bool watch, struct rte_mempool *pool)
{
	struct stream *stream = &rows->streams[rows->count];

	stream_init(stream, rig, 0, path, &options->shape, options->buffers, pool);
	stream->count = count;
	stream->watch = watch;
	snprintf(rows->names[rows->count], sizeof(rows->names[0]), "%s%s%s", traffic_paths[path].name,
		count ? "_counters" : "", watch ? "_watched" : "");
	rows->benches[rows->count] = (struct bench){.name = rows->names[rows->count],
		.flows = rig->nodes,
		.unit = "tsc/packet",
		.run = stream_run,
		.context = stream};
	rows->count++;
}

static void add_rows(struct rows *rows, struct rig *rig, const struct options *options, struct rte_mempool *pool)
{
	for (unsigned i = 0; i < PATH_COUNT; i++) {
		const struct traffic_path_info *path = &traffic_paths[i];

		if (path->rig != rig->kind || (options->paths >> i & 1) == 0)
			continue;
		if (options->plain)
			add_row(rows, rig, (enum traffic_path)i, options, false, false, pool);
		if (options->plain && path->watched)
			add_row(rows, rig, (enum traffic_path)i, options, false, true, pool);
		if (options->counters)
			add_row(rows, rig, (enum traffic_path)i, options, true, false, pool);
	}
}

static void measure_stages(struct stream *stream, const char *name)
{
	struct worker_stats *stats = stream->rig->worker[0]->stats;
	const char *names[STAGE_COUNT];
	double ticks[STAGE_COUNT];
	uint64_t done = 0;
	unsigned n = 0;

	memset(stats, 0, sizeof(*stats));
	while (done < (uint64_t)STAGE_PACKETS * bench_round_ms)
		stream_run(stream, &done);
	for (unsigned i = 0; i < STAGE_COUNT; i++) {
		if (stats->stages[i].packets == 0)
			continue;
		names[n] = stage_name((enum stage)i);
		ticks[n++] = (double)stats->stages[i].cycles / (double)stats->stages[i].packets;
	}
	report_stages(name, stream->rig->nodes, names, ticks, n);
	fprintf(stderr, "# %s:", name);
	for (unsigned i = 0; i < n; i++)
		fprintf(stderr, " %s %.1f", names[i], ticks[i]);
	fprintf(stderr, "\n");
}

static void measure_rig(struct rig *rig, const struct options *options, struct rte_mempool *pool)
{
	struct rows *rows = calloc(1, sizeof(*rows));
	struct worker *worker = rig->worker[0];
	struct walk walk;

	if (rows == NULL || walk_init(&walk, rig->kind == RIG_MAG_PAIRS ? 2 * (uint64_t)rig->nodes : rig->nodes) != 0)
		rig_die("not enough memory for the walk");
	add_rows(rows, rig, options, pool);
	rows->benches[rows->count] = (struct bench){
		.name = "two_line_walk", .flows = rig->nodes, .unit = "tsc/packet", .run = walk_run, .context = &walk};
	reclaim_reader_online(worker->reclaim, worker->reader);
	for (unsigned n = 0; n <= BENCH_ROUNDS; n++)
		for (unsigned i = 0; i <= rows->count; i++)
			rows->benches[i].rounds[n] = bench_round(&rows->benches[i]);
	for (unsigned i = 0; i <= rows->count; i++)
		report_add(&rows->benches[i], 1);
	for (unsigned i = 0; i < rows->count; i++)
		if (!rows->streams[i].watch)
			measure_stages(&rows->streams[i], rows->names[i]);
	reclaim_reader_offline(worker->reclaim, worker->reader);
	report_reference("two_line_walk", rig->nodes, report_median("two_line_walk", rig->nodes));
	for (unsigned i = 0; i < rows->count; i++)
		stream_fini(&rows->streams[i]);
	walk_fini(&walk);
	free(rows);
}

/* What more than one worker costs, and the updates that one of them applies. */
static void measure_scale(struct rig *rig, const struct options *options, struct rte_mempool *pool)
{
	enum traffic_path path = rig->kind == RIG_MAG_PAIRS ? PATH_mag_uplink_direct : PATH_lma_hairpin;
	struct stream streams[RIG_WORKERS], shared;

	for (unsigned i = 0; i < RIG_WORKERS; i++) {
		stream_init(&streams[i], rig, i, path, &options->shape, options->buffers, pool);
		streams[i].count = true;
	}
	if (rig->kind == RIG_MAG_PAIRS) {
		scale_updates(rig);
		scale_with_writer(&streams[0]);
	}
	scale_workers(traffic_paths[path].name, &streams[0], &streams[1]);
	stream_init(&shared, rig, 0, path, &options->shape, RTE_MAX(options->buffers, (unsigned)SCALE_SPREAD_BUFFERS),
		pool);
	shared.count = true;
	scale_spread(traffic_paths[path].name, &shared);
	stream_fini(&shared);
	for (unsigned i = 0; i < RIG_WORKERS; i++)
		stream_fini(&streams[i]);
}

static bool is_wanted(const struct options *options, enum rig_kind kind)
{
	for (unsigned i = 0; i < PATH_COUNT; i++)
		if (traffic_paths[i].rig == kind && (options->paths >> i & 1) != 0)
			return true;
	return false;
}

static void measure(const struct options *options, struct rte_mempool *pool)
{
	report_header();
	for (unsigned i = 0; i < options->flow_count; i++)
		for (unsigned kind = 0; kind < RIG_KINDS; kind++) {
			bool scale = options->scale && options->flows[i] == SCALE_FLOWS && kind != RIG_MAG;
			struct rig *rig;

			if (!is_wanted(options, (enum rig_kind)kind))
				continue;
			rig = rig_create(
				(enum rig_kind)kind, options->flows[i], scale ? RIG_WORKERS : 1, RIG_RINGS, pool);
			report_rig(rig_words[kind]);
			measure_rig(rig, options, pool);
			if (scale)
				measure_scale(rig, options, pool);
			rig_destroy(rig);
		}
	report_goals();
}

/* ---- other ways ---- */

static enum traffic_path first_path(const struct options *options)
{
	return (enum traffic_path)__builtin_ctz(options->paths);
}

static int drive(const struct options *options, struct rte_mempool *pool)
{
	enum traffic_path path = first_path(options);
	struct rig *rig = rig_create(traffic_paths[path].rig, options->flows[0], 1, 0, pool);
	double ticks;

	rig_count(rig, 0, !options->plain, false);
	drive_start(0, pool);
	bench_prioritise();
	drive_run(rig, path, DRIVE_MS / 10); /* caches are warm afterwards */
	ticks = drive_run(rig, path, DRIVE_MS);
	printf("{\"path\": \"%s\", \"flows\": %u, \"ticks\": %.2f}\n", traffic_paths[path].name, options->flows[0],
		ticks);
	rte_eth_dev_stop(0);
	rig_destroy(rig);
	return ticks > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int write_pcap(const struct options *options, struct rte_mempool *pool)
{
	enum traffic_path path = first_path(options);
	struct rig *rig = rig_create(traffic_paths[path].rig, options->flows[0], 1, RIG_RINGS, pool);
	int result = drive_write(rig, path, &options->shape, options->packets, options->write_pcap);

	rig_destroy(rig);
	return result == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	struct options options;
	struct rte_mempool *pool;
	char vdev[4096];
	int result = read_arguments(&options, argc, argv);
	unsigned buffers;

	if (result >= 0)
		return result;
	snprintf(vdev, sizeof(vdev), "net_pcap0,rx_pcap=%s,infinite_rx=1", options.drive != NULL ? options.drive : "");
	if (bench_start_eal(argv[0], 1024, options.drive != NULL ? vdev : NULL) != 0)
		return EXIT_FAILURE;
	buffers = options.drive != NULL ? options.packets : ROWS_MAX / 8 * options.buffers;
	pool = rte_pktmbuf_pool_create(
		"bench", 16383 + buffers, POOL_CACHE, 0, RTE_MBUF_DEFAULT_BUF_SIZE, SOCKET_ID_ANY);
	if (pool == NULL)
		rig_die("no memory for packet buffers");
	if (options.drive != NULL) {
		result = drive(&options, pool);
	} else if (options.write_pcap != NULL) {
		result = write_pcap(&options, pool);
	} else {
		bench_prioritise();
		measure(&options, pool);
		result = EXIT_SUCCESS;
		if (options.json != NULL && report_write(options.json) != 0) {
			perror(options.json);
			result = EXIT_FAILURE;
		}
	}
	rte_eal_cleanup();
	return result;
}
