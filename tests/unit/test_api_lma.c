/* SPDX-License-Identifier: BSD-3-Clause */
/* What the control socket of an LMA shows and does: real engines behind a real socket, hawserctl in front of it. */
#include "api_fixture.h"
#include "lma_world.h"
#include "net_host.h"

#include <unistd.h>

#include "api/advice.h"
#include "api/objects.h"
#include "pmip/heartbeat.h"
#include "ro/pair_events.h"
#include "ro/sessions.h"

#define UPTIME_NS UINT64_C(784000000000)

static struct api_fixture fixture;
static struct lma_world world;
static struct engine_host_ops ops;
static struct net_host *net;
static struct heartbeat *heartbeat;

static void on_engine_event(
	struct engine_host *host, const struct engine_time *now, const struct mn_id *id, uint8_t event, uint8_t value)
{
	events_add(fixture.events, now->wall_ns, id, (enum history_event)event, value);
}

static void on_peer_changed(
	void *context, const struct engine_time *now, const struct in6_addr *peer, enum peer_change change)
{
}

static void source_world_now(void *context, struct engine_time *now)
{
	*now = world.now;
}

static int setup(void **state)
{
	const struct heartbeat_config config = {.address = lma_address, .interval_s = 60, .missing_allowed = 3};
	struct heartbeat_config with_policy = config;

	world_init(&world, NULL);
	ops = *world.fake.host.ops;
	ops.event = on_engine_event;
	world.fake.host.ops = &ops;
	with_policy.policy = world.policy;
	heartbeat = heartbeat_create(&with_policy, &world.fake.host, &world.now, on_peer_changed, NULL);
	assert_non_null(heartbeat);
	net = host_with_routes(ROLE_LMA);
	net_start(net->net, &net->now);
	fixture_init(&fixture, api_lma_yaml);
	fixture.sources.policy = world.policy;
	fixture.sources.lma = world.lma;
	fixture.sources.heartbeat = heartbeat;
	fixture.sources.net = net->net;
	fixture.sources.now = source_world_now;
	fixture.sources.started = (struct engine_time){world.now.monotonic_ns - UPTIME_NS, WALL_START_NS - UPTIME_NS};
	return 0;
}

static int teardown(void **state)
{
	fixture_fini(&fixture);
	host_free(net);
	heartbeat_destroy(heartbeat);
	fake_host_run(&world.fake);
	world_fini(&world);
	return 0;
}

/* mn1 registered and refreshed at MAG1, two moved from MAG1 to MAG2, static left, mn2 refused. */
static void populate(void)
{
	struct pba granted = world_register(&world, "mn1@example.com", MAG1);
	struct pbu pbu = world_pbu_again(&world, "mn1@example.com", MAG1, &granted, 100);

	world_ask(&world, &pbu);
	world_register(&world, "two@example.com", MAG1);
	world_advance(&world, 2000);
	pbu = world_pbu(&world, "two@example.com", MAG2);
	pbu.indicator = HI_BETWEEN_MAGS;
	world_ask(&world, &pbu);
	granted = world_register(&world, "static@example.com", MAG1);
	pbu = world_pbu_again(&world, "static@example.com", MAG1, &granted, 0);
	world_ask(&world, &pbu);
	pbu = world_pbu(&world, "disabled@example.com", MAG1);
	world_ask(&world, &pbu);
	world_advance(&world, 1500);
	for (unsigned mag = MAG1; mag <= MAG2; mag++)
		heartbeat_sessions(heartbeat, &world.now, &mag_addresses[mag], 1);
}

static void count_something(void)
{
	struct worker_stats *stats = fixture.stats;

	stats[0].stages[STAGE_rx] = (struct stage_counter){1000, 32000, 640000};
	stats[1].stages[STAGE_rx] = (struct stage_counter){1000, 1000, 100000};
	stats[0].stages[STAGE_anchor_down] = (struct stage_counter){500, 16000, 1600000};
	stats[0].drops[DROP_anchor_source] = 7;
	stats[1].drops[DROP_anchor_source] = 5;
	stats[1].drops[DROP_hop_limit] = 1;
	stats[0].punts[PUNT_mobility_header] = 42;
	stats[0].loops = 1000000;
	stats[0].empty_loops = 999000;
	stats[0].sleeps = 17;
	stats[1].updates = 12;
	stats[0].ports[0] = (struct port_counter){32000, 40960000, 500, 64000};
	stats[1].ports[1] = (struct port_counter){1000, 1280000, UINT64_C(123456789012), UINT64_C(158024689935360)};
}

