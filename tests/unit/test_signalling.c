/* SPDX-License-Identifier: BSD-3-Clause */
/* Mobility Headers at the gate: RFC 6275 section 9.2, wire-formats A.1 and J. */
#include "lma_world.h"
#include "net_host.h"

#include "pmip/heartbeat.h"
#include "signalling.h"

#define OWN         "2001:db8:1::1"
#define ROUTER      "2001:db8:1::fe"
#define HOME        "2001:db8:f000::99"
#define ANSWERS_MAX 10
#define TYPE_RO     MH_EXPERIMENTAL

static struct lma_world world;
static struct net_host *host;
static struct signalling signalling;
static char peer[IP6_TEXT_MAX];

static void no_change(void *context, const struct engine_time *now, const struct in6_addr *who, enum peer_change change)
{
}

static int setup(void **state)
{
	struct heartbeat_config heartbeat = {
		.address = addr(OWN), .interval_s = 60, .missing_allowed = 3, .restart_counter = 7};

	world_init(&world, NULL);
	host = host_with_routes(ROLE_LMA);
	send_to(host, ROUTER);
	answers(host, PORT_CORE, ROUTER, peer_mac);
	host_clear(host);
	ip6_format(&mag_addresses[MAG1], peer);
	heartbeat.policy = world.policy;
	signalling = (struct signalling){.lma = world.lma, .net = host->net, .policy = world.policy};
	signalling.heartbeat = heartbeat_create(&heartbeat, &world.fake.host, &world.now, no_change, NULL);
	assert_non_null(signalling.heartbeat);
	return 0;
}

static int teardown(void **state)
{
	heartbeat_destroy(signalling.heartbeat);
	host_free(host);
	world_fini(&world);
	return 0;
}

static void give(const struct packet *packet)
{
	struct packet_meta meta = from_port(PUNT_mobility_header, PORT_CORE);
	uint8_t *exact = malloc(packet->length);

	assert_non_null(exact);
	memcpy(exact, packet->bytes, packet->length);
	signalling_packet(&signalling, &host->now, &meta, exact, packet->length);
	free(exact);
}

/* The checksum of the Mobility Header at @at. */
static void seal_mh(struct packet *packet, uint16_t at)
{
	uint16_t sum;

	packet->bytes[at + 4] = packet->bytes[at + 5] = 0;
	sum = book_sum(packet->bytes, at, packet->length, IPPROTO_MOBILITY);
	packet->bytes[at + 4] = (uint8_t)(sum >> 8);
	packet->bytes[at + 5] = (uint8_t)sum;
}

/* A Mobility Header of zeros behind its first octets. */
static struct packet header(const char *from, uint8_t proto, uint8_t length_units, uint8_t type, uint16_t octets)
{
	uint8_t bytes[256] = {proto, length_units, type};
	struct packet packet = ipv6(from, OWN, IPPROTO_MOBILITY, 64, bytes, octets);

	seal_mh(&packet, 40);
	return packet;
}

static struct packet written(struct mh_writer *writer, uint8_t *bytes)
{
	const struct in6_addr own = addr(OWN);
	uint16_t length = mh_writer_finish(writer, &mag_addresses[MAG1], &own);

	assert_true(length > 0);
	return ipv6(peer, OWN, IPPROTO_MOBILITY, 64, bytes, length);
}

static void assert_silence(void)
{
	assert_int_equal(host->output_count, 0);
	assert_int_equal(world.fake.commits, 0);
}

static void assert_binding_error(const struct packet *packet, const char *home)
{
	const uint8_t *ip = frame_ip(only_output(host));

	assert_int_equal(ip[6], IPPROTO_MOBILITY);
	assert_address(ip + 8, OWN);
	assert_memory_equal(ip + 24, packet->bytes + 8, 16);
	assert_int_equal(ip[40], MH_PAYLOAD_PROTO);
	assert_int_equal(ip[41], 2); /* 24 octets */
	assert_int_equal(ip[42], MH_BE);
	assert_int_equal(ip[46], 2);
	assert_address(ip + 48, home);
	assert_int_equal(signalling.stats.binding_errors_sent, 1);
	assert_int_equal(signalling.stats.errors[MH_ERROR_TYPE], 1);
}

static void assert_parameter_problem(const struct packet *packet, uint32_t pointer)
{
	const uint8_t *ip = frame_ip(only_output(host));

	assert_int_equal(ip[6], 58);
	assert_memory_equal(ip + 24, packet->bytes + 8, 16);
	assert_int_equal(ip[40], 4);
	assert_int_equal(ip[41], 0);
	assert_int_equal(ip[44] << 24 | ip[45] << 16 | ip[46] << 8 | ip[47], pointer);
	assert_memory_equal(ip + 48, packet->bytes, packet->length);
	assert_int_equal(signalling.stats.parameter_problems_sent, 1);
}

/* ---- what is wrong, in the order of the checks ---- */

