/* SPDX-License-Identifier: BSD-3-Clause */
#include "eal.h"

#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <string.h>
#include <rte_mbuf.h>
#include <rte_ring.h>
#include <rte_ring_elem.h>

#include "door.h"

#define MBUFS 255

static struct rte_mempool *pool;
static char error[128];

static struct door_config config_of(unsigned workers, unsigned sockets)
{
	struct door_config config = {
		.workers = workers,
		.sockets = sockets,
		.numa_node = {-1, -1, -1, -1},
		.update_ring_size = 8,
		.mbuf_ring_size = 16,
		.event_ring_size = 16,
		.descriptors = 4,
		.nodes_max = 10,
		.tunnels_max = 5,
		.node_counters = true,
		.tunnel_counters = true,
	};

	for (unsigned i = 0; i < workers; i++)
		config.socket_of[i] = (uint16_t)(i % sockets);
	return config;
}

static struct door *create(unsigned workers, unsigned sockets)
{
	struct door_config config = config_of(workers, sockets);
	struct door *door = door_create(&config, error, sizeof(error));

	if (door == NULL)
		print_error("%s\n", error);
	assert_non_null(door);
	return door;
}

static struct rte_mbuf *packet(uint32_t tag)
{
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(pool);

	assert_non_null(mbuf);
	*packet_meta(mbuf) = (struct packet_meta){.tunnel = tag};
	return mbuf;
}

/* As a worker does it. */
static void punt(struct door *door, unsigned worker, bool signalling, uint32_t tag)
{
	struct rte_ring *ring = signalling ? door->worker[worker].punt_signalling : door->worker[worker].punt_other;

	assert_int_equal(rte_ring_enqueue(ring, packet(tag)), 0);
	door_control_wake(door);
}

static unsigned eventfd_is_readable(const struct door *door)
{
	struct pollfd fd = {door->eventfd, POLLIN, 0};

	return (unsigned)poll(&fd, 1, 0);
}

static void updates_reach_every_socket_in_order_with_their_numbers(void **state)
{
	struct door *door = create(2, 2);
	struct fwd_update update = {.op = FWD_OP_nop};

	for (uint32_t i = 0; i < 5; i++) {
		update.index = 100 + i;
		assert_int_equal(door_update_push(door, &update), i + 1);
	}
	assert_int_equal(update.seq, 0);
	for (unsigned s = 0; s < 2; s++) {
		for (uint32_t i = 0; i < 5; i++) {
			struct fwd_update got;

			assert_int_equal(rte_ring_dequeue_elem(door->socket[s].update, &got, sizeof(got)), 0);
			assert_int_equal(got.seq, i + 1);
			assert_int_equal(got.socket, s);
			assert_int_equal(got.index, 100 + i);
		}
	}
	door_destroy(door);
}

static void full_ring_of_one_socket_pushes_to_none(void **state)
{
	struct door *door = create(2, 2);
	struct fwd_update update = {.op = FWD_OP_nop}, got;
	unsigned room = door_update_room(door);

	assert_int_equal(room, 7);
	for (unsigned i = 0; i < room; i++)
		assert_int_equal(door_update_push(door, &update), i + 1);
	while (rte_ring_dequeue_elem(door->socket[0].update, &got, sizeof(got)) == 0)
		;
	assert_int_equal(door_update_room(door), 0);
	assert_int_equal(door_update_push(door, &update), 0);
	assert_int_equal(rte_ring_count(door->socket[0].update), 0);
	assert_int_equal(rte_ring_dequeue_elem(door->socket[1].update, &got, sizeof(got)), 0);
	assert_int_equal(door_update_room(door), 1);
	assert_int_equal(door_update_push(door, &update), room + 1);
	door_destroy(door);
}

