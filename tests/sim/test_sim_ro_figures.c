/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The figures of draft-abeille-netlmm-proxymip6ro arrow by arrow, with whole gateways: sender, receiver, message and
 * status. Each with both profiles of the messages; those with two LMAs also the other way round, so that either LMA
 * sees the flow and either controls. Both nodes talk all the time: at a set-up no packet is lost, at a handover only
 * where the radio link was away.
 *
 * All of them show RO-001, RO-004, RO-014, RO-019, RO-022 and RO-025 to RO-029: the eight figures in both modes, from
 * the first packets over the anchor to the path without it, every message acknowledged; with two LMAs RO-005.
 */
#include "sim_test.h"

#include <string.h>

#include "sim_ro.h"

#define TALK_MS    10
#define ARROWS_MAX 24

/* One run of a figure. */
struct run {
	struct domain *domain;
	bool mirrored; /* MN2, MAG2 and LMA2 do what the figure says of MN1, MAG1 and LMA1 */
};

static unsigned mn(const struct run *run, unsigned number)
{
	return run->mirrored ? 2 - number : number - 1;
}

static unsigned mag(const struct run *run, unsigned number)
{
	return number > 2 ? number - 1 : mn(run, number);
}

struct variant {
	bool proxy, trust_peers, early, pbu_for_setup;
	unsigned lmas;
	uint32_t detecting; /* 0: the LMA of MN1 */
};

static struct run begin(const struct variant *variant, unsigned number)
{
	struct run run = {.mirrored = number & 2};
	struct domain_config config = {.lmas = variant->lmas,
		.mags = 3,
		.nodes = 2,
		.ro = {.proxy = variant->proxy,
			.trust_peers = variant->trust_peers,
			.early = variant->early,
			.pbu_for_setup = variant->pbu_for_setup,
			.native = number & 1,
			.detecting = variant->detecting}};

	if (variant->detecting == 0)
		config.ro.detecting = variant->lmas == 2 && run.mirrored ? 2 : 1;
	run.domain = ro_domain(&config);
	return run;
}

/* MN1 at MAG1, MN2 at @where_2; MN1 begins. */
static void talk(const struct run *run, unsigned where_1, unsigned where_2)
{
	ro_attach(run->domain, mn(run, 1), mag(run, where_1));
	ro_attach(run->domain, mn(run, 2), mag(run, where_2));
	domain_forget_arrows(run->domain);
	domain_talk(run->domain, mn(run, 1), mn(run, 2), TALK_MS);
	domain_run(run->domain, 1500);
}

/* 1 <-> 2 in the names of gateways. */
static void mirror(char *arrow)
{
	for (char *at = arrow; (at = strpbrk(at, "ML")) != NULL; at++)
		if ((memcmp(at, "LMA", 3) == 0 || memcmp(at, "MAG", 3) == 0) && (at[3] == '1' || at[3] == '2'))
			at[3] = at[3] == '1' ? '2' : '1';
}

static void expect(const struct run *run, int line, const char *const *arrows)
{
	char texts[ARROWS_MAX][64];
	const char *expected[ARROWS_MAX + 1] = {NULL};

	for (unsigned i = 0; arrows[i] != NULL && i < ARROWS_MAX; i++) {
		snprintf(texts[i], sizeof(texts[i]), "%s", arrows[i]);
		if (run->mirrored)
			mirror(texts[i]);
		expected[i] = texts[i];
	}
	domain_expect_arrows(run->domain, __FILE__, line, expected);
}

#define EXPECT(run, ...) expect(run, __LINE__, (const char *const[]){__VA_ARGS__, NULL})

static void assert_lossless(const struct run *run)
{
	for (unsigned k = 0; k < 2; k++) {
		assert_int_equal(flow_lost(domain_flow(run->domain, 0, k)), 0);
		assert_true(domain_flow(run->domain, 0, k)->delivered > 0);
	}
}

