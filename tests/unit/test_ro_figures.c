/* SPDX-License-Identifier: BSD-3-Clause */
/* The figures of draft-abeille-netlmm-proxymip6ro, arrow by arrow (PBU and PBA come before, and are not repeated). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ro_world.h"

static struct world world;

static void begin(bool proxy, bool one_lma)
{
	world_init(&world, (struct world_options){.proxy = proxy, .one_lma = one_lma});
}

static void assert_direct(unsigned mag_of_1, unsigned mag_of_2)
{
	assert_true(world_sends(&world, mag_of_1, 1, 2, mag_of_2));
	assert_true(world_sends(&world, mag_of_2, 2, 1, mag_of_1));
}

static void set_up(bool proxy, bool one_lma)
{
	begin(proxy, one_lma);
	world_traffic(&world, LMA1);
	assert_direct(MAG1, MAG2);
	world.arrow_count = 0;
}

/* RO-039..046: figure 2 */
static void figure_2_direct_mode_with_one_lma(void **state)
{
	(void)state;
	begin(false, true);
	world_traffic(&world, LMA1);
	expect_arrows(&world, "LMA1 -RO Init-> MAG2", "MAG2 -RO Init Ack-> LMA1", "MAG2 -RO Setup-> MAG1",
		"MAG1 -RO Setup Ack-> MAG2", "MAG2 -RO Report-> LMA1", "LMA1 -RO Report Ack-> MAG2");
	assert_direct(MAG1, MAG2);
	world_fini(&world);
}

/* RO-035, G.6.12 */
static void pbu_can_replace_the_setup_of_figure_2(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 4; variant++) {
		world_init(&world, (struct world_options){.one_lma = true,
					   .pbu_for_setup = true,
					   .native = variant & 1,
					   .trust_peers = variant & 2});
		world_traffic(&world, LMA1);
		expect_arrows(&world, "LMA1 -RO Init-> MAG2", "MAG2 -RO Init Ack-> LMA1", "MAG2 -PBU-> MAG1",
			"MAG1 -PBA-> MAG2", "MAG2 -RO Report-> LMA1", "LMA1 -RO Report Ack-> MAG2");
		assert_direct(MAG1, MAG2);
		world_move(&world, 1, MAG3);
		expect_arrows(&world, "LMA1 -RO Init-> MAG3", "MAG3 -RO Init Ack-> LMA1", "MAG3 -PBU-> MAG2",
			"MAG2 -PBA-> MAG3", "MAG3 -RO Report-> LMA1", "LMA1 -RO Report Ack-> MAG3");
		assert_direct(MAG3, MAG2);
		world_fini(&world);
	}
}

/* RO-047..052: figure 3 */
static void figure_3_direct_mode_with_two_lmas(void **state)
{
	(void)state;
	begin(false, false);
	world_traffic(&world, LMA1);
	expect_arrows(&world, "LMA1 -RO Init-> LMA2", "LMA2 -RO Init Ack-> LMA1", "LMA2 -RO Init-> MAG2",
		"MAG2 -RO Init Ack-> LMA2", "MAG2 -RO Setup-> MAG1", "MAG1 -RO Setup Ack-> MAG2",
		"MAG2 -RO Report-> LMA2", "LMA2 -RO Report Ack-> MAG2", "LMA2 -RO Report-> LMA1",
		"LMA1 -RO Report Ack-> LMA2");
	assert_direct(MAG1, MAG2);
	world_fini(&world);
}

/* RO-053..056: figure 4 */
static void figure_4_handover_in_direct_mode_with_one_lma(void **state)
{
	(void)state;
	set_up(false, true);
	world_move(&world, 1, MAG3);
	expect_arrows(&world, "LMA1 -RO Init-> MAG3", "MAG3 -RO Init Ack-> LMA1", "MAG3 -RO Setup-> MAG2",
		"MAG2 -RO Setup Ack-> MAG3", "MAG3 -RO Report-> LMA1", "LMA1 -RO Report Ack-> MAG3");
	assert_direct(MAG3, MAG2);
	world_fini(&world);
}