static void sequence_numbers_are_those_of_the_slowest_socket(void **state)
{
	struct door *door = create(3, 3);

	assert_int_equal(door_applied(door), 0);
	atomic_store(&door->socket[0].applied_seq, 9);
	atomic_store(&door->socket[1].applied_seq, 7);
	atomic_store(&door->socket[2].applied_seq, 8);
	atomic_store(&door->socket[0].reclaimed_seq, 3);
	atomic_store(&door->socket[1].reclaimed_seq, 5);
	atomic_store(&door->socket[2].reclaimed_seq, 4);
	assert_int_equal(door_applied(door), 7);
	assert_int_equal(door_reclaimed(door), 3);
	door_destroy(door);
}

static void failures_of_all_sockets_are_collected(void **state)
{
	struct door *door = create(2, 2);
	struct door_failure failure = {.error = -ENOSPC}, got[8];

	for (uint64_t i = 0; i < 6; i++) {
		failure.seq = i;
		assert_int_equal(rte_ring_enqueue_elem(door->socket[i % 2].failure, &failure, sizeof(failure)), 0);
	}
	assert_int_equal(door_failure_poll(door, got, 4), 4);
	assert_int_equal(got[0].error, -ENOSPC);
	assert_int_equal(door_failure_poll(door, &got[4], 4), 2);
	assert_int_equal(door_failure_poll(door, got, 4), 0);
	door_destroy(door);
}

static void punted_packets_come_fairly_from_all_workers(void **state)
{
	struct door *door = create(3, 1);
	struct rte_mbuf *mbufs[32];
	unsigned from[3] = {0, 0, 0};

	for (unsigned i = 0; i < 10; i++)
		punt(door, 0, true, 0);
	punt(door, 1, true, 1);
	for (unsigned i = 0; i < 10; i++)
		punt(door, 2, true, 2);
	punt(door, 1, false, 7);
	assert_int_equal(door_punt_poll(door, true, mbufs, 6), 6);
	for (unsigned i = 0; i < 6; i++)
		from[packet_meta(mbufs[i])->tunnel]++;
	assert_true(from[0] >= 2 && from[1] == 1 && from[2] >= 2);
	rte_pktmbuf_free_bulk(mbufs, 6);
	/* A busy worker gets what the others leave. */
	assert_int_equal(door_punt_poll(door, true, mbufs, 32), 15);
	rte_pktmbuf_free_bulk(mbufs, 15);
	assert_int_equal(door_punt_poll(door, true, mbufs, 32), 0);
	assert_int_equal(door_punt_poll(door, false, mbufs, 1), 1);
	assert_int_equal(packet_meta(mbufs[0])->tunnel, 7);
	rte_pktmbuf_free(mbufs[0]);
	door_destroy(door);
}

/* One packet wanted at a time: the turn goes round, no worker is left out. */
static void smallest_poll_serves_every_worker_in_turn(void **state)
{
	struct door *door = create(3, 1);
	unsigned from[3] = {0, 0, 0};
	struct rte_mbuf *mbuf;

	for (unsigned i = 0; i < 9; i++)
		punt(door, i % 3, false, i % 3);
	for (unsigned i = 0; i < 6; i++) {
		assert_int_equal(door_punt_poll(door, false, &mbuf, 1), 1);
		from[packet_meta(mbuf)->tunnel]++;
		rte_pktmbuf_free(mbuf);
	}
	assert_int_equal(from[0], 2);
	assert_int_equal(from[1], 2);
	assert_int_equal(from[2], 2);
	door_destroy(door);
	assert_int_equal(rte_mempool_in_use_count(pool), 0);
}

static void events_are_collected_from_all_workers(void **state)
{
	struct door *door = create(2, 1);
	struct door_event event = {.type = EVENT_unknown_mac}, got[8];
	unsigned sum = 0;

	for (unsigned i = 0; i < 6; i++) {
		event.value = 1u << i;
		assert_int_equal(rte_ring_enqueue_elem(door->worker[i % 2].event, &event, sizeof(event)), 0);
	}
	assert_int_equal(door_event_poll(door, got, 8), 6);
	for (unsigned i = 0; i < 6; i++)
		sum += got[i].value;
	assert_int_equal(sum, 63);
	assert_int_equal(door_event_poll(door, got, 8), 0);
	door_destroy(door);
}