static void assert_path(const struct run *run, enum path path)
{
	assert_int_equal(domain_path(run->domain, 0, 1), path);
	assert_int_equal(domain_path(run->domain, 1, 0), path);
}

/* Set up as the figure says, from the first packet on. */
static struct run set_up(const struct variant *variant, unsigned number)
{
	struct run run = begin(variant, number);

	talk(&run, 1, 2);
	assert_path(&run, PATH_DIRECT);
	assert_lossless(&run);
	domain_forget_arrows(run.domain);
	domain_flows_clear(run.domain);
	return run;
}

/* MN @number comes to MAG @to; all that is lost is lost in the air, or sent before it is registered. */
static void hand_over(const struct run *run, unsigned number, unsigned to)
{
	run->domain->arrow_kinds = ARROW_RO | ARROW_SIGNALLING;
	mobile_attach(run->domain, mn(run, number), mag(run, to));
	domain_run(run->domain, 2000);
	run->domain->arrow_kinds = ARROW_RO;
	for (unsigned k = 0; k < 2; k++) {
		const struct flow *flow = domain_flow(run->domain, 0, k);

		assert_int_equal(flow_lost(flow), flow->lost[LOSS_radio] + flow->lost[LOSS_source]);
		assert_true(flow->gap_ns < UINT64_C(40000000));
	}
	domain_flows_clear(run->domain);
}

static void finish(const struct run *run, enum path path)
{
	assert_path(run, path);
	domain_run(run->domain, 1000);
	assert_lossless(run);
	domain_finish(run->domain);
}

/* RO-039..046 */
static void figure_2_direct_mode_with_one_lma(void **state)
{
	(void)state;
	for (unsigned number = 0; number < 4; number++) {
		struct run run = begin(&(struct variant){.lmas = 1}, number);

		talk(&run, 1, 2);
		run.mirrored ? EXPECT(&run, "LMA2 -RO Init-> MAG2", "MAG2 -RO Init Ack 1-> LMA2",
				       "MAG2 -RO Setup-> MAG1", "MAG1 -RO Setup Ack 0-> MAG2",
				       "MAG2 -RO Report 0-> LMA2", "LMA2 -RO Report Ack 0-> MAG2")
			     : EXPECT(&run, "LMA1 -RO Init-> MAG2", "MAG2 -RO Init Ack 1-> LMA1",
				       "MAG2 -RO Setup-> MAG1", "MAG1 -RO Setup Ack 0-> MAG2",
				       "MAG2 -RO Report 0-> LMA1", "LMA1 -RO Report Ack 0-> MAG2");
		assert_lossless(&run);
		finish(&run, PATH_DIRECT);
	}
}

/* RO-047..052 */
static void figure_3_direct_mode_with_two_lmas(void **state)
{
	(void)state;
	for (unsigned number = 0; number < 4; number++) {
		struct run run = begin(&(struct variant){.lmas = 2}, number);

		talk(&run, 1, 2);
		EXPECT(&run, "LMA1 -RO Init-> LMA2", "LMA2 -RO Init Ack 1-> LMA1", "LMA2 -RO Init-> MAG2",
			"MAG2 -RO Init Ack 1-> LMA2", "MAG2 -RO Setup-> MAG1", "MAG1 -RO Setup Ack 0-> MAG2",
			"MAG2 -RO Report 0-> LMA2", "LMA2 -RO Report Ack 0-> MAG2", "LMA2 -RO Report 0-> LMA1",
			"LMA1 -RO Report Ack 0-> LMA2");
		assert_lossless(&run);
		finish(&run, PATH_DIRECT);
	}
}

