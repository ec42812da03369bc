/* SPDX-License-Identifier: BSD-3-Clause */
/* What the control socket shows of pairs and does with them: engines that talk, a real socket in front of one. */
#include "api_fixture.h"
#include "ro_world.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define MN1     "mn1@example"
#define MN2     "mn2@example"
#define MN3     "mn3@example"
#define PREFIX1 "2001:db8:f1:1::/64"
#define PREFIX2 "2001:db8:f2:2::/64"

static struct api_fixture fixture;
static struct world world;

static void source_world_now(void *context, struct engine_time *now)
{
	*now = world.now;
}

static void source_pair_counter(
	void *context, uint32_t pair, enum counter_direction direction, struct object_counter *sum)
{
	uint64_t packets = 100 * (pair + UINT64_C(1)) + (direction == COUNTER_UP ? 1 : 2);

	*sum = (struct object_counter){packets, packets * 1280};
}

static void source_pair_counter_clear(void *context, uint32_t pair)
{
	fixture.counter_clears++;
}

static const char lma_yaml[] =
	"role: lma\n"
	"name: lma1\n"
	"control-socket: /run/hawser/x.sock\n"
	"state-directory: /var/lib/hawser\n"
	"dataplane: {control-core: 0, workers: [1]}\n"
	"ports:\n"
	"  - {name: core0, device: 'kernel:eth0', side: core, addresses: ['2001:db8:1::1/64']}\n"
	"peers:\n"
	"  - {name: lma2, role: lma, address: '2001:db8:2::1', ro-prefixes: ['2001:db8:f2::/48'], insecure: true}\n"
	"  - {name: mag1, address: '2001:db8:a1::1', insecure: true}\n"
	"  - {name: mag2, address: '2001:db8:a2::1', insecure: true}\n"
	"lma:\n"
	"  address: '2001:db8:1::1'\n"
	"  pools:\n"
	"    - {name: pool0, prefix: '2001:db8:f1::/48'}\n"
	"unknown-nodes: profile\n"
	"route-optimisation: {enabled: true, max-pairs: 16, direct-trust: peers}\n";

static const char mag_yaml[] =
	"role: mag\n"
	"name: mag1\n"
	"control-socket: /run/hawser/x.sock\n"
	"state-directory: /var/lib/hawser\n"
	"dataplane: {control-core: 0, workers: [1]}\n"
	"ports:\n"
	"  - {name: core0, device: 'kernel:eth0', side: core, addresses: ['2001:db8:a1::1/64']}\n"
	"  - {name: acc0, device: 'kernel:eth1', side: access}\n"
	"peers:\n"
	"  - {name: lma1, address: '2001:db8:1::1', insecure: true}\n"
	"  - {name: mag2, role: mag, address: '2001:db8:a2::1', insecure: true}\n"
	"mag:\n"
	"  address: '2001:db8:a1::1'\n"
	"unknown-nodes: profile\n"
	"route-optimisation: {enabled: true, max-pairs: 16, direct-trust: peers}\n";

/* In front of @number. */
static void serve(unsigned number, struct world_options options)
{
	world_init(&world, options);
	fixture_init(&fixture, number <= LMA2 ? lma_yaml : mag_yaml);
	for (unsigned i = 0; i < fixture.config->peer_count; i++) {
		const struct config_peer *peer = &fixture.config->peers[i];

		assert_int_equal(policy_add_peer(fixture.policy,
					 &(struct policy_peer){.name = peer->name, .address = peer->address}),
			0);
	}
	fixture.sources.ro = world.nodes[number].ro;
	fixture.sources.pair_events = world.nodes[number].events;
	fixture.sources.now = source_world_now;
	if (number >= MAG1) {
		fixture.sources.pair_counter = source_pair_counter;
		fixture.sources.pair_counter_clear = source_pair_counter_clear;
	}
	fixture_start(&fixture);
}

static void end(void)
{
	fixture_fini(&fixture);
	world_fini(&world);
}

