/* SPDX-License-Identifier: BSD-3-Clause */
#include "unit.h"

#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config/config_json.h"
#include "config/machine.h"
#include "config/schema.h"
#include "config/value.h"
#include "config_texts.h"

static struct config *parse(const char *text)
{
	struct config *config;
	char *messages = parse_messages(text, strlen(text), &config);

	assert_string_equal(messages, "");
	free(messages);
	return config;
}

/* The value at a path of the schema, in lists the first item; NULL if it is not there. */
static const json_t *json_at(const json_t *json, const char *path)
{
	while (json != NULL && *path != '\0') {
		size_t n = strcspn(path, ".[");

		if (n > 0)
			json = json_object_getn(json, path, n);
		else if (*path == '[')
			json = json_array_get(json, 0);
		path += n > 0 ? n : *path == '[' ? 2 : 1;
	}
	return json;
}

static const char *json_text(const json_t *value, char text[VALUE_TEXT_MAX])
{
	if (json_is_string(value))
		snprintf(text, VALUE_TEXT_MAX, "%s", json_string_value(value));
	else if (json_is_boolean(value))
		snprintf(text, VALUE_TEXT_MAX, "%s", json_is_true(value) ? "true" : "false");
	else
		snprintf(text, VALUE_TEXT_MAX, "%.10g", json_number_value(value));
	return text;
}

#define KEY_TEXT "00112233445566778899aabbccddeeff00112233445566778899AABBCCDDEEFF"

static const char lma_full[] =
	"{role: lma, name: anchor, control-socket: /tmp/s, control-socket-mode: 0600, state-directory: /tmp/d,\n"
	" log-level: debug,\n"
	" dataplane: {control-core: 3, workers: [4, 5], hugepages: on, memory-mb: 100, mbufs: 8192, idle-sleep: "
	"false,\n"
	"  node-counters: false, tunnel-counters: false},\n"
	" ports: [{name: c, device: 'pci:0000:3B:00.1', side: core, addresses: ['2001:db8::1/64', '2001:db8::2/64'],\n"
	"  mtu: 1320, queues: 2, spread: true, promiscuous: true}],\n"
	" routes: [{prefix: '2001:db8:5::/48', via: 'fe80::1', port: c}],\n"
	" peers: [{name: m, address: '2001:db8::3', role: mag, insecure: true, heartbeat: false, route-optimisation: "
	"deny,\n"
	"  ro-key-id: 200,\n"
	"  ro-key: " KEY_TEXT "},\n"
	"  {name: o, address: '2001:db8::4', role: lma, insecure: true, ro-prefixes: ['fd00:7::/32', 'fd01::/16']}],\n"
	" lma: {address: '2001:db8::2', pools: [{name: p, prefix: 'fd00:5::/40'}], max-bindings: 7,\n"
	"  max-binding-lifetime: 8, prefix-hold: 9, restart-hold: 10, immediate-new-bce: true},\n"
	" variables: {MinDelayBeforeBCEDelete: 11, MaxDelayBeforeNewBCEAssign: 12, TimestampValidityWindow: 13,\n"
	"  TimestampBasedApproachInUse: false, MobileNodeGeneratedTimestampInUse: false,\n"
	"  FixedMAGLinkLocalAddressOnAllAccessLinks: 'fe80::2',\n"
	"  FixedMAGLinkLayerAddressOnAllAccessLinks: '02:00:00:00:00:02', HEARTBEAT_INTERVAL: 14,\n"
	"  MISSING_HEARTBEATS_ALLOWED: 15, MAX_UPDATE_NOTIFICATION_RETRANSMIT_COUNT: 5,\n"
	"  MIN_DELAY_BETWEEN_UPDATE_NOTIFICATION_REPLAY: 4999},\n"
	" tunnel: {hop-limit: 16, dscp: 0},\n"
	" limits: {icmp-errors: 17, icmp-burst: 18, punts: 19, punt-burst: 20, source-punts: 21, resolve-queue: 22,\n"
	"  neighbours: 23, routes: 24},\n"
	" route-optimisation: {enabled: true, mode: proxy, profile: native, experiment-id: 25,\n"
	"  early-activation: true, direct-trust: peers, default: deny, eligible-prefixes: ['fd00::/32'],\n"
	"  lifetime: infinite, retries: 2, ack-timeout: 501, sequence-deadline: 15001, pending-lifetime: 30001,\n"
	"  esa-confirm-timeout: 401, rx-linger: 20001, tombstone: 60001, hold-down: 30001, max-pairs: 26,\n"
	"  pending-per-node: 27, active-per-node: 28, triggers-per-node: 29, detect: false, detect-packets: 31,\n"
	"  detect-bytes: 5000000000, detect-window: 32, detect-sample: 64, heartbeat-interval: 33},\n"
	" mobile-nodes: [{id: a@b, mac: '02:00:00:00:00:01', pool: p, prefixes: ['fd00:6::/64'], mags: [m],\n"
	"  dynamic-prefixes: 2, proxy-registration: false, route-optimisation: deny}],\n"
	" unknown-nodes: profile,\n"
	" default-profile: {pool: p, mags: [m], dynamic-prefixes: 3, proxy-registration: false,\n"
	"  route-optimisation: allow}}\n";