static void every_object_shows_as_table_and_as_json(void **state)
{
	populate();
	count_something();
	receive_nd(net, PORT_CORE, discovery("2001:db8:1::fe", "2001:db8:1::1", 135, 0, "2001:db8:1::1", peer_mac));
	fixture_start(&fixture);
	for (unsigned i = 0; i < OBJECT_COUNT; i++) {
		const char *object = object_name((enum object)i);
		char name[64];

		snprintf(name, sizeof(name), "lma_%s.txt", object);
		GOLDEN(&fixture, name, "show", object);
		snprintf(name, sizeof(name), "lma_%s.json", object);
		GOLDEN(&fixture, name, "show", object, "--json");
	}
	GOLDEN(&fixture, "lma_bindings_wide.txt", "show", "bindings", "--wide");
	GOLDEN(&fixture, "lma_drops_worker.txt", "show", "drops", "worker=1");
}

static void filters_let_through_what_fits(void **state)
{
	populate();
	fixture_start(&fixture);
	assert_int_equal(ROWS(&fixture, "bindings"), 3);
	assert_int_equal(ROWS(&fixture, "bindings", "mn=mn1@example.com"), 1);
	assert_int_equal(ROWS(&fixture, "bindings", "mn=nobody@example.com"), 0);
	assert_int_equal(ROWS(&fixture, "bindings", "mn=*example.com"), 3);
	assert_int_equal(ROWS(&fixture, "bindings", "mn=*t*o*@*"), 1);
	assert_int_equal(ROWS(&fixture, "bindings", "peer=mag1"), 2);
	assert_int_equal(ROWS(&fixture, "bindings", "peer=mag2"), 1);
	assert_int_equal(ROWS(&fixture, "bindings", "peer=2001:db8::77"), 0);
	assert_int_equal(ROWS(&fixture, "bindings", "state=active"), 2);
	assert_int_equal(ROWS(&fixture, "bindings", "state=delete-wait"), 1);
	assert_int_equal(ROWS(&fixture, "bindings", "prefix=2001:db8:f1:2::99"), 1);
	assert_int_equal(ROWS(&fixture, "bindings", "prefix=2001:db8:f1::/48"), 1);
	assert_int_equal(ROWS(&fixture, "bindings", "prefix=2001:db8::/32"), 3);
	assert_int_equal(ROWS(&fixture, "bindings", "prefix=2001:db8:f1:1::/65"), 0);
	assert_int_equal(ROWS(&fixture, "bindings", "state=active", "peer=mag2"), 1);
	assert_int_equal(ROWS(&fixture, "bindings", "--limit", "2"), 2);
	assert_int_equal(ROWS(&fixture, "nodes", "state=absent"), 4);
	assert_int_equal(ROWS(&fixture, "nodes"), 7);
	assert_int_equal(ROWS(&fixture, "tunnels", "peer=mag2"), 1);
	assert_int_equal(ROWS(&fixture, "peers", "name=mag*"), 3);
	assert_int_equal(ROWS(&fixture, "pools", "name=small"), 1);
	assert_int_equal(ROWS(&fixture, "events", "name=rejected"), 1);
	assert_int_equal(ROWS(&fixture, "variables", "name=MinDelay*"), 1);
	assert_int_equal(ROWS(&fixture, "stages", "name=rx"), 1);
	assert_int_equal(ROWS(&fixture, "routes", "port=out0", "prefix=2001:db8:77::/48"), 1);
	assert_int_equal(ROWS(&fixture, "ports", "port=core0"), 1);
	assert_int_equal(ROWS(&fixture, "drops"), 0);
	assert_int_equal(ROWS(&fixture, "drops", "--all"), DROP_COUNT);
	assert_int_equal(ROWS(&fixture, "punts", "all=yes"), PUNT_COUNT);
}

static void why_tells_state_events_and_what_to_do(void **state)
{
	populate();
	fixture_start(&fixture);
	GOLDEN(&fixture, "lma_why.txt", "why", "two@example.com");
	GOLDEN(&fixture, "lma_why.json", "--json", "why", "two@example.com");
	GOLDEN(&fixture, "lma_why_prefix.txt", "why", "2001:db8:f1:2::1");
	GOLDEN(&fixture, "lma_why_refused.txt", "why", "disabled@example.com");
	GOLDEN(&fixture, "lma_why_absent.txt", "why", "mn2@example.com");
}