static void wrong_checksum_is_discarded_before_everything_else(void **state)
{
	struct packet packet = header(peer, 17, 0, 99, 8); /* type and Payload Proto are wrong as well */

	packet.bytes[45] ^= 1;
	give(&packet);
	assert_silence();
	assert_int_equal(signalling.stats.errors[MH_ERROR_CHECKSUM], 1);
}

static void unknown_type_is_answered_with_a_binding_error(void **state)
{
	struct packet packet = header(peer, 17, 0, 99, 8); /* its Payload Proto is looked at later */

	give(&packet);
	assert_binding_error(&packet, "::");
}

static void message_of_route_optimisation_is_of_an_unknown_type_here(void **state)
{
	struct packet packet = header(peer, MH_PAYLOAD_PROTO, 1, TYPE_RO, 16);

	give(&packet);
	assert_binding_error(&packet, "::");
}

static void wrong_payload_proto_is_answered_with_a_pointer_to_it(void **state)
{
	struct packet packet = header(peer, 17, 0, MH_BU, 8); /* its length is looked at later */

	give(&packet);
	assert_parameter_problem(&packet, 40);
	assert_int_equal(signalling.stats.errors[MH_ERROR_PAYLOAD_PROTO], 1);
}

static void too_small_header_len_is_answered_with_a_pointer_to_it(void **state)
{
	struct packet packet = header(peer, MH_PAYLOAD_PROTO, 0, MH_BU, 8);

	give(&packet);
	assert_parameter_problem(&packet, 41);
	assert_int_equal(signalling.stats.errors[MH_ERROR_HEADER_LENGTH], 1);
}

static void pointer_counts_the_extension_headers(void **state)
{
	uint8_t bytes[16] = {IPPROTO_MOBILITY, 0, 1, 4, 0, 0, 0, 0, 17, 0, MH_BU};
	struct packet packet = ipv6(peer, OWN, 60, 64, bytes, sizeof(bytes));

	seal_mh(&packet, 48);
	give(&packet);
	assert_parameter_problem(&packet, 48);
}

static void header_len_beyond_the_packet_is_discarded(void **state)
{
	struct packet packet = header(peer, MH_PAYLOAD_PROTO, 4, MH_BU, 16);

	give(&packet);
	assert_silence();
	assert_int_equal(signalling.stats.errors[MH_ERROR_LENGTH], 1);
}

static void broken_options_are_discarded(void **state)
{
	static const struct {
		uint8_t option[4];
		enum mh_error error;
	} rows[] = {
		{{8, 200}, MH_ERROR_OPTION_OVERRUN},
		{{23, 1}, MH_ERROR_OPTION_LENGTH}, /* a handoff indicator has two octets */
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct packet packet = header(peer, MH_PAYLOAD_PROTO, 1, MH_BU, 16);

		memcpy(packet.bytes + 52, rows[i].option, 4);
		seal_mh(&packet, 40);
		give(&packet);
		assert_silence();
		assert_int_equal(signalling.stats.errors[rows[i].error], 1);
	}
}

static void answers_are_limited_to_ten_at_once(void **state)
{
	struct packet packet = header(peer, MH_PAYLOAD_PROTO, 0, 99, 8);

	for (unsigned i = 0; i < 3 * ANSWERS_MAX; i++)
		give(&packet);
	assert_int_equal(host->output_count, ANSWERS_MAX);
	assert_int_equal(signalling.stats.answers_limited, 2 * ANSWERS_MAX);
	host_pass(host, 1000);
	host_clear(host);
	for (unsigned i = 0; i < 3 * ANSWERS_MAX; i++)
		give(&packet);
	assert_int_equal(host->output_count, ANSWERS_MAX);
}

/* ---- who may say what ---- */

static void stranger_gets_no_answer_whatever_it_sends(void **state)
{
	static const uint8_t types[] = {MH_BU, 99, MH_HEARTBEAT, TYPE_RO};

	for (unsigned i = 0; i < sizeof(types); i++) {
		struct packet packet = header("2001:db8:bad::1", MH_PAYLOAD_PROTO, 0, types[i], 8);

		give(&packet);
	}
	assert_silence();
	assert_int_equal(signalling.stats.not_a_peer, sizeof(types));
}

static void message_inside_a_tunnel_is_not_for_us(void **state)
{
	struct packet inner = header(peer, MH_PAYLOAD_PROTO, 0, 99, 8);
	struct packet packet = ipv6(peer, OWN, 41, 64, inner.bytes, inner.length);

	give(&packet);
	assert_silence();
	assert_int_equal(signalling.stats.errors[MH_ERROR_TRUNCATED], 1);
}

static void packet_that_ends_in_its_headers_is_discarded(void **state)
{
	struct packet whole = header(peer, MH_PAYLOAD_PROTO, 1, MH_BU, 16), packet = whole;

	for (packet.length = 40; packet.length < whole.length; packet.length++)
		give(&packet);
	assert_silence();
	assert_int_equal(signalling.stats.received[MH_BU], 0);
}

