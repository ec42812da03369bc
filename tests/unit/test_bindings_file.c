/* SPDX-License-Identifier: BSD-3-Clause */
/* Files of bindings for a gateway that only forwards: what is read, and what is said about mistakes. */
#include "bindings_texts.h"

#include <arpa/inet.h>

#include "forward.h"

#define PREFIX(n) (UINT64_C(0x20010db810000000) | (n))

static void rows_of_an_lma_are_prefixes_and_mags(void **state)
{
	struct config *config = lma_config();
	struct bindings *b = right_rows(config,
		"# comment\n\n  binding , 2001:db8:1000::/64 , mag1 \r\nbinding,2001:db8:1000:1::/64,mag2\n"
		"neighbour,2001:db8:0:1::11,core0,02:00:00:00:00:11\nneighbour,fe80::1,out0,02-00-00-00-00-12");

	assert_int_equal(b->binding_count, 2);
	assert_int_equal(b->node_count, 2);
	assert_true(b->bindings[0].prefix == PREFIX(0) && b->bindings[1].prefix == PREFIX(1));
	assert_int_equal(b->bindings[0].peer, 0);
	assert_int_equal(b->bindings[1].peer, 1);
	assert_int_equal(b->bindings[0].line, 3);
	assert_int_equal(b->bindings[1].link, LINK_NONE);
	assert_int_equal(b->bindings[1].node, 1);
	assert_int_equal(b->neighbour_count, 2);
	assert_int_equal(b->neighbours[0].port, 0);
	assert_int_equal(b->neighbours[1].port, 1);
	assert_memory_equal(b->neighbours[1].mac, "\x02\0\0\0\0\x12", 6);
	bindings_destroy(b);
	config_destroy(config);
}

static void rows_of_a_mag_name_the_access_link_and_the_node(void **state)
{
	struct config *config = mag_config();
	struct bindings *b = right_rows(config, "pair,2001:db8:1000:1::/64,2001:db8:2000::/64,mag2\n"
						"binding,2001:db8:1000::/64,lma1,access0.10,02:00:00:00:10:00\n"
						"binding,2001:db8:1000:1::/64,lma2,access0.20,02:00:00:00:10:00\n"
						"binding,2001:db8:1000:2::/64,lma1,access0.10,02:00:00:00:10:00\n");

	assert_int_equal(b->binding_count, 3);
	assert_int_equal(b->node_count, 2);
	assert_int_equal(b->bindings[0].link, 0);
	assert_int_equal(b->bindings[1].link, 1);
	assert_int_equal(b->bindings[0].node, 0);
	assert_int_equal(b->bindings[1].node, 1);
	assert_int_equal(b->bindings[2].node, 0);
	assert_int_equal(b->bindings[1].peer, 1);
	assert_int_equal(b->pair_count, 1);
	assert_int_equal(b->pairs[0].binding, 1);
	assert_int_equal(b->pairs[0].peer, 2);
	assert_true(b->pairs[0].prefix == PREFIX(1) && b->pairs[0].other == UINT64_C(0x20010db820000000));
	bindings_destroy(b);
	config_destroy(config);
}

static void a_file_without_rows_is_right(void **state)
{
	struct config *config = lma_config();
	struct bindings *b = right_rows(config, "");

	assert_int_equal(b->binding_count + b->pair_count + b->neighbour_count, 0);
	bindings_destroy(b);
	b = right_rows(config, "\n#\n  # binding\n\t\n");
	assert_int_equal(b->binding_count, 0);
	bindings_destroy(b);
	config_destroy(config);
}

struct mistake_case {
	const char *rows, *message;
};

static void assert_mistakes(const struct config *config, const struct mistake_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char *messages;

		assert_null(read_rows(config, cases[i].rows, strlen(cases[i].rows), &messages));
		assert_string_equal(messages, cases[i].message);
		free(messages);
	}
}

#define PREFIX_RANGE "no home network prefix; allowed: in 2000::/3 or fc00::/7"