static void injected_packet_that_finds_no_room_stays_with_the_caller(void **state)
{
	struct door *door = create(2, 1);
	struct rte_mbuf *mbuf;
	unsigned n = 0;

	while (door_inject(door, 1, mbuf = packet(0)) == 0)
		n++;
	assert_int_equal(n, 15);
	rte_pktmbuf_free(mbuf);
	assert_int_equal(rte_ring_count(door->worker[0].inject), 0);
	door_destroy(door);
	assert_int_equal(rte_mempool_in_use_count(pool), 0);
}

static void destroy_frees_packets_that_nobody_took(void **state)
{
	struct door *door = create(2, 2);

	for (unsigned i = 0; i < 6; i++) {
		punt(door, i % 2, i % 3 == 0, i);
		assert_int_equal(door_inject(door, i % 2, packet(i)), 0);
	}
	assert_int_equal(rte_mempool_in_use_count(pool), 12);
	door_destroy(door);
	assert_int_equal(rte_mempool_in_use_count(pool), 0);
}

static void worker_wakes_a_sleeping_control_core_once(void **state)
{
	struct door *door = create(1, 1);
	struct rte_mbuf *mbufs[8];
	uint64_t wakes = 0;

	punt(door, 0, true, 0);
	assert_int_equal(eventfd_is_readable(door), 0); /* nobody slept */
	assert_false(door_control_sleep(door));         /* something waits */
	assert_int_equal(door_punt_poll(door, true, mbufs, 8), 1);
	rte_pktmbuf_free(mbufs[0]);
	punt(door, 0, true, 0);
	assert_int_equal(eventfd_is_readable(door), 0); /* the refused sleep is over */
	assert_int_equal(door_punt_poll(door, true, mbufs, 8), 1);
	rte_pktmbuf_free(mbufs[0]);

	assert_true(door_control_sleep(door));
	assert_int_equal(eventfd_is_readable(door), 0);
	punt(door, 0, false, 0);
	punt(door, 0, false, 0);
	assert_int_equal(eventfd_is_readable(door), 1);
	assert_int_equal(eventfd_read(door->eventfd, &wakes), 0);
	assert_int_equal(wakes, 1);
	door_control_awake(door);
	punt(door, 0, false, 0);
	assert_int_equal(eventfd_is_readable(door), 0);
	door_destroy(door);
}

static void awake_takes_back_a_wake_that_came_meanwhile(void **state)
{
	struct door *door = create(1, 1);

	assert_true(door_control_sleep(door));
	door_control_wake(door);
	assert_int_equal(eventfd_is_readable(door), 1);
	door_control_awake(door);
	assert_int_equal(eventfd_is_readable(door), 0);
	assert_true(door_control_sleep(door));
	door_destroy(door);
}

static void every_kind_of_input_keeps_control_awake(void **state)
{
	struct door *door = create(2, 2);
	struct door_event event = {.type = EVENT_unknown_mac};
	struct door_failure failure = {.seq = 1};
	struct rte_mbuf *mbuf;

	assert_true(door_control_sleep(door));
	assert_int_equal(rte_ring_enqueue_elem(door->worker[1].event, &event, sizeof(event)), 0);
	assert_false(door_control_sleep(door));
	assert_int_equal(door_event_poll(door, &event, 1), 1);
	assert_int_equal(rte_ring_enqueue_elem(door->socket[1].failure, &failure, sizeof(failure)), 0);
	assert_false(door_control_sleep(door));
	assert_int_equal(door_failure_poll(door, &failure, 1), 1);
	punt(door, 1, false, 0);
	assert_false(door_control_sleep(door));
	assert_int_equal(door_punt_poll(door, false, &mbuf, 1), 1);
	rte_pktmbuf_free(mbuf);
	assert_true(door_control_sleep(door));
	door_destroy(door);
}

