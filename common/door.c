/* SPDX-License-Identifier: BSD-3-Clause */
#include "door.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <rte_errno.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>
#include <rte_mbuf_dyn.h>
#include <rte_ring.h>
#include <rte_ring_elem.h>

int packet_meta_offset = -1;

#define DRAIN_BURST 32

static int membarrier(int command)
{
	return (int)syscall(__NR_membarrier, command, 0, 0);
}

static int door_register_meta(char *error, size_t error_size)
{
	const struct rte_mbuf_dynfield field = {
		.name = "packet_meta",
		.size = sizeof(struct packet_meta),
		.align = _Alignof(struct packet_meta),
	};

	packet_meta_offset = rte_mbuf_dynfield_register(&field);
	if (packet_meta_offset >= 0)
		return 0;
	snprintf(error, error_size, "no room for packet metadata in mbufs: %s", rte_strerror(rte_errno));
	return -1;
}

static int door_check_config(const struct door_config *config, char *error, size_t error_size)
{
	bool valid = config->workers >= 1 && config->workers <= WORKERS_MAX && config->sockets >= 1 &&
		     config->sockets <= SOCKETS_MAX;

	for (unsigned i = 0; valid && i < config->workers; i++)
		valid = config->socket_of[i] < config->sockets;
	if (!valid)
		snprintf(error, error_size, "%u workers on %u sockets cannot be", config->workers, config->sockets);
	return valid ? 0 : -1;
}

/* A single-producer single-consumer ring of @count elements of @bytes. */
static struct rte_ring *door_ring(unsigned door, const char *what, unsigned index, size_t bytes, unsigned count,
	int numa_node, char *error, size_t error_size)
{
	char name[RTE_RING_NAMESIZE];
	struct rte_ring *ring;

	snprintf(name, sizeof(name), "door%u_%s%u", door, what, index);
	if (count < 2 || !rte_is_power_of_2(count)) {
		snprintf(error, error_size, "ring %s of %u: has to be a power of two", name, count);
		return NULL;
	}
	ring = rte_ring_create_elem(name, (unsigned)bytes, count, numa_node, RING_F_SP_ENQ | RING_F_SC_DEQ);
	if (ring == NULL)
		snprintf(error, error_size, "ring %s of %u: %s", name, count, rte_strerror(rte_errno));
	return ring;
}

static void *door_array(const char *what, uint64_t count, size_t bytes, int numa_node, char *error, size_t error_size)
{
	void *array = rte_zmalloc_socket(what, count * bytes, RTE_CACHE_LINE_SIZE, numa_node);

	if (array == NULL)
		snprintf(error, error_size, "no memory for %s: %zu bytes", what, (size_t)(count * bytes));
	return array;
}

static int door_create_worker(struct door *door, unsigned number, unsigned index, char *error, size_t error_size)
{
	const struct door_config *config = &door->config;
	struct door_worker *worker = &door->worker[index];
	const int node = config->numa_node[config->socket_of[index]];
	const unsigned size = config->mbuf_ring_size;
	const size_t pointer = sizeof(struct rte_mbuf *),
		     per_object = sizeof(struct object_counter) * COUNTER_DIRECTIONS;

	worker->punt_signalling = door_ring(number, "signalling", index, pointer, size, node, error, error_size);
	if (worker->punt_signalling == NULL)
		return -1;
	worker->punt_other = door_ring(number, "punt", index, pointer, size, node, error, error_size);
	if (worker->punt_other == NULL)
		return -1;
	worker->inject = door_ring(number, "inject", index, pointer, size, node, error, error_size);
	if (worker->inject == NULL)
		return -1;
	worker->event = door_ring(
		number, "event", index, sizeof(struct door_event), config->event_ring_size, node, error, error_size);
	if (worker->event == NULL)
		return -1;
	worker->stats = door_array("worker counters", 1, sizeof(*worker->stats), node, error, error_size);
	if (worker->stats == NULL)
		return -1;
	if (config->node_counters && config->nodes_max != 0) {
		worker->objects.nodes =
			door_array("node counters", config->nodes_max, per_object, node, error, error_size);
		if (worker->objects.nodes == NULL)
			return -1;
	}
	if (config->tunnel_counters && config->tunnels_max != 0) {
		worker->objects.tunnels =
			door_array("tunnel counters", config->tunnels_max, per_object, node, error, error_size);
		if (worker->objects.tunnels == NULL)
			return -1;
	}
	if (config->pair_counters && config->pairs_max != 0) {
		worker->objects.pairs =
			door_array("pair counters", config->pairs_max, per_object, node, error, error_size);
		if (worker->objects.pairs == NULL)
			return -1;
	}
	return 0;
}