static const char mag_full[] =
	"{role: mag, name: gate, control-socket: /tmp/s, control-socket-mode: '0666', state-directory: /tmp/d,\n"
	" log-level: error,\n"
	" dataplane: {control-core: 3, workers: [4], hugepages: off, memory-mb: 100, mbufs: 8192, idle-sleep: false,\n"
	"  node-counters: false, tunnel-counters: false},\n"
	" ports: [{name: c, device: 'vdev:net_tap0,iface=c', side: core, addresses: ['2001:db8::1/64'], mtu: 1320,\n"
	"  queues: 2, spread: true, promiscuous: true}, {name: a, device: 'kernel:eth1', side: access, vlans: [7]}],\n"
	" routes: [{prefix: '2001:db8:5::/48', via: '2001:db8::9'}],\n"
	" peers: [{name: l, address: '2001:db8::3', role: lma, insecure: true, heartbeat: false, route-optimisation: "
	"deny,\n"
	"  ro-key-id: 1,\n"
	"  ro-key: '8000000000000000000000000000000000000000000000000000000000000000'},\n"
	"  {name: n, address: '2001:db8::4', role: mag, insecure: true}],\n"
	" mag: {address: '2001:db8::1', max-nodes: 1, binding-lifetime: 40, refresh-percent: 50,\n"
	"  access-technology: 200, nud-interval: 200, nud-retransmit: 20, nud-probes: 4, refused-hold: 5,\n"
	"  router-lifetime: 60, prefix-valid: 70, prefix-preferred: 69, max-rtr-adv-interval: 8, shutdown-wait: 0},\n"
	" variables: {EnableMAGLocalRouting: true, TimestampBasedApproachInUse: false,\n"
	"  MobileNodeGeneratedTimestampInUse: false, FixedMAGLinkLocalAddressOnAllAccessLinks: 'fe80::2',\n"
	"  FixedMAGLinkLayerAddressOnAllAccessLinks: '02:00:00:00:00:02', INITIAL_BINDACK_TIMEOUT: 0.5,\n"
	"  MAX_BINDACK_TIMEOUT: 60, HEARTBEAT_INTERVAL: 14, MISSING_HEARTBEATS_ALLOWED: 15},\n"
	" tunnel: {hop-limit: 16, dscp: 63},\n"
	" limits: {icmp-errors: 17, icmp-burst: 18, punts: 19, punt-burst: 20, source-punts: 21, resolve-queue: 22,\n"
	"  neighbours: 23, routes: 24},\n"
	" route-optimisation: {enabled: true, in-order: true, flush-deadline: 34, flush-packets: 35, pbu-for-setup: "
	"true,\n"
	"  profile: native, experiment-id: 25,\n"
	"  early-activation: true, direct-trust: peers, default: deny, eligible-prefixes: ['fd00::/32'],\n"
	"  lifetime: infinite, retries: 2, ack-timeout: 501, sequence-deadline: 15001, pending-lifetime: 30001,\n"
	"  esa-confirm-timeout: 401, rx-linger: 20001, tombstone: 60001, hold-down: 30001, max-pairs: 26,\n"
	"  pending-per-node: 27, active-per-node: 28, triggers-per-node: 29, detect: false, detect-packets: 31,\n"
	"  detect-bytes: 5000000000, detect-window: 32, detect-sample: 64, pair-counters: false, heartbeat-interval: "
	"33},\n"
	" mobile-nodes: [{id: a@b, mac: '02:00:00:00:00:01', lma: l, local-routing: false, lifetime: 30,\n"
	"  route-optimisation: allow, in-order: false}],\n"
	" unknown-nodes: profile,\n"
	" default-profile: {id-format: '%m', lma: l, local-routing: true, lifetime: 31, route-optimisation: deny,\n"
	"  in-order: true}}\n";