/* Route optimisation on the binding cache of the world, between its MAGs. */
static struct ro *ro_with_sessions(struct pair_events *events)
{
	static struct ro_peer peers[2] = {{.role = RO_ROLE_MAG}, {.role = RO_ROLE_MAG}};
	struct ro_config config = ro_config_default();

	for (unsigned i = 0; i < 2; i++)
		peers[i].address = mag_addresses[MAG1 + i];
	config.role = RO_ROLE_LMA;
	config.address = lma_address;
	config.proxy = true;
	config.peers = peers;
	config.peer_count = 2;
	config.hooks = (struct ro_hooks){.context = events, .pair_event = pair_events_note};
	return ro_create(&config, &world.fake.host, &ro_lma_sessions, world.lma, &world.now);
}

static void on_ro_done(void *ro, uint64_t cookie, int error)
{
	ro_transaction_done(ro, &world.now, cookie, error);
}

static void pair_is_told_with_the_bindings_of_both(void **state)
{
	struct pair_events *events = pair_events_create(1024, 16);
	struct ro *ro = ro_with_sessions(events);

	assert_non_null(ro);
	populate();
	fixture.sources.ro = ro;
	fixture.sources.pair_events = events;
	fixture_start(&fixture);
	GOLDEN(&fixture, "lma_why_no_pair.txt", "why", "mn1@example.com", "two@example.com");
	GOLDEN(&fixture, "lma_why_delete_wait.txt", "why", "mn1@example.com", "static@example.com");
	EXPECT_CLI(&fixture, 1, "", "static@example.com has no active session here", "ro", "start", "mn1@example.com",
		"static@example.com");
	EXPECT_CLI(&fixture, 0, "starting mn1@example.com - two@example.com\n", "", "ro", "start", "mn1@example.com",
		"two@example.com");
	world.fake.done = on_ro_done;
	world.fake.context = ro;
	fake_host_run(&world.fake);
	GOLDEN(&fixture, "lma_why_pair.txt", "why", "mn1@example.com", "two@example.com");
	GOLDEN(&fixture, "lma_why_pair.json", "why", "two@example.com", "mn1@example.com", "--json");
	GOLDEN(&fixture, "lma_node_ro.txt", "show", "node");
	fake_host_run(&world.fake);
	ro_destroy(ro);
	pair_events_destroy(events);
}

/* An MN may have sessions on several access links, with a prefix of its own each. */
static void name_of_several_sessions_is_refused_with_their_prefixes(void **state)
{
	struct pbu pbu;

	world_register(&world, "mn1@example.com", MAG1);
	world_register(&world, "two@example.com", MAG1);
	pbu = world_pbu(&world, "mn1@example.com", MAG2);
	pbu.link_layer_id = "other1";
	world_ask(&world, &pbu);
	assert_int_equal(world_bindings(&world), 3);
	fixture_start(&fixture);
	EXPECT_CLI(&fixture, 2, "", "mn1@example.com has 2 sessions: name one by a prefix: 2001:db8:", "why",
		"mn1@example.com", "two@example.com");
}

static void exit_codes_tell_who_was_wrong(void **state)
{
	fixture_start(&fixture);
	EXPECT_CLI(&fixture, 0, "none\n", "", "show", "bindings");
	EXPECT_CLI(&fixture, 1, "", "nothing is known of this mobile node", "why", "nobody@example.com");
	EXPECT_CLI(&fixture, 1, "", "no session has 2001:db8::1", "why", "2001:db8::1");
	EXPECT_CLI(&fixture, 1, "", "neither a configured peer", "show", "bindings", "peer=nobody");
	EXPECT_CLI(&fixture, 1, "", "attach is for a MAG", "attach", "acc0", "02:00:00:00:00:01");
	EXPECT_CLI(&fixture, 1, "", "use clear binding", "detach", "mn1@example.com");
	EXPECT_CLI(&fixture, 2, "", "is no state; allowed: pending, active", "show", "bindings", "state=asleep");
	EXPECT_CLI(&fixture, 2, "", "no filter 'port'", "show", "drops", "port=core0");
	EXPECT_CLI(&fixture, 2, "", "is no filter", "show", "bindings", "mn1");
	EXPECT_CLI(&fixture, 2, "", "there is no object 'tea'", "show", "tea");
	EXPECT_CLI(&fixture, 2, "", "show needs an object", "show");
	EXPECT_CLI(&fixture, 2, "", "there is no command 'dance'", "dance");
	EXPECT_CLI(&fixture, 2, "", "clear what?", "clear");
	EXPECT_CLI(&fixture, 2, "", "usage: hawserctl why NODE", "why");
	EXPECT_CLI(&fixture, 2, "", "has no --all", "show", "bindings", "--all");
	EXPECT_CLI(&fixture, 2, "", "--limit needs", "show", "bindings", "--limit", "0");
	EXPECT_CLI(&fixture, 2, "", "is no PREFIX", "show", "bindings", "prefix=2001:db8::1/32");
	EXPECT_CLI(&fixture, 2, "", "unrecognized option", "show", "--nonsense");
	EXPECT_CLI(&fixture, 3, "", "No such file", "--socket", "/nowhere/sock", "show", "node");
}

