/* SPDX-License-Identifier: BSD-3-Clause */
/* RFC 5847, wire-formats D.3, and the restart counter on disk. */
#include "fake_host.h"
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format.h"
#include "log.h"
#include "pmip/heartbeat.h"

#define INTERVAL_S 60

static struct fake_host fake;
static struct policy *policy;
static struct heartbeat *heartbeat;
static struct heartbeat_config config;
static struct engine_time now;
static enum peer_change changes[16];
static unsigned change_count;
static struct in6_addr own, peer, quiet;
static struct mh_message message;

static void on_change(void *context, const struct engine_time *when, const struct in6_addr *who, enum peer_change what)
{
	assert_ptr_equal(when, &now);
	assert_memory_equal(who, &peer, sizeof(peer));
	assert_true(change_count < 16);
	changes[change_count++] = what;
}

static void swallow(void *context, enum log_level level, const char *line)
{
}

static void start(bool restarted)
{
	heartbeat_destroy(heartbeat);
	config.restarted = restarted;
	heartbeat = heartbeat_create(&config, &fake.host, &now, on_change, NULL);
	assert_non_null(heartbeat);
}

static int setup(void **state)
{
	log_set_sink(swallow, NULL);
	assert_int_equal(ip6_parse("2001:db8:1::1", &own), 0);
	assert_int_equal(ip6_parse("2001:db8:a1::1", &peer), 0);
	assert_int_equal(ip6_parse("2001:db8:a2::1", &quiet), 0);
	fake_host_init(&fake);
	policy = policy_create();
	assert_non_null(policy);
	assert_int_equal(
		policy_add_peer(policy, &(struct policy_peer){.name = "quiet", .address = quiet, .heartbeat = false}),
		0);
	assert_int_equal(
		policy_add_peer(policy, &(struct policy_peer){.name = "peer", .address = peer, .heartbeat = true}), 0);
	now = (struct engine_time){.monotonic_ns = 1000000000, .wall_ns = 5};
	change_count = 0;
	config = (struct heartbeat_config){.address = own,
		.interval_s = INTERVAL_S,
		.missing_allowed = 3,
		.restart_counter = 42,
		.policy = policy};
	start(false);
	return 0;
}

static int teardown(void **state)
{
	heartbeat_destroy(heartbeat);
	heartbeat = NULL;
	policy_destroy(policy);
	fake_host_fini(&fake);
	return 0;
}

static void advance(uint64_t ms)
{
	uint64_t end_ns = now.monotonic_ns + ms * 1000000;
	uint64_t next_ms = heartbeat_advance(heartbeat, &now);

	while (next_ms != TIMER_NEVER && next_ms * 1000000 <= end_ns) {
		if (next_ms * 1000000 > now.monotonic_ns)
			now.monotonic_ns = next_ms * 1000000;
		next_ms = heartbeat_advance(heartbeat, &now);
	}
	now.monotonic_ns = end_ns;
	heartbeat_advance(heartbeat, &now);
	fake_host_run(&fake);
}

/* A message from @from; @counter below 0: without the option. */
static void receive(const struct in6_addr *from, uint8_t flags, uint32_t sequence, int64_t counter)
{
	uint8_t bytes[64];
	struct mh_writer writer;
	struct mh_message received;
	struct mh_datagram datagram = {.source = *from, .destination = own, .bytes = bytes};

	mh_writer_init(&writer, MH_HEARTBEAT, bytes, sizeof(bytes));
	mh_write_heartbeat(&writer, flags, sequence);
	if (counter >= 0)
		mh_write_restart_counter(&writer, (uint32_t)counter);
	datagram.length = mh_writer_finish(&writer, from, &own);
	assert_int_equal(mh_decode(&received, bytes, datagram.length, from, &own), MH_ERROR_NONE);
	heartbeat_message(heartbeat, &now, &datagram, &received);
	fake_host_run(&fake);
}

/* The only message since the last look; its sequence number. */
static uint32_t expect_message(uint8_t flags)
{
	assert_int_equal(fake.message_count, 1);
	fake_host_decode(&fake, 0, &message);
	assert_int_equal(message.type, MH_HEARTBEAT);
	assert_int_equal(message.fixed.heartbeat.flags, flags);
	fake_host_clear(&fake);
	return message.fixed.heartbeat.sequence;
}