static void every_key_of_a_full_file_reaches_the_configuration(void **state)
{
	const char *const texts[] = {lma_full, mag_full};
	char text[VALUE_TEXT_MAX];

	for (unsigned role = 0; role < ROLE_COUNT; role++) {
		struct config *config = parse(texts[role]);
		json_t *json = config_to_json(config);

		assert_int_equal(config->role, role);
		for (unsigned i = 0; i < schema_count; i++) {
			const json_t *value = json_at(json, schema[i].path);

			if ((schema[i].roles & 1 << role) == 0) {
				assert_null(value);
				continue;
			}
			if (strcmp(schema[i].path, "ports[].vlans[]") == 0 ||
				strcmp(schema[i].path, "peers[].ro-prefixes[]") == 0) /* the second one has some */
				continue;
			if (value == NULL)
				fail_msg("no value: %s", schema[i].path);
			/* true there would need TimestampBasedApproachInUse, whose default is true too */
			if (schema[i].fallback != NULL &&
				strcmp(schema[i].path, "variables.MobileNodeGeneratedTimestampInUse") != 0)
				assert_string_not_equal(json_text(value, text), schema[i].fallback);
		}
		json_decref(json);
		config_destroy(config);
	}
}

static void values_of_a_full_file_are_those_of_the_file(void **state)
{
	struct config *lma = parse(lma_full), *mag = parse(mag_full);

	assert_string_equal(lma->file, "f");
	assert_string_equal(lma->name, "anchor");
	assert_int_equal(lma->socket_mode, 0600);
	assert_int_equal(lma->dataplane.control_core, 3);
	assert_int_equal(lma->dataplane.worker_count, 2);
	assert_int_equal(lma->dataplane.workers[1], 5);
	assert_int_equal(lma->dataplane.hugepages, HUGEPAGES_ON);
	assert_int_equal(lma->ports[0].kind, PORT_PCI);
	assert_string_equal(lma->ports[0].device, "0000:3B:00.1");
	assert_int_equal(lma->ports[0].address_count, 2);
	assert_int_equal(lma->ports[0].addresses[1].address.s6_addr[15], 2);
	assert_int_equal(lma->ports[0].addresses[1].length, 64);
	assert_int_equal(lma->ports[0].addresses[1].line, 5);
	assert_int_equal(lma->ports[0].line, 5);
	assert_int_equal(lma->ports[0].mtu_bytes, 1320);
	assert_true(lma->ports[0].promiscuous);
	assert_true(lma->ports[0].spread);
	assert_string_equal(lma->routes[0].port, "c");
	assert_int_equal(lma->lma.restart_hold_s, 10);
	assert_int_equal(lma->tunnel.dscp, 0);
	assert_true(lma->nodes[0].has_mac);
	assert_int_equal(lma->nodes[0].mac[5], 1);
	assert_false(lma->default_profile.proxy_registration);
	assert_null(lma->default_profile.id);
	assert_int_equal(mag->ports[0].kind, PORT_VDEV);
	assert_string_equal(mag->ports[0].device, "net_tap0,iface=c");
	assert_int_equal(mag->ports[1].kind, PORT_KERNEL);
	assert_int_equal(mag->ports[1].vlans[0], 7);
	assert_string_equal(mag->routes[0].port, "c");
	assert_int_equal(mag->variables.initial_bindack_timeout_ms, 500);
	assert_int_equal(mag->mag.access_technology, 200);
	assert_int_equal(mag->nodes[0].local_routing, 0);
	assert_int_equal(mag->default_profile.local_routing, 1);
	assert_int_equal(mag->default_profile.lifetime_s, 31);
	assert_int_equal(lma->peers[0].role, PEER_MAG);
	assert_true(lma->peers[0].has_ro_key);
	assert_int_equal(lma->peers[0].ro_key_id, 200);
	assert_int_equal(lma->peers[0].ro_key[1], 0x11);
	assert_int_equal(lma->peers[0].ro_key[31], 0xff);
	assert_int_equal(lma->peers[1].role, PEER_LMA);
	assert_false(lma->peers[1].has_ro_key);
	assert_int_equal(lma->peers[1].ro_prefix_count, 2);
	assert_int_equal(lma->peers[1].ro_prefixes[1].length, 16);
	assert_int_equal(lma->nodes[0].route_optimisation, 0);
	assert_int_equal(lma->default_profile.route_optimisation, 1);
	assert_int_equal(lma->ro.mode, RO_MODE_PROXY);
	assert_int_equal(lma->ro.lifetime_s, UINT16_MAX);
	assert_int_equal(lma->ro.detect_bytes, 5000000000);
	assert_int_equal(lma->ro.eligible_count, 1);
	assert_false(lma->ro.allow);
	assert_int_equal(mag->peers[0].role, PEER_LMA);
	assert_int_equal(mag->peers[1].role, PEER_MAG);
	assert_int_equal(mag->nodes[0].in_order, 0);
	assert_int_equal(mag->default_profile.in_order, 1);
	assert_true(mag->ro.pbu_for_setup);
	config_destroy(lma);
	config_destroy(mag);
}