static void every_mistake_at_an_lma_names_line_field_value_and_what_is_allowed(void **state)
{
	static const struct mistake_case cases[] = {
		{"bindings,2001:db8:1000::/64,mag1",
			"b:1: bindings: no kind of row; allowed: binding, pair or neighbour\n"},
		{"#\nbinding,2001:db8:1000::/64", "b:2: binding: 2 fields; allowed: at an LMA binding,PREFIX,MAG\n"},
		{"binding,2001:db8:1000::/64,mag1,out0,02:00:00:00:00:01,x,y,z",
			"b:1: binding: 8 fields; allowed: at an LMA binding,PREFIX,MAG\n"},
		{"binding,2001:db8:1000::/64,mag3",
			"b:1: peer: mag3: no peer has this name; allowed: the name of a peer with role MAG in f\n"},
		{"binding,2001:db8:1000::,mag1",
			"b:1: prefix: 2001:db8:1000::: not an IPv6 prefix; allowed: ADDRESS/64\n"},
		{"binding,2001:db8:1000::1/64,mag1",
			"b:1: prefix: 2001:db8:1000::1/64: bits behind the prefix are set; "
			"allowed: ADDRESS/64 with these bits zero\n"},
		{"binding,2001:db8:1000::/56,mag1", "b:1: prefix: 2001:db8:1000::/56: a home network prefix of another "
						    "length; allowed: /64\n"},
		{"binding,fe80::/64,mag1", "b:1: prefix: fe80::/64: " PREFIX_RANGE "\n"},
		{"binding,::/64,mag1", "b:1: prefix: ::/64: " PREFIX_RANGE "\n"},
		{"binding,2001:db8:0:2::/64,mag1",
			"b:1: prefix: 2001:db8:0:2::/64: on the link of port out0; allowed: a "
			"prefix that no port's addresses lie in\n"},
		{"binding,2001:db8:1000::/64,mag1\nbinding,2001:db8:1000::/64,mag2",
			"b:2: prefix: 2001:db8:1000::/64: already in line 1; allowed: each prefix once\n"},
		{"pair,2001:db8:1000::/64,2001:db8:2000::/64,mag1",
			"b:1: pair: this gateway is an LMA; allowed: at a MAG\n"},
		{"neighbour,2001:db8:0:1::11,core0", "b:1: neighbour: 3 fields; allowed: neighbour,ADDRESS,PORT,MAC\n"},
		{"neighbour,x,core0,02:00:00:00:00:01",
			"b:1: address: x: not an address of one node; allowed: a unicast IPv6 address\n"},
		{"neighbour,ff02::1,core0,02:00:00:00:00:01",
			"b:1: address: ff02::1: not an address of one node; allowed: a unicast IPv6 address\n"},
		{"neighbour,2001:db8:0:1::11,core1,02:00:00:00:00:01",
			"b:1: port: core1: no port has this name; allowed: the name of a core or outside port\n"},
		{"neighbour,2001:db8:0:2::11,core0,02:00:00:00:00:01",
			"b:1: address: 2001:db8:0:2::11: not on the link; allowed: another address in a prefix of port "
			"core0, or a link-local one\n"},
		{"neighbour,2001:db8:0:1::1,core0,02:00:00:00:00:01",
			"b:1: address: 2001:db8:0:1::1: the gateway's own; allowed: another address in a prefix of "
			"port "
			"core0, or a link-local one\n"},
		{"neighbour,2001:db8:0:1::11,core0,3:3:3:3:3:3",
			"b:1: mac: 3:3:3:3:3:3: not a link-layer address; allowed: six octets in hex with colons\n"},
		{"neighbour,2001:db8:0:1::11,core0,33:33:00:00:00:01",
			"b:1: mac: 33:33:00:00:00:01: no address of one station; allowed: a unicast address other than "
			"zero\n"},
		{"neighbour,fe80::9,core0,02:00:00:00:00:01\nneighbour,fe80::9,out0,02:00:00:00:00:01\n"
		 "neighbour,fe80::9,core0,02:00:00:00:00:02",
			"b:3: address: fe80::9: already in line 1; allowed: each neighbour once\n"},
		{"binding,,\n,",
			"b:1: prefix: \"\": not an IPv6 prefix; allowed: ADDRESS/64\n"
			"b:1: peer: \"\": no peer has this name; allowed: the name of a peer with role MAG in f\n"
			"b:2: \"\": no kind of row; allowed: binding, pair or neighbour\n"},
	};
	struct config *config = lma_config();

	assert_mistakes(config, cases, sizeof(cases) / sizeof(cases[0]));
	config_destroy(config);
}

#define NODE "binding,2001:db8:1000::/64,lma1,access0.10,02:00:00:00:10:00\n"

