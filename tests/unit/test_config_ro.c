/* SPDX-License-Identifier: BSD-3-Clause */
/* What the configuration of route optimisation may not say. */
#include "unit.h"

#include "config_texts.h"
#include "engine_config.h"

#define KEY_1 "1111111111111111111111111111111111111111111111111111111111111111"
#define KEY_2 "2222222222222222222222222222222222222222222222222222222222222222"

static const char lma_ro[] =
	"role: lma\n"                                                                                           /* 1 */
	"route-optimisation: {enabled: true}\n"                                                                 /* 2 */
	"ports:\n"                                                                                              /* 3 */
	"  - {name: core0, device: 'kernel:eth0', side: core, addresses: ['2001:db8:0:1::1/64']}\n"             /* 4 */
	"peers:\n"                                                                                              /* 5 */
	"  - {name: mag1, address: '2001:db8:0:1::11', insecure: true, ro-key: " KEY_1 "}\n"                    /* 6 */
	"  - {name: mag2, address: '2001:db8:0:1::12', insecure: true, ro-key: " KEY_2 "}\n"                    /* 7 */
	"  - {name: lma2, address: '2001:db8:0:1::2', insecure: true, role: lma, ro-prefixes: ['fd02::/32']}\n" /* 8 */
	"lma: {pools: [{name: pool0, prefix: '2001:db8:1000::/48'}]}\n"                                         /* 9 */
	"mobile-nodes:\n"                                                                                       /* 10 */
	"  - {id: mn1, prefixes: ['fd00:0:0:1::/64']}\n"                                                        /* 11 */
	"  - {id: mn2}\n";                                                                                      /* 12 */

static const char mag_ro[] =
	"role: mag\n"                                                                                /* 1 */
	"route-optimisation: {enabled: true}\n"                                                      /* 2 */
	"ports:\n"                                                                                   /* 3 */
	"  - {name: core0, device: 'kernel:eth0', side: core, addresses: ['2001:db8:0:1::11/64']}\n" /* 4 */
	"  - {name: access0, device: 'kernel:eth1', side: access}\n"                                 /* 5 */
	"peers:\n"                                                                                   /* 6 */
	"  - {name: mag2, address: '2001:db8:0:1::12', insecure: true, role: mag}\n"                 /* 7 */
	"  - {name: lma1, address: '2001:db8:0:1::1', insecure: true, ro-key: " KEY_1 "}\n"          /* 8 */
	"mobile-nodes:\n"                                                                            /* 9 */
	"  - {id: mn1, mac: '02:00:00:00:00:01'}\n";                                                 /* 10 */

static void whole_domains_are_right(void **state)
{
	expect(lma_ro, "role: lma\nroute", "role: lma\nroute", "");
	expect(mag_ro, "role: mag\nroute", "role: mag\nroute", "");
	expect(lma_ro, "enabled: true", "enabled: false", ""); /* switched off for a while */
	expect(mag_ro, "enabled: true", "enabled: false", "");
}

static void peer_of_the_own_role_needs_route_optimisation(void **state)
{
	expect(lma_ro, "route-optimisation: {enabled: true}", "",
		"f:8: peers[2].role: lma: the role of this gateway, and route optimisation is not in use; allowed: "
		"mag, or route-optimisation: {enabled: true}\n");
	expect(mag_ro, "route-optimisation: {enabled: true}", "",
		"f:7: peers[0].role: mag: the role of this gateway, and route optimisation is not in use; allowed: "
		"lma, or route-optimisation: {enabled: true}\n");
}

static void peers_of_the_own_role_are_not_enough(void **state)
{
	expect(mag_ro, "ro-key: " KEY_1, "role: mag",
		"f:7: peers: [...]: all have the role of this gateway; allowed: at least one peer with role: lma\n");
}

static void nodes_are_registered_between_lma_and_mag_only(void **state)
{
	expect(lma_ro, "{id: mn2}", "{id: mn2, mags: [mag1, lma2]}",
		"f:12: mobile-nodes[1].mags[1]: lma2: the peer in line 8 is no MAG; allowed: a peer with role: mag\n");
	expect(mag_ro, "{id: mn1, ", "{id: mn1, lma: mag2, ",
		"f:10: mobile-nodes[0].lma: mag2: the peer in line 7 is no LMA; allowed: a peer with role: lma\n");
	expect(mag_ro, "mobile-nodes:\n", "unknown-nodes: profile\ndefault-profile: {lma: mag2}\nmobile-nodes:\n",
		"f:10: default-profile.lma: mag2: the peer in line 7 is no LMA; allowed: a peer with role: lma\n");
}