static void help_stands_behind_every_command(void **state)
{
	static const char *const words[] = {"show", "watch", "why", "ro", "ro start", "ro stop", "attach", "detach",
		"clear", "clear binding", "clear counters", "completion"};
	char word[32];

	for (unsigned i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		const char *arguments[] = {word, "--help", NULL, NULL};
		struct cli_result result;
		char *space;

		snprintf(word, sizeof(word), "%s", words[i]);
		space = strchr(word, ' ');
		if (space != NULL) {
			*space = '\0';
			arguments[2] = space + 1;
		}
		result = fixture_cli(&fixture, arguments);
		assert_string_equal(result.errors, "");
		assert_int_equal(result.code, 0);
		assert_memory_equal(result.out, "hawserctl ", 10);
		assert_memory_equal(result.out + 10, words[i], strlen(words[i]));
		cli_result_free(&result);
	}
	EXPECT_CLI(&fixture, 0,
		"hawserctl ro start NODE NODE\nlet two mobile nodes talk direct (LMA); NODE: identifier, prefix or "
		"address\n"
		"hawserctl ro stop NODE NODE\nlet two mobile nodes talk over the LMA again\n",
		"", "ro", "--help");
	EXPECT_CLI(&fixture, 2, "", "there is no command 'dance'", "dance", "--help");
}

static void clear_binding_asks_the_daemon(void **state)
{
	fixture_start(&fixture);
	fixture.removed = 2;
	EXPECT_CLI(&fixture, 0, "cleared mn1@example.com: 2 binding(s)\n", "", "clear", "binding", "mn1@example.com");
	assert_int_equal(fixture.clears, 1);
	assert_string_equal(fixture.mn, "mn1@example.com");
	EXPECT_CLI(&fixture, 0, "{\"result\":\"cleared\",\"mn\":\"mn1@example.com\",\"removed\":2}\n", "", "--json",
		"clear", "binding", "mn1@example.com");
	fixture.removed = 0;
	EXPECT_CLI(&fixture, 1, "", "there is no binding", "clear", "binding", "mn1@example.com");
	EXPECT_CLI(&fixture, 2, "", "a backslash has to begin", "clear", "binding", "mn\\1");
}

static void cleared_counters_start_again_from_zero(void **state)
{
	populate();
	count_something();
	fixture_start(&fixture);
	EXPECT_CLI(&fixture, 0, "cleared counters of workers, ports and 5 objects\n", "", "clear", "counters");
	assert_int_equal(fixture.counter_clears, 5); /* three bindings, two tunnels */
	EXPECT_CLI(&fixture, 0, "none\n", "", "show", "drops");
	EXPECT_CLI(&fixture, 0, "none\n", "", "show", "drops", "worker=1");
	fixture.stats[1].drops[DROP_anchor_source] += 3;
	EXPECT_CLI(&fixture, 0,
		"{\"name\":\"anchor_source\",\"count\":3,\"help\":\"inner source prefix is not bound to the tunnel it "
		"came from\"}\n",
		"", "show", "drops", "--json");
}

