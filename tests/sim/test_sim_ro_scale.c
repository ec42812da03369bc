/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * 100,000 pairs that are set up at once (10,000 in proxy mode), and the loss of the MAG that half of their nodes are
 * at: all of them come up, all of them end, and no turn of the control core does more than a bounded part of it.
 */
#include "sim_test.h"

#include <stdlib.h>

#include "sim_ro.h"

#define SIDE       1000 /* nodes at each of both MAGs; each talks to PEERS of the others */
#define PEERS      100
#define PAIRS_MAX  (SIDE * PEERS)
#define UP_MS      60000
#define TURN_PAIRS 1024 /* that a turn may end */

static uint32_t pairs_at(const struct gateway *gateway, bool active)
{
	struct ro_stats stats;

	ro_stats(gateway->ro, &stats);
	return active ? stats.active : stats.pairs;
}

static struct domain *make(bool proxy)
{
	struct domain *domain = ro_domain(&(struct domain_config){.lmas = 1,
		.mags = 2,
		.nodes = 2 * SIDE,
		.nud_interval_ms = 600000,
		.high_water = 1000000,
		.ro = {.proxy = proxy, .max_pairs = PAIRS_MAX}});

	for (unsigned i = 0; i < 2 * SIDE; i++)
		mobile_attach(domain, i, i % 2);
	domain_run_until(domain, everybody_is_served, NULL, 60000);
	return domain;
}

static void start_all(struct domain *domain, unsigned peers)
{
	struct gateway *lma = domain_lma(domain, 0);
	struct engine_time now = gateway_time(lma);
	uint64_t *ids = calloc(2 * SIDE, sizeof(*ids));

	assert_non_null(ids);
	for (unsigned i = 0; i < 2 * SIDE; i++)
		ids[i] = mobile_endpoint(domain, i);
	for (unsigned i = 0; i < SIDE; i++)
		for (unsigned k = 0; k < peers; k++)
			assert_int_equal(ro_start(lma->ro, &now, ids[2 * i], ids[2 * ((i + k) % SIDE) + 1]), 0);
	free(ids);
	gateway_run(lma);
}

static bool all_active(struct domain *domain, void *context)
{
	unsigned pairs = *(unsigned *)context;

	for (unsigned i = 0; i < 3; i++)
		if (pairs_at(&domain->gateways[i], true) != pairs)
			return false;
	return true;
}

static bool none_active(struct domain *domain, void *context)
{
	(void)context;
	return pairs_at(domain_lma(domain, 0), true) == 0 && pairs_at(domain_mag(domain, 0), true) == 0;
}

/* The most pairs that a turn ended at a gateway. */
static uint32_t largest_turn(struct domain *domain, const struct in6_addr *lost)
{
	uint32_t largest = 0;

	for (unsigned i = 0; i < 2; i++) {
		struct gateway *gateway = &domain->gateways[i];
		struct engine_time now = gateway_time(gateway);
		uint32_t before = pairs_at(gateway, true), after;

		ro_peer_lost(gateway->ro, &now, lost);
		for (;;) {
			after = pairs_at(gateway, true);
			largest = before - after > largest ? before - after : largest;
			before = after;
			if (ro_advance(gateway->ro, &now) > engine_ms(&now))
				break;
		}
		gateway_run(gateway);
	}
	return largest;
}

static void hundred_thousand_pairs_come_up_and_end_in_bounded_turns(void **state)
{
	(void)state;
	for (unsigned proxy = 0; proxy < 2; proxy++) {
		struct domain *domain = make(proxy);
		struct gateway *lost = domain_mag(domain, 1);
		struct in6_addr address = lost->address;
		unsigned peers = proxy ? PEERS / 10 : PEERS, pairs = SIDE * peers;
		uint32_t turn;

		start_all(domain, peers);
		domain_run_until(domain, all_active, &pairs, UP_MS);
		/* Two halves; every other node over there has two prefixes. */
		assert_int_equal(owner_pair_count(domain_mag(domain, 0)->owner), 3 * pairs);
		gateway_stop(lost);
		turn = largest_turn(domain, &address);
		if (turn > TURN_PAIRS)
			domain_fail(domain, "a turn ended %u pairs", turn);
		domain_run_until(domain, none_active, NULL, UP_MS);
		domain_run(domain, 100000); /* linger and tombstones */
		assert_int_equal(owner_pair_count(domain_mag(domain, 0)->owner), 0);
		assert_int_equal(pairs_at(domain_lma(domain, 0), false), 0);
		assert_int_equal(pairs_at(domain_mag(domain, 0), false), 0);
		domain_abandon(domain);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hundred_thousand_pairs_come_up_and_end_in_bounded_turns),
	};

	if (!sim_arguments(argc, argv))
		return 2;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