static void every_mistake_at_a_mag_names_line_field_value_and_what_is_allowed(void **state)
{
	static const struct mistake_case cases[] = {
		{"binding,2001:db8:1000::/64,lma1",
			"b:1: binding: 3 fields; allowed: at a MAG binding,PREFIX,LMA,PORT[.VLAN],MAC\n"},
		{"binding,2001:db8:1000::/64,mag2,access0.10,02:00:00:00:10:00",
			"b:1: peer: mag2: a peer of another role; allowed: the name of a peer with role LMA\n"},
		{"binding,2001:db8:1000::/64,lma1,access0,02:00:00:00:10:00",
			"b:1: port: access0: no access link of this name; allowed: the name of an access port, with "
			".VLAN "
			"if it has vlans\n"},
		{"binding,2001:db8:1000::/64,lma1,core0,02:00:00:00:10:00",
			"b:1: port: core0: no access link of this name; allowed: the name of an access port, with "
			".VLAN if "
			"it has vlans\n"},
		{NODE "binding,2001:db8:1000:1::/64,lma2,access0.10,02:00:00:00:10:00",
			"b:2: peer: lma2: the mobile node of line 1 has another LMA; allowed: the same\n"},
		{"neighbour,2001:db8:0:1::12,access0,02:00:00:00:00:01",
			"b:1: port: access0: an access port; allowed: the name of a core or outside port\n"},
		{NODE "pair,2001:db8:1000::/64,2001:db8:2000::/64,lma1",
			"b:2: peer: lma1: a peer of another role; allowed: the name of a peer with role MAG\n"},
		{NODE "pair,2001:db8:1000:9::/64,2001:db8:2000::/64,mag2",
			"b:2: prefix: 2001:db8:1000:9::/64: no mobile node here; allowed: a prefix of a binding row\n"},
		{NODE "pair,2001:db8:1000::/64,2001:db8:1000::/64,mag2",
			"b:2: other-prefix: 2001:db8:1000::/64: of a mobile node here; allowed: a prefix that the "
			"other "
			"MAG has\n"},
		{NODE "pair,2001:db8:1000::/64,2001:db8:2000::/64,mag2\npair,2001:db8:1000::/64,2001:db8:2000::/"
		      "64,mag2",
			"b:3: prefix: 2001:db8:1000::/64: this pair is in line 2; allowed: each pair once\n"},
	};
	struct config *config = mag_config();

	assert_mistakes(config, cases, sizeof(cases) / sizeof(cases[0]));
	config_destroy(config);
}

static void pairs_need_tables_for_them(void **state)
{
	static const struct mistake_case none = {"pair,2001:db8:1000::/64,2001:db8:2000::/64,mag2",
		"b:1: pair: there are no tables for pairs; allowed: with route-optimisation.enabled in f\n"};
	struct config *config = config_of(mag_text);

	assert_mistakes(config, &none, 1);
	config_destroy(config);
}

static void more_rows_than_tables_are_for_is_one_mistake_a_kind(void **state)
{
	static const struct mistake_case cases[] = {
		{NODE "binding,2001:db8:1000:1::/64,lma1,access0.10,02:00:00:00:10:01\n"
		      "binding,2001:db8:1000:2::/64,lma1,access0.10,02:00:00:00:10:02\n"
		      "binding,2001:db8:1000:3::/64,lma1,access0.10,02:00:00:00:10:03\n",
			"b:3: binding: more than the tables are for; allowed: mag.max-nodes 2, change it in f\n"},
		{NODE "pair,2001:db8:1000::/64,2001:db8:2000::/64,mag2\n"
		      "pair,2001:db8:1000::/64,2001:db8:2000:1::/64,mag2\n"
		      "pair,2001:db8:1000::/64,2001:db8:2000:2::/64,mag2\n",
			"b:3: pair: more than the tables are for; allowed: route-optimisation.max-pairs 1, change it "
			"in f\n"},
	};
	struct config *config = mag_config();

	config->mag.max_nodes = 2;
	config->ro.max_pairs = 1;
	assert_mistakes(config, cases, sizeof(cases) / sizeof(cases[0]));
	config_destroy(config);
}

static void neighbours_are_counted(void **state)
{
	char text[4096] = "";
	struct config *config = lma_config();
	char *messages;

	config->limits.neighbours = 16;
	for (unsigned i = 0; i < 18; i++) {
		size_t used = strlen(text);

		snprintf(text + used, sizeof(text) - used, "neighbour,2001:db8:0:1::%x,core0,02:00:00:00:00:01\n",
			i + 16);
	}
	assert_null(read_rows(config, text, strlen(text), &messages));
	assert_string_equal(messages, "b:17: neighbour: more than the tables are for; allowed: limits.neighbours 16, "
				      "change it in f\n");
	free(messages);
	config_destroy(config);
}