static int door_create_socket(struct door *door, unsigned number, unsigned index, char *error, size_t error_size)
{
	const struct door_config *config = &door->config;
	struct door_socket *socket = &door->socket[index];
	const int node = config->numa_node[index];

	socket->update = door_ring(
		number, "update", index, sizeof(struct fwd_update), config->update_ring_size, node, error, error_size);
	if (socket->update == NULL)
		return -1;
	/* As large as the update ring: control that drains it as often as it fills that one never stops the owner. */
	socket->failure = door_ring(number, "failure", index, sizeof(struct door_failure), config->update_ring_size,
		node, error, error_size);
	return socket->failure != NULL ? 0 : -1;
}

static int door_create_parts(struct door *door, unsigned number, char *error, size_t error_size)
{
	const struct door_config *config = &door->config;

	if (config->descriptors != 0) {
		door->descriptors = door_array("tunnel templates", config->descriptors, sizeof(*door->descriptors),
			SOCKET_ID_ANY, error, error_size);
		if (door->descriptors == NULL)
			return -1;
	}
	for (unsigned i = 0; i < config->sockets; i++) {
		if (door_create_socket(door, number, i, error, error_size) != 0)
			return -1;
	}
	for (unsigned i = 0; i < config->workers; i++) {
		if (door_create_worker(door, number, i, error, error_size) != 0)
			return -1;
	}
	return 0;
}

struct door *door_create(const struct door_config *config, char *error, size_t error_size)
{
	static unsigned number; /* doors have to differ in the names of their rings */
	struct door *door;

	if (door_check_config(config, error, error_size) != 0 || door_register_meta(error, error_size) != 0)
		return NULL;
	door = door_array("door", 1, sizeof(*door), SOCKET_ID_ANY, error, error_size);
	if (door == NULL)
		return NULL;
	door->config = *config;
	door->next_seq = 1;
	door->fence_in_worker = membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) != 0;
	door->eventfd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (door->eventfd < 0) {
		snprintf(error, error_size, "eventfd: %s", strerror(errno));
		goto destroy;
	}
	if (door_create_parts(door, number++, error, error_size) != 0)
		goto destroy;
	return door;

destroy:
	door_destroy(door);
	return NULL;
}

static void door_free_mbuf_ring(struct rte_ring *ring)
{
	struct rte_mbuf *mbufs[DRAIN_BURST];
	unsigned n;

	if (ring == NULL)
		return;
	while ((n = rte_ring_dequeue_burst(ring, (void **)mbufs, DRAIN_BURST, NULL)) != 0)
		rte_pktmbuf_free_bulk(mbufs, n);
	rte_ring_free(ring);
}

void door_destroy(struct door *door)
{
	if (door == NULL)
		return;
	for (unsigned i = 0; i < door->config.workers; i++) {
		struct door_worker *worker = &door->worker[i];

		door_free_mbuf_ring(worker->punt_signalling);
		door_free_mbuf_ring(worker->punt_other);
		door_free_mbuf_ring(worker->inject);
		rte_ring_free(worker->event);
		rte_free(worker->objects.pairs);
		rte_free(worker->objects.tunnels);
		rte_free(worker->objects.nodes);
		rte_free(worker->stats);
	}
	for (unsigned i = 0; i < door->config.sockets; i++) {
		rte_ring_free(door->socket[i].failure);
		rte_ring_free(door->socket[i].update);
	}
	rte_free(door->descriptors);
	if (door->eventfd >= 0)
		close(door->eventfd);
	rte_free(door);
}

