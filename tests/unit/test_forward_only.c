/* SPDX-License-Identifier: BSD-3-Clause */
/* A gateway that only forwards: its rows become forwarding state, in slices, and what is refused is told. */
#include "bindings_texts.h"

#include <errno.h>

#include "fake_host.h"
#include "forward_only.h"
#include "log.h"
#include "timer_wheel.h"

#define PREFIX(n) (UINT64_C(0x20010db810000000) | (n))
#define OTHER(n)  (UINT64_C(0x20010db820000000) | (n))

struct world {
	struct config *config;
	struct fake_host fake;
	struct forward_only *forward;
	struct engine_time now;
	struct fwd_pair pairs[64];
	uint32_t pair_index[64];
	unsigned pair_count, links;
	char logs[4096];
};

static void on_done(void *context, uint64_t cookie, int error)
{
	struct world *w = context;

	if (cookie != 0)
		forward_only_transaction_done(w->forward, &w->now, cookie, error);
}

static int apply_other(void *context, const struct fwd_update *update)
{
	struct world *w = context;

	if (update->op == FWD_OP_link_insert) {
		w->links++;
	} else {
		assert_int_equal(update->op, FWD_OP_pair_insert);
		assert_true(w->pair_count < 64);
		w->pair_index[w->pair_count] = update->index;
		w->pairs[w->pair_count++] = update->body.pair;
	}
	return 0;
}

static void on_log(void *context, enum log_level level, const char *line)
{
	struct world *w = context;
	size_t used = strlen(w->logs);

	snprintf(w->logs + used, sizeof(w->logs) - used, "%s\n", line);
}

static struct world *world_new(struct config *config, const char *rows)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	w->config = config;
	w->now.monotonic_ns = UINT64_C(1000000000);
	fake_host_init(&w->fake);
	w->fake.done = on_done;
	w->fake.apply_other = apply_other;
	w->fake.context = w;
	log_set_sink(on_log, w);
	w->forward = forward_only_create(config, right_rows(config, rows), &w->fake.host, &w->now);
	assert_non_null(w->forward);
	return w;
}

static void world_end(struct world *w)
{
	forward_only_destroy(w->forward);
	log_set_sink(NULL, NULL);
	fake_host_fini(&w->fake);
	config_destroy(w->config);
	free(w);
}

static struct forward_only_stats stats_of(const struct world *w)
{
	struct forward_only_stats stats;

	forward_only_stats(w->forward, &stats);
	return stats;
}

/* Until nothing is left to do. */
static void fill(struct world *w)
{
	for (unsigned i = 0; i < 1000 && forward_only_advance(w->forward, &w->now) != TIMER_NEVER; i++)
		fake_host_run(&w->fake);
	fake_host_run(&w->fake);
	forward_only_advance(w->forward, &w->now);
	assert_true(stats_of(w).complete);
}

static void bindings_of_an_lma_are_endpoints_with_tunnels_to_their_mags(void **state)
{
	struct world *w = world_new(lma_config(), "binding,2001:db8:1000::/64,mag1\nbinding,2001:db8:1000:1::/"
						  "64,mag2\nbinding,2001:db8:1000:2::/64,mag1\n");
	const struct forward *first, *second, *third;
	struct tunnel_view view;

	fill(w);
	first = fake_host_endpoint(&w->fake, PREFIX(0));
	second = fake_host_endpoint(&w->fake, PREFIX(1));
	third = fake_host_endpoint(&w->fake, PREFIX(2));
	assert_int_equal(first->action, FORWARD_TUNNEL);
	assert_int_equal(first->link, LINK_NONE);
	assert_int_equal(first->tunnel, third->tunnel);
	assert_int_not_equal(first->tunnel, second->tunnel);
	assert_int_not_equal(first->node, third->node);
	assert_int_equal(w->fake.tunnels[first->tunnel].use, TUNNEL_TO_MAG);
	assert_int_equal(w->fake.tunnels[first->tunnel].mtu_bytes, 1460);
	assert_memory_equal(&w->fake.tunnels[first->tunnel].local, &w->config->lma.address, 16);
	assert_memory_equal(&w->fake.tunnels[second->tunnel].remote, &w->config->peers[1].address, 16);
	assert_int_equal(w->links, 0);
	assert_int_equal(stats_of(w).applied, 3);
	assert_int_equal(stats_of(w).tunnels, 2);
	assert_int_equal(forward_only_peer_rows(w->forward, &w->config->peers[0].address), 2);
	assert_true(forward_only_tunnel_next(w->forward, 0, &view));
	assert_true(forward_only_tunnel_next(w->forward, view.index + 1, &view));
	assert_false(forward_only_tunnel_next(w->forward, view.index + 1, &view));
	assert_non_null(
		strstr(w->logs, "tables_filled file=b bindings=3 nodes=3 pairs=0 neighbours=0 tunnels=2 refused=0"));
	world_end(w);
}