static void pairs_of_an_lma(void **state)
{
	serve(LMA1, (struct world_options){0});
	EXPECT_CLI(&fixture, 0, "none\n", "", "show", "pairs");
	world_traffic(&world, LMA1);
	world_pass(&world, 1000);
	GOLDEN(&fixture, "pairs_lma.txt", "show", "pairs");
	GOLDEN(&fixture, "pairs_lma.json", "show", "pairs", "--json");
	GOLDEN(&fixture, "pairs_lma_events.txt", "show", "pair_events");
	GOLDEN(&fixture, "pairs_lma_events.json", "show", "pair_events", "--json");
	GOLDEN(&fixture, "pairs_lma_messages.txt", "show", "messages", "name=ro_*");
	GOLDEN(&fixture, "pairs_lma_peers.txt", "show", "peers");
	GOLDEN(&fixture, "pairs_lma_why.txt", "why", MN1, MN2);
	GOLDEN(&fixture, "pairs_lma_why.json", "why", MN1, MN2, "--json");
	end();
}

static void pairs_of_a_mag(void **state)
{
	serve(MAG1, (struct world_options){.proxy = true, .one_lma = true});
	world.mns[1].ipv4 = (struct ro_ipv4_home){{192, 0, 2, 77}, 24};
	world_traffic(&world, LMA1);
	world_pass(&world, 1000);
	GOLDEN(&fixture, "pairs_mag.txt", "show", "pairs");
	GOLDEN(&fixture, "pairs_mag.json", "show", "pairs", "--json");
	GOLDEN(&fixture, "pairs_mag_events.txt", "show", "pair_events");
	GOLDEN(&fixture, "pairs_mag_messages.txt", "show", "messages", "name=ro_*");
	GOLDEN(&fixture, "pairs_mag_peers.txt", "show", "peers");
	GOLDEN(&fixture, "pairs_mag_why.txt", "why", MN1, MN2);
	GOLDEN(&fixture, "pairs_mag_why.json", "why", MN1, MN2, "--json");
	EXPECT_CLI(&fixture, 0, "cleared counters of workers, ports and 2 objects\n", "", "clear", "counters");
	assert_int_equal(fixture.counter_clears, 2); /* the pair and its tunnel */
	end();
}

static void why_before_there_is_a_pair_tells_what_is_missing(void **state)
{
	struct cli_result result;

	serve(LMA1, (struct world_options){0});
	GOLDEN(&fixture, "pairs_why_quiet.txt", "why", PREFIX1, PREFIX2);
	ro_traffic_seen(world.nodes[LMA1].ro, &world.now, world.mns[0].prefix, world.mns[1].prefix);
	result = CLI(&fixture, "why", PREFIX1, PREFIX2);
	assert_non_null(
		strstr(result.out, "mn1@example -> 2001:db8:f2:2::/64: over the LMA lma1; no packets in the other"));
	assert_non_null(
		strstr(result.out, "2001:db8:f2:2::/64 -> mn1@example: over the LMA lma1; no packets in this dir"));
	cli_result_free(&result);
	result = CLI(&fixture, "why", PREFIX1, "2001:db8:ee::1");
	assert_non_null(strstr(result.out, "2001:db8:ee::/64 has no active session here, and no peer LMA has its"));
	cli_result_free(&result);
	end();
}

static void why_during_set_up_names_step_and_who_is_waited_for(void **state)
{
	serve(LMA1, (struct world_options){.one_lma = true});
	world.nodes[MAG2].dead = true;
	world_traffic(&world, LMA1);
	world_pass(&world, 1700);
	GOLDEN(&fixture, "pairs_why_pending.txt", "why", PREFIX1, "2001:db8:f1:2::1");
	end();
}

static void why_after_a_failure_tells_status_and_hold_down(void **state)
{
	serve(LMA1, (struct world_options){.one_lma = true});
	world.nodes[MAG2].dead = true;
	world_traffic(&world, LMA1);
	world_pass(&world, 9000);
	GOLDEN(&fixture, "pairs_why_failed.txt", "why", MN1, MN2);
	end();
}

static void why_after_the_pair_is_forgotten_still_has_its_events(void **state)
{
	struct cli_result result;

	serve(LMA1, (struct world_options){.one_lma = true});
	world_traffic(&world, LMA1);
	EXPECT_CLI(&fixture, 0, "stopped mn1@example - mn2@example\n", "", "ro", "stop", MN1, MN2);
	world_pass(&world, 70000);
	EXPECT_CLI(&fixture, 0, "none\n", "", "show", "pairs");
	result = CLI(&fixture, "why", PREFIX1, "2001:db8:f1:2::/64");
	assert_non_null(strstr(result.out, "is absent: there is no direct path"));
	assert_non_null(strstr(result.out, "stopped-by-operator"));
	assert_non_null(strstr(result.out, "forgotten"));
	cli_result_free(&result);
	end();
}