static void expect_changes(unsigned count, enum peer_change last)
{
	assert_int_equal(change_count, count);
	if (count > 0)
		assert_int_equal(changes[count - 1], last);
}

static void request_is_always_answered_with_the_restart_counter(void **state)
{
	const struct mh_option *option;

	receive(&peer, 0, 77, -1);
	assert_memory_equal(&fake.messages[0].destination, &peer, sizeof(peer));
	fake_host_decode(&fake, 0, &message);
	option = mh_option_find(&message, MHO_RESTART_COUNTER, NULL);
	assert_non_null(option);
	assert_memory_equal(option->data, "\0\0\0\x2a", 4);
	assert_int_equal(expect_message(HEARTBEAT_FLAG_R), 77);
	receive(&quiet, 0, 78, -1); /* also to a peer that we do not ask */
	assert_int_equal(expect_message(HEARTBEAT_FLAG_R), 78);
}

static void requests_are_sent_only_while_there_are_sessions(void **state)
{
	uint32_t sequence;

	advance(200000);
	assert_int_equal(fake.message_count, 0);
	heartbeat_sessions(heartbeat, &now, &peer, 1);
	heartbeat_sessions(heartbeat, &now, &quiet, 1);
	advance(1);
	sequence = expect_message(0);
	receive(&peer, HEARTBEAT_FLAG_R, sequence, 1);
	heartbeat_sessions(heartbeat, &now, &peer, 2);
	advance(INTERVAL_S * 1000);
	assert_int_equal(expect_message(0), sequence + 1);
	heartbeat_sessions(heartbeat, &now, &peer, 0);
	advance(INTERVAL_S * 5000);
	assert_int_equal(fake.message_count, 0);
	expect_changes(0, PEER_REACHABLE);
}

static void sessions_that_come_and_go_do_not_speed_requests_up(void **state)
{
	for (unsigned i = 0; i < 10; i++) {
		heartbeat_sessions(heartbeat, &now, &peer, 1);
		advance(1);
		heartbeat_sessions(heartbeat, &now, &peer, 0);
		advance(1);
	}
	assert_int_equal(fake.message_count, 1);
}

static void more_losses_than_allowed_make_the_peer_unreachable_and_an_answer_reachable(void **state)
{
	struct peer_view view;

	heartbeat_sessions(heartbeat, &now, &peer, 5);
	advance(1);                     /* the first request */
	advance(3 * INTERVAL_S * 1000); /* three more: three are missing */
	expect_changes(0, PEER_UNREACHABLE);
	assert_true(heartbeat_peer_next(heartbeat, 0, &view));
	assert_int_equal(view.index, 1);
	assert_int_equal(view.missed, 3);
	assert_true(view.reachable && view.asked);
	advance(INTERVAL_S * 1000);
	expect_changes(1, PEER_UNREACHABLE);
	advance(10 * INTERVAL_S * 1000);
	expect_changes(1, PEER_UNREACHABLE); /* once */
	fake_host_clear(&fake);
	advance(INTERVAL_S * 1000);
	receive(&peer, HEARTBEAT_FLAG_R, expect_message(0), 7);
	expect_changes(2, PEER_REACHABLE);
	assert_true(heartbeat_peer_next(heartbeat, 0, &view));
	assert_int_equal(view.missed, 0);
	assert_int_equal(view.restart_counter, 7);
	assert_int_equal(view.last_answer_ms, engine_ms(&now));
	assert_false(heartbeat_peer_next(heartbeat, 2, &view));
}

static void answer_to_an_older_request_is_none(void **state)
{
	uint32_t sequence;

	heartbeat_sessions(heartbeat, &now, &peer, 1);
	advance(1);
	sequence = expect_message(0);
	receive(&peer, HEARTBEAT_FLAG_R, sequence - 1, 3);
	receive(&peer, HEARTBEAT_FLAG_R, sequence + 1, 3);
	advance(4 * INTERVAL_S * 1000);
	expect_changes(1, PEER_UNREACHABLE);
}