/* RO-058..060: figure 5 */
static void figure_5_handover_in_direct_mode_with_two_lmas(void **state)
{
	(void)state;
	set_up(false, false);
	world_move(&world, 1, MAG3);
	expect_arrows(&world, "LMA1 -RO Init-> LMA2", "LMA2 -RO Init Ack-> LMA1", "LMA1 -RO Init-> MAG3",
		"MAG3 -RO Init Ack-> LMA1", "MAG3 -RO Setup-> MAG2", "MAG2 -RO Setup Ack-> MAG3",
		"MAG3 -RO Report-> LMA1", "LMA1 -RO Report Ack-> MAG3", "LMA1 -RO Report-> LMA2",
		"LMA2 -RO Report Ack-> LMA1");
	assert_direct(MAG3, MAG2);
	world_fini(&world);
}

/* RO-063..068: figure 6 */
static void figure_6_proxy_mode_with_one_lma(void **state)
{
	(void)state;
	begin(true, true);
	world_traffic(&world, LMA1);
	expect_arrows(&world, "LMA1 -RO Init-> MAG2", "MAG2 -RO Init Ack-> LMA1", "LMA1 -RO Setup-> MAG1",
		"MAG1 -RO Setup Ack-> LMA1", "LMA1 -RO Setup-> MAG2", "MAG2 -RO Setup Ack-> LMA1");
	assert_direct(MAG1, MAG2);
	world_fini(&world);
}

/* RO-069..072: figure 7 */
static void figure_7_proxy_mode_with_two_lmas(void **state)
{
	(void)state;
	begin(true, false);
	world_traffic(&world, LMA1);
	expect_arrows(&world, "LMA1 -RO Init-> LMA2", "LMA2 -RO Init Ack-> LMA1", "LMA2 -RO Init-> MAG2",
		"MAG2 -RO Init Ack-> LMA2", "LMA2 -RO Report-> LMA1", "LMA1 -RO Report Ack-> LMA2",
		"LMA1 -RO Setup-> MAG1", "MAG1 -RO Setup Ack-> LMA1", "LMA1 -RO Report-> LMA2",
		"LMA2 -RO Report Ack-> LMA1", "LMA2 -RO Setup-> MAG2", "MAG2 -RO Setup Ack-> LMA2");
	assert_direct(MAG1, MAG2);
	world_fini(&world);
}

/* RO-073: figure 8 */
static void figure_8_handover_in_proxy_mode_with_one_lma(void **state)
{
	(void)state;
	set_up(true, true);
	world_move(&world, 1, MAG3);
	expect_arrows(&world, "LMA1 -RO Init-> MAG3", "MAG3 -RO Init Ack-> LMA1", "LMA1 -RO Setup-> MAG2",
		"MAG2 -RO Setup Ack-> LMA1", "LMA1 -RO Setup-> MAG3", "MAG3 -RO Setup Ack-> LMA1");
	assert_direct(MAG3, MAG2);
	world_fini(&world);
}

/* RO-074, RO-075: figure 9 */
static void figure_9_handover_in_proxy_mode_with_two_lmas(void **state)
{
	(void)state;
	set_up(true, false);
	world_move(&world, 1, MAG3);
	expect_arrows(&world, "LMA1 -RO Init-> LMA2", "LMA2 -RO Init Ack-> LMA1", "LMA1 -RO Init-> MAG3",
		"MAG3 -RO Init Ack-> LMA1", "LMA1 -RO Report-> LMA2", "LMA2 -RO Report Ack-> LMA1",
		"LMA2 -RO Setup-> MAG2", "MAG2 -RO Setup Ack-> LMA2", "LMA2 -RO Report-> LMA1",
		"LMA1 -RO Report Ack-> LMA2", "LMA1 -RO Setup-> MAG3", "MAG3 -RO Setup Ack-> LMA1");
	assert_direct(MAG3, MAG2);
	world_fini(&world);
}

static struct ro_view view_at(unsigned node)
{
	struct ro_view view;

	assert_true(ro_pair_find(world.nodes[node].ro, world.mns[0].prefix, world.mns[1].prefix, &view));
	return view;
}