static void bindings_of_a_mag_are_links_and_endpoints_and_a_node_has_one_link(void **state)
{
	struct world *w = world_new(mag_config(), "binding,2001:db8:1000::/64,lma1,access0.20,02:00:00:00:10:00\n"
						  "binding,2001:db8:1000:1::/64,lma1,access0.20,02:00:00:00:10:00\n");
	const struct forward *first, *second;

	fill(w);
	first = fake_host_endpoint(&w->fake, PREFIX(0));
	second = fake_host_endpoint(&w->fake, PREFIX(1));
	assert_int_equal(first->action, FORWARD_LOCAL);
	assert_int_equal(first->link, 1);
	assert_int_equal(first->flags, 0);
	assert_memory_equal(first->mac, "\x02\0\0\0\x10\0", 6);
	assert_int_equal(first->node, second->node);
	assert_int_equal(first->generation, second->generation);
	assert_int_equal(w->links, 1);
	assert_int_equal(w->fake.tunnels[first->tunnel].use, TUNNEL_TO_LMA);
	assert_int_equal(fake_host_indexes(&w->fake, INDEX_NODE), 1);
	world_end(w);
}

static void pair_is_two_halves_over_a_tunnel_to_the_other_mag(void **state)
{
	struct world *w = world_new(mag_config(), "pair,2001:db8:1000::/64,2001:db8:2000::/64,mag2\n"
						  "pair,2001:db8:1000::/64,2001:db8:2000:1::/64,mag2\n"
						  "binding,2001:db8:1000::/64,lma1,access0.20,02:00:00:00:10:00\n");
	const struct fwd_pair *up, *down;
	const struct forward *node;
	struct tunnel_view view;

	fill(w);
	node = fake_host_endpoint(&w->fake, PREFIX(0));
	assert_int_equal(w->pair_count, 4);
	up = &w->pairs[0];
	down = &w->pairs[1];
	assert_true(up->source == PREFIX(0) && up->destination == OTHER(0));
	assert_int_equal(up->forward.action, FORWARD_TUNNEL);
	assert_int_equal(up->forward.flags, FORWARD_PAIR_TX);
	assert_int_equal(up->check.from.link, 1);
	assert_memory_equal(up->check.from.mac, "\x02\0\0\0\x10\0", 6);
	assert_int_equal(w->fake.tunnels[up->forward.tunnel].use, TUNNEL_TO_PEER_MAG);
	assert_int_not_equal(up->forward.tunnel, node->tunnel);
	assert_true(down->source == OTHER(0) && down->destination == PREFIX(0));
	assert_int_equal(down->forward.action, FORWARD_LOCAL);
	assert_int_equal(down->forward.flags, FORWARD_PAIR_RX);
	assert_int_equal(down->forward.node, node->node);
	assert_int_equal(down->forward.hold, 0);
	assert_memory_equal(down->forward.mac, "\x02\0\0\0\x10\0", 6);
	assert_int_equal(down->check.tunnel, up->forward.tunnel);
	assert_int_equal(down->check.former, INDEX_NONE);
	assert_int_equal(w->pair_index[0], w->pair_index[1]);
	assert_int_not_equal(w->pair_index[0], w->pair_index[2]);
	assert_int_equal(w->pairs[2].forward.tunnel, up->forward.tunnel);
	assert_int_equal(stats_of(w).tunnels, 2);
	assert_true(forward_only_tunnel_next(w->forward, node->tunnel + 1, &view) ||
		    forward_only_tunnel_next(w->forward, 0, &view));
	world_end(w);
}

static char *many_rows(unsigned count)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	for (unsigned i = 0; i < count; i++)
		fprintf(out, "binding,2001:db8:1000:%x::/64,mag%u\n", i, i % 2 + 1);
	fclose(out);
	return text;
}

static void rows_go_out_in_slices_and_wait_while_the_host_is_busy(void **state)
{
	char *rows = many_rows(10000);
	struct config *config = lma_config();
	struct world *w;
	unsigned slices = 0;

	config->lma.max_bindings = 10000;
	w = world_new(config, rows);
	free(rows);
	w->fake.is_busy = true;
	assert_true(forward_only_advance(w->forward, &w->now) > engine_ms(&w->now));
	assert_int_equal(w->fake.commits, 0);
	w->fake.is_busy = false;
	while (forward_only_advance(w->forward, &w->now) != TIMER_NEVER) {
		assert_in_range(w->fake.commits, 1 + slices * 4096, (slices + 1) * 4096);
		slices++;
	}
	assert_int_equal(slices, 2);
	assert_int_equal(w->fake.commits, 10000);
	assert_false(stats_of(w).complete);
	fake_host_run(&w->fake);
	assert_true(stats_of(w).complete);
	assert_int_equal(w->fake.endpoint_count, 10000);
	assert_true(forward_only_advance(w->forward, &w->now) == TIMER_NEVER);
	world_end(w);
}