unsigned door_update_room(const struct door *door)
{
	unsigned room = UINT32_MAX;

	for (unsigned i = 0; i < door->config.sockets; i++) {
		unsigned free = rte_ring_free_count(door->socket[i].update);

		room = free < room ? free : room;
	}
	return room;
}

uint64_t door_update_push(struct door *door, const struct fwd_update *update)
{
	struct fwd_update numbered = *update;

	if (door_update_room(door) == 0)
		return 0;
	numbered.seq = door->next_seq++;
	for (unsigned i = 0; i < door->config.sockets; i++) {
		numbered.socket = (uint16_t)i;
		/* Cannot fail: control is the only producer, and saw room in every ring. */
		(void)rte_ring_enqueue_elem(door->socket[i].update, &numbered, sizeof(numbered));
	}
	return numbered.seq;
}

uint64_t door_applied(const struct door *door)
{
	uint64_t least = UINT64_MAX;

	for (unsigned i = 0; i < door->config.sockets; i++) {
		uint64_t seq = atomic_load_explicit(&door->socket[i].applied_seq, memory_order_acquire);

		least = seq < least ? seq : least;
	}
	return least;
}

uint64_t door_reclaimed(const struct door *door)
{
	uint64_t least = UINT64_MAX;

	for (unsigned i = 0; i < door->config.sockets; i++) {
		uint64_t seq = atomic_load_explicit(&door->socket[i].reclaimed_seq, memory_order_acquire);

		least = seq < least ? seq : least;
	}
	return least;
}

unsigned door_failure_poll(struct door *door, struct door_failure *failures, unsigned n)
{
	unsigned got = 0;

	for (unsigned i = 0; i < door->config.sockets; i++)
		got += rte_ring_dequeue_burst_elem(
			door->socket[i].failure, &failures[got], sizeof(*failures), n - got, NULL);
	return got;
}

static struct rte_ring *door_punt_ring(const struct door_worker *worker, bool signalling)
{
	return signalling ? worker->punt_signalling : worker->punt_other;
}

/*
 * Fairness: each worker in turn gives at most its share of what is wanted; a second round takes what others left. The
 * next call starts with the next worker.
 */
static unsigned door_share(const struct door *door, unsigned n)
{
	return (n + door->config.workers - 1) / door->config.workers;
}

static unsigned door_next_worker(const struct door *door, unsigned i)
{
	return (door->poll_from + i) % door->config.workers;
}

unsigned door_punt_poll(struct door *door, bool signalling, struct rte_mbuf **mbufs, unsigned n)
{
	const unsigned rounds = 2 * door->config.workers, share = door_share(door, n);
	unsigned got = 0;

	for (unsigned i = 0; i < rounds && got < n; i++) {
		struct rte_ring *ring = door_punt_ring(&door->worker[door_next_worker(door, i)], signalling);
		unsigned want = i < door->config.workers && share < n - got ? share : n - got;

		got += rte_ring_dequeue_burst(ring, (void **)&mbufs[got], want, NULL);
	}
	door->poll_from = door_next_worker(door, 1);
	return got;
}

unsigned door_event_poll(struct door *door, struct door_event *events, unsigned n)
{
	const unsigned rounds = 2 * door->config.workers, share = door_share(door, n);
	unsigned got = 0;

	for (unsigned i = 0; i < rounds && got < n; i++) {
		struct rte_ring *ring = door->worker[door_next_worker(door, i)].event;
		unsigned want = i < door->config.workers && share < n - got ? share : n - got;

		got += rte_ring_dequeue_burst_elem(ring, &events[got], sizeof(*events), want, NULL);
	}
	door->poll_from = door_next_worker(door, 1);
	return got;
}

int door_inject(struct door *door, unsigned worker, struct rte_mbuf *mbuf)
{
	return rte_ring_enqueue(door->worker[worker].inject, mbuf) == 0 ? 0 : -ENOBUFS;
}