static void counters_are_summed_over_workers(void **state)
{
	struct door *door = create(2, 1);
	struct worker_stats stats;
	struct object_counter sum;

	for (unsigned i = 0; i < 2; i++) {
		struct door_worker *worker = &door->worker[i];

		counter_add(&worker->stats->updates, i + 1);
		counter_add(&worker->objects.nodes[9 * COUNTER_DIRECTIONS + COUNTER_DOWN].packets, 10);
		counter_add(&worker->objects.tunnels[4 * COUNTER_DIRECTIONS + COUNTER_UP].bytes, 100);
	}
	door_stats(door, &stats);
	assert_int_equal(stats.updates, 3);
	door_node_counter(door, 9, COUNTER_DOWN, &sum);
	assert_int_equal(sum.packets, 20);
	door_node_counter(door, 9, COUNTER_UP, &sum);
	assert_int_equal(sum.packets, 0);
	door_tunnel_counter(door, 4, COUNTER_UP, &sum);
	assert_int_equal(sum.bytes, 200);
	door_tunnel_counter(door, 5, COUNTER_UP, &sum); /* out of range */
	assert_int_equal(sum.bytes, 0);
	door_destroy(door);
}

#define LINE 64

struct written {
	uintptr_t first, end; /* cache lines */
	unsigned worker;
};

static struct written lines_of(const void *memory, size_t bytes, unsigned worker)
{
	uintptr_t at = (uintptr_t)memory;

	assert_non_null(memory);
	return (struct written){at / LINE, (at + bytes + LINE - 1) / LINE, worker};
}

/* What workers write for each packet: a shared line would go back and forth between their cores. */
static void no_cache_line_is_written_by_two_workers(void **state)
{
	enum { WORKERS = 3, ARRAYS = 4 };
	struct door_config config = config_of(WORKERS, 2);
	struct written all[WORKERS * ARRAYS];
	unsigned count = 0;
	struct door *door;

	config.pairs_max = 3; /* with 10 nodes and 5 tunnels: arrays that end in the middle of a line */
	config.pair_counters = true;
	door = door_create(&config, error, sizeof(error));
	assert_non_null(door);
	for (unsigned i = 0; i < WORKERS; i++) {
		const struct door_worker *worker = &door->worker[i];
		const size_t each = COUNTER_DIRECTIONS * sizeof(struct object_counter);

		all[count++] = lines_of(worker->stats, sizeof(*worker->stats), i);
		all[count++] = lines_of(worker->objects.nodes, config.nodes_max * each, i);
		all[count++] = lines_of(worker->objects.tunnels, config.tunnels_max * each, i);
		all[count++] = lines_of(worker->objects.pairs, config.pairs_max * each, i);
	}
	for (unsigned a = 0; a < count; a++)
		for (unsigned b = 0; b < count; b++)
			assert_true(all[a].worker == all[b].worker || all[a].end <= all[b].first ||
				    all[b].end <= all[a].first);
	/* What an owner writes after each batch is neither another owner's nor in what all read. */
	assert_int_equal((uintptr_t)&door->socket[0].applied_seq % LINE, 0);
	assert_int_equal(sizeof(door->socket[0]) % LINE, 0);
	assert_true((uintptr_t)&door->socket[0].applied_seq / LINE > (uintptr_t)&door->socket[0].failure / LINE);
	assert_true((uintptr_t)&door->control_sleeps / LINE > (uintptr_t)&door->fence_in_worker / LINE);
	door_destroy(door);
}