static void keys_that_are_not_there_have_their_defaults(void **state)
{
	struct config *configs[] = {parse(lma_text), parse(mag_text)};
	char text[VALUE_TEXT_MAX];

	for (unsigned role = 0; role < ROLE_COUNT; role++) {
		json_t *json = config_to_json(configs[role]);

		for (unsigned i = 0; i < schema_count; i++) {
			const json_t *value = json_at(json, schema[i].path);

			if (schema[i].fallback == NULL || (schema[i].roles & 1 << role) == 0 ||
				strncmp(schema[i].path, "default-profile.", 16) == 0 ||
				strcmp(schema[i].path, "peers[].insecure") == 0)
				continue;
			assert_string_equal(json_text(value, text), schema[i].fallback);
		}
		assert_null(json_object_get(json, "default-profile"));
		json_decref(json);
	}
	assert_int_equal(configs[0]->lma.restart_hold_s, UINT32_MAX);
	assert_int_equal(configs[0]->tunnel.dscp, -1);
	assert_int_equal(configs[0]->dataplane.memory_mb, 0);
	assert_true(configs[1]->nodes[0].proxy_registration);
	assert_int_equal(configs[1]->nodes[0].local_routing, -1);
	assert_int_equal(configs[1]->nodes[0].lifetime_s, 0);
	assert_int_equal(configs[0]->peers[0].role, PEER_MAG);
	assert_int_equal(configs[1]->peers[0].role, PEER_LMA);
	assert_int_equal(configs[0]->nodes[0].route_optimisation, -1);
	assert_int_equal(configs[1]->nodes[0].in_order, -1);
	assert_true(configs[0]->ro.allow);
	assert_int_equal(configs[0]->ro.heartbeat_interval_s, 0);
	config_destroy(configs[0]);
	config_destroy(configs[1]);
}

