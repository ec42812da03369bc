/* SPDX-License-Identifier: BSD-3-Clause */
#include "transactions.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "log.h"

#define FAILURES_PER_POLL 64
#define SCRATCH_START     4096

#define TUNNEL_USABLE 0 /* or not in use */
#define TUNNEL_WAITS  1 /* for its next hop */

enum item_kind { ITEM_UPDATE, ITEM_DATAGRAM, ITEM_FRAME, ITEM_RELEASE };

/* Items lie behind each other in the buffer of a transaction: header, then the value, then the bytes of a message. */
struct item {
	uint16_t kind;
	uint16_t size; /* with this header, a multiple of 8 */
};

struct release {
	struct item item;
	enum index_space space;
	uint32_t index;
};

struct update_item {
	struct item item;
	uint32_t reserved;
	struct fwd_update update;
};

struct datagram_item {
	struct item item;
	uint32_t tunnel; /* it goes into; INDEX_NONE: none */
	struct mh_datagram datagram;
	uint8_t bytes[];
};

struct frame_item {
	struct item item;
	uint32_t reserved;
	struct access_frame frame;
	uint8_t bytes[];
};

struct transaction {
	STAILQ_ENTRY(transaction) next;
	struct engine *engine;
	uint64_t cookie;
	uint64_t first_seq, last_seq; /* 0: none pushed */
	int error;
	uint8_t flags;
	bool finished; /* messages sent, done called: only indexes wait */
	bool releases;
	uint32_t pushed; /* offset of the first item that is not pushed yet */
	uint32_t size;
	uint8_t items[] __attribute__((aligned(8)));
};

STAILQ_HEAD(transaction_list, transaction);

/* Open transaction of one engine. */
struct engine {
	struct engine_host host;
	struct transactions *transactions;
	void (*done)(void *context, uint64_t cookie, int error);
	void *context;
	uint8_t *scratch;
	uint32_t used, room;
	bool lost; /* no memory for an item: the transaction fails as a whole */
	bool has_updates;
	SLIST_ENTRY(engine) next;
};

struct index_space_state {
	uint32_t *free; /* stack */
	uint32_t *generation;
	uint32_t free_count, size;
};

struct transactions {
	struct transactions_config config;
	struct transactions_door door;
	struct transactions_host host;
	void *door_context, *host_context;
	struct index_space_state spaces[INDEX_SPACE_COUNT];
	int *tunnel_state; /* by tunnel index: TUNNEL_USABLE, TUNNEL_WAITS, or the negative errno that its next hop
			      failed with */
	SLIST_HEAD(engine_list, engine) engines;
	struct transaction_list to_push;  /* not fully pushed, in order */
	struct transaction_list to_apply; /* pushed, in order of their last sequence numbers */
	struct transaction_list to_resolve;
	struct transaction_list to_reclaim; /* in order */
	uint64_t last_pushed;               /* sequence number */
	uint64_t applied;
	bool tunnels_changed;
	struct transactions_stats stats;
};

static const struct engine_host_ops engine_ops;

static int space_create(struct index_space_state *space, uint32_t size)
{
	space->free = calloc(size ? size : 1, sizeof(*space->free));
	space->generation = calloc(size ? size : 1, sizeof(*space->generation));
	if (space->free == NULL || space->generation == NULL)
		return -ENOMEM;
	space->size = size;
	space->free_count = size;
	for (uint32_t i = 0; i < size; i++)
		space->free[i] = size - 1 - i; /* 0 comes out first */
	return 0;
}