static void changed_restart_counter_means_that_the_peer_restarted(void **state)
{
	heartbeat_sessions(heartbeat, &now, &peer, 1);
	advance(1);
	receive(&peer, HEARTBEAT_FLAG_R, expect_message(0), 7);
	advance(INTERVAL_S * 1000);
	receive(&peer, HEARTBEAT_FLAG_R, expect_message(0), 7);
	expect_changes(0, PEER_RESTARTED);
	advance(INTERVAL_S * 1000);
	receive(&peer, HEARTBEAT_FLAG_R, expect_message(0), 8);
	expect_changes(1, PEER_RESTARTED);
	receive(&peer, HEARTBEAT_FLAG_U | HEARTBEAT_FLAG_R, 12345, 9); /* unsolicited: any sequence number */
	expect_changes(2, PEER_RESTARTED);
	receive(&peer, HEARTBEAT_FLAG_U | HEARTBEAT_FLAG_R, 12345, 9);
	receive(&peer, HEARTBEAT_FLAG_U | HEARTBEAT_FLAG_R, 12345, -1);
	expect_changes(2, PEER_RESTARTED);
}

/* What restarts without our sessions has lost nothing of ours. */
static void counter_is_forgotten_with_the_last_session(void **state)
{
	heartbeat_sessions(heartbeat, &now, &peer, 1);
	advance(1);
	receive(&peer, HEARTBEAT_FLAG_R, expect_message(0), 7);
	heartbeat_sessions(heartbeat, &now, &peer, 0);
	heartbeat_sessions(heartbeat, &now, &peer, 1);
	advance(INTERVAL_S * 1000);
	receive(&peer, HEARTBEAT_FLAG_R, expect_message(0), 8);
	expect_changes(0, PEER_RESTARTED);
}

static void restart_is_told_once_to_peers_that_take_part(void **state)
{
	start(true);
	assert_int_equal(fake.message_count, 0);
	advance(1);
	assert_memory_equal(&fake.messages[0].destination, &peer, sizeof(peer));
	expect_message(HEARTBEAT_FLAG_U | HEARTBEAT_FLAG_R);
	assert_non_null(mh_option_find(&message, MHO_RESTART_COUNTER, NULL));
	advance(1000000);
	assert_int_equal(fake.message_count, 0);
}

static void binding_error_ends_requests_for_good(void **state)
{
	struct peer_view view;

	heartbeat_binding_error(heartbeat, &now, &peer); /* nothing is outstanding: not ours */
	heartbeat_sessions(heartbeat, &now, &peer, 1);
	advance(1);
	expect_message(0);
	heartbeat_binding_error(heartbeat, &now, &quiet);
	heartbeat_binding_error(heartbeat, &now, &peer);
	heartbeat_sessions(heartbeat, &now, &peer, 0);
	heartbeat_sessions(heartbeat, &now, &peer, 3);
	advance(INTERVAL_S * 10000);
	assert_int_equal(fake.message_count, 0);
	expect_changes(0, PEER_UNREACHABLE);
	assert_true(heartbeat_peer_next(heartbeat, 0, &view));
	assert_true(view.unsupported);
	assert_false(view.asked);
}

static void message_of_a_stranger_is_ignored(void **state)
{
	struct in6_addr stranger;

	assert_int_equal(ip6_parse("2001:db8:bad::1", &stranger), 0);
	receive(&stranger, 0, 1, -1);
	assert_int_equal(fake.message_count, 0);
}

/* ---- the restart counter ---- */

static char directory[] = "/tmp/hawser-restart-XXXXXX";

static int directory_setup(void **state)
{
	memcpy(directory + sizeof(directory) - 7, "XXXXXX", 6);
	log_set_sink(swallow, NULL);
	return mkdtemp(directory) != NULL ? 0 : -1;
}

static void path_of(char *path, size_t size, const char *name)
{
	snprintf(path, size, "%s/%s", directory, name);
}