static void shown_configuration_is_a_file_of_the_same_configuration(void **state)
{
	const char *const texts[] = {lma_text, mag_text, lma_full, mag_full};

	for (unsigned i = 0; i < 4; i++) {
		struct config *config = parse(texts[i]), *again;
		json_t *json = config_to_json(config), *json_again;
		char *text = json_dumps(json, JSON_INDENT(1)), *whole = text;

		if (strstr(text, VALUE_HIDDEN) != NULL) /* all but the key */
			whole = text_replace(text, VALUE_HIDDEN, KEY_TEXT);
		again = parse(whole);
		json_again = config_to_json(again);
		assert_true(json_equal(json, json_again));
		if (whole != text)
			free(whole);
		free(text);
		json_decref(json);
		json_decref(json_again);
		config_destroy(config);
		config_destroy(again);
	}
}

/* All pieces put together again. */
static json_t *json_of_pieces(const struct config *config)
{
	json_t *json = json_object();
	struct config_piece piece;
	unsigned key = 0;
	uint64_t element = 0;
	int result;

	while ((result = config_piece_to_json(config, key, element, &piece)) != -ENOENT) {
		if (result == 0) {
			key++;
			element = 0;
			continue;
		}
		assert_int_equal(result, 1);
		if (piece.element < 0) {
			assert_int_equal(json_object_set_new(json, piece.key, piece.value), 0);
		} else {
			assert_int_equal(piece.element, element);
			if (element == 0)
				assert_int_equal(json_object_set_new(json, piece.key, json_array()), 0);
			assert_int_equal(json_array_append_new(json_object_get(json, piece.key), piece.value), 0);
		}
		element++;
	}
	return json;
}

static void pieces_make_the_whole(void **state)
{
	const char *const texts[] = {lma_text, mag_text, lma_full, mag_full};

	for (unsigned i = 0; i < 4; i++) {
		struct config *config = parse(texts[i]);
		json_t *whole = config_to_json(config), *pieces = json_of_pieces(config);

		assert_true(json_equal(whole, pieces));
		json_decref(whole);
		json_decref(pieces);
		config_destroy(config);
	}
}

static void a_key_is_shown_to_be_there_and_no_more(void **state)
{
	struct config *config = parse(lma_full);
	json_t *json = config_to_json(config);
	char *text = json_dumps(json, 0);

	assert_string_equal(json_string_value(json_at(json, "peers[].ro-key")), "(hidden)");
	assert_null(strstr(text, "0011"));
	assert_null(json_object_get(json_array_get(json_object_get(json, "peers"), 1), "ro-key"));
	free(text);
	json_decref(json);
	config_destroy(config);
}

static void shown_variables_have_value_unit_default_and_source(void **state)
{
	struct config *config = parse(mag_full);
	json_t *list = config_variables_to_json(config), *first = json_array_get(list, 0);
	char text[VALUE_TEXT_MAX];
	bool found = false;

	assert_int_equal(json_array_size(list), 9);
	assert_string_equal(json_string_value(json_object_get(first, "name")), "EnableMAGLocalRouting");
	assert_true(json_is_true(json_object_get(first, "value")));
	assert_true(json_is_false(json_object_get(first, "default")));
	assert_true(json_is_null(json_object_get(first, "unit")));
	assert_string_equal(json_string_value(json_object_get(first, "source")), "RFC 5213 9.2");
	for (unsigned i = 0; i < json_array_size(list); i++) {
		const json_t *entry = json_array_get(list, i);

		if (strcmp(json_string_value(json_object_get(entry, "name")), "INITIAL_BINDACK_TIMEOUT") != 0)
			continue;
		found = true;
		assert_string_equal(json_text(json_object_get(entry, "value"), text), "0.5");
		assert_string_equal(json_text(json_object_get(entry, "default"), text), "1");
		assert_string_equal(json_string_value(json_object_get(entry, "unit")), "s");
	}
	assert_true(found);
	json_decref(list);
	config_destroy(config);
}

/* The table has no typing mistakes that only a user would find. */
static void every_row_of_the_schema_is_whole(void **state)
{
	char text[SCHEMA_ALLOWED_MAX];

	for (unsigned i = 0; i < schema_count; i++) {
		const struct schema_row *row = &schema[i];
		size_t length = strlen(row->help);

		assert_int_equal(schema_find(row->path), i); /* no path twice */
		assert_true(length > 10 && row->help[length - 1] == '.');
		assert_true(row->roles != 0);
		assert_true(row->min <= row->max);
		assert_true(strlen(schema_allowed(row, text)) < SCHEMA_ALLOWED_MAX - 1);
		if (strncmp(row->path, "variables.", 10) == 0) {
			assert_non_null(row->source);
			assert_non_null(row->fallback);
		}
	}
	assert_int_equal(schema_find("ports[].nothing"), -1);
}