/* The checksum is over the home address, the answer goes to the address on the wire and tells the home address. */
static void home_address_option_counts_for_the_checksum_and_the_binding_error(void **state)
{
	const struct in6_addr home = addr(HOME);
	uint8_t bytes[32] = {IPPROTO_MOBILITY, 2, 1, 2, 0, 0, 201, 16};
	struct packet packet, sealed;

	memcpy(bytes + 8, &home, 16);
	bytes[24] = MH_PAYLOAD_PROTO;
	bytes[26] = 99;
	packet = sealed = ipv6(peer, OWN, 60, 64, bytes, sizeof(bytes));
	memcpy(sealed.bytes + 8, &home, 16);
	seal_mh(&sealed, 64);
	memcpy(packet.bytes + 64, sealed.bytes + 64, 8);
	give(&packet);
	assert_binding_error(&packet, HOME);
}

/* RO-003: nor does a gateway take part in the return routability test */
static void messages_of_another_role_are_counted_and_dropped(void **state)
{
	uint8_t bytes[64];
	struct mh_writer writer;
	struct packet packet;

	mh_writer_init(&writer, MH_BA, bytes, sizeof(bytes));
	mh_write_ba(&writer, 0, BA_FLAG_P, 1, 10);
	packet = written(&writer, bytes);
	give(&packet);
	mh_writer_init(&writer, MH_BU, bytes, sizeof(bytes));
	mh_write_bu(&writer, 1, BU_FLAG_A, 10); /* of a mobile node, not of a MAG */
	packet = written(&writer, bytes);
	give(&packet);
	mh_writer_init(&writer, MH_HOTI, bytes, sizeof(bytes));
	mh_write_init_test(&writer, 1);
	packet = written(&writer, bytes);
	give(&packet);
	assert_silence();
	assert_int_equal(signalling.stats.wrong_role, 3);
	signalling.lma = NULL;
	mh_writer_init(&writer, MH_BU, bytes, sizeof(bytes));
	mh_write_bu(&writer, 1, BU_FLAG_A | BU_FLAG_P, 10);
	packet = written(&writer, bytes);
	give(&packet);
	assert_silence();
	assert_int_equal(signalling.stats.wrong_role, 4);
}

static void proxy_binding_update_reaches_the_lma(void **state)
{
	uint8_t bytes[64];
	struct mh_writer writer;
	struct packet packet;

	mh_writer_init(&writer, MH_BU, bytes, sizeof(bytes));
	mh_write_bu(&writer, 1, BU_FLAG_A | BU_FLAG_P, 10);
	packet = written(&writer, bytes);
	give(&packet);
	fake_host_run(&world.fake);
	assert_int_equal(world_answer(&world).status, 160); /* there is no MN identifier in it */
	assert_int_equal(signalling.stats.received[MH_BU], 1);
}

static void heartbeat_request_is_answered_by_every_role(void **state)
{
	uint8_t bytes[64];
	struct mh_writer writer;
	struct packet packet;

	signalling.lma = NULL;
	mh_writer_init(&writer, MH_HEARTBEAT, bytes, sizeof(bytes));
	mh_write_heartbeat(&writer, 0, 5);
	packet = written(&writer, bytes);
	give(&packet);
	fake_host_run(&world.fake);
	assert_int_equal(world.fake.message_count, 1);
	assert_int_equal(world.fake.messages[0].bytes[2], MH_HEARTBEAT);
	assert_int_equal(signalling.stats.wrong_role, 0);
}

/* RFC 6275 section 9.3.3 */
static void binding_error_is_never_answered(void **state)
{
	const struct in6_addr none = IN6ADDR_ANY_INIT;
	uint8_t bytes[64];
	struct mh_writer writer;
	struct packet packet;

	mh_writer_init(&writer, MH_BE, bytes, sizeof(bytes));
	mh_write_be(&writer, 2, &none);
	packet = written(&writer, bytes);
	give(&packet);
	assert_silence();
}

#define ROW(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(wrong_checksum_is_discarded_before_everything_else),
		ROW(unknown_type_is_answered_with_a_binding_error),
		ROW(message_of_route_optimisation_is_of_an_unknown_type_here),
		ROW(wrong_payload_proto_is_answered_with_a_pointer_to_it),
		ROW(too_small_header_len_is_answered_with_a_pointer_to_it),
		ROW(pointer_counts_the_extension_headers),
		ROW(header_len_beyond_the_packet_is_discarded),
		ROW(broken_options_are_discarded),
		ROW(answers_are_limited_to_ten_at_once),
		ROW(stranger_gets_no_answer_whatever_it_sends),
		ROW(message_inside_a_tunnel_is_not_for_us),
		ROW(packet_that_ends_in_its_headers_is_discarded),
		ROW(home_address_option_counts_for_the_checksum_and_the_binding_error),
		ROW(messages_of_another_role_are_counted_and_dropped),
		ROW(proxy_binding_update_reaches_the_lma),
		ROW(heartbeat_request_is_answered_by_every_role),
		ROW(binding_error_is_never_answered),
	};

	return cmocka_run_group_tests_name("signalling", tests, NULL, NULL);
}