static void timers_that_contradict_each_other_are_told(void **state)
{
	static const struct {
		const char *keys, *expected;
	} rows[] = {
		{"esa-confirm-timeout: 500", "f:2: route-optimisation.esa-confirm-timeout: 500: esa-confirm-timeout "
					     "(500 ms) is not shorter than ack-timeout (500 ms)"},
		{"ack-timeout: 400", "f:2: route-optimisation.ack-timeout: 400: esa-confirm-timeout (400 ms) is not "
				     "shorter than ack-timeout (400 ms)"},
		{"sequence-deadline: 20000", "f:2: route-optimisation.sequence-deadline: 20000: sequence-deadline "
					     "(20000 ms) is not shorter than rx-linger (20000 ms)"},
		{"rx-linger: 15000", "f:2: route-optimisation.rx-linger: 15000: sequence-deadline (15000 ms) is not "
				     "shorter than rx-linger (15000 ms)"},
		{"rx-linger: 30000", "f:2: route-optimisation.rx-linger: 30000: rx-linger (30000 ms) is not shorter "
				     "than pending-lifetime (30000 ms)"},
		{"tombstone: 30000", "f:2: route-optimisation.tombstone: 30000: pending-lifetime (30000 ms) is not "
				     "shorter than tombstone (30000 ms)"},
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char keys[128], expected[256];

		snprintf(keys, sizeof(keys), "enabled: true, %s", rows[i].keys);
		snprintf(expected, sizeof(expected), "%s; allowed: a shorter one\n", rows[i].expected);
		expect(lma_ro, "enabled: true", keys, expected);
		expect(mag_ro, "enabled: true", keys, expected);
	}
	expect(lma_ro, "enabled: true", "enabled: true, retries: 4", /* 0.5 + 1 + 2 + 4 + 8 s */
		"f:2: route-optimisation.retries: 4: an exchange of up to 15500 ms (ack-timeout doubles with each of "
		"the "
		"retries) does not fit into sequence-deadline (15000 ms); allowed: fewer retries, a shorter "
		"ack-timeout\n");
	expect(lma_ro, "enabled: true", "enabled: true, retries: 0, ack-timeout: 15000", "");
}

/* What passes here the engine takes. */
static void timers_that_pass_are_those_of_the_engine(void **state)
{
	static const uint32_t values[] = {400, 500, 15000, 20000, 30000, 60000};
	uint64_t seed = 7;

	for (unsigned i = 0; i < 2000; i++) {
		uint32_t v[6];
		char keys[256], *text, *messages;
		struct config *config;

		for (unsigned j = 0; j < 6; j++) /* near the defaults, often wrong in one or two places */
			v[j] = test_random(&seed) % 4 == 0
				       ? values[test_random(&seed) % 6] + (uint32_t)(test_random(&seed) % 3) - 1
				       : values[j];
		snprintf(keys, sizeof(keys),
			"enabled: true, esa-confirm-timeout: %u, ack-timeout: %u, sequence-deadline: %u, rx-linger: "
			"%u, "
			"pending-lifetime: %u, tombstone: %u",
			v[0], v[1], v[2], v[3], v[4], v[5]);
		text = text_replace(mag_ro, "enabled: true", keys);
		messages = parse_messages(text, strlen(text), &config);
		if (config != NULL) {
			struct ro_peer *peers;
			struct ro_config ro;

			assert_int_equal(config_ro_engine(config, &ro, &peers), 0);
			assert_int_equal(ro_config_check(&ro), 0);
			free(peers);
		}
		config_destroy(config);
		free(messages);
		free(text);
	}
}

static void detection_without_a_threshold_is_told(void **state)
{
	expect(lma_ro, "enabled: true", "enabled: true, detect-sample: 100",
		"f:2: route-optimisation.detect-sample: 100: not a power of 2; allowed: 1, 2, 4 and so on up to "
		"65536\n");
	expect(lma_ro, "enabled: true", "enabled: true, detect-packets: 0", "");
	expect(lma_ro, "enabled: true", "enabled: true, detect-packets: 0, detect-bytes: 0",
		"f:2: route-optimisation.detect-packets: 0: neither packets nor octets begin a pair; allowed: "
		"detect-packets or detect-bytes over 0, or detect: false\n");
	expect(lma_ro, "enabled: true", "enabled: true, detect-packets: 0, detect-bytes: 0, detect: false", "");
	expect(lma_ro, "enabled: true", "enabled: true, detect-bytes: 1000000000001",
		"f:2: route-optimisation.detect-bytes: 1000000000001: out of range; allowed: 0..1000000000000 "
		"octets\n");
}