/* RO-009, RO-053..056 */
static void figure_4_handover_in_direct_mode_with_one_lma(void **state)
{
	(void)state;
	for (unsigned native = 0; native < 2; native++) {
		struct run run = set_up(&(struct variant){.lmas = 1}, native);

		hand_over(&run, 1, 3);
		EXPECT(&run, "MAG3 -PBU-> LMA1", "LMA1 -PBA-> MAG3", "LMA1 -RO Init-> MAG3",
			"MAG3 -RO Init Ack 1-> LMA1", "MAG3 -RO Setup-> MAG2", "MAG2 -RO Setup Ack 0-> MAG3",
			"MAG3 -RO Report 0-> LMA1", "LMA1 -RO Report Ack 0-> MAG3");
		finish(&run, PATH_DIRECT);
	}
}

/* RO-009, RO-058..060 */
static void figure_5_handover_in_direct_mode_with_two_lmas(void **state)
{
	(void)state;
	for (unsigned number = 0; number < 4; number++) {
		struct run run = set_up(&(struct variant){.lmas = 2}, number);

		hand_over(&run, 1, 3);
		EXPECT(&run, "MAG3 -PBU-> LMA1", "LMA1 -PBA-> MAG3", "LMA1 -RO Init-> LMA2",
			"LMA2 -RO Init Ack 1-> LMA1", "LMA1 -RO Init-> MAG3", "MAG3 -RO Init Ack 1-> LMA1",
			"MAG3 -RO Setup-> MAG2", "MAG2 -RO Setup Ack 0-> MAG3", "MAG3 -RO Report 0-> LMA1",
			"LMA1 -RO Report Ack 0-> MAG3", "LMA1 -RO Report 0-> LMA2", "LMA2 -RO Report Ack 0-> LMA1");
		finish(&run, PATH_DIRECT);
	}
}

/* RO-063..068 */
static void figure_6_proxy_mode_with_one_lma(void **state)
{
	(void)state;
	for (unsigned native = 0; native < 2; native++) {
		struct run run = begin(&(struct variant){.lmas = 1, .proxy = true}, native);

		talk(&run, 1, 2);
		EXPECT(&run, "LMA1 -RO Init-> MAG2", "MAG2 -RO Init Ack 1-> LMA1", "LMA1 -RO Setup-> MAG1",
			"MAG1 -RO Setup Ack 0-> LMA1", "LMA1 -RO Setup-> MAG2", "MAG2 -RO Setup Ack 0-> LMA1");
		assert_lossless(&run);
		finish(&run, PATH_DIRECT);
	}
}

/* RO-069..072 */
static void figure_7_proxy_mode_with_two_lmas(void **state)
{
	(void)state;
	for (unsigned number = 0; number < 4; number++) {
		struct run run = begin(&(struct variant){.lmas = 2, .proxy = true}, number);

		talk(&run, 1, 2);
		EXPECT(&run, "LMA1 -RO Init-> LMA2", "LMA2 -RO Init Ack 1-> LMA1", "LMA2 -RO Init-> MAG2",
			"MAG2 -RO Init Ack 1-> LMA2", "LMA2 -RO Report 1-> LMA1", "LMA1 -RO Report Ack 0-> LMA2",
			"LMA1 -RO Setup-> MAG1", "MAG1 -RO Setup Ack 0-> LMA1", "LMA1 -RO Report 0-> LMA2",
			"LMA2 -RO Report Ack 0-> LMA1", "LMA2 -RO Setup-> MAG2", "MAG2 -RO Setup Ack 0-> LMA2");
		assert_lossless(&run);
		finish(&run, PATH_DIRECT);
	}
}

/* RO-073 */
static void figure_8_handover_in_proxy_mode_with_one_lma(void **state)
{
	(void)state;
	for (unsigned native = 0; native < 2; native++) {
		struct run run = set_up(&(struct variant){.lmas = 1, .proxy = true}, native);

		hand_over(&run, 1, 3);
		EXPECT(&run, "MAG3 -PBU-> LMA1", "LMA1 -PBA-> MAG3", "LMA1 -RO Init-> MAG3",
			"MAG3 -RO Init Ack 1-> LMA1", "LMA1 -RO Setup-> MAG2", "MAG2 -RO Setup Ack 0-> LMA1",
			"LMA1 -RO Setup-> MAG3", "MAG3 -RO Setup Ack 0-> LMA1");
		finish(&run, PATH_DIRECT);
	}
}

