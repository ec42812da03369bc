/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The LMA engine in process, from the bytes of a PBU to the bytes of the PBA, on a host that applies every transaction
 * at once: initial registrations while the cache fills, then refreshes and handovers of random bindings. PBUs are
 * built outside the clock. Every mobile node is configured, so the policy lookup pays its cache misses too.
 * Then the same mix through the rings to a table owner on another core: the PBA counts when its updates are applied.
 *
 * usage: bench_lma [BINDINGS]
 */
#include "bench.h"

#include <inttypes.h>

#include "engine.h"
#include "engine_door.h"
#include "mh/mh.h"
#include "pmip/lma.h"

#define BATCH           256
#define MAGS            64
#define PBU_MAX         128
#define ID_FORMAT       "mn%08u@example.com"
#define ID_LENGTH       22
#define NS_PER_PBU      20000 /* a step of the timestamp is 15.3 us */
#define HANDOVER_ONE_OF 4
#define PENDING_MAX     4096 /* transactions on their way when the measuring thread waits for the door */

/* A host without a data plane. */
struct null_host {
	struct engine_host host;
	uint32_t next[INDEX_SPACE_COUNT];
	uint32_t *free[INDEX_SPACE_COUNT], free_count[INDEX_SPACE_COUNT];
	uint64_t cookies[4];
	unsigned cookie_count;
	uint64_t updates, messages, accepted, octets;
	uint64_t random;
};

struct node {
	struct in6_addr prefix;
	uint16_t mag;
};

struct pbu {
	uint8_t bytes[PBU_MAX];
	struct in6_addr source;
	uint16_t length;
};

struct setup {
	struct null_host host;
	struct engine_door *door; /* instead of it */
	struct policy *policy;
	struct lma *lma;
	struct engine_time now;
	struct node *nodes;
	uint32_t count, registered;
	struct in6_addr address, mags[MAGS];
	struct pbu batch[BATCH];
	uint64_t failures;
};

static struct null_host *null_of(struct engine_host *host)
{
	return (struct null_host *)host;
}

static uint32_t null_allocate(struct engine_host *host, enum index_space space)
{
	struct null_host *null = null_of(host);

	if (null->free_count[space] > 0)
		return null->free[space][--null->free_count[space]];
	return null->next[space]++;
}

static void null_release(struct engine_host *host, enum index_space space, uint32_t index)
{
	struct null_host *null = null_of(host);

	null->free[space][null->free_count[space]++] = index;
}

static uint32_t null_generation(struct engine_host *host, enum index_space space, uint32_t index)
{
	return 1;
}

static void null_update(struct engine_host *host, const struct fwd_update *update)
{
	null_of(host)->updates++;
}

static void null_send(struct engine_host *host, const struct mh_datagram *datagram)
{
	struct null_host *null = null_of(host);

	null->messages++;
	null->octets += datagram->length;
	null->accepted += datagram->bytes[6] == MH_STATUS_ACCEPTED;
}

static void null_send_frame(struct engine_host *host, const struct access_frame *frame)
{
}

static void null_commit(struct engine_host *host, uint64_t cookie, unsigned flags)
{
	struct null_host *null = null_of(host);

	if (cookie != 0 && null->cookie_count < sizeof(null->cookies) / sizeof(null->cookies[0]))
		null->cookies[null->cookie_count++] = cookie;
}

static bool null_busy(struct engine_host *host)
{
	return false;
}

static uint64_t null_random(struct engine_host *host)
{
	return bench_random(&null_of(host)->random);
}

static const struct engine_host_ops null_ops = {
	.index_allocate = null_allocate,
	.index_release = null_release,
	.index_generation = null_generation,
	.update = null_update,
	.send = null_send,
	.send_frame = null_send_frame,
	.commit = null_commit,
	.busy = null_busy,
	.random = null_random,
};