static int directory_teardown(void **state)
{
	static const char *const names[] = {"restart-counter", ".restart-counter.new", "a/b/restart-counter"};
	char path[128];

	for (unsigned i = 0; i < 3; i++) {
		path_of(path, sizeof(path), names[i]);
		unlink(path);
		rmdir(path);
	}
	path_of(path, sizeof(path), "a/b");
	rmdir(path);
	path_of(path, sizeof(path), "a");
	rmdir(path);
	return rmdir(directory);
}

static void write_file(const char *text)
{
	char path[128];
	int fd;

	path_of(path, sizeof(path), "restart-counter");
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void restart_counter_counts_from_1_and_persists(void **state)
{
	char nested[128], path[128];
	uint32_t counter = 0;

	path_of(nested, sizeof(nested), "a/b");
	for (uint32_t i = 1; i <= 12; i++) {
		assert_int_equal(restart_counter_next(nested, &counter), 0);
		assert_int_equal(counter, i);
	}
	path_of(path, sizeof(path), "a/b/.restart-counter.new");
	assert_int_equal(access(path, F_OK), -1);
}

static void restart_counter_goes_on_after_an_interrupted_write(void **state)
{
	char path[128];
	uint32_t counter = 0;

	write_file("41\n");
	path_of(path, sizeof(path), ".restart-counter.new");
	close(open(path, O_WRONLY | O_CREAT, 0600)); /* left behind */
	assert_int_equal(restart_counter_next(directory, &counter), 0);
	assert_int_equal(counter, 42);
}

static void restart_counter_wraps(void **state)
{
	uint32_t counter = 5;

	write_file("4294967295\n");
	assert_int_equal(restart_counter_next(directory, &counter), 0);
	assert_int_equal(counter, 0);
}

static void restart_counter_refuses_what_is_no_number(void **state)
{
	static const char *const texts[] = {
		"", "\n", "12", "x\n", "-1\n", "12 \n", "4294967296\n", "99999999999999999\n"};
	uint32_t counter = 99;

	for (unsigned i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		write_file(texts[i]);
		assert_int_equal(restart_counter_next(directory, &counter), -EBADMSG);
		assert_int_equal(counter, 99);
	}
}

static void state_directory_is_for_one_at_a_time(void **state)
{
	int first = state_directory_lock(directory);
	uint32_t counter;

	assert_true(first >= 0);
	assert_int_equal(state_directory_lock(directory), -EBUSY);
	assert_int_equal(restart_counter_next(directory, &counter), 0);
	close(first);
	first = state_directory_lock(directory);
	assert_true(first >= 0);
	close(first);
	assert_int_equal(state_directory_lock("/dev/null/state"), -ENOTDIR);
}

static void restart_counter_tells_what_failed(void **state)
{
	char path[128];
	uint32_t counter;

	assert_int_equal(restart_counter_next("", &counter), -EINVAL);
	write_file("1\n");
	path_of(path, sizeof(path), "restart-counter"); /* a file where the directory should be */
	assert_int_equal(restart_counter_next(path, &counter), -ENOTDIR);
	path_of(path, sizeof(path), ".restart-counter.new");
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(restart_counter_next(directory, &counter), -EISDIR);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(restart_counter_next(directory, &counter), 0);
	assert_int_equal(counter, 2); /* the failure changed nothing */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
#define DISK(name) cmocka_unit_test_setup_teardown(name, directory_setup, directory_teardown)

/* ---- route optimisation: G.6.14 ---- */

static void pairs_are_reason_enough_for_requests_at_their_own_interval(void **state)
{
	config.pair_interval_s = 1;
	start(false);
	heartbeat_pairs(heartbeat, &now, &peer, 3);
	advance(1);
	expect_message(0);
	fake_host_clear(&fake);
	advance(999);
	assert_int_equal(fake.message_count, 0);
	advance(1);
	expect_message(0);
	fake_host_clear(&fake);
	heartbeat_pairs(heartbeat, &now, &peer, 0);
	advance(100000);
	assert_int_equal(fake.message_count, 0);
}

static void sessions_without_pairs_keep_the_long_interval(void **state)
{
	config.pair_interval_s = 1;
	start(false);
	heartbeat_sessions(heartbeat, &now, &peer, 1);
	advance(1);
	receive(&peer, HEARTBEAT_FLAG_R, expect_message(0), 7);
	fake_host_clear(&fake);
	advance(30000);
	assert_int_equal(fake.message_count, 0);
	heartbeat_pairs(heartbeat, &now, &peer, 1); /* the last request is long ago */
	advance(1);
	receive(&peer, HEARTBEAT_FLAG_R, expect_message(0), 7);
	fake_host_clear(&fake);
	advance(1000);
	expect_message(0);
}

/* Four seconds after its last answer at the latest. */
static void dead_peer_of_pairs_is_noticed_within_four_intervals(void **state)
{
	config.pair_interval_s = 1;
	start(false);
	heartbeat_pairs(heartbeat, &now, &peer, 1);
	advance(4000);
	assert_int_equal(change_count, 0);
	advance(1);
	assert_int_equal(change_count, 1);
	assert_int_equal(changes[0], PEER_UNREACHABLE);
}

static void restart_of_a_peer_of_pairs_is_noticed(void **state)
{
	heartbeat_pairs(heartbeat, &now, &peer, 1);
	advance(1);
	receive(&peer, HEARTBEAT_FLAG_R, expect_message(0), 7);
	receive(&peer, HEARTBEAT_FLAG_U | HEARTBEAT_FLAG_R, 0, 8);
	assert_int_equal(change_count, 1);
	assert_int_equal(changes[0], PEER_RESTARTED);
}

static unsigned answered_count;

static void on_answer(void *context, const struct engine_time *when, const struct in6_addr *who)
{
	assert_ptr_equal(context, &answered_count);
	assert_ptr_equal(when, &now);
	assert_memory_equal(who, &peer, sizeof(peer));
	answered_count++;
}

static void probe_is_a_request_beside_the_interval_whose_answer_is_told(void **state)
{
	uint32_t sequence;

	answered_count = 0;
	heartbeat_listen(heartbeat, on_answer, &answered_count);
	heartbeat_pairs(heartbeat, &now, &peer, 1);
	advance(1);
	receive(&peer, HEARTBEAT_FLAG_R, expect_message(0), 7);
	assert_int_equal(answered_count, 1);
	fake_host_clear(&fake);
	advance(5000);
	assert_true(heartbeat_probe(heartbeat, &now, &peer));
	fake_host_run(&fake);
	sequence = expect_message(0);
	receive(&peer, HEARTBEAT_FLAG_R, sequence - 1, 7);
	assert_int_equal(answered_count, 1);
	receive(&peer, HEARTBEAT_FLAG_R, sequence, 7);
	assert_int_equal(answered_count, 2);
	assert_false(heartbeat_probe(heartbeat, &now, &quiet));
	assert_false(heartbeat_probe(heartbeat, &now, &own));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(pairs_are_reason_enough_for_requests_at_their_own_interval),
		TEST(sessions_without_pairs_keep_the_long_interval),
		TEST(dead_peer_of_pairs_is_noticed_within_four_intervals),
		TEST(restart_of_a_peer_of_pairs_is_noticed),
		TEST(probe_is_a_request_beside_the_interval_whose_answer_is_told),
		TEST(request_is_always_answered_with_the_restart_counter),
		TEST(requests_are_sent_only_while_there_are_sessions),
		TEST(sessions_that_come_and_go_do_not_speed_requests_up),
		TEST(more_losses_than_allowed_make_the_peer_unreachable_and_an_answer_reachable),
		TEST(answer_to_an_older_request_is_none),
		TEST(changed_restart_counter_means_that_the_peer_restarted),
		TEST(counter_is_forgotten_with_the_last_session),
		TEST(restart_is_told_once_to_peers_that_take_part),
		TEST(binding_error_ends_requests_for_good),
		TEST(message_of_a_stranger_is_ignored),
		DISK(restart_counter_counts_from_1_and_persists),
		DISK(restart_counter_goes_on_after_an_interrupted_write),
		DISK(restart_counter_wraps),
		DISK(restart_counter_refuses_what_is_no_number),
		DISK(restart_counter_tells_what_failed),
		DISK(state_directory_is_for_one_at_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