static void why_of_what_left_tells_where_packets_go(void **state)
{
	serve(MAG1, (struct world_options){.one_lma = true});
	world_traffic(&world, LMA1);
	world_move(&world, 1, MAG3);
	GOLDEN(&fixture, "pairs_why_left.txt", "why", MN1, MN2);
	end();
}

static void pair_at_one_mag_is_local(void **state)
{
	struct cli_result result;

	serve(MAG1, (struct world_options){.one_lma = true});
	ro_start(world.nodes[LMA1].ro, &world.now, world.mns[0].prefix, world.mns[2].prefix);
	world_run(&world);
	result = CLI(&fixture, "why", MN1, MN3);
	assert_non_null(strstr(result.out, "mn1@example -> mn3@example: local at mag1; both are at mag1"));
	assert_non_null(strstr(result.out, "mn3@example -> mn1@example: local at mag1; both are at mag1"));
	cli_result_free(&result);
	end();
}

static void start_and_stop_do_it_once_and_say_so(void **state)
{
	serve(LMA1, (struct world_options){.one_lma = true});
	EXPECT_CLI(&fixture, 0, "not-direct 2001:db8:f1:1::/64 - 2001:db8:f1:2::7\n", "", "ro", "stop", PREFIX1,
		"2001:db8:f1:2::7");
	EXPECT_CLI(&fixture, 0, "starting mn1@example - mn2@example\n", "", "ro", "start", PREFIX1, "2001:db8:f1:2::7");
	EXPECT_CLI(&fixture, 0, "already-starting mn1@example - mn2@example\n", "", "ro", "start", MN1, MN2);
	world_run(&world);
	EXPECT_CLI(&fixture, 0, "already-direct mn2@example - mn1@example\n", "", "ro", "start", MN2, MN1);
	EXPECT_CLI(&fixture, 0,
		"{\"result\":\"stopped\",\"a\":\"mn1@example\",\"b\":\"mn2@example\",\"state\":\"fallback\"}\n", "",
		"ro", "stop", MN1, MN2, "--json");
	world_run(&world);
	EXPECT_CLI(&fixture, 0, "not-direct mn1@example - mn2@example\n", "", "ro", "stop", MN1, MN2);
	assert_true(world_is_quiet(&world));
	/* the operator does not wait for the hold-down */
	EXPECT_CLI(&fixture, 0, "starting mn1@example - mn2@example\n", "", "ro", "start", MN1, MN2);
	world_run(&world);
	assert_true(world_sends(&world, MAG1, 1, 2, MAG2));
	end();
}

static void start_begins_at_the_one_whose_session_is_here(void **state)
{
	serve(LMA1, (struct world_options){0});
	EXPECT_CLI(&fixture, 0, "starting 2001:db8:f2:2::/64 - mn1@example\n", "", "ro", "start", PREFIX2, PREFIX1);
	world_run(&world);
	assert_true(world_sends(&world, MAG1, 1, 2, MAG2));
	/* from now on the foreign one is known by name too */
	EXPECT_CLI(&fixture, 0, "stopped mn2@example - mn1@example\n", "", "ro", "stop", MN2, MN1);
	end();
}