/* RO-002 */
static void eligible_prefixes_without_infrastructure(void **state)
{
	static const struct {
		const char *prefix, *expected;
	} rows[] = {
		{"2001:db8::/32", "overlaps with the link of port core0 (line 4); allowed: a prefix of its own"},
		{"::/0", "not a prefix for mobile nodes; allowed: a prefix in 2000::/3 or fc00::/7"},
		{"fe80::/64", "not a prefix for mobile nodes; allowed: a prefix in 2000::/3 or fc00::/7"},
		{"2001:db8:7:1:8000::/65",
			"longer than the /64 that a mobile node has; allowed: a length of at most 64"},
		{"2001:db9::/32",
			"the address of peer mag2 (line 7) lies in it; allowed: prefixes of mobile nodes only"},
	};
	char *far = text_replace(lma_ro, "2001:db8:0:1::12", "2001:db9:0:1::12");

	expect(far, "enabled: true", "enabled: true, eligible-prefixes: ['2001:db8:1000::/48', 'fd00::/8']", "");
	expect(far, "enabled: true", "enabled: true, eligible-prefixes: []",
		"f:2: route-optimisation.eligible-prefixes: []: empty; allowed: a list with at least one item\n");
	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char keys[128], expected[256];

		snprintf(keys, sizeof(keys), "enabled: true, eligible-prefixes: ['%s']", rows[i].prefix);
		snprintf(expected, sizeof(expected), "f:2: route-optimisation.eligible-prefixes[0]: %s: %s\n",
			rows[i].prefix, rows[i].expected);
		expect(far, "enabled: true", keys, expected);
	}
	free(far);
}

/* RO-048 */
static void prefixes_of_another_lma_are_its_own(void **state)
{
	expect(lma_ro, ", ro-prefixes: ['fd02::/32']", "",
		"f:8: peers[2].ro-prefixes: missing, so that this LMA has no mobile nodes; allowed: their home network "
		"prefixes\n");
	expect(lma_ro, "ro-key: " KEY_1, "ro-key: " KEY_1 ", ro-prefixes: ['fd03::/32']",
		"f:6: peers[0].ro-prefixes: [...]: a MAG has no prefixes of its own; allowed: with role: lma\n");
	expect(lma_ro, "'fd02::/32'", "'fd02::/80'",
		"f:8: peers[2].ro-prefixes[0]: fd02::/80: longer than the /64 that a mobile node has; allowed: a "
		"length "
		"of at most 64\n");
	expect(lma_ro, "'fd02::/32'", "'fe80::/10'",
		"f:8: peers[2].ro-prefixes[0]: fe80::/10: not a prefix for mobile nodes; allowed: a prefix in 2000::/3 "
		"or fc00::/7\n");
	expect(lma_ro, "'fd02::/32'", "'2001:db8:1000:8000::/49'",
		"f:8: peers[2].ro-prefixes[0]: 2001:db8:1000:8000::/49: overlaps with pool pool0 (line 9); allowed: "
		"what this LMA does not have\n");
	expect(lma_ro, "'fd02::/32'", "'fd00::/16'",
		"f:8: peers[2].ro-prefixes[0]: fd00::/16: mn1 (line 11) has a prefix in it; allowed: what this LMA "
		"does not have\n");
	expect(lma_ro, "'fd02::/32'", "'2001:db8:0:1::/64'",
		"f:8: peers[2].ro-prefixes[0]: 2001:db8:0:1::/64: overlaps with the link of port core0 (line 4); "
		"allowed: a prefix of its own\n");
	expect(lma_ro, "'fd02::/32'", "'fd02::/32', 'fd03::/32', 'fd02:0:5::/48'",
		"f:8: peers[2].ro-prefixes[2]: fd02:0:5::/48: overlaps with that of peer lma2 in line 8; allowed: a "
		"prefix once\n");
	expect(lma_ro, "lma: {pools",
		"  - {name: lma3, address: '2001:db8:0:1::3', insecure: true, role: lma, ro-prefixes: ['fd00:2::/32', "
		"'fd02::/40']}\nlma: {pools",
		"f:9: peers[3].ro-prefixes[1]: fd02::/40: overlaps with that of peer lma2 in line 8; allowed: a prefix "
		"once\n");
	expect(lma_ro, "'fd02::/32'",
		"'fd02::/32', 'fd03::/32', 'fd04::/32', 'fd05::/32', 'fd06::/32', 'fd07::/32', 'fd08::/32', "
		"'fd09::/32'",
		"");
	expect(lma_ro, "'fd02::/32'",
		"'fd02::/32', 'fd03::/32', 'fd04::/32', 'fd05::/32', 'fd06::/32', 'fd07::/32', 'fd08::/32', "
		"'fd09::/32', "
		"'fd10::/32'",
		"f:8: peers[2].ro-prefixes: [...]: 9 prefixes; allowed: at most 8\n");
}