struct transactions *transactions_create(const struct transactions_config *config, const struct transactions_door *door,
	void *door_context, const struct transactions_host *host, void *host_context)
{
	struct transactions *t = calloc(1, sizeof(*t));
	int result = 0;

	if (t == NULL)
		return NULL;
	t->config = *config;
	t->door = *door;
	t->host = *host;
	t->door_context = door_context;
	t->host_context = host_context;
	SLIST_INIT(&t->engines);
	STAILQ_INIT(&t->to_push);
	STAILQ_INIT(&t->to_apply);
	STAILQ_INIT(&t->to_resolve);
	STAILQ_INIT(&t->to_reclaim);
	for (unsigned i = 0; i < INDEX_SPACE_COUNT; i++)
		result |= space_create(&t->spaces[i], config->indexes[i]);
	t->tunnel_state = calloc(config->indexes[INDEX_TUNNEL] + 1, sizeof(*t->tunnel_state));
	if (result != 0 || t->tunnel_state == NULL) {
		transactions_destroy(t);
		return NULL;
	}
	return t;
}

static void list_free(struct transaction_list *list)
{
	struct transaction *transaction;

	while ((transaction = STAILQ_FIRST(list)) != NULL) {
		STAILQ_REMOVE_HEAD(list, next);
		free(transaction);
	}
}

void transactions_destroy(struct transactions *t)
{
	struct engine *engine;

	if (t == NULL)
		return;
	list_free(&t->to_push);
	list_free(&t->to_apply);
	list_free(&t->to_resolve);
	list_free(&t->to_reclaim);
	while ((engine = SLIST_FIRST(&t->engines)) != NULL) {
		SLIST_REMOVE_HEAD(&t->engines, next);
		free(engine->scratch);
		free(engine);
	}
	for (unsigned i = 0; i < INDEX_SPACE_COUNT; i++) {
		free(t->spaces[i].free);
		free(t->spaces[i].generation);
	}
	free(t->tunnel_state);
	free(t);
}

struct engine_host *transactions_engine(
	struct transactions *t, void (*done)(void *context, uint64_t cookie, int error), void *context)
{
	struct engine *engine = calloc(1, sizeof(*engine));

	if (engine == NULL)
		return NULL;
	engine->scratch = malloc(SCRATCH_START);
	if (engine->scratch == NULL) {
		free(engine);
		return NULL;
	}
	engine->room = SCRATCH_START;
	engine->host.ops = &engine_ops;
	engine->transactions = t;
	engine->done = done;
	engine->context = context;
	SLIST_INSERT_HEAD(&t->engines, engine, next);
	return &engine->host;
}

/* ---- what an engine calls ---- */

static struct engine *engine_of(struct engine_host *host)
{
	return (struct engine *)host;
}

/* Room for one item of @size octets in the open transaction; NULL without memory. */
static void *append(struct engine *engine, enum item_kind kind, size_t size)
{
	size_t padded = (size + 7) & ~(size_t)7;
	struct item *item;

	if (engine->used + padded > engine->room) {
		size_t room = (size_t)engine->room * 2 + padded;
		uint8_t *larger = room <= UINT32_MAX ? realloc(engine->scratch, room) : NULL;

		if (larger == NULL) {
			engine->lost = true;
			return NULL;
		}
		engine->scratch = larger;
		engine->room = (uint32_t)room;
	}
	item = (struct item *)(engine->scratch + engine->used);
	memset(item, 0, padded);
	item->kind = (uint16_t)kind;
	item->size = (uint16_t)padded;
	engine->used += (uint32_t)padded;
	return item;
}

static uint32_t host_index_allocate(struct engine_host *host, enum index_space space)
{
	struct transactions *t = engine_of(host)->transactions;
	struct index_space_state *state = &t->spaces[space];
	uint32_t index;

	if (state->free_count == 0)
		return INDEX_NONE;
	index = state->free[--state->free_count];
	state->generation[index]++;
	t->stats.indexes_used[space]++;
	t->host.index_allocated(t->host_context, space, index);
	return index;
}

static void host_index_release(struct engine_host *host, enum index_space space, uint32_t index)
{
	struct release *release = append(engine_of(host), ITEM_RELEASE, sizeof(*release));

	assert(index < engine_of(host)->transactions->spaces[space].size);
	if (release != NULL) {
		release->space = space;
		release->index = index;
	}
}

