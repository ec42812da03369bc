/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages that were built and checked by independent tools, as input and as what has to come out, octet by octet. */
#include "lma_world.h"

#include <stdlib.h>
#include <string.h>

#include "endpoint.h"
#include "format.h"
#include "log.h"

#define STAMP(hex) UINT64_C(0x##hex)

/* From Payload Proto. */
static const char b01_initial[] =
	"3b0c0500c6b70001820003840810016d6e31406578616d706c652e636f6d01040000000016120000000000000000000000000000000000"
	"00"
	"170200011802000401001b0800006553f1008000190800000200000001011a1000000000000000000000000000000000";
static const char b03_refresh[] = "3b0a050029e20002820003840810016d6e31406578616d706c652e636f6d010400000000161200402001"
				  "0db800f100010000000000000000"
				  "170200051802000401001b0800006553f8080000190800000200000001010100";
static const char b04_handover[] = "3b0a0500e9140007820003840810016d6e31406578616d706c652e636f6d01040000000016120040200"
				   "10db800f100010000000000000000"
				   "170200031802000401001b0800006553f8d04000190800000200000001010100";
static const char b06_older_timestamp[] = "3b0a0600fc559d20000300000810016d6e31406578616d706c652e636f6d0104000000001612"
					  "004020010db800f100010000000000000000"
					  "170200041802000401001b0800006553fac41234190800000200000001010100";
static const char b07_missing_id[] = "3b05060070eba0200009000008010101030000001612000000000000000000000000000000000000"
				     "1702000018020000";

static struct fake_host fake;
static struct policy *policy;
static struct lma *lma;
static struct engine_time now;
static struct in6_addr mag1, mag3;

static void on_done(void *context, uint64_t cookie, int error)
{
	lma_transaction_done(lma, &now, cookie, error);
}

static void swallow(void *context, enum log_level level, const char *line)
{
}

static int setup(void **state)
{
	struct home_network_prefix prefix = {.length = 64};
	struct lma_config config = {.address = lma_address,
		.max_bindings = 10,
		.max_binding_lifetime_s = 3600,
		.min_delay_before_bce_delete_ms = 10000,
		.max_delay_before_new_bce_assign_ms = 1500,
		.timestamp_validity_window_ms = 300,
		.tunnel_mtu_bytes = 1460,
		.tunnel_hop_limit = 64,
		.tunnel_dscp = -1};

	log_set_sink(swallow, NULL);
	fake_host_init(&fake);
	fake.done = on_done;
	now.monotonic_ns = 1000000000;
	policy = policy_create();
	assert_non_null(policy);
	mag1 = mag_addresses[MAG1];
	mag3 = mag_addresses[MAG3];
	assert_int_equal(policy_add_peer(policy, &(struct policy_peer){.name = "mag1", .address = mag1}), 0);
	assert_int_equal(policy_add_peer(policy, &(struct policy_peer){.name = "mag3", .address = mag3}), 0);
	assert_int_equal(ip6_parse("2001:db8:f1:1::", &prefix.prefix), 0);
	assert_int_equal(policy_add_node(policy, &(struct policy_node){.id = world_id("mn1@example.com"),
							 .prefixes = &prefix,
							 .prefix_count = 1,
							 .dynamic_prefixes = 1,
							 .proxy_registration = true}),
		0);
	config.policy = policy;
	lma = lma_create(&config, &fake.host, &now);
	assert_non_null(lma);
	return 0;
}

static int teardown(void **state)
{
	lma_destroy(lma);
	policy_destroy(policy);
	fake_host_fini(&fake);
	return 0;
}

/* An exact heap copy of a vector. */
static uint8_t *bytes_of(const char *hex, uint16_t *length)
{
	uint8_t *bytes;

	*length = (uint16_t)(strlen(hex) / 2);
	bytes = malloc(*length);
	assert_non_null(bytes);
	for (uint16_t i = 0; i < *length; i++) {
		char octet[3] = {hex[2 * i], hex[2 * i + 1], '\0'};

		bytes[i] = (uint8_t)strtoul(octet, NULL, 16);
	}
	return bytes;
}

static void set_clock(uint64_t timestamp)
{
	now.wall_ns = mh_timestamp_to_ns(timestamp);
	now.monotonic_ns += 1000000;
}

static void send_bytes(uint8_t *bytes, uint16_t length, const struct in6_addr *source)
{
	struct mh_datagram datagram = {.source = *source, .destination = lma_address, .bytes = bytes, .length = length};
	struct mh_message message;

	fake_host_clear(&fake);
	assert_int_equal(mh_decode(&message, bytes, length, source, &lma_address), MH_ERROR_NONE);
	lma_pbu(lma, &now, &datagram, &message);
	fake_host_run(&fake);
	free(bytes);
}