/* RO-074, RO-075 */
static void figure_9_handover_in_proxy_mode_with_two_lmas(void **state)
{
	(void)state;
	for (unsigned number = 0; number < 4; number++) {
		struct run run = set_up(&(struct variant){.lmas = 2, .proxy = true}, number);

		hand_over(&run, 1, 3);
		EXPECT(&run, "MAG3 -PBU-> LMA1", "LMA1 -PBA-> MAG3", "LMA1 -RO Init-> LMA2",
			"LMA2 -RO Init Ack 1-> LMA1", "LMA1 -RO Init-> MAG3", "MAG3 -RO Init Ack 1-> LMA1",
			"LMA1 -RO Report 1-> LMA2", "LMA2 -RO Report Ack 0-> LMA1", "LMA2 -RO Setup-> MAG2",
			"MAG2 -RO Setup Ack 0-> LMA2", "LMA2 -RO Report 0-> LMA1", "LMA1 -RO Report Ack 0-> LMA2",
			"LMA1 -RO Setup-> MAG3", "MAG3 -RO Setup Ack 0-> LMA1");
		finish(&run, PATH_DIRECT);
	}
}

/* RO-061, RO-076, G.6.10: LMA2 controls what LMA1 saw first. */
static void controller_whose_node_moves_does_not_ask_the_other_lma(void **state)
{
	(void)state;
	for (unsigned number = 0; number < 4; number++) {
		struct run run = set_up(&(struct variant){.lmas = 2, .trust_peers = true}, number);

		hand_over(&run, 2, 3);
		EXPECT(&run, "MAG3 -PBU-> LMA2", "LMA2 -PBA-> MAG3", "LMA2 -RO Init-> MAG3",
			"MAG3 -RO Init Ack 1-> LMA2", "MAG3 -RO Setup-> MAG1", "MAG1 -RO Setup Ack 0-> MAG3",
			"MAG3 -RO Report 0-> LMA2", "LMA2 -RO Report Ack 0-> MAG3", "LMA2 -RO Report 0-> LMA1",
			"LMA1 -RO Report Ack 0-> LMA2");
		finish(&run, PATH_DIRECT);
		run = set_up(&(struct variant){.lmas = 2, .proxy = true}, number);
		hand_over(&run, 2, 3);
		EXPECT(&run, "MAG3 -PBU-> LMA2", "LMA2 -PBA-> MAG3", "LMA2 -RO Init-> MAG3",
			"MAG3 -RO Init Ack 1-> LMA2", "LMA2 -RO Report 1-> LMA1", "LMA1 -RO Report Ack 0-> LMA2",
			"LMA1 -RO Setup-> MAG1", "MAG1 -RO Setup Ack 0-> LMA1", "LMA1 -RO Report 0-> LMA2",
			"LMA2 -RO Report Ack 0-> LMA1", "LMA2 -RO Setup-> MAG3", "MAG3 -RO Setup Ack 0-> LMA2");
		finish(&run, PATH_DIRECT);
	}
}