static uint32_t host_index_generation(struct engine_host *host, enum index_space space, uint32_t index)
{
	return engine_of(host)->transactions->spaces[space].generation[index];
}

static void host_update(struct engine_host *host, const struct fwd_update *update)
{
	struct update_item *item = append(engine_of(host), ITEM_UPDATE, sizeof(*item));

	if (item == NULL)
		return;
	item->update = *update;
	engine_of(host)->has_updates = true;
}

static void host_send_inner(struct engine_host *host, uint32_t tunnel, const struct mh_datagram *datagram)
{
	struct datagram_item *item = append(engine_of(host), ITEM_DATAGRAM, sizeof(*item) + datagram->length);

	if (item == NULL)
		return;
	item->tunnel = tunnel;
	item->datagram = *datagram;
	memcpy(item->bytes, datagram->bytes, datagram->length);
}

static void host_send(struct engine_host *host, const struct mh_datagram *datagram)
{
	host_send_inner(host, INDEX_NONE, datagram);
}

static void host_send_frame(struct engine_host *host, const struct access_frame *frame)
{
	struct frame_item *item = append(engine_of(host), ITEM_FRAME, sizeof(*item) + frame->length);

	if (item == NULL)
		return;
	item->frame = *frame;
	memcpy(item->bytes, frame->bytes, frame->length);
}

static bool host_busy(struct engine_host *host)
{
	struct transactions *t = engine_of(host)->transactions;

	return t->stats.pending >= t->config.high_water;
}

static uint64_t host_random(struct engine_host *host)
{
	struct transactions *t = engine_of(host)->transactions;

	return t->host.random(t->host_context);
}

/* ---- walking the items of a transaction ---- */

static void send_messages(struct transactions *t, uint8_t *items, uint32_t size)
{
	for (uint32_t at = 0; at < size; at += ((struct item *)(items + at))->size) {
		struct item *item = (struct item *)(items + at);

		if (item->kind == ITEM_DATAGRAM) {
			struct datagram_item *message = (struct datagram_item *)item;

			message->datagram.bytes = message->bytes;
			if (message->tunnel == INDEX_NONE)
				t->host.send(t->host_context, &message->datagram);
			else
				t->host.send_inner(t->host_context, message->tunnel, &message->datagram);
		} else if (item->kind == ITEM_FRAME) {
			struct frame_item *message = (struct frame_item *)item;

			message->frame.bytes = message->bytes;
			t->host.send_frame(t->host_context, &message->frame);
		}
	}
}

static void release_indexes(struct transactions *t, uint8_t *items, uint32_t size)
{
	for (uint32_t at = 0; at < size; at += ((struct item *)(items + at))->size) {
		struct release *release = (struct release *)(items + at);
		struct index_space_state *space;

		if (release->item.kind != ITEM_RELEASE)
			continue;
		space = &t->spaces[release->space];
		assert(space->free_count < space->size);
		space->free[space->free_count++] = release->index;
		t->stats.indexes_used[release->space]--;
	}
}

/* The tunnel that an item needs, or INDEX_NONE. */
static uint32_t tunnel_of(const struct transactions *t, const struct update_item *item)
{
	uint32_t tunnel = INDEX_NONE;

	if (item->item.kind != ITEM_UPDATE)
		return INDEX_NONE;
	if (item->update.op == FWD_OP_tunnel_insert)
		tunnel = item->update.index;
	else if (item->update.op == FWD_OP_endpoint_insert || item->update.op == FWD_OP_endpoint_replace)
		tunnel = item->update.body.endpoint.forward.tunnel;
	else if (item->update.op == FWD_OP_pair_insert || item->update.op == FWD_OP_pair_replace)
		tunnel = item->update.body.pair.forward.tunnel;
	return tunnel < t->config.indexes[INDEX_TUNNEL] ? tunnel : INDEX_NONE;
}