static void pbu_build(struct setup *s, struct pbu *pbu, uint32_t node, uint16_t mag, bool is_initial, uint64_t wall_ns)
{
	const uint8_t link_layer_id[6] = {
		2, 0, (uint8_t)(node >> 24), (uint8_t)(node >> 16), (uint8_t)(node >> 8), (uint8_t)node};
	struct home_network_prefix prefix = {.length = is_initial ? 0 : 64};
	struct mh_writer writer;
	char text[32];
	struct mn_id id = {.subtype = 1, .length = ID_LENGTH, .data = (const uint8_t *)text};

	snprintf(text, sizeof(text), ID_FORMAT, node);
	if (!is_initial)
		prefix.prefix = s->nodes[node].prefix;
	mh_writer_init(&writer, MH_BU, pbu->bytes, sizeof(pbu->bytes));
	mh_write_bu(&writer, (uint16_t)wall_ns, BU_FLAG_A | BU_FLAG_P, 900);
	mh_write_mn_id(&writer, &id);
	mh_write_prefix(&writer, &prefix);
	mh_write_handoff_indicator(&writer, is_initial                  ? HI_NEW_INTERFACE
					    : mag == s->nodes[node].mag ? HI_UNCHANGED
									: HI_BETWEEN_MAGS);
	mh_write_access_technology(&writer, 4);
	mh_write_timestamp(&writer, mh_timestamp_from_ns(wall_ns));
	mh_write_link_layer_id(&writer, link_layer_id, sizeof(link_layer_id));
	pbu->source = s->mags[mag];
	pbu->length = mh_writer_finish(&writer, &pbu->source, &s->address);
	s->nodes[node].mag = mag;
}

/* What the control core does per message: decode, the engine, and the end of the transaction. */
static uint64_t run_batch(struct setup *s)
{
	uint64_t begin = bench_tsc();

	for (unsigned i = 0; i < BATCH; i++) {
		struct pbu *pbu = &s->batch[i];
		struct mh_datagram datagram = {
			.source = pbu->source, .destination = s->address, .bytes = pbu->bytes, .length = pbu->length};
		struct mh_message message;

		s->now.wall_ns += NS_PER_PBU;
		s->now.monotonic_ns += NS_PER_PBU;
		if (mh_decode(&message, pbu->bytes, pbu->length, &datagram.source, &datagram.destination) !=
			MH_ERROR_NONE) {
			s->failures++;
			continue;
		}
		lma_pbu(s->lma, &s->now, &datagram, &message);
		while (s->host.cookie_count > 0)
			lma_transaction_done(s->lma, &s->now, s->host.cookies[--s->host.cookie_count], 0);
	}
	lma_advance(s->lma, &s->now);
	while (s->door != NULL && engine_door_poll(s->door) > PENDING_MAX)
		continue;
	return bench_tsc() - begin;
}

static uint64_t run_register(void *context, uint64_t *done)
{
	struct setup *s = context;

	for (unsigned i = 0; i < BATCH; i++, s->registered++)
		pbu_build(s, &s->batch[i], s->registered, (uint16_t)(s->registered % MAGS), true,
			s->now.wall_ns + (i + 1) * NS_PER_PBU);
	*done += BATCH;
	return run_batch(s);
}

static uint64_t run_mix(struct setup *s, unsigned handover_one_of, uint64_t *done)
{
	for (unsigned i = 0; i < BATCH; i++) {
		uint32_t node = (uint32_t)(bench_random(&s->host.random) % s->count);
		uint16_t mag = s->nodes[node].mag;

		if (handover_one_of > 0 && bench_random(&s->host.random) % handover_one_of == 0)
			mag = (uint16_t)((mag + 1) % MAGS);
		pbu_build(s, &s->batch[i], node, mag, false, s->now.wall_ns + (i + 1) * NS_PER_PBU);
	}
	*done += BATCH;
	return run_batch(s);
}

static uint64_t run_usual(void *context, uint64_t *done)
{
	return run_mix(context, HANDOVER_ONE_OF, done);
}

static uint64_t run_refresh(void *context, uint64_t *done)
{
	return run_mix(context, 0, done);
}

static uint64_t run_handover(void *context, uint64_t *done)
{
	return run_mix(context, 1, done);
}

static int policy_fill(struct setup *s)
{
	struct policy_pool pool = {.name = "pool", .prefix = {.length = 32}};
	struct policy_node node = {.dynamic_prefixes = 1, .proxy_registration = true};
	char text[32];

	pool.prefix.prefix.s6_addr[0] = 0x20;
	pool.prefix.prefix.s6_addr[1] = 0x02;
	s->policy = policy_create();
	if (s->policy == NULL || policy_add_pool(s->policy, &pool) != 0)
		return -1;
	for (unsigned i = 0; i < MAGS; i++) {
		snprintf(text, sizeof(text), "mag%u", i);
		s->mags[i] = (struct in6_addr){.s6_addr = {0x20, 0x01, 0x0d, 0xb8, 0, 0xa0, [15] = (uint8_t)i}};
		if (policy_add_peer(s->policy, &(struct policy_peer){.name = text, .address = s->mags[i]}) != 0)
			return -1;
	}
	node.id = (struct mn_id){.subtype = 1, .length = ID_LENGTH, .data = (const uint8_t *)text};
	for (uint32_t i = 0; i < s->count; i++) {
		snprintf(text, sizeof(text), ID_FORMAT, i);
		if (policy_add_node(s->policy, &node) != 0)
			return -1;
	}
	return 0;
}

