/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Route optimisation while transactions are held: tables that take their time, next hops that answer late or never, so
 * that a later transaction is done before an earlier one (engine.h). Whatever comes in between, the newest update wins,
 * in the end both MNs send direct or neither does, and nothing is left behind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <errno.h>

#include <cmocka.h>

#include "ro_world.h"
#include "unit.h"

#define SETTLE_MS 23000 /* RO_SEQUENCE_DEADLINE and one exchange */

static struct world world;

static unsigned mag_of(unsigned mn)
{
	return (unsigned)world.mns[mn - 1].mag;
}

static bool is_direct(void)
{
	return world_sends(&world, mag_of(1), 1, 2, mag_of(2)) && world_sends(&world, mag_of(2), 2, 1, mag_of(1));
}

/* The tunnels of @node that have no next hop yet get one, or an error. */
static void resolve(unsigned node, int error)
{
	struct fake_host *fake = &world.nodes[node].fake;

	for (uint32_t i = 0; i < FAKE_INDEXES; i++)
		if (fake->tunnel_state[i] == FAKE_TUNNEL_WAITS)
			fake_host_resolve(fake, i, error);
}

/*
 * MAG2 waits for the next hop of MAG1 when MN1 moves on. That it is not found, or that the tunnel goes while it is
 * awaited, is no matter of the path that there is now.
 */
static void next_hop_of_a_path_that_was_left_is_of_no_interest(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 16; variant++) {
		world_init(&world, (struct world_options){.proxy = variant & 1, .one_lma = variant & 2});
		world.nodes[MAG2].fake.is_unresolved = true;
		world_traffic(&world, LMA1);
		assert_false(is_direct());
		world.nodes[MAG2].fake.is_unresolved = false;
		world_move(&world, 1, variant & 4 ? MAG3 : MAG2);
		if (!is_direct())
			fail_msg("variant %u: not direct", variant);
		if (variant & 8)
			resolve(MAG2, -EHOSTUNREACH);
		world_pass(&world, 3000);
		if (!is_direct())
			fail_msg("variant %u: not direct any more", variant);
		world_fini(&world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(next_hop_of_a_path_that_was_left_is_of_no_interest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