/* RO-035, G.6.12: figures 2 to 5 */
static void pbu_between_mags_takes_the_place_of_the_setup(void **state)
{
	(void)state;
	for (unsigned number = 0; number < 4; number++) {
		struct run run = set_up(&(struct variant){.lmas = 2, .pbu_for_setup = true}, number);

		hand_over(&run, 1, 3);
		EXPECT(&run, "MAG3 -PBU-> LMA1", "LMA1 -PBA-> MAG3", "LMA1 -RO Init-> LMA2",
			"LMA2 -RO Init Ack 1-> LMA1", "LMA1 -RO Init-> MAG3", "MAG3 -RO Init Ack 1-> LMA1",
			"MAG3 -PBU-> MAG2", "MAG2 -PBA-> MAG3", "MAG3 -RO Report 0-> LMA1",
			"LMA1 -RO Report Ack 0-> MAG3", "LMA1 -RO Report 0-> LMA2", "LMA2 -RO Report Ack 0-> LMA1");
		finish(&run, PATH_DIRECT);
		if (number > 1)
			continue;
		run = begin(&(struct variant){.lmas = 1, .pbu_for_setup = true}, number);
		talk(&run, 1, 2);
		EXPECT(&run, "LMA1 -RO Init-> MAG2", "MAG2 -RO Init Ack 1-> LMA1", "MAG2 -PBU-> MAG1",
			"MAG1 -PBA-> MAG2", "MAG2 -RO Report 0-> LMA1", "LMA1 -RO Report Ack 0-> MAG2");
		assert_lossless(&run);
		finish(&run, PATH_DIRECT);
	}
}

/* RO-085 */
static void pair_at_one_mag_is_delivered_there(void **state)
{
	(void)state;
	for (unsigned number = 0; number < 4; number++) {
		struct run run;

		if (number < 2) {
			run = begin(&(struct variant){.lmas = 1}, number);
			talk(&run, 1, 1);
			EXPECT(&run, "LMA1 -RO Init-> MAG1", "MAG1 -RO Init Ack 1-> LMA1", "MAG1 -RO Report 0-> LMA1",
				"LMA1 -RO Report Ack 0-> MAG1");
			finish(&run, PATH_LOCAL);
			run = begin(&(struct variant){.lmas = 1, .proxy = true}, number);
			talk(&run, 1, 1);
			EXPECT(&run, "LMA1 -RO Init-> MAG1", "MAG1 -RO Init Ack 1-> LMA1", "LMA1 -RO Setup-> MAG1",
				"MAG1 -RO Setup Ack 0-> LMA1", "LMA1 -RO Setup-> MAG1", "MAG1 -RO Setup Ack 0-> LMA1");
			finish(&run, PATH_LOCAL);
		}
		run = begin(&(struct variant){.lmas = 2}, number);
		talk(&run, 1, 1);
		EXPECT(&run, "LMA1 -RO Init-> LMA2", "LMA2 -RO Init Ack 1-> LMA1", "LMA2 -RO Init-> MAG1",
			"MAG1 -RO Init Ack 1-> LMA2", "MAG1 -RO Report 0-> LMA2", "LMA2 -RO Report Ack 0-> MAG1",
			"LMA2 -RO Report 0-> LMA1", "LMA1 -RO Report Ack 0-> LMA2");
		finish(&run, PATH_LOCAL);
		run = begin(&(struct variant){.lmas = 2, .proxy = true}, number);
		talk(&run, 1, 1);
		EXPECT(&run, "LMA1 -RO Init-> LMA2", "LMA2 -RO Init Ack 1-> LMA1", "LMA2 -RO Init-> MAG1",
			"MAG1 -RO Init Ack 1-> LMA2", "LMA2 -RO Report 1-> LMA1", "LMA1 -RO Report Ack 0-> LMA2",
			"LMA1 -RO Setup-> MAG1", "MAG1 -RO Setup Ack 0-> LMA1", "LMA1 -RO Report 0-> LMA2",
			"LMA2 -RO Report Ack 0-> LMA1", "LMA2 -RO Setup-> MAG1", "MAG1 -RO Setup Ack 0-> LMA2");
		finish(&run, PATH_LOCAL);
	}
}