/* The first tunnel that the transaction needs and that is not usable, or INDEX_NONE. */
static uint32_t unusable_tunnel(const struct transactions *t, const struct transaction *transaction)
{
	for (uint32_t at = 0; at < transaction->size;) {
		const struct update_item *item = (const struct update_item *)(transaction->items + at);
		uint32_t tunnel = tunnel_of(t, item);

		at += item->item.size;
		if (tunnel != INDEX_NONE && t->tunnel_state[tunnel] != TUNNEL_USABLE)
			return tunnel;
	}
	return INDEX_NONE;
}

static bool needs_tunnel(const struct transactions *t, const struct transaction *transaction, uint32_t tunnel)
{
	for (uint32_t at = 0; at < transaction->size;) {
		const struct update_item *item = (const struct update_item *)(transaction->items + at);

		if (tunnel_of(t, item) == tunnel)
			return true;
		at += item->item.size;
	}
	return false;
}

/* ---- progress ---- */

static void finish(struct transactions *t, struct transaction *transaction)
{
	if (transaction->finished)
		return;
	transaction->finished = true;
	t->stats.pending--;
	if (transaction->error == 0)
		send_messages(t, transaction->items, transaction->size);
	else
		t->stats.failed++;
	if (transaction->cookie != 0)
		transaction->engine->done(transaction->engine->context, transaction->cookie, transaction->error);
}

static void apply_done(struct transactions *t, struct transaction *transaction)
{
	uint32_t tunnel = transaction->error == 0 ? unusable_tunnel(t, transaction) : INDEX_NONE;

	if (tunnel != INDEX_NONE && t->tunnel_state[tunnel] == TUNNEL_WAITS) {
		STAILQ_INSERT_TAIL(&t->to_resolve, transaction, next);
		t->stats.waiting_for_tunnel++;
		return;
	}
	if (tunnel != INDEX_NONE)
		transaction->error = t->tunnel_state[tunnel];
	if (transaction->error != 0 || !(transaction->flags & COMMIT_AFTER_RECLAIM))
		finish(t, transaction);
	if (!transaction->finished || transaction->releases)
		STAILQ_INSERT_TAIL(&t->to_reclaim, transaction, next);
	else
		free(transaction);
}

/* Gives the tunnel its template if the next hop is known; if not, what needs the tunnel waits, or fails. */
static void insert_tunnel(struct transactions *t, struct transaction *transaction, struct fwd_update *update)
{
	int result = t->host.tunnel_insert(t->host_context, update);

	t->tunnel_state[update->index] = result == 1 ? TUNNEL_USABLE : result < 0 ? result : TUNNEL_WAITS;
	if (result < 0 && transaction->error == 0)
		transaction->error = result;
}

/* What still waits for the tunnel will not get it any more. */
static void fail_users(struct transactions *t, struct transaction_list *list, uint32_t tunnel, int error)
{
	struct transaction *transaction;

	STAILQ_FOREACH(transaction, list, next)
	if (transaction->error == 0 && needs_tunnel(t, transaction, tunnel))
		transaction->error = error;
}

static void remove_tunnel(struct transactions *t, uint32_t tunnel)
{
	int state = t->tunnel_state[tunnel];

	if (state != TUNNEL_USABLE) {
		fail_users(t, &t->to_resolve, tunnel, state < 0 ? state : -ENOENT);
		fail_users(t, &t->to_apply, tunnel, state < 0 ? state : -ENOENT);
		t->tunnels_changed = true;
	}
	t->tunnel_state[tunnel] = TUNNEL_USABLE;
	t->host.tunnel_remove(t->host_context, tunnel);
}