static void refused_row_is_named_and_the_others_go_in(void **state)
{
	struct world *w = world_new(lma_config(), "binding,2001:db8:1000::/64,mag1\nbinding,2001:db8:1000:1::/"
						  "64,mag2\nbinding,2001:db8:1000:2::/64,mag1\n");

	w->fake.fail_update = 2;
	w->fake.fail_op = FWD_OP_endpoint_insert;
	w->fake.fail_error = -ENOSPC;
	fill(w);
	assert_int_equal(stats_of(w).applied, 2);
	assert_int_equal(stats_of(w).refused, 1);
	assert_null(fake_host_endpoint(&w->fake, PREFIX(1)));
	assert_non_null(strstr(w->logs, "row_refused at=b:2 error=\"No space left on device\""));
	world_end(w);
}

static void row_without_an_index_is_refused_with_its_pairs(void **state)
{
	struct config *config = mag_config();
	struct world *w = world_new(config, "binding,2001:db8:1000::/64,lma1,access0.20,02:00:00:00:10:00\n"
					    "binding,2001:db8:1000:1::/64,lma1,access0.20,02:00:00:00:10:01\n"
					    "pair,2001:db8:1000:1::/64,2001:db8:2000:1::/64,mag2\n");

	w->fake.index_limit[INDEX_NODE] = 1;
	fill(w);
	assert_int_equal(stats_of(w).applied, 1);
	assert_int_equal(stats_of(w).refused, 2);
	assert_int_equal(w->pair_count, 0);
	world_end(w);
}

static void tunnel_without_an_index_refuses_its_rows(void **state)
{
	struct world *w =
		world_new(lma_config(), "binding,2001:db8:1000::/64,mag1\nbinding,2001:db8:1000:1::/64,mag2\n");

	w->fake.index_limit[INDEX_TUNNEL] = 1;
	fill(w);
	assert_int_equal(stats_of(w).applied, 1);
	assert_int_equal(stats_of(w).refused, 1);
	world_end(w);
}

static void row_whose_tunnel_does_not_resolve_counts_as_applied_and_is_told(void **state)
{
	struct world *w = world_new(lma_config(), "binding,2001:db8:1000::/64,mag1\n");

	assert_true(forward_only_advance(w->forward, &w->now) == TIMER_NEVER);
	w->fake.fail_update = 1;
	w->fake.fail_op = FWD_OP_endpoint_insert;
	w->fake.fail_error = -EHOSTUNREACH;
	fake_host_run(&w->fake);
	assert_int_equal(stats_of(w).applied, 1);
	assert_int_equal(stats_of(w).unresolved, 1);
	assert_non_null(strstr(w->logs, "next_hops_missing rows=1"));
	world_end(w);
}

static void file_without_rows_is_complete_at_once(void **state)
{
	struct world *w = world_new(lma_config(), "");

	assert_true(forward_only_advance(w->forward, &w->now) == TIMER_NEVER);
	assert_true(stats_of(w).complete);
	assert_int_equal(w->fake.commits, 0);
	world_end(w);
}

static void end_while_rows_are_under_way_leaves_nothing(void **state)
{
	struct world *w = world_new(lma_config(), "binding,2001:db8:1000::/64,mag1\n");

	forward_only_advance(w->forward, &w->now);
	fake_host_run(&w->fake);
	world_end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bindings_of_an_lma_are_endpoints_with_tunnels_to_their_mags),
		cmocka_unit_test(bindings_of_a_mag_are_links_and_endpoints_and_a_node_has_one_link),
		cmocka_unit_test(pair_is_two_halves_over_a_tunnel_to_the_other_mag),
		cmocka_unit_test(rows_go_out_in_slices_and_wait_while_the_host_is_busy),
		cmocka_unit_test(refused_row_is_named_and_the_others_go_in),
		cmocka_unit_test(row_without_an_index_is_refused_with_its_pairs),
		cmocka_unit_test(tunnel_without_an_index_refuses_its_rows),
		cmocka_unit_test(row_whose_tunnel_does_not_resolve_counts_as_applied_and_is_told),
		cmocka_unit_test(file_without_rows_is_complete_at_once),
		cmocka_unit_test(end_while_rows_are_under_way_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