static const char *config_path(const char *name, char path[4096])
{
	snprintf(path, 4096, "%s/%s", getenv("CONFIG"), name);
	return path;
}

static char *load_messages(const char *file, struct config **config)
{
	char *messages = NULL;
	size_t size = 0;
	FILE *errors = open_memstream(&messages, &size);

	*config = config_load(file, errors);
	fclose(errors);
	return messages;
}

static void samples_load_and_fit_together(void **state)
{
	struct config *lma, *mag;
	char path[4096];
	char *messages = load_messages(config_path("lma.yaml", path), &lma);

	assert_string_equal(messages, "");
	free(messages);
	messages = load_messages(config_path("mag.yaml", path), &mag);
	assert_string_equal(messages, "");
	free(messages);
	assert_int_equal(lma->role, ROLE_LMA);
	assert_int_equal(mag->role, ROLE_MAG);
	assert_memory_equal(&lma->peers[0].address, &mag->mag.address, sizeof(mag->mag.address));
	assert_memory_equal(&mag->peers[0].address, &lma->lma.address, sizeof(lma->lma.address));
	assert_string_equal(lma->peers[0].name, mag->name);
	assert_true(lma->ro.enabled && mag->ro.enabled);
	assert_true(lma->peers[0].has_ro_key);
	assert_memory_equal(lma->peers[0].ro_key, mag->peers[0].ro_key, sizeof(mag->peers[0].ro_key));
	assert_int_equal(lma->peers[0].ro_key_id, mag->peers[0].ro_key_id);
	assert_memory_equal(&lma->peers[1].address, &mag->peers[1].address, sizeof(mag->peers[1].address));
	assert_int_equal(lma->ro.eligible_count, mag->ro.eligible_count);
	config_destroy(lma);
	config_destroy(mag);
}

static void assert_generated(const char *name, void (*write_to)(FILE *out))
{
	char path[4096], *expected = NULL, *found = NULL;
	size_t expected_size = 0, found_size = 0;
	FILE *out = open_memstream(&expected, &expected_size), *in;
	int c;

	write_to(out);
	fclose(out);
	in = fopen(config_path(name, path), "r");
	assert_non_null(in);
	out = open_memstream(&found, &found_size);
	while ((c = getc(in)) != EOF)
		putc(c, out);
	fclose(in);
	fclose(out);
	if (found_size != expected_size || memcmp(found, expected, found_size) != 0)
		fail_msg("%s is not what the schema table says: meson compile -C build config-docs", path);
	free(expected);
	free(found);
}

static void generated_files_are_those_in_the_tree(void **state)
{
	assert_generated("schema.json", config_write_json_schema);
	assert_generated("REFERENCE.md", config_write_reference);
}

static void assert_load(const char *file, const char *problem)
{
	struct config *config;
	char *messages = load_messages(file, &config), *expected = NULL;

	assert_true(asprintf(&expected, "%s%s\n", file, problem) > 0);
	assert_null(config);
	assert_string_equal(messages, expected);
	free(messages);
	free(expected);
}

static void assert_content(const char *content, size_t size, const char *problem)
{
	char file[] = "/tmp/test_config.XXXXXX";
	int fd = mkstemp(file);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, content, size), size);
	close(fd);
	assert_load(file, problem);
	unlink(file);
}