/* RO-010, RO-011, RO-012: chosen with the set-up (RO-049: the LMA of whom was called), through all handovers. */
static void controller_stays_wherever_the_mns_go(void **state)
{
	static const struct {
		unsigned mn;
		int mag;
	} moves[] = {{1, MAG3}, {2, MAG1}, {1, MAG2}, {2, MAG2}, {1, MAG1}};

	(void)state;
	for (unsigned proxy = 0; proxy < 2; proxy++) {
		for (unsigned began = LMA1; began <= LMA2; began++) {
			uint32_t association;

			begin(proxy, false);
			if (began == LMA1)
				ro_start(world.nodes[began].ro, &world.now, world.mns[0].prefix, world.mns[1].prefix);
			else
				ro_start(world.nodes[began].ro, &world.now, world.mns[1].prefix, world.mns[0].prefix);
			world_run(&world);
			association = view_at(LMA1).association;
			for (unsigned i = 0; i <= sizeof(moves) / sizeof(moves[0]); i++) {
				assert_int_equal(view_at(LMA1).controller, began == LMA2);
				assert_int_equal(view_at(LMA2).controller, began == LMA1);
				assert_int_equal(view_at(LMA2).association, association);
				assert_int_equal(view_at(LMA1).state, RO_STATE_ACTIVE);
				if (i < sizeof(moves) / sizeof(moves[0]))
					world_move(&world, moves[i].mn, moves[i].mag);
			}
			world_fini(&world);
		}
	}
}

/* RO-013 */
static void only_lma_controls(void **state)
{
	(void)state;
	for (unsigned proxy = 0; proxy < 2; proxy++) {
		set_up(proxy, true);
		assert_true(view_at(LMA1).controller);
		world_move(&world, 2, MAG3);
		assert_true(view_at(LMA1).controller);
		world_fini(&world);
	}
}

static void proxy_at_the_first_lma(struct ro_config *config)
{
	config->proxy = config->role == RO_ROLE_LMA && config->address.s6_addr[5] == 1;
}

/* RO-024: LMAs of different modes use that of the one that began; so do the MAGs. */
static void pair_has_the_mode_of_who_began(void **state)
{
	(void)state;
	for (unsigned began = LMA1; began <= LMA2; began++) {
		world_init(&world, (struct world_options){.adjust = proxy_at_the_first_lma});
		if (began == LMA1)
			ro_start(world.nodes[began].ro, &world.now, world.mns[0].prefix, world.mns[1].prefix);
		else
			ro_start(world.nodes[began].ro, &world.now, world.mns[1].prefix, world.mns[0].prefix);
		world_run(&world);
		assert_direct(MAG1, MAG2);
		for (unsigned node = LMA1; node <= MAG2; node++)
			assert_int_equal(view_at(node).proxy, began == LMA1);
		world_move(&world, 1, MAG3);
		world_move(&world, 2, MAG1);
		assert_direct(MAG3, MAG1);
		for (unsigned node = LMA1; node <= MAG3; node++)
			if (node != MAG2)
				assert_int_equal(view_at(node).proxy, began == LMA1);
		world_fini(&world);
	}
}

/* RO-061, RO-076, G.6.10 */
static void controller_whose_mn_moves_does_not_ask_the_other_lma(void **state)
{
	(void)state;
	set_up(true, false);
	world_move(&world, 2, MAG3);
	expect_arrows(&world, "LMA2 -RO Init-> MAG3", "MAG3 -RO Init Ack-> LMA2", "LMA2 -RO Report-> LMA1",
		"LMA1 -RO Report Ack-> LMA2", "LMA1 -RO Setup-> MAG1", "MAG1 -RO Setup Ack-> LMA1",
		"LMA1 -RO Report-> LMA2", "LMA2 -RO Report Ack-> LMA1", "LMA2 -RO Setup-> MAG3",
		"MAG3 -RO Setup Ack-> LMA2");
	assert_direct(MAG1, MAG3);
	world_fini(&world);
	world_init(&world, (struct world_options){.trust_peers = true});
	world_traffic(&world, LMA1);
	world.arrow_count = 0;
	world_move(&world, 2, MAG3);
	expect_arrows(&world, "LMA2 -RO Init-> MAG3", "MAG3 -RO Init Ack-> LMA2", "MAG3 -RO Setup-> MAG1",
		"MAG1 -RO Setup Ack-> MAG3", "MAG3 -RO Report-> LMA2", "LMA2 -RO Report Ack-> MAG3",
		"LMA2 -RO Report-> LMA1", "LMA1 -RO Report Ack-> LMA2");
	assert_direct(MAG1, MAG3);
	world_fini(&world);
}