static void counters_that_are_off_read_as_zero(void **state)
{
	struct door_config config = config_of(1, 1);
	struct object_counter sum = {1, 1};
	struct door *door;

	config.node_counters = config.tunnel_counters = false;
	door = door_create(&config, error, sizeof(error));
	assert_non_null(door);
	assert_null(door->worker[0].objects.nodes);
	assert_null(door->worker[0].objects.tunnels);
	door_node_counter(door, 1, COUNTER_UP, &sum);
	assert_int_equal(sum.packets, 0);
	door_destroy(door);
}

static void two_doors_do_not_meet(void **state)
{
	struct door *one = create(1, 1), *two = create(1, 1);
	struct fwd_update update = {.op = FWD_OP_nop};

	assert_int_equal(door_update_push(one, &update), 1);
	assert_int_equal(rte_ring_count(two->socket[0].update), 0);
	assert_int_equal(door_update_push(two, &update), 1);
	door_destroy(one);
	door_destroy(two);
}

static void expect_refusal(const struct door_config *config, const char *says)
{
	error[0] = '\0';
	assert_null(door_create(config, error, sizeof(error)));
	assert_non_null(strstr(error, says));
}

/* Whatever is refused, nothing stays behind: the same names can be had again. */
static void what_cannot_be_had_is_told(void **state)
{
	struct door_config config = config_of(2, 1);

	config.update_ring_size = 7;
	expect_refusal(&config, "update");
	config = config_of(2, 1);
	config.mbuf_ring_size = 0;
	expect_refusal(&config, "signalling");
	config = config_of(2, 1);
	config.event_ring_size = 3;
	expect_refusal(&config, "event");
	config = config_of(2, 1);
	config.nodes_max = UINT32_MAX;
	expect_refusal(&config, "node counters");
	config = config_of(2, 1);
	config.descriptors = UINT32_MAX;
	expect_refusal(&config, "templates");
	config = config_of(2, 1);
	config.socket_of[1] = 1;
	expect_refusal(&config, "sockets");
	config = config_of(1, 1);
	config.workers = WORKERS_MAX + 1;
	expect_refusal(&config, "workers");
	config.workers = 0;
	expect_refusal(&config, "workers");
	door_destroy(NULL);
	for (unsigned i = 0; i < 20; i++)
		door_destroy(create(4, 2));
}

static int make_pool(void **state)
{
	pool = rte_pktmbuf_pool_create("packets", MBUFS, 0, 0, RTE_PKTMBUF_HEADROOM + 64, SOCKET_ID_ANY);
	return pool != NULL ? 0 : -1;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(updates_reach_every_socket_in_order_with_their_numbers),
		cmocka_unit_test(full_ring_of_one_socket_pushes_to_none),
		cmocka_unit_test(sequence_numbers_are_those_of_the_slowest_socket),
		cmocka_unit_test(failures_of_all_sockets_are_collected),
		cmocka_unit_test(punted_packets_come_fairly_from_all_workers),
		cmocka_unit_test(smallest_poll_serves_every_worker_in_turn),
		cmocka_unit_test(events_are_collected_from_all_workers),
		cmocka_unit_test(injected_packet_that_finds_no_room_stays_with_the_caller),
		cmocka_unit_test(destroy_frees_packets_that_nobody_took),
		cmocka_unit_test(worker_wakes_a_sleeping_control_core_once),
		cmocka_unit_test(awake_takes_back_a_wake_that_came_meanwhile),
		cmocka_unit_test(every_kind_of_input_keeps_control_awake),
		cmocka_unit_test(counters_are_summed_over_workers),
		cmocka_unit_test(no_cache_line_is_written_by_two_workers),
		cmocka_unit_test(counters_that_are_off_read_as_zero),
		cmocka_unit_test(two_doors_do_not_meet),
		cmocka_unit_test(what_cannot_be_had_is_told),
	};
	int failed;

	if (eal_start(argv[0]) != 0)
		return 1;
	failed = cmocka_run_group_tests(tests, make_pool, NULL);
	eal_stop();
	return failed;
}