static void file_that_is_no_configuration_is_told(void **state)
{
	char file[] = "/tmp/test_config.XXXXXX";

	assert_load("/nowhere/at-all.yaml", ": No such file or directory; allowed: a file that can be read");
	assert_load("/tmp", ": is a directory; allowed: a configuration file");
	assert_content("", 0, ": the file is empty; allowed: keys and values, see config/README.md");
	assert_content("# only words\n", 13, ": the file is empty; allowed: keys and values, see config/README.md");
	assert_content("- role\n", 7, ":1: [...]: a list where keys belong; allowed: keys and values");
	assert_content("\xff\xfer\0o\0", 6, ":1: not YAML: invalid leading UTF-8 octet; allowed: text in UTF-8");
	assert_content(
		"role: lma\n\x01\n", 12, ":2: not YAML: control characters are not allowed; allowed: text in UTF-8");
	if (geteuid() == 0)
		return; /* everything can be read */
	close(mkstemp(file));
	chmod(file, 0);
	assert_load(file, ": Permission denied; allowed: a file that can be read");
	unlink(file);
}

/* A message, no crash, and in short time: libyaml looks ahead, and a bomb would be a matter of minutes. */
static void megabytes_of_garbage_are_told(void **state)
{
	static const char *const patterns[] = {"[", "{", "- ", "? ", "a: ", "&a ", "*a ", "'", "\"", "!!", "a\n", ": ",
		"\t", "%", "|", "x: &a [*a,", "--- ", "#", "{a: "};
	size_t size = 1 << 20;
	char *text = malloc(size);
	uint64_t seed = 1;

	for (unsigned i = 0; i <= sizeof(patterns) / sizeof(patterns[0]); i++) {
		struct config *config;
		char *messages;

		for (size_t j = 0; j < size; j++)
			text[j] = i == 0 ? (char)test_random(&seed) : patterns[i - 1][j % strlen(patterns[i - 1])];
		messages = parse_messages(text, size, &config);
		assert_null(config);
		assert_memory_equal(messages, "f:", 2);
		free(messages);
	}
	free(text);
}

static void text_cut_anywhere_is_refused_or_right(void **state)
{
	for (size_t n = 0; n < sizeof(mag_full) - 3; n++) {
		char *exact = malloc(n + 1), *messages; /* an exact heap copy: reading behind it is seen */
		struct config *config;

		memcpy(exact, mag_full, n);
		messages = parse_messages(exact, n, &config);
		assert_null(config);
		assert_string_not_equal(messages, "");
		free(messages);
		free(exact);
	}
}

static char *machine_messages(const struct config *config, const char *pci_directory, int expected)
{
	char *messages = NULL;
	size_t size = 0;
	FILE *errors = open_memstream(&messages, &size);

	assert_int_equal(machine_check(config, pci_directory, errors), expected);
	fclose(errors);
	return messages;
}

static unsigned first_core(void)
{
	unsigned core = 0;
	cpu_set_t set;

	assert_int_equal(sched_getaffinity(0, sizeof(set), &set), 0);
	while (!CPU_ISSET(core, &set))
		core++;
	return core;
}

static void devices_and_cores_that_are_not_there_are_told(void **state)
{
	struct config *config = parse(mag_text);
	char *messages, *expected = NULL;

	config->dataplane.control_core = config->dataplane.workers[0] = first_core();
	free(config->ports[0].device);
	config->ports[0].device = strdup("lo");
	messages = machine_messages(config, "/nowhere", -EINVAL);
	assert_string_equal(messages,
		"f:7: ports[1].device: 0000:3b:00.0: no such PCI device; allowed: an address that lspci -D shows\n");
	free(messages);

	config->ports[1].kind = PORT_VDEV;
	config->dataplane.workers[0] = 1023;
	messages = machine_messages(config, "/nowhere", -EINVAL);
	assert_memory_equal(
		messages, "f: dataplane.workers[0]: 1023: no core that this process may use; allowed: ", 75);
	free(messages);

	config->dataplane.workers[0] = first_core();
	config->ports[1].kind = PORT_KERNEL;
	messages = machine_messages(config, "/nowhere", -EINVAL);
	expected = strstr(messages, "f:7: ports[1].device: 0000:3b:00.0: no such network interface; allowed: lo");
	assert_ptr_equal(expected, messages);
	free(messages);
	config_destroy(config);
}