/* What a mobile node calls itself must not reach the terminal as it is, and can still be named. */
static void identifiers_of_any_octets_are_shown_escaped_and_found(void **state)
{
	static const uint8_t nasty[] = {'a', 0x1b, '[', '2', 'J', '\\', 0x00, 0xff, ' ', '"'};
	struct mn_id id = {.subtype = 7, .length = sizeof(nasty), .data = nasty};
	struct cli_result result;

	events_add(fixture.events, world.now.wall_ns, &id, HISTORY_rejected, 152);
	fixture_start(&fixture);
	result = CLI(&fixture, "show", "events");
	assert_non_null(strstr(result.out, "\\s7:a\\x1b[2J\\x5c\\x00\\xff \""));
	for (const char *p = result.out; *p != '\0'; p++)
		assert_true(*p == '\n' || (*p >= 0x20 && *p < 0x7f));
	cli_result_free(&result);
	assert_int_equal(ROWS(&fixture, "events", "mn=\\s7:a\\x1b[2J\\x5c\\x00\\xff \""), 1);
	fixture.removed = 1;
	EXPECT_CLI(&fixture, 0, "cleared \\s7:a\\x1b[2J\\x5c\\x00\\xff \": 1 binding(s)\n", "", "clear", "binding",
		"\\s7:a\\x1b[2J\\x5c\\x00\\xff \"");
	assert_memory_equal(fixture.mn, nasty, sizeof(nasty));
}

/* 1000 bindings in pages: each once, in spite of bindings that come and go in between. */
static void walk_shows_what_stays_exactly_once(void **state)
{
	bool seen[1000] = {false};
	struct pbu pbu;
	bool more = true;
	unsigned lines = 0;
	int fd;

	fixture.options.page_rows = 10;
	fixture.options.turn_us = 1;
	for (unsigned i = 0; i < 4; i++) {
		static const char *const names[] = {
			"mn1@example.com", "mn2@example.com", "two@example.com", "static@example.com"};

		world_register(&world, names[i], MAG1);
	}
	fixture_start(&fixture);
	fixture.options.page_rows = 1;
	fd = fixture_connect(&fixture);
	fixture_write(fd, "{\"version\":1,\"id\":1,\"command\":\"show\",\"object\":\"bindings\"}\n");
	while (more) {
		json_t *answer = fixture_read(&fixture, fd);
		json_t *row;
		size_t i;

		json_array_foreach(json_object_get(answer, "rows"), i, row)
		{
			size_t index = (size_t)json_integer_value(json_object_get(row, "index"));

			assert_true(index < 1000);
			assert_false(seen[index]);
			seen[index] = true;
		}
		if (lines++ == 0) {
			lma_clear(world.lma, &world.now, &(struct mn_id){1, 15, (const uint8_t *)"mn1@example.com"});
			fake_host_run(&world.fake);
			pbu = world_pbu(&world, "small@example.com", MAG2);
			world_send(&world, &pbu);
		}
		more = json_is_true(json_object_get(answer, "more"));
		json_decref(answer);
	}
	assert_true(seen[1] && seen[2] && seen[3]);
	close(fd);
}

static void every_state_has_a_meaning(void **state)
{
	for (unsigned i = 0; i < BINDING_STATE_COUNT; i++)
		assert_true(strlen(state_meaning(binding_state_name((enum binding_state)i))) > 0);
	assert_true(strlen(state_meaning("absent")) > 0);
}

/* Everything that a PBA of RFC 5213 may say has its own advice on both sides; acceptance has none. */
static void every_rejection_of_rfc_5213_has_advice(void **state)
{
	static const uint8_t statuses[] = {
		128, 129, 130, 133, 135, 152, 153, 154, 155, 156, 157, 158, 159, 160, 161, 162};

	for (unsigned i = 0; i < sizeof(statuses); i++) {
		assert_non_null(status_advice(statuses[i], false));
		assert_non_null(status_advice(statuses[i], true));
		assert_string_not_equal(status_advice(statuses[i], true), status_advice(250, true));
	}
	assert_null(status_advice(0, false));
	assert_null(status_advice(1, true));
}

int main(void)
{
#define API_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		API_TEST(every_object_shows_as_table_and_as_json),
		API_TEST(filters_let_through_what_fits),
		API_TEST(why_tells_state_events_and_what_to_do),
		API_TEST(pair_is_told_with_the_bindings_of_both),
		API_TEST(name_of_several_sessions_is_refused_with_their_prefixes),
		API_TEST(exit_codes_tell_who_was_wrong),
		API_TEST(help_stands_behind_every_command),
		API_TEST(clear_binding_asks_the_daemon),
		API_TEST(cleared_counters_start_again_from_zero),
		API_TEST(identifiers_of_any_octets_are_shown_escaped_and_found),
		API_TEST(walk_shows_what_stays_exactly_once),
		cmocka_unit_test(every_state_has_a_meaning),
		cmocka_unit_test(every_rejection_of_rfc_5213_has_advice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