/* RO-085 */
static void pairs_of_one_mag_are_forwarded_locally(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 4; variant++) {
		begin(variant & 1, variant & 2);
		world.mns[1].mag = MAG1;
		world_traffic(&world, LMA1);
		assert_direct(MAG1, MAG1);
		world_move(&world, 1, MAG3); /* and away */
		assert_direct(MAG3, MAG1);
		world_move(&world, 1, MAG1); /* and back */
		assert_direct(MAG1, MAG1);
		world_fini(&world);
	}
}

/* RO-006, RO-062 */
static void both_mns_move_and_come_back(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 4; variant++) {
		set_up(variant & 1, variant & 2);
		world_move(&world, 1, MAG3);
		world_move(&world, 2, MAG1);
		assert_direct(MAG3, MAG1);
		world_move(&world, 1, MAG1);
		assert_direct(MAG1, MAG1);
		world_move(&world, 2, MAG2);
		assert_direct(MAG1, MAG2);
		world_fini(&world);
	}
}

/* RO-008, RO-017, G.6.11 */
static void mag_can_ask_its_lma(void **state)
{
	(void)state;
	begin(false, true);
	world_traffic(&world, MAG1);
	expect_arrows(&world, "MAG1 -RO Init-> LMA1", "LMA1 -RO Init Ack-> MAG1", "LMA1 -RO Init-> MAG2",
		"MAG2 -RO Init Ack-> LMA1", "MAG2 -RO Setup-> MAG1", "MAG1 -RO Setup Ack-> MAG2",
		"MAG2 -RO Report-> LMA1", "LMA1 -RO Report Ack-> MAG2");
	world_fini(&world);
}

/* RO-038, G.6.6 */
static void stop_removes_the_pair_everywhere(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 4; variant++) {
		set_up(variant & 1, variant & 2);
		assert_int_equal(
			ro_stop(world.nodes[LMA1].ro, &world.now, world.mns[0].prefix, world.mns[1].prefix), 0);
		world_run(&world);
		assert_true(world_is_quiet(&world));
		assert_non_null(world_entry(&world, MAG1, 2, 1)); /* still takes what is on its way */
		world_pass(&world, 21000);
		assert_null(world_entry(&world, MAG1, 2, 1));
		assert_null(world_entry(&world, MAG2, 1, 2));
		world_pass(&world, 60000);
		for (unsigned i = 0; i < NODES; i++) {
			struct ro_stats stats;

			ro_stats(world.nodes[i].ro, &stats);
			assert_int_equal(stats.pairs, 0);
			assert_int_equal(stats.active, 0);
			assert_int_equal(stats.tunnels, 0);
			assert_int_equal(fake_host_indexes(&world.nodes[i].fake, INDEX_TUNNEL), 0);
		}
		world_fini(&world);
	}
}

/* RO-018 */
static void one_direction_of_traffic_is_not_enough(void **state)
{
	(void)state;
	begin(false, true);
	for (unsigned i = 0; i < 10; i++)
		ro_traffic_seen(world.nodes[LMA1].ro, &world.now, world.mns[0].prefix, world.mns[1].prefix);
	world_run(&world);
	assert_int_equal(world.arrow_count, 0);
	world_fini(&world);
}