/* Push the updates of a transaction as far as there is room; true if all are pushed. */
static bool push_updates(struct transactions *t, struct transaction *transaction)
{
	while (transaction->pushed < transaction->size) {
		struct update_item *item = (struct update_item *)(transaction->items + transaction->pushed);
		uint64_t seq;

		if (item->item.kind == ITEM_UPDATE) {
			struct fwd_update update = item->update;

			if (update.op == FWD_OP_tunnel_insert)
				insert_tunnel(t, transaction, &update);
			seq = t->door.push(t->door_context, &update);
			if (seq == 0) {
				if (update.op == FWD_OP_tunnel_insert) {
					t->tunnel_state[update.index] = TUNNEL_USABLE;
					t->host.tunnel_remove(t->host_context, update.index);
				}
				return false;
			}
			if (update.op == FWD_OP_tunnel_remove)
				remove_tunnel(t, update.index);
			if (transaction->first_seq == 0)
				transaction->first_seq = seq;
			transaction->last_seq = seq;
			t->last_pushed = seq;
			t->stats.updates++;
		}
		transaction->pushed += item->item.size;
	}
	if (transaction->last_seq == 0 && transaction->releases)
		transaction->last_seq = t->last_pushed; /* what used the index may have been removed before */
	return true;
}

static void push_waiting(struct transactions *t)
{
	struct transaction *transaction;

	while ((transaction = STAILQ_FIRST(&t->to_push)) != NULL && push_updates(t, transaction)) {
		STAILQ_REMOVE_HEAD(&t->to_push, next);
		STAILQ_INSERT_TAIL(&t->to_apply, transaction, next);
	}
}

static void host_commit(struct engine_host *host, uint64_t cookie, unsigned flags)
{
	struct engine *engine = engine_of(host);
	struct transactions *t = engine->transactions;
	struct transaction *transaction;
	bool releases = false;

	t->stats.committed++;
	for (uint32_t at = 0; at < engine->used; at += ((struct item *)(engine->scratch + at))->size)
		releases |= ((struct item *)(engine->scratch + at))->kind == ITEM_RELEASE;
	if (!engine->has_updates && !releases && cookie == 0 && !engine->lost) {
		send_messages(t, engine->scratch, engine->used); /* nothing to wait for */
		engine->used = 0;
		return;
	}
	transaction = malloc(sizeof(*transaction) + engine->used);
	if (transaction == NULL || engine->lost) {
		log_error("transaction_lost", "cause=memory action=\"give the machine more memory\"");
		abort(); /* forwarding and signalling would part for good */
	}
	memset(transaction, 0, sizeof(*transaction));
	memcpy(transaction->items, engine->scratch, engine->used);
	transaction->size = engine->used;
	transaction->engine = engine;
	transaction->cookie = cookie;
	transaction->flags = (uint8_t)flags;
	transaction->releases = releases;
	engine->used = 0;
	engine->has_updates = false;
	t->stats.pending++;
	STAILQ_INSERT_TAIL(&t->to_push, transaction, next);
	push_waiting(t);
}

static void host_event(
	struct engine_host *host, const struct engine_time *now, const struct mn_id *id, uint8_t event, uint8_t value)
{
	struct transactions *t = engine_of(host)->transactions;

	if (t->host.event != NULL)
		t->host.event(t->host_context, now, id, event, value);
}

static const struct engine_host_ops engine_ops = {
	.event = host_event,
	.index_allocate = host_index_allocate,
	.index_release = host_index_release,
	.index_generation = host_index_generation,
	.update = host_update,
	.send = host_send,
	.send_frame = host_send_frame,
	.send_inner = host_send_inner,
	.commit = host_commit,
	.busy = host_busy,
	.random = host_random,
};

bool transactions_push(struct transactions *t, const struct fwd_update *update)
{
	uint64_t seq = STAILQ_EMPTY(&t->to_push) ? t->door.push(t->door_context, update) : 0;

	if (seq == 0)
		return false;
	t->last_pushed = seq;
	t->stats.updates++;
	return true;
}

void transactions_tunnel_resolved(struct transactions *t, uint32_t tunnel, int error)
{
	if (tunnel >= t->config.indexes[INDEX_TUNNEL])
		return;
	t->tunnel_state[tunnel] = error < 0 ? error : TUNNEL_USABLE;
	t->tunnels_changed = true;
}