static void start_refused_says_why_and_what_to_do(void **state)
{
	serve(LMA1, (struct world_options){0});
	EXPECT_CLI(&fixture, 1, "", "neither has an active session here", "ro", "start", PREFIX2, "2001:db8:ee::1");
	EXPECT_CLI(&fixture, 1, "",
		"2001:db8:ee::1 has no active session here, and no peer has its prefix: name the LMA under peers", "ro",
		"start", PREFIX1, "2001:db8:ee::1");
	EXPECT_CLI(&fixture, 1, "", "no session and no pair here has nobody@example", "ro", "start", PREFIX1,
		"nobody@example");
	EXPECT_CLI(&fixture, 2, "", "are the same mobile node", "ro", "start", PREFIX1, "2001:db8:f1:1::5");
	EXPECT_CLI(&fixture, 2, "", "a home network prefix is a global or unique local /64", "ro", "start", PREFIX1,
		"2001:db8:f1::/48");
	EXPECT_CLI(&fixture, 2, "", "a home network prefix is a global or unique local /64", "ro", "start", PREFIX1,
		"fe80::1");
	EXPECT_CLI(&fixture, 2, "", "is no identifier of a mobile node, no prefix and no address", "ro", "start",
		PREFIX1, "mn\\1");
	EXPECT_CLI(&fixture, 2, "", "needs a and b", "ro", "start", PREFIX1, "");
	EXPECT_CLI(&fixture, 2, "", "usage: hawserctl ro start NODE NODE", "ro", "start", PREFIX1);
	EXPECT_CLI(&fixture, 2, "", "ro what?", "ro");
	end();
}

static void start_denied_by_policy_names_who(void **state)
{
	serve(LMA1, (struct world_options){.one_lma = true});
	world.mns[1].denied = true;
	EXPECT_CLI(&fixture, 1, "", "policy denies route optimisation of 2001:db8:f1:2::1", "ro", "start", PREFIX1,
		"2001:db8:f1:2::1");
	GOLDEN(&fixture, "pairs_why_denied.txt", "why", PREFIX1, "2001:db8:f1:2::1");
	end();
}

static void start_without_room_names_the_limit(void **state)
{
	struct ro *ro;

	serve(LMA1, (struct world_options){.one_lma = true});
	ro = world.nodes[LMA1].ro;
	for (unsigned i = 0; i < 16; i++) /* to somebody of the other LMA */
		assert_int_equal(ro_start(ro, &world.now, world.mns[0].prefix, UINT64_C(0x20010db800f20100) + i), 0);
	EXPECT_CLI(&fixture, 1, "", "no room for another pair (16): raise route-optimisation.max-pairs", "ro", "start",
		PREFIX1, "2001:db8:f1:2::1");
	world_run(&world);
	end();
}

static void start_at_a_mag_says_where(void **state)
{
	serve(MAG1, (struct world_options){.one_lma = true});
	EXPECT_CLI(
		&fixture, 1, "", "this gateway is a MAG: run it on lma1", "ro", "start", PREFIX1, "2001:db8:f1:2::1");
	EXPECT_CLI(&fixture, 1, "", "this gateway is a MAG", "ro", "start", "nobody@example", PREFIX1);
	world_traffic(&world, LMA1);
	EXPECT_CLI(&fixture, 0, "stopped mn1@example - mn2@example\n", "", "ro", "stop", MN1, MN2);
	world_run(&world);
	assert_true(world_is_quiet(&world));
	end();
}

static void without_route_optimisation_it_says_so(void **state)
{
	serve(LMA1, (struct world_options){.one_lma = true});
	api_destroy(fixture.api);
	fixture.sources.ro = NULL;
	fixture.sources.pair_events = NULL;
	fixture_start(&fixture);
	EXPECT_CLI(&fixture, 1, "", "route optimisation is off: set route-optimisation.enabled", "ro", "start", PREFIX1,
		PREFIX2);
	EXPECT_CLI(&fixture, 1, "", "route optimisation is off", "ro", "stop", PREFIX1, PREFIX2);
	EXPECT_CLI(&fixture, 0, "none\n", "", "show", "pairs");
	EXPECT_CLI(&fixture, 0, "none\n", "", "show", "pair_events");
	GOLDEN(&fixture, "pairs_why_off.txt", "why", PREFIX1, PREFIX2);
	end();
}