/* RO-085, RO-006: to the MAG of the peer, on to another one, and both together */
static void nodes_come_together_and_part_again(void **state)
{
	(void)state;
	for (unsigned number = 0; number < 16; number++) {
		struct run run = set_up(&(struct variant){.lmas = number & 4 ? 2 : 1, .proxy = number & 8},
			number & 4 ? number & 3 : number & 1);

		hand_over(&run, 1, 2);
		assert_path(&run, PATH_LOCAL);
		hand_over(&run, 1, 3);
		assert_path(&run, PATH_DIRECT);
		hand_over(&run, 2, 3);
		assert_path(&run, PATH_LOCAL);
		hand_over(&run, 2, 1);
		assert_path(&run, PATH_DIRECT);
		hand_over(&run, 1, 2);
		hand_over(&run, 2, 2);
		finish(&run, PATH_LOCAL);
	}
}

/* RO-086..088 */
static void early_activation_sends_before_the_setup_is_acknowledged(void **state)
{
	(void)state;
	for (unsigned lmas = 1; lmas <= 2; lmas++) {
		struct run run = begin(&(struct variant){.lmas = lmas, .early = true}, 0);

		domain_delay(run.domain, "MAG2 -RO Setup-> MAG1", 1, 100);
		ro_attach(run.domain, 0, 0);
		ro_attach(run.domain, 1, 1);
		domain_talk(run.domain, 0, 1, TALK_MS);
		domain_run_until_arrow(run.domain, "MAG2 -RO Setup-> MAG1", 2000);
		domain_run(run.domain, 2);
		assert_int_equal(domain_count_arrows(run.domain, "MAG2 -RO Init Ack 0-> LMA1") +
					 domain_count_arrows(run.domain, "MAG2 -RO Init Ack 0-> LMA2"),
			1);
		assert_non_null(owner_pair(domain_mag(run.domain, 1)->owner, mobile_endpoint(run.domain, 1),
			mobile_endpoint(run.domain, 0), FORWARD_PAIR_TX));
		domain_run(run.domain, 1000);
		assert_path(&run, PATH_DIRECT);
		domain_finish(run.domain);
	}
}

/* RO-087, RO-088 */
static void early_activation_without_confirmation_is_rolled_back(void **state)
{
	(void)state;
	for (unsigned lmas = 1; lmas <= 2; lmas++) {
		struct run run = begin(&(struct variant){.lmas = lmas, .early = true}, 0);

		domain_lose(run.domain, "MAG2 -RO Setup-> MAG1", 2);
		ro_attach(run.domain, 0, 0);
		ro_attach(run.domain, 1, 1);
		domain_talk(run.domain, 0, 1, TALK_MS);
		domain_run_until_arrow(run.domain, "MAG2 -RO Setup-> MAG1", 2000);
		domain_run(run.domain, 450);
		assert_null(owner_pair(domain_mag(run.domain, 1)->owner, mobile_endpoint(run.domain, 1),
			mobile_endpoint(run.domain, 0), FORWARD_PAIR_TX));
		domain_run(run.domain, 2000);
		assert_path(&run, PATH_DIRECT); /* the third one arrived */
		domain_finish(run.domain);
	}
}

/* RO-038, G.6.6 */
static void removal_goes_from_the_controller_to_all(void **state)
{
	(void)state;
	for (unsigned number = 0; number < 4; number++) {
		struct run run = set_up(&(struct variant){.lmas = 2, .proxy = number & 1}, number & 2);
		struct gateway *controller = domain_lma(run.domain, run.mirrored ? 0 : 1);

		assert_int_equal(domain_ro_stop(run.domain, controller, 0, 1), 0);
		domain_run(run.domain, 500);
		EXPECT(&run, "LMA2 -RO Setup(0)-> MAG2", "LMA2 -RO Report 5(0)-> LMA1", "MAG2 -RO Setup Ack 5-> LMA2",
			"LMA1 -RO Report Ack 5-> LMA2", "LMA1 -RO Setup(0)-> MAG1", "MAG1 -RO Setup Ack 5-> LMA1");
		finish(&run, PATH_ANCHOR);
	}
	for (unsigned number = 0; number < 4; number++) {
		struct run run = set_up(&(struct variant){.lmas = 1, .proxy = number & 1}, number >> 1);

		assert_int_equal(domain_ro_stop(run.domain, domain_lma(run.domain, 0), 0, 1), 0);
		domain_run(run.domain, 500);
		assert_int_equal(domain_count_arrows(run.domain, "LMA1 -RO Setup(0)-> MAG1"), 1);
		assert_int_equal(domain_count_arrows(run.domain, "LMA1 -RO Setup(0)-> MAG2"), 1);
		assert_int_equal(domain_count_arrows(run.domain, "MAG1 -RO Setup Ack 5-> LMA1"), 1);
		assert_int_equal(domain_count_arrows(run.domain, "MAG2 -RO Setup Ack 5-> LMA1"), 1);
		finish(&run, PATH_ANCHOR);
	}
}