/* Is @seq one of the updates that the transaction has pushed until now? */
static bool has_pushed(const struct transaction *transaction, uint64_t seq)
{
	return transaction->first_seq != 0 && seq >= transaction->first_seq && seq <= transaction->last_seq;
}

/* Only the first transaction that is still to push may have updates in the ring. */
static struct transaction *transaction_of(struct transactions *t, uint64_t seq)
{
	struct transaction *transaction = STAILQ_FIRST(&t->to_push);

	if (transaction != NULL && has_pushed(transaction, seq))
		return transaction;
	STAILQ_FOREACH(transaction, &t->to_apply, next)
	if (has_pushed(transaction, seq))
		return transaction;
	return NULL;
}

static void note_failure(struct transactions *t, const struct door_failure *failure)
{
	struct transaction *transaction = transaction_of(t, failure->seq);

	t->stats.updates_refused++;
	if (transaction != NULL) {
		if (transaction->error == 0)
			transaction->error = failure->error;
		return;
	}
	log_warning(
		"update_refused", "op=%s error=%s", fwd_op_name((enum fwd_op)failure->op), strerror(-failure->error));
}

static void collect_failures(struct transactions *t)
{
	struct door_failure failures[FAILURES_PER_POLL];
	unsigned n;

	do {
		n = t->door.failures(t->door_context, failures, FAILURES_PER_POLL);
		for (unsigned i = 0; i < n; i++)
			note_failure(t, &failures[i]);
	} while (n == FAILURES_PER_POLL);
}

static void collect_applied(struct transactions *t)
{
	struct transaction *transaction;

	while ((transaction = STAILQ_FIRST(&t->to_apply)) != NULL && transaction->last_seq <= t->applied) {
		STAILQ_REMOVE_HEAD(&t->to_apply, next);
		apply_done(t, transaction);
	}
}

static void collect_resolved(struct transactions *t)
{
	struct transaction_list waiting = STAILQ_HEAD_INITIALIZER(waiting);
	struct transaction *transaction;

	if (!t->tunnels_changed)
		return;
	t->tunnels_changed = false;
	STAILQ_CONCAT(&waiting, &t->to_resolve);
	t->stats.waiting_for_tunnel = 0;
	while ((transaction = STAILQ_FIRST(&waiting)) != NULL) {
		STAILQ_REMOVE_HEAD(&waiting, next);
		apply_done(t, transaction);
	}
}

static void collect_reclaimed(struct transactions *t)
{
	uint64_t reclaimed;
	struct transaction *transaction;

	if (STAILQ_EMPTY(&t->to_reclaim))
		return;
	reclaimed = t->door.reclaimed(t->door_context);
	while ((transaction = STAILQ_FIRST(&t->to_reclaim)) != NULL && transaction->last_seq <= reclaimed) {
		STAILQ_REMOVE_HEAD(&t->to_reclaim, next);
		release_indexes(t, transaction->items, transaction->size);
		finish(t, transaction);
		free(transaction);
	}
}

bool transactions_waiting(const struct transactions *t)
{
	return t->tunnels_changed || !STAILQ_EMPTY(&t->to_push) || !STAILQ_EMPTY(&t->to_apply) ||
	       !STAILQ_EMPTY(&t->to_reclaim);
}

bool transactions_poll(struct transactions *t)
{
	push_waiting(t);
	t->applied = t->door.applied(t->door_context); /* before the failures, so that none is missed */
	collect_failures(t);
	collect_applied(t);
	collect_resolved(t);
	collect_reclaimed(t);
	return transactions_waiting(t);
}

void transactions_stats(const struct transactions *t, struct transactions_stats *stats)
{
	*stats = t->stats;
}

uint64_t transactions_pushed(const struct transactions *t)
{
	return t->last_pushed;
}