static void machine_that_has_everything_is_right(void **state)
{
	char directory[] = "/tmp/test_config.XXXXXX", device[64];
	struct config *config = parse(mag_text);
	char *messages;

	assert_non_null(mkdtemp(directory));
	snprintf(device, sizeof(device), "%s/0000:3b:00.0", directory);
	assert_int_equal(mkdir(device, 0700), 0);
	config->dataplane.control_core = config->dataplane.workers[0] = first_core();
	free(config->ports[0].device);
	config->ports[0].device = strdup("lo");
	messages = machine_messages(config, directory, 0);
	assert_string_equal(messages, "");
	free(messages);
	rmdir(device);
	rmdir(directory);
	config_destroy(config);
}

static void memory_grows_with_what_is_configured(void **state)
{
	struct config *config = parse(lma_text);
	uint64_t tables, mbufs, more_tables, more_mbufs;

	config_memory(config, &tables, &mbufs);
	assert_in_range(tables, 16384 * 600, 64 << 20);
	assert_in_range(mbufs, 4096 * 2048, 256 << 20);
	config->lma.max_bindings += 1000000;
	config_memory(config, &more_tables, &more_mbufs);
	assert_in_range(more_tables - tables, UINT64_C(1000000) * 728, UINT64_C(1000000) * 800);
	assert_int_equal(more_mbufs, mbufs);
	config->dataplane.mbufs = 1024;
	config->ports[0].mtu_bytes = 9000;
	config_memory(config, &more_tables, &more_mbufs);
	assert_in_range(more_mbufs, 1024 * 9000, 1024 * 10000);
	config_destroy(config);
}

#define MANY 100000

/* A file of an operator with many nodes, with one node twice at the end. */
static void many_mobile_nodes_load_and_one_that_stands_twice_is_found(void **state)
{
	char *text = NULL, *messages, *twice;
	struct config *config;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	fputs(lma_text, out);
	for (unsigned i = 0; i < MANY; i++)
		fprintf(out,
			"  - id: node%u@example.com\n"
			"    mac: 06:00:%02x:%02x:%02x:%02x\n"
			"    prefixes: ['fd01:0:%x:%x::/64']\n"
			"    mags: [mag1]\n",
			i, i >> 24 & 255, i >> 16 & 255, i >> 8 & 255, i & 255, i >> 16, i & 0xffff);
	fputs("#\n", out);
	fclose(out);
	messages = parse_messages(text, size, &config);
	assert_string_equal(messages, "");
	assert_int_equal(config->node_count, MANY + 2);
	free(messages);
	config_destroy(config);

	twice = text_replace(text, "#\n", "  - id: node99999@example.com\n");
	messages = parse_messages(twice, strlen(twice), &config);
	assert_null(config);
	assert_string_equal(messages, "f:400028: mobile-nodes[100002].id: node99999@example.com: a mobile node twice; "
				      "first in line 400024\n");
	free(messages);
	free(twice);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_of_a_full_file_reaches_the_configuration),
		cmocka_unit_test(values_of_a_full_file_are_those_of_the_file),
		cmocka_unit_test(keys_that_are_not_there_have_their_defaults),
		cmocka_unit_test(shown_configuration_is_a_file_of_the_same_configuration),
		cmocka_unit_test(pieces_make_the_whole),
		cmocka_unit_test(a_key_is_shown_to_be_there_and_no_more),
		cmocka_unit_test(shown_variables_have_value_unit_default_and_source),
		cmocka_unit_test(every_row_of_the_schema_is_whole),
		cmocka_unit_test(samples_load_and_fit_together),
		cmocka_unit_test(generated_files_are_those_in_the_tree),
		cmocka_unit_test(file_that_is_no_configuration_is_told),
		cmocka_unit_test(megabytes_of_garbage_are_told),
		cmocka_unit_test(text_cut_anywhere_is_refused_or_right),
		cmocka_unit_test(devices_and_cores_that_are_not_there_are_told),
		cmocka_unit_test(machine_that_has_everything_is_right),
		cmocka_unit_test(memory_grows_with_what_is_configured),
		cmocka_unit_test(many_mobile_nodes_load_and_one_that_stands_twice_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