static void send_vector(const char *hex, const struct in6_addr *source)
{
	uint16_t length;
	uint8_t *bytes = bytes_of(hex, &length);

	send_bytes(bytes, length, source);
}

static void expect_bytes(const char *hex)
{
	uint16_t length;
	uint8_t *bytes = bytes_of(hex, &length);

	assert_int_equal(fake.message_count, 1);
	assert_int_equal(fake.messages[0].length, length);
	assert_memory_equal(fake.messages[0].bytes, bytes, length);
	free(bytes);
}

static void expect_accepted(uint16_t sequence, uint16_t lifetime)
{
	struct mh_message message;

	assert_int_equal(fake.message_count, 1);
	fake_host_decode(&fake, 0, &message);
	assert_int_equal(message.fixed.ba.status, MH_STATUS_ACCEPTED);
	assert_int_equal(message.fixed.ba.sequence, sequence);
	assert_int_equal(message.fixed.ba.lifetime, lifetime);
}

static void b01_b03_b04_register_refresh_and_hand_over(void **state)
{
	uint64_t endpoint = world_endpoint("2001:db8:f1:1::/64");
	struct proxy_options options;
	struct mh_message message;

	set_clock(STAMP(6553f1008000));
	send_vector(b01_initial, &mag1);
	expect_accepted(1, 900);
	fake_host_decode(&fake, 0, &message);
	mh_proxy_options(&message, &options);
	assert_int_equal(options.prefix_count, 1);
	assert_int_equal(endpoint_id_ipv6(options.prefixes[0].prefix.s6_addr), endpoint);
	assert_int_equal(options.timestamp, STAMP(6553f1008000));
	assert_int_equal(options.link_local_count, 1);
	assert_int_equal(options.link_local.s6_addr[0], 0xfe);

	set_clock(STAMP(6553f8080000));
	send_vector(b03_refresh, &mag1);
	expect_accepted(2, 900);
	assert_int_equal(fake.update_count, 0);

	set_clock(STAMP(6553f8d04000));
	send_vector(b04_handover, &mag3);
	expect_accepted(7, 900);
	assert_memory_equal(&fake.tunnels[fake_host_endpoint(&fake, endpoint)->tunnel].remote, &mag3, sizeof(mag3));
}

static void b06_is_the_answer_to_an_older_timestamp(void **state)
{
	uint8_t bytes[128];
	struct mh_message message;
	uint16_t length;
	uint8_t *vector = bytes_of(b03_refresh, &length), *copy;
	uint16_t indicator = 0;

	set_clock(STAMP(6553f8d04000));
	send_vector(b04_handover, &mag3);
	expect_accepted(7, 900);
	/* B03 with sequence 3 and HI 4: its timestamp is older than that of B04. */
	assert_int_equal(mh_decode(&message, vector, length, &mag1, &lma_address), MH_ERROR_NONE);
	message.fixed.bu.sequence = 3;
	for (unsigned i = 0; i < message.option_count; i++)
		if (message.options[i].type == MHO_HANDOFF_INDICATOR)
			indicator = message.options[i].offset;
	assert_int_not_equal(indicator, 0);
	vector[indicator + 3] = HI_UNKNOWN;
	length = mh_encode(&message, bytes, sizeof(bytes), &mag1, &lma_address);
	assert_int_not_equal(length, 0);
	free(vector);
	copy = malloc(length);
	assert_non_null(copy);
	memcpy(copy, bytes, length);
	set_clock(STAMP(6553fac41234));
	send_bytes(copy, length, &mag1);
	expect_bytes(b06_older_timestamp);
}

static void b07_is_the_answer_without_an_identifier(void **state)
{
	struct mh_writer writer;
	uint8_t bytes[64], *copy;
	uint16_t length;

	mh_writer_init(&writer, MH_BU, bytes, sizeof(bytes));
	mh_write_bu(&writer, 9, BU_FLAG_A | BU_FLAG_P, 900);
	length = mh_writer_finish(&writer, &mag1, &lma_address);
	copy = malloc(length);
	assert_non_null(copy);
	memcpy(copy, bytes, length);
	send_bytes(copy, length, &mag1);
	expect_bytes(b07_missing_id);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(b01_b03_b04_register_refresh_and_hand_over),
		TEST(b06_is_the_answer_to_an_older_timestamp),
		TEST(b07_is_the_answer_without_an_identifier),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