static bool door_has_input(const struct door *door)
{
	for (unsigned i = 0; i < door->config.sockets; i++) {
		if (!rte_ring_empty(door->socket[i].failure))
			return true;
	}
	for (unsigned i = 0; i < door->config.workers; i++) {
		const struct door_worker *worker = &door->worker[i];

		if (!rte_ring_empty(worker->punt_signalling) || !rte_ring_empty(worker->punt_other) ||
			!rte_ring_empty(worker->event))
			return true;
	}
	return false;
}

/*
 * A worker pushes, then reads control_sleeps; control writes control_sleeps, then looks whether something was pushed.
 * One of them has to see the other, which takes a full barrier on both sides. Control pays for both: membarrier() puts
 * one into every running thread of the process, so that a worker's wake is a plain load.
 */
bool door_control_sleep(struct door *door)
{
	atomic_store_explicit(&door->control_sleeps, 1, memory_order_seq_cst);
	if (!door->fence_in_worker)
		(void)membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED); /* registered: cannot fail */
	atomic_thread_fence(memory_order_seq_cst);
	if (!door_has_input(door))
		return true;
	atomic_store_explicit(&door->control_sleeps, 0, memory_order_relaxed);
	return false;
}

void door_control_awake(struct door *door)
{
	uint64_t wakes;

	atomic_store_explicit(&door->control_sleeps, 0, memory_order_relaxed);
	(void)!read(door->eventfd, &wakes, sizeof(wakes)); /* EAGAIN: something else ended the sleep */
}

void door_control_wake(struct door *door)
{
	const uint64_t one = 1;

	if (door->fence_in_worker)
		atomic_thread_fence(memory_order_seq_cst);
	atomic_signal_fence(memory_order_seq_cst);
	if (atomic_load_explicit(&door->control_sleeps, memory_order_relaxed) == 0)
		return;
	if (atomic_exchange_explicit(&door->control_sleeps, 0, memory_order_acq_rel) != 0)
		(void)!write(door->eventfd, &one, sizeof(one)); /* EAGAIN: awake already */
}

void door_stats(const struct door *door, struct worker_stats *stats)
{
	memset(stats, 0, sizeof(*stats));
	for (unsigned i = 0; i < door->config.workers; i++)
		worker_stats_sum(stats, door->worker[i].stats);
}

static void object_counter_add(struct object_counter *sum, const struct object_counter *counters, uint32_t index,
	enum counter_direction direction)
{
	const struct object_counter *counter = &counters[(uint64_t)index * COUNTER_DIRECTIONS + direction];

	sum->packets += counter_read(&counter->packets);
	sum->bytes += counter_read(&counter->bytes);
}

void door_node_counter(
	const struct door *door, uint32_t node, enum counter_direction direction, struct object_counter *sum)
{
	*sum = (struct object_counter){0};
	for (unsigned i = 0; i < door->config.workers && node < door->config.nodes_max; i++) {
		if (door->worker[i].objects.nodes != NULL)
			object_counter_add(sum, door->worker[i].objects.nodes, node, direction);
	}
}

void door_tunnel_counter(
	const struct door *door, uint32_t tunnel, enum counter_direction direction, struct object_counter *sum)
{
	*sum = (struct object_counter){0};
	for (unsigned i = 0; i < door->config.workers && tunnel < door->config.tunnels_max; i++) {
		if (door->worker[i].objects.tunnels != NULL)
			object_counter_add(sum, door->worker[i].objects.tunnels, tunnel, direction);
	}
}

void door_pair_counter(
	const struct door *door, uint32_t pair, enum counter_direction direction, struct object_counter *sum)
{
	*sum = (struct object_counter){0};
	for (unsigned i = 0; i < door->config.workers && pair < door->config.pairs_max; i++) {
		if (door->worker[i].objects.pairs != NULL)
			object_counter_add(sum, door->worker[i].objects.pairs, pair, direction);
	}
}