/* RO-016: with two LMAs each gateway knows one MN only; whichever direction passes the thresholds last, it triggers. */
static void either_direction_may_be_seen_last(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 8; variant++) {
		unsigned by = variant & 4 ? MAG1 : LMA1, last = variant & 2 ? 1 : 0;

		begin(false, variant & 1);
		for (unsigned i = 0; i < 2; i++)
			ro_traffic_seen(world.nodes[by].ro, &world.now, world.mns[i == last].prefix,
				world.mns[i != last].prefix);
		world_run(&world);
		assert_direct(MAG1, MAG2);
		world_fini(&world);
	}
}

/* A hint to the LMA is one, however many events there are of both directions. */
static void mag_asks_once_for_both_directions(void **state)
{
	struct ro_stats stats;

	(void)state;
	begin(false, true);
	world.nodes[LMA1].dead = true;
	for (unsigned i = 0; i < 10; i++) {
		world_traffic(&world, MAG1);
		world_pass(&world, 100);
	}
	ro_stats(world.nodes[MAG1].ro, &stats);
	assert_int_equal(stats.sent[RO_INIT], 1);
	world_fini(&world);
}

static void mn_that_left_gets_its_packets_over_its_lma(void **state)
{
	const struct fwd_pair *entry;

	(void)state;
	set_up(false, true);
	world_move(&world, 1, MAG3);
	entry = world_entry(&world, MAG1, 2, 1);
	assert_non_null(entry);
	assert_int_equal(entry->forward.flags, FORWARD_PAIR_RX | FORWARD_PAIR_RETURN);
	assert_int_equal(entry->forward.action, FORWARD_TUNNEL);
	entry = world_entry(&world, MAG2, 1, 2); /* takes packets of both of mn1's MAGs for a while */
	assert_int_not_equal(entry->check.former, INDEX_NONE);
	world_pass(&world, 1100); /* then the old one has to hear that mn1 left it, should mn1 come back */
	assert_int_equal(world_entry(&world, MAG2, 1, 2)->check.former, INDEX_NONE);
	assert_non_null(world_entry(&world, MAG1, 2, 1));
	world_pass(&world, 19000);
	assert_null(world_entry(&world, MAG1, 2, 1));
	world_fini(&world);
}

static void controller_refreshes_before_the_lifetime_ends(void **state)
{
	(void)state;
	for (unsigned variant = 0; variant < 4; variant++) {
		set_up(variant & 1, variant & 2);
		for (unsigned i = 0; i < 20; i++) {
			world_pass(&world, 50000);
			world.arrow_count = 0;
			assert_direct(MAG1, MAG2);
		}
		world_fini(&world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(figure_2_direct_mode_with_one_lma),
		cmocka_unit_test(pbu_can_replace_the_setup_of_figure_2),
		cmocka_unit_test(figure_3_direct_mode_with_two_lmas),
		cmocka_unit_test(figure_4_handover_in_direct_mode_with_one_lma),
		cmocka_unit_test(figure_5_handover_in_direct_mode_with_two_lmas),
		cmocka_unit_test(figure_6_proxy_mode_with_one_lma),
		cmocka_unit_test(figure_7_proxy_mode_with_two_lmas),
		cmocka_unit_test(figure_8_handover_in_proxy_mode_with_one_lma),
		cmocka_unit_test(figure_9_handover_in_proxy_mode_with_two_lmas),
		cmocka_unit_test(controller_stays_wherever_the_mns_go),
		cmocka_unit_test(only_lma_controls),
		cmocka_unit_test(pair_has_the_mode_of_who_began),
		cmocka_unit_test(controller_whose_mn_moves_does_not_ask_the_other_lma),
		cmocka_unit_test(pairs_of_one_mag_are_forwarded_locally),
		cmocka_unit_test(both_mns_move_and_come_back),
		cmocka_unit_test(mag_can_ask_its_lma),
		cmocka_unit_test(stop_removes_the_pair_everywhere),
		cmocka_unit_test(one_direction_of_traffic_is_not_enough),
		cmocka_unit_test(either_direction_may_be_seen_last),
		cmocka_unit_test(mag_asks_once_for_both_directions),
		cmocka_unit_test(mn_that_left_gets_its_packets_over_its_lma),
		cmocka_unit_test(controller_refreshes_before_the_lifetime_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