static void filters_let_through_what_fits_either_side(void **state)
{
	serve(LMA1, (struct world_options){0});
	world_traffic(&world, LMA1);
	ro_start(world.nodes[LMA1].ro, &world.now, world.mns[0].prefix, world.mns[2].prefix);
	fake_host_run(&world.nodes[LMA1].fake);
	assert_int_equal(ROWS(&fixture, "pairs"), 2);
	assert_int_equal(ROWS(&fixture, "pairs", "mn=" MN1), 2);
	assert_int_equal(ROWS(&fixture, "pairs", "mn=" MN2), 1);
	assert_int_equal(ROWS(&fixture, "pairs", "mn=nobody@example"), 0);
	assert_int_equal(ROWS(&fixture, "pairs", "mn=mn*"), 2);
	assert_int_equal(ROWS(&fixture, "pairs", "peer=mag1"), 2);
	assert_int_equal(ROWS(&fixture, "pairs", "peer=mag2"), 1);
	assert_int_equal(ROWS(&fixture, "pairs", "peer=lma2"), 1);
	assert_int_equal(ROWS(&fixture, "pairs", "state=active"), 1);
	assert_int_equal(ROWS(&fixture, "pairs", "state=pending"), 1);
	assert_int_equal(ROWS(&fixture, "pairs", "prefix=" PREFIX2), 1);
	assert_int_equal(ROWS(&fixture, "pairs", "prefix=2001:db8:f1:3::9"), 1);
	assert_int_equal(ROWS(&fixture, "pairs", "prefix=2001:db8::/32"), 2);
	assert_int_equal(ROWS(&fixture, "pairs", "--limit", "1"), 1);
	assert_int_equal(ROWS(&fixture, "pair_events", "name=triggered"), 1);
	assert_int_equal(ROWS(&fixture, "pair_events", "mn=" MN3, "name=sent"), 1);
	EXPECT_CLI(&fixture, 2, "", "is no state; allowed: none, pending, installed, active, fallback", "show", "pairs",
		"state=asleep");
	EXPECT_CLI(&fixture, 1, "", "neither a configured peer", "show", "pairs", "peer=nobody");
	world_run(&world);
	end();
}

/* Pages, whatever comes between: what stays is shown once. */
static void walk_over_many_pairs_is_cut_into_pages(void **state)
{
	bool seen[16] = {false};
	bool more = true;
	unsigned lines = 0;
	int fd;

	serve(LMA1, (struct world_options){0});
	api_destroy(fixture.api);
	fixture.options.page_rows = 1;
	fixture_start(&fixture);
	for (unsigned i = 0; i < 12; i++)
		assert_int_equal(ro_start(world.nodes[LMA1].ro, &world.now, world.mns[0].prefix,
					 UINT64_C(0x20010db800f20100) + i),
			0);
	fd = fixture_connect(&fixture);
	fixture_write(fd, "{\"version\":1,\"id\":1,\"command\":\"show\",\"object\":\"pairs\"}\n");
	while (more) {
		json_t *answer = fixture_read(&fixture, fd), *row;
		size_t i;

		json_array_foreach(json_object_get(answer, "rows"), i, row)
		{
			size_t pair = (size_t)json_integer_value(json_object_get(row, "pair"));

			assert_true(pair < 16 && !seen[pair]);
			seen[pair] = true;
		}
		if (lines++ == 0)
			world_pass(&world, 70000); /* they all fail, are forgotten, and others come */
		more = json_is_true(json_object_get(answer, "more"));
		json_decref(answer);
	}
	world_run(&world);
	close(fd);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pairs_of_an_lma),
		cmocka_unit_test(pairs_of_a_mag),
		cmocka_unit_test(why_before_there_is_a_pair_tells_what_is_missing),
		cmocka_unit_test(why_during_set_up_names_step_and_who_is_waited_for),
		cmocka_unit_test(why_after_a_failure_tells_status_and_hold_down),
		cmocka_unit_test(why_after_the_pair_is_forgotten_still_has_its_events),
		cmocka_unit_test(why_of_what_left_tells_where_packets_go),
		cmocka_unit_test(pair_at_one_mag_is_local),
		cmocka_unit_test(start_and_stop_do_it_once_and_say_so),
		cmocka_unit_test(start_begins_at_the_one_whose_session_is_here),
		cmocka_unit_test(start_refused_says_why_and_what_to_do),
		cmocka_unit_test(start_denied_by_policy_names_who),
		cmocka_unit_test(start_without_room_names_the_limit),
		cmocka_unit_test(start_at_a_mag_says_where),
		cmocka_unit_test(without_route_optimisation_it_says_so),
		cmocka_unit_test(filters_let_through_what_fits_either_side),
		cmocka_unit_test(walk_over_many_pairs_is_cut_into_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