static void lines_that_are_no_text_are_told_and_the_rest_is_read(void **state)
{
	static const char zero[] = "bind\0ing,x\nbinding,2001:db8:1000::/64,nobody\n";
	struct config *config = lma_config();
	char longest[600];
	char *messages;

	assert_null(read_rows(config, zero, sizeof(zero) - 1, &messages));
	assert_string_equal(messages,
		"b:1: an octet of zero; allowed: text\n"
		"b:2: peer: nobody: no peer has this name; allowed: the name of a peer with role MAG "
		"in f\n");
	free(messages);
	memset(longest, '#', sizeof(longest));
	memcpy(longest + 500, "\nx\n", 3);
	assert_null(read_rows(config, longest, 503, &messages));
	assert_string_equal(messages, "b:1: a line of more than 255 octets; allowed: one row\n"
				      "b:2: x: no kind of row; allowed: binding, pair or neighbour\n");
	free(messages);
	bindings_destroy(read_rows(config, longest, 255, &messages)); /* exactly as long as allowed */
	assert_string_equal(messages, "");
	free(messages);
	config_destroy(config);
}

static void all_mistakes_are_counted_and_a_hundred_listed(void **state)
{
	struct config *config = lma_config();
	char *text = NULL, *messages;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	unsigned lines = 0;

	for (unsigned i = 0; i < 250; i++)
		fprintf(out, "x%u\n", i);
	fclose(out);
	assert_null(read_rows(config, text, size, &messages));
	for (const char *at = messages; (at = strchr(at, '\n')) != NULL; at++)
		lines++;
	assert_int_equal(lines, 101);
	assert_non_null(strstr(messages, "b:100: x99: no kind of row"));
	assert_non_null(strstr(messages, "b: 150 further mistakes not shown\n"));
	free(messages);
	free(text);
	config_destroy(config);
}

static void a_file_that_cannot_be_read_is_one_message(void **state)
{
	struct config *config = lma_config();
	char *messages = NULL;
	size_t size = 0;
	FILE *errors = open_memstream(&messages, &size);

	assert_null(bindings_load(config, "/does/not/exist", errors));
	assert_null(bindings_load(config, "/", errors));
	fclose(errors);
	assert_string_equal(messages, "/does/not/exist: cannot be opened: No such file or directory\n"
				      "/: cannot be read: Is a directory; allowed: a file\n");
	free(messages);
	config_destroy(config);
}

/* Random bytes and random pieces of rows: nothing but a verdict. */
static void any_bytes_yield_rows_or_messages(void **state)
{
	static const char *const pieces[] = {"binding", "pair", "neighbour", ",", ",", ",", "\n", "2001:db8:1000::/64",
		"2001:db8:1000:1::/64", "lma1", "mag2", "access0.10", "02:00:00:00:10:00", "core0", "fe80::1", "#", " ",
		"\\", "\xff", "/64"};
	struct config *config = mag_config();
	uint64_t random = 7;

	for (unsigned round = 0; round < 3000; round++) {
		char text[2048];
		size_t used = 0;
		unsigned n = test_random_below(&random, 60);
		struct bindings *b;
		char *messages;

		for (unsigned i = 0; i < n; i++) {
			const char *piece = pieces[test_random_below(&random, sizeof(pieces) / sizeof(pieces[0]))];
			size_t length = strlen(piece);

			memcpy(text + used, piece, length);
			used += length;
		}
		b = read_rows(config, text, used, &messages);
		assert_int_equal(b == NULL, messages[0] != '\0');
		bindings_destroy(b);
		free(messages);
	}
	config_destroy(config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_of_an_lma_are_prefixes_and_mags),
		cmocka_unit_test(rows_of_a_mag_name_the_access_link_and_the_node),
		cmocka_unit_test(a_file_without_rows_is_right),
		cmocka_unit_test(every_mistake_at_an_lma_names_line_field_value_and_what_is_allowed),
		cmocka_unit_test(every_mistake_at_a_mag_names_line_field_value_and_what_is_allowed),
		cmocka_unit_test(pairs_need_tables_for_them),
		cmocka_unit_test(more_rows_than_tables_are_for_is_one_mistake_a_kind),
		cmocka_unit_test(neighbours_are_counted),
		cmocka_unit_test(lines_that_are_no_text_are_told_and_the_rest_is_read),
		cmocka_unit_test(all_mistakes_are_counted_and_a_hundred_listed),
		cmocka_unit_test(a_file_that_cannot_be_read_is_one_message),
		cmocka_unit_test(any_bytes_yield_rows_or_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