static void door_done(void *context, uint64_t cookie, int error)
{
	struct setup *s = context;

	lma_transaction_done(s->lma, &s->now, cookie, error);
}

static void door_sent(void *context, const struct mh_datagram *datagram)
{
	struct setup *s = context;

	null_send(&s->host.host, datagram);
}

static int setup_init(struct setup *s, uint32_t count, bool through_door)
{
	struct lma_config config = {.max_bindings = count,
		.max_binding_lifetime_s = 3600,
		.min_delay_before_bce_delete_ms = 10000,
		.max_delay_before_new_bce_assign_ms = 1500,
		.timestamp_validity_window_ms = 300,
		.timestamp_based_approach_in_use = true,
		.prefix_hold_s = 3600,
		.tunnel_mtu_bytes = 1460,
		.tunnel_hop_limit = 64,
		.tunnel_dscp = -1};

	*s = (struct setup){.count = count, .now = {.monotonic_ns = 1000000000, .wall_ns = 1700000000000000000}};
	s->host.host.ops = &null_ops;
	s->host.random = 88172645463325252;
	s->address = (struct in6_addr){.s6_addr = {0x20, 0x01, 0x0d, 0xb8, 0, 1, [15] = 1}};
	s->nodes = calloc(count, sizeof(*s->nodes));
	for (unsigned space = 0; space < INDEX_SPACE_COUNT; space++) {
		s->host.free[space] = calloc(count + BATCH, sizeof(uint32_t));
		if (s->host.free[space] == NULL)
			return -1;
	}
	if (s->nodes == NULL || policy_fill(s) != 0)
		return -1;
	memset(s->nodes, 1, count * sizeof(*s->nodes)); /* resident before the engine is measured */
	config.address = s->address;
	config.policy = s->policy;
	if (through_door) {
		s->door = engine_door_create(&(struct engine_door_config){
			.nodes = count, .tunnels = MAGS, .done = door_done, .sent = door_sent, .context = s});
		if (s->door == NULL)
			return -1;
	}
	s->lma = lma_create(&config, through_door ? engine_door_host(s->door) : &s->host.host, &s->now);
	return s->lma != NULL ? 0 : -1;
}

static void setup_fini(struct setup *s)
{
	if (s->lma != NULL)
		lma_destroy(s->lma);
	engine_door_destroy(s->door);
	policy_destroy(s->policy);
	for (unsigned space = 0; space < INDEX_SPACE_COUNT; space++)
		free(s->host.free[space]);
	free(s->nodes);
}