static void direct_mode_needs_a_key_with_each_other_end(void **state)
{
	static const char missing[] =
		"missing, so that no pair of %s can be authorised in direct mode; allowed: the key that both share, or "
		"direct-trust: peers\n";
	char expected[256];
	int used = snprintf(expected, sizeof(expected), "f:7: peers[1].ro-key: ");

	snprintf(expected + used, sizeof(expected) - (size_t)used, missing, "mag2");
	expect(lma_ro, ", ro-key: " KEY_2, "", expected);
	used = snprintf(expected, sizeof(expected), "f:8: peers[1].ro-key: ");
	snprintf(expected + used, sizeof(expected) - (size_t)used, missing, "lma1");
	expect(mag_ro, ", ro-key: " KEY_1, "", expected);
	expect(mag_ro, "true}\nports", "true, direct-trust: peers}\nports", "");
}

static void key_that_is_not_needed_may_be_missing(void **state)
{
	char *proxy = text_replace(lma_ro, "enabled: true", "enabled: true, mode: proxy");
	char *trust = text_replace(lma_ro, "enabled: true", "enabled: true, direct-trust: peers");
	char *off = text_replace(mag_ro, "enabled: true", "enabled: false");

	expect(proxy, ", ro-key: " KEY_2, "", "");
	expect(trust, ", ro-key: " KEY_2, "", "");
	expect(off, ", ro-key: " KEY_1, "", "");
	free(proxy);
	free(trust);
	free(off);
}

/* Whatever is wrong with a key, no message repeats it. */
static void keys_are_not_repeated_in_messages(void **state)
{
	static const char allowed[] = "allowed: 64 hexadecimal digits, not all 0\n";
	static const char *const wrong[] = {"111111111111111111111111111111111111111111111111111111111111111",
		"'11111111111111111111111111111111111111111111111111111111111111111'", "password", ("'1g" KEY_1 "'"),
		("0x" KEY_1)};

	for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char expected[128];

		snprintf(expected, sizeof(expected), "f:6: peers[0].ro-key: (hidden): not such a key; %s", allowed);
		expect(lma_ro, KEY_1, wrong[i], expected);
	}
	expect(lma_ro, KEY_1, "0000000000000000000000000000000000000000000000000000000000000000",
		"f:6: peers[0].ro-key: (hidden): no key; allowed: 64 hexadecimal digits, not all 0\n");
	expect(lma_ro, KEY_2, KEY_1, "f:7: peers[1].ro-key: (hidden): key of two peers; first in line 6\n");
	expect(lma_ro, "ro-key: " KEY_1, "ro_key: " KEY_1,
		"f:6: peers[0].ro_key: (hidden): unknown key; the nearest known one is ro-key\n");
	expect(lma_ro, "ro-key: " KEY_1, "ro-key: " KEY_1 ", ro-key: " KEY_2,
		"f:6: peers[0].ro-key: (hidden): the key stands twice; first in line 6\n");
	expect(lma_ro, "role: lma, ro-prefixes", "role: lma, ro-key: " KEY_2 ", ro-prefixes",
		"f:8: peers[2].ro-key: (hidden): two gateways of one role share no key; allowed: between an LMA and a "
		"MAG\n");
	expect(lma_ro, "ro-key: " KEY_1, "route-optimisation: never, ro-key: " KEY_1,
		"f:6: peers[0].route-optimisation: never: unknown word; allowed: allow or deny\n");
	expect(lma_ro, "ro-key: " KEY_1, "ro-key-id: 300, ro-key: " KEY_1,
		"f:6: peers[0].ro-key-id: 300: out of range; allowed: 0..255\n");
}

static void keys_of_the_other_role_are_told(void **state)
{
	expect(mag_ro, "role: mag}", "role: mag, ro-prefixes: []}",
		"f:7: peers[0].ro-prefixes: []: a key of the other role; allowed with role: lma\n");
	expect(mag_ro, "enabled: true", "enabled: true, mode: proxy",
		"f:2: route-optimisation.mode: proxy: a key of the other role; allowed with role: lma\n");
	expect(lma_ro, "enabled: true", "enabled: true, in-order: true",
		"f:2: route-optimisation.in-order: true: a key of the other role; allowed with role: mag\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_domains_are_right),
		cmocka_unit_test(peer_of_the_own_role_needs_route_optimisation),
		cmocka_unit_test(peers_of_the_own_role_are_not_enough),
		cmocka_unit_test(nodes_are_registered_between_lma_and_mag_only),
		cmocka_unit_test(timers_that_contradict_each_other_are_told),
		cmocka_unit_test(timers_that_pass_are_those_of_the_engine),
		cmocka_unit_test(detection_without_a_threshold_is_told),
		cmocka_unit_test(eligible_prefixes_without_infrastructure),
		cmocka_unit_test(prefixes_of_another_lma_are_its_own),
		cmocka_unit_test(direct_mode_needs_a_key_with_each_other_end),
		cmocka_unit_test(key_that_is_not_needed_may_be_missing),
		cmocka_unit_test(keys_are_not_repeated_in_messages),
		cmocka_unit_test(keys_of_the_other_role_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
