/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Harness of the control socket's conversation: any octets from a client, in pieces of odd sizes. Every request that
 * is started comes to its end, every line that goes out is an answer.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event2/buffer.h>

#include "door.h"

#include "api/client.h"
#include "node/events.h"
#include "node/policy.h"

#include "fuzz.h"

#define WORKERS 2

static const char yaml[] = "role: mag\n"
			   "name: mag1\n"
			   "dataplane: {control-core: 0, workers: [1, 2]}\n"
			   "ports:\n"
			   "  - {name: core0, device: 'kernel:eth0', side: core, addresses: ['2001:db8:0:1::11/64']}\n"
			   "  - {name: acc0, device: 'kernel:eth1', side: access, vlans: [10, 20]}\n"
			   "peers:\n"
			   "  - {name: lma1, address: '2001:db8:0:1::1', insecure: true}\n"
			   "mag:\n"
			   "  address: '2001:db8:0:1::11'\n"
			   "unknown-nodes: profile\n";

static struct door door;
static struct worker_stats stats[WORKERS];
static struct counter_baseline baseline;
static struct api_sources sources;

static void source_now(void *context, struct engine_time *now)
{
	*now = (struct engine_time){1000000000, 1700000000000000000};
}

static void fill_policy(struct policy *policy)
{
	static const char id[] = "mn1@example.com";
	struct policy_node node = {
		.id = {1, sizeof(id) - 1, (const uint8_t *)id}, .has_mac = true, .mac = {2, 0, 0, 0, 0, 1}};
	struct policy_peer peer = {.name = "lma1", .address.s6_addr = {0x20, 1, 0xd, 0xb8}};

	CHECK(policy_add_peer(policy, &peer) == 0 && policy_add_node(policy, &node) == 0);
}

/* Once: what is shown. No engine: the walks over them have their own tests. */
static void sources_make(void)
{
	struct policy *policy = policy_create();
	struct events *events = events_create(4);
	struct mn_id id = {1, 3, (const uint8_t *)"mn1"};

	CHECK(policy != NULL && events != NULL);
	fill_policy(policy);
	events_add(events, 1700000000000000000, &id, HISTORY_rejected, 152);
	door.config.workers = WORKERS;
	for (unsigned i = 0; i < WORKERS; i++)
		door.worker[i].stats = &stats[i];
	sources = (struct api_sources){.config = config_parse(yaml, sizeof(yaml) - 1, "f", stderr),
		.policy = policy,
		.door = &door,
		.events = events,
		.now = source_now};
	CHECK(sources.config != NULL);
}

static void check_answers(struct evbuffer *output)
{
	char *line;
	size_t n;

	while ((line = evbuffer_readln(output, &n, EVBUFFER_EOL_LF)) != NULL) {
		json_t *answer = json_loadb(line, n, 0, NULL);
		const json_t *error = json_object_get(answer, "error");
		size_t rows = json_array_size(json_object_get(answer, "rows"));

		CHECK(json_integer_value(json_object_get(answer, "version")) == API_VERSION);
		CHECK(json_object_get(answer, "id") != NULL);
		CHECK((error != NULL) != json_is_array(json_object_get(answer, "rows")));
		CHECK(error == NULL || json_string_length(json_object_get(error, "code")) > 0);
		CHECK(error != NULL || json_is_boolean(json_object_get(answer, "more")));
		CHECK(rows <= 5);
		for (size_t i = 0; i < n; i++)
			CHECK(line[i] >= 0x20); /* ASCII */
		json_decref(answer);
		free(line);
	}
	CHECK(evbuffer_get_length(output) == 0);
}

static void run_until_idle(struct client *client)
{
	while (client_is_runnable(client)) {
		client_run(client, 0);
		check_answers(client->output);
	}
	CHECK(!client->broken);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct client_shared shared = {.sources = &sources,
		.options = {.line_max_bytes = 512, .output_high_bytes = 4096, .page_rows = 5},
		.baseline = &baseline};
	struct evbuffer *input = evbuffer_new(), *output = evbuffer_new();
	struct client client;
	size_t piece;

	if (sources.config == NULL)
		sources_make();
	CHECK(input != NULL && output != NULL);
	client_init(&client, &shared, input, output);
	for (size_t at = 0; at < size; at += piece) {
		piece = 1 + data[at] % 97;
		piece = piece < size - at ? piece : size - at;
		CHECK(evbuffer_add(input, data + at, piece) == 0);
		run_until_idle(&client);
	}
	client.ended = true;
	run_until_idle(&client);
	CHECK(client_is_done(&client));
	client_fini(&client);
	evbuffer_free(input);
	evbuffer_free(output);
	return 0;
}