static uint64_t resident_bytes(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	unsigned long long total = 0, resident = 0;

	if (file == NULL)
		return 0;
	if (fscanf(file, "%llu %llu", &total, &resident) != 2)
		resident = 0;
	fclose(file);
	return resident * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* The rate falls as the cache fills: each round is an eighth of the way. */
static void measure_registrations(struct setup *s)
{
	double rounds[BENCH_ROUNDS + 1];

	for (unsigned round = 0; round <= BENCH_ROUNDS; round++) {
		uint64_t end = (uint64_t)s->count * (round + 1) / (BENCH_ROUNDS + 1), ticks = 0, done = 0;

		while (s->registered + BATCH <= end)
			ticks += run_register(s, &done);
		rounds[round] = done > 0 ? (double)done * (double)rte_get_tsc_hz() / (double)ticks : 0;
	}
	while (s->registered + BATCH <= s->count)
		run_register(s, &(uint64_t){0});
	s->count = s->registered;
	bench_report("lma_registrations_per_s", s->count, "1/s", rounds);
}

static void learn_prefixes(struct setup *s)
{
	struct binding_view view;

	for (uint32_t at = 0; lma_binding_next(s->lma, at, &view); at = view.index + 1) {
		uint32_t node = (uint32_t)strtoul((const char *)view.id.data + 2, NULL, 10);

		s->nodes[node].prefix = view.prefixes[0].prefix;
	}
}

static void measure_rates(struct setup *s)
{
	struct bench rates[] = {
		{"lma_pbu_per_s", s->count, "1/s", run_usual, s, {0}},
		{"lma_refreshes_per_s", s->count, "1/s", run_refresh, s, {0}},
		{"lma_handovers_per_s", s->count, "1/s", run_handover, s, {0}},
	};
	const unsigned n = sizeof(rates) / sizeof(rates[0]);

	for (unsigned round = 0; round <= BENCH_ROUNDS; round++)
		for (unsigned i = 0; i < n; i++)
			rates[i].rounds[round] = (double)rte_get_tsc_hz() / bench_round(&rates[i]);
	for (unsigned i = 0; i < n; i++)
		bench_report(rates[i].name, rates[i].flows, rates[i].unit, rates[i].rounds);
}

static void report_constant(const char *name, uint64_t flows, const char *unit, double value)
{
	double rounds[BENCH_ROUNDS + 1];

	for (unsigned i = 0; i <= BENCH_ROUNDS; i++)
		rounds[i] = value;
	bench_report(name, flows, unit, rounds);
}

/* One rate through the door; the engine has all bindings before. */
static int measure_door(uint32_t count)
{
	struct setup *s = calloc(1, sizeof(*s));
	uint64_t refused;
	struct bench rate = {"lma_pbu_per_s_door", 0, "1/s", run_usual, s, {0}};
	int status = -1;

	if (s == NULL || setup_init(s, count, true) != 0) {
		fprintf(stderr, "%" PRIu32 " bindings through the door: no memory\n", count);
		goto out;
	}
	while (s->registered + BATCH <= s->count)
		run_register(s, &(uint64_t){0});
	while (engine_door_poll(s->door) > 0)
		continue;
	s->count = s->registered;
	learn_prefixes(s);
	for (unsigned round = 0; round <= BENCH_ROUNDS; round++)
		rate.rounds[round] = (double)rte_get_tsc_hz() / bench_round(&rate);
	while (engine_door_poll(s->door) > 0)
		continue;
	bench_report(rate.name, s->count, rate.unit, rate.rounds);
	refused = engine_door_refused(s->door);
	status = s->failures == 0 && s->host.messages == s->host.accepted && refused == 0 ? 0 : -1;
	if (status != 0)
		fprintf(stderr, "%" PRIu64 " of %" PRIu64 " PBUs were not accepted, %" PRIu64 " updates refused\n",
			s->host.messages - s->host.accepted, s->host.messages, refused);
out:
	if (s != NULL)
		setup_fini(s);
	free(s);
	return status;
}

static int measure(uint32_t count)
{
	struct setup *s = calloc(1, sizeof(*s));
	uint64_t resident;
	struct lma_stats stats;
	int status = -1;

	if (s == NULL || setup_init(s, count, false) != 0) {
		fprintf(stderr, "%" PRIu32 " bindings: no memory\n", count);
		goto out;
	}
	resident = resident_bytes();
	measure_registrations(s);
	resident = resident_bytes() - resident;
	lma_stats(s->lma, &stats);
	report_constant("lma_bytes_per_binding", s->count, "B", (double)stats.memory_bytes / stats.bindings);
	report_constant("lma_resident_bytes_per_binding", s->count, "B", (double)resident / stats.bindings);
	report_constant("lma_forwarding_bytes_per_binding", s->count, "B", engine_door_bytes_per_binding(s->count));
	learn_prefixes(s);
	measure_rates(s);
	lma_stats(s->lma, &stats);
	status = s->failures == 0 && s->host.accepted == s->host.messages && stats.bindings == s->count ? 0 : -1;
	if (status != 0)
		fprintf(stderr, "%" PRIu64 " of %" PRIu64 " PBUs were not accepted, %" PRIu32 " bindings\n",
			s->host.messages - s->host.accepted, s->host.messages, stats.bindings);
out:
	if (s != NULL)
		setup_fini(s);
	free(s);
	return status;
}

int main(int argc, char **argv)
{
	uint64_t count = argc > 1 ? strtoull(argv[1], NULL, 10) : 1000000;
	int status;

	if (argc > 2 || count < 8 * BATCH || count > 99999999) {
		fprintf(stderr, "usage: bench_lma [BINDINGS]   (at least %d)\n", 8 * BATCH);
		return 2;
	}
	if (bench_start(argv[0], (unsigned)(128 + count / 4096)) != 0)
		return 1;
	status = measure((uint32_t)count);
	if (status == 0)
		status = measure_door((uint32_t)count);
	rte_eal_cleanup();
	return status == 0 ? 0 : 1;
}