/* G.6.6: the same arrows as the set-up, and nothing changes */
static void controller_refreshes_at_three_quarters_of_the_lifetime(void **state)
{
	(void)state;
	for (unsigned number = 0; number < 8; number++) {
		struct run run = set_up(&(struct variant){.lmas = number & 4 ? 2 : 1, .proxy = number & 1}, number & 2);

		domain_run(run.domain, 223000);
		EXPECT(&run, NULL);
		for (unsigned i = 0; i < 12; i++) {
			domain_run(run.domain, 75000);
			assert_path(&run, PATH_DIRECT);
		}
		assert_lossless(&run);
		finish(&run, PATH_DIRECT);
	}
}

/* RO-008, RO-017, G.6.11 */
static void mag_asks_its_lma_for_what_it_sees(void **state)
{
	(void)state;
	for (unsigned native = 0; native < 2; native++) {
		struct run run = begin(&(struct variant){.lmas = 1, .detecting = 2}, native);

		talk(&run, 1, 2);
		EXPECT(&run, "MAG1 -RO Init-> LMA1", "LMA1 -RO Init Ack 1-> MAG1", "LMA1 -RO Init-> MAG2",
			"MAG2 -RO Init Ack 1-> LMA1", "MAG2 -RO Setup-> MAG1", "MAG1 -RO Setup Ack 0-> MAG2",
			"MAG2 -RO Report 0-> LMA1", "LMA1 -RO Report Ack 0-> MAG2");
		assert_lossless(&run);
		finish(&run, PATH_DIRECT);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(figure_2_direct_mode_with_one_lma),
		cmocka_unit_test(figure_3_direct_mode_with_two_lmas),
		cmocka_unit_test(figure_4_handover_in_direct_mode_with_one_lma),
		cmocka_unit_test(figure_5_handover_in_direct_mode_with_two_lmas),
		cmocka_unit_test(figure_6_proxy_mode_with_one_lma),
		cmocka_unit_test(figure_7_proxy_mode_with_two_lmas),
		cmocka_unit_test(figure_8_handover_in_proxy_mode_with_one_lma),
		cmocka_unit_test(figure_9_handover_in_proxy_mode_with_two_lmas),
		cmocka_unit_test(controller_whose_node_moves_does_not_ask_the_other_lma),
		cmocka_unit_test(pbu_between_mags_takes_the_place_of_the_setup),
		cmocka_unit_test(pair_at_one_mag_is_delivered_there),
		cmocka_unit_test(nodes_come_together_and_part_again),
		cmocka_unit_test(early_activation_sends_before_the_setup_is_acknowledged),
		cmocka_unit_test(early_activation_without_confirmation_is_rolled_back),
		cmocka_unit_test(removal_goes_from_the_controller_to_all),
		cmocka_unit_test(controller_refreshes_at_three_quarters_of_the_lifetime),
		cmocka_unit_test(mag_asks_its_lma_for_what_it_sees),
	};

	if (!sim_arguments(argc, argv))
		return 2;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
