/* SPDX-License-Identifier: BSD-3-Clause */
#include "fake_host.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "endpoint.h"
#include "unit.h"

/* One more element at the end of an array of @count; returns it zeroed. */
#define APPEND(array, count) (append((void **)&(array), &(count), sizeof(*(array))), &(array)[(count)-1])

static void append(void **array, unsigned *count, size_t size)
{
	if ((*count & (*count - 1)) == 0) { /* full: it doubles */
		void *grown = reallocarray(*array, *count > 0 ? *count * 2 : 1, size);

		assert_non_null(grown);
		*array = grown;
	}
	memset((char *)*array + *count * size, 0, size);
	(*count)++;
}

static uint8_t *copy_of(const uint8_t *bytes, uint16_t length)
{
	uint8_t *copy = malloc(length > 0 ? length : 1);

	assert_non_null(copy);
	memcpy(copy, bytes, length);
	return copy;
}

static struct fake_host *fake_of(struct engine_host *host)
{
	return (struct fake_host *)host; /* its first member */
}

static struct fake_transaction *open_of(struct fake_host *fake)
{
	if (fake->open == NULL)
		fake->open = calloc(1, sizeof(*fake->open));
	assert_non_null(fake->open);
	return fake->open;
}

static uint32_t on_index_allocate(struct engine_host *host, enum index_space space)
{
	struct fake_host *fake = fake_of(host);

	for (uint32_t i = 0; i < fake->index_limit[space]; i++) {
		if (fake->index_state[space][i] == FAKE_INDEX_FREE) {
			fake->index_state[space][i] = FAKE_INDEX_TAKEN;
			fake->index_generation[space][i]++;
			return i;
		}
	}
	return INDEX_NONE;
}

static void on_index_release(struct engine_host *host, enum index_space space, uint32_t index)
{
	struct fake_host *fake = fake_of(host);
	struct fake_transaction *open = open_of(fake);

	assert_true(index < FAKE_INDEXES);
	assert_int_equal(fake->index_state[space][index], FAKE_INDEX_TAKEN);
	fake->index_state[space][index] = FAKE_INDEX_RELEASED;
	*APPEND(open->released[space], open->released_count[space]) = index;
}

static uint32_t on_index_generation(struct engine_host *host, enum index_space space, uint32_t index)
{
	return fake_of(host)->index_generation[space][index];
}

static void on_update(struct engine_host *host, const struct fwd_update *update)
{
	struct fake_transaction *open = open_of(fake_of(host));

	assert_int_equal(open->message_count, 0); /* updates first, then messages */
	assert_int_equal(open->frame_count, 0);
	*APPEND(open->updates, open->update_count) = *update;
}

static void on_send_inner(struct engine_host *host, uint32_t tunnel, const struct mh_datagram *datagram)
{
	struct fake_transaction *open = open_of(fake_of(host));

	assert_true(datagram->length >= 8 && datagram->length % 8 == 0);
	*APPEND(open->messages, open->message_count) = (struct fake_message){.tunnel = tunnel,
		.source = datagram->source,
		.destination = datagram->destination,
		.bytes = copy_of(datagram->bytes, datagram->length),
		.length = datagram->length};
}

static void on_send(struct engine_host *host, const struct mh_datagram *datagram)
{
	on_send_inner(host, INDEX_NONE, datagram);
}

static void on_send_frame(struct engine_host *host, const struct access_frame *frame)
{
	struct fake_transaction *open = open_of(fake_of(host));
	struct fake_frame *copy = APPEND(open->frames, open->frame_count);

	copy->link = frame->link;
	memcpy(copy->mac, frame->mac, sizeof(copy->mac));
	copy->bytes = copy_of(frame->bytes, frame->length);
	copy->length = frame->length;
}

static void on_commit(struct engine_host *host, uint64_t cookie, unsigned flags)
{
	struct fake_host *fake = fake_of(host);
	struct fake_transaction *open = open_of(fake);

	open->cookie = cookie;
	open->flags = flags;
	*fake->last = open;
	fake->last = &open->next;
	fake->open = NULL;
	fake->commits++;
}

static bool on_busy(struct engine_host *host)
{
	return fake_of(host)->is_busy;
}

static uint64_t on_random(struct engine_host *host)
{
	return test_random(&fake_of(host)->random);
}

static void on_event(
	struct engine_host *host, const struct engine_time *now, const struct mn_id *id, uint8_t event, uint8_t value)
{
	struct fake_host *fake = fake_of(host);

	(void)now;
	(void)id;
	fake->events++;
	fake->last_event = event;
	fake->last_event_value = value;
}

static const struct engine_host_ops fake_ops = {
	.index_allocate = on_index_allocate,
	.index_release = on_index_release,
	.index_generation = on_index_generation,
	.update = on_update,
	.send = on_send,
	.send_frame = on_send_frame,
	.send_inner = on_send_inner,
	.commit = on_commit,
	.busy = on_busy,
	.random = on_random,
	.event = on_event,
};

void fake_host_init(struct fake_host *fake)
{
	memset(fake, 0, sizeof(*fake));
	fake->host.ops = &fake_ops;
	fake->last = &fake->first;
	fake->random = 0x9e3779b97f4a7c15;
	fake->tunnels = calloc(FAKE_INDEXES, sizeof(*fake->tunnels));
	fake->has_tunnel = calloc(FAKE_INDEXES, sizeof(*fake->has_tunnel));
	fake->tunnel_users = calloc(FAKE_INDEXES, sizeof(*fake->tunnel_users));
	fake->tunnel_state = calloc(FAKE_INDEXES, sizeof(*fake->tunnel_state));
	assert_true(fake->tunnels != NULL && fake->has_tunnel != NULL && fake->tunnel_users != NULL &&
		    fake->tunnel_state != NULL);
	for (unsigned space = 0; space < INDEX_SPACE_COUNT; space++) {
		fake->index_limit[space] = FAKE_INDEXES;
		fake->index_state[space] = calloc(FAKE_INDEXES, 1);
		fake->index_generation[space] = calloc(FAKE_INDEXES, sizeof(uint32_t));
		assert_true(fake->index_state[space] != NULL && fake->index_generation[space] != NULL);
	}
}

static void transaction_free(struct fake_transaction *transaction)
{
	for (unsigned i = 0; i < transaction->message_count; i++)
		free(transaction->messages[i].bytes);
	for (unsigned i = 0; i < transaction->frame_count; i++)
		free(transaction->frames[i].bytes);
	for (unsigned space = 0; space < INDEX_SPACE_COUNT; space++)
		free(transaction->released[space]);
	free(transaction->messages);
	free(transaction->frames);
	free(transaction->updates);
	free(transaction);
}

void fake_host_clear(struct fake_host *fake)
{
	for (unsigned i = 0; i < fake->message_count; i++)
		free(fake->messages[i].bytes);
	for (unsigned i = 0; i < fake->frame_count; i++)
		free(fake->frames[i].bytes);
	for (unsigned i = 0; i < fake->inner_count; i++)
		free(fake->inner[i].bytes);
	fake->message_count = fake->inner_count = fake->frame_count = fake->update_count = 0;
}

static void transactions_free(struct fake_transaction *transaction)
{
	while (transaction != NULL) {
		struct fake_transaction *next = transaction->next;

		transaction_free(transaction);
		transaction = next;
	}
}

void fake_host_fini(struct fake_host *fake)
{
	assert_null(fake->open);
	transactions_free(fake->first);
	transactions_free(fake->waiting);
	fake_host_clear(fake);
	for (unsigned space = 0; space < INDEX_SPACE_COUNT; space++) {
		free(fake->index_state[space]);
		free(fake->index_generation[space]);
	}
	hash_index_fini(&fake->endpoints);
	free(fake->entries);
	free(fake->tunnels);
	free(fake->has_tunnel);
	free(fake->tunnel_users);
	free(fake->tunnel_state);
	free(fake->updates);
	free(fake->messages);
	free(fake->inner);
	free(fake->frames);
}

static struct fwd_endpoint *entry_of(const struct fake_host *fake, uint64_t id)
{
	uint32_t place;

	for (uint32_t at = 0; (place = hash_index_next(&fake->endpoints, endpoint_hash(id), &at)) != HASH_NONE;)
		if (fake->entries[place].id == id)
			return &fake->entries[place];
	return NULL;
}

const struct forward *fake_host_endpoint(const struct fake_host *fake, uint64_t id)
{
	const struct fwd_endpoint *entry = entry_of(fake, id);

	return entry != NULL ? &entry->forward : NULL;
}

/* The tunnel that the update needs a next hop of, or INDEX_NONE: as controlplane/transactions.c. */
static uint32_t tunnel_of(const struct fwd_update *update)
{
	switch (update->op) {
	case FWD_OP_tunnel_insert: return update->index;
	case FWD_OP_endpoint_insert:
	case FWD_OP_endpoint_replace: return update->body.endpoint.forward.tunnel;
	case FWD_OP_pair_insert:
	case FWD_OP_pair_replace: return update->body.pair.forward.tunnel;
	default: return INDEX_NONE;
	}
}

/* Of the tunnels that the transaction needs, the state of the first that is not usable. */
static int state_of_tunnels(const struct fake_host *fake, const struct fake_transaction *transaction)
{
	for (unsigned i = 0; i < transaction->update_count; i++) {
		uint32_t tunnel = tunnel_of(&transaction->updates[i]);

		if (tunnel != INDEX_NONE && fake->tunnel_state[tunnel] != 0)
			return fake->tunnel_state[tunnel];
	}
	return 0;
}

/* What still waits for the tunnel will not get it any more. */
static void fail_users(struct fake_host *fake, uint32_t tunnel)
{
	struct fake_transaction *transaction = fake->waiting;

	for (; transaction != NULL; transaction = transaction->next)
		for (unsigned i = 0; i < transaction->update_count; i++)
			if (tunnel_of(&transaction->updates[i]) == tunnel)
				transaction->error = -ENOENT;
}

static int apply_tunnel(struct fake_host *fake, const struct fwd_update *update)
{
	bool *has = &fake->has_tunnel[update->index];

	assert_true(update->index < FAKE_INDEXES);
	if (update->op == FWD_OP_tunnel_insert) {
		if (*has)
			return -EEXIST;
		fake->tunnels[update->index] = update->body.tunnel;
		if (fake->is_unresolved && update->body.tunnel.use == TUNNEL_TO_PEER_MAG)
			fake->tunnel_state[update->index] = FAKE_TUNNEL_WAITS;
	} else {
		if (!*has)
			return -ENOENT;
		assert_int_equal(fake->tunnel_users[update->index], 0); /* users go first */
		fail_users(fake, update->index);
		fake->tunnel_state[update->index] = 0;
	}
	*has = !*has;
	fake->tunnel_count += *has ? 1u : -1u;
	return 0;
}

static bool is_dead_tunnel(const struct fake_host *fake, const struct forward *forward)
{
	return (forward->tunnel != INDEX_NONE && !fake->has_tunnel[forward->tunnel]) ||
	       ((forward->flags & FORWARD_FORMER) != 0 && !fake->has_tunnel[forward->former]);
}

static void use_tunnels(struct fake_host *fake, const struct forward *forward, int more)
{
	if (forward->tunnel != INDEX_NONE)
		fake->tunnel_users[forward->tunnel] += (unsigned)more;
	if ((forward->flags & FORWARD_FORMER) != 0)
		fake->tunnel_users[forward->former] += (unsigned)more;
}

static void endpoint_insert(struct fake_host *fake, const struct fwd_endpoint *endpoint)
{
	*APPEND(fake->entries, fake->entry_count) = *endpoint;
	assert_int_equal(hash_index_reserve(&fake->endpoints, 1), 0);
	hash_index_insert(&fake->endpoints, endpoint_hash(endpoint->id), fake->entry_count - 1);
	fake->endpoint_count++;
}

static int apply_endpoint(struct fake_host *fake, const struct fwd_update *update)
{
	const struct fwd_endpoint *endpoint = &update->body.endpoint;
	struct fwd_endpoint *entry = entry_of(fake, endpoint->id);

	assert_int_not_equal(endpoint->id, 0);
	if (update->op == FWD_OP_endpoint_insert && entry != NULL)
		return -EEXIST;
	if (update->op != FWD_OP_endpoint_insert && entry == NULL)
		return -ENOENT;
	if (update->op != FWD_OP_endpoint_remove && is_dead_tunnel(fake, &endpoint->forward))
		return -ENOENT;
	if (entry != NULL)
		use_tunnels(fake, &entry->forward, -1);
	if (update->op == FWD_OP_endpoint_remove) {
		hash_index_remove(&fake->endpoints, endpoint_hash(endpoint->id), (uint32_t)(entry - fake->entries));
		entry->id = 0;
		fake->endpoint_count--;
		return 0;
	}
	if (entry != NULL)
		entry->forward = endpoint->forward;
	else
		endpoint_insert(fake, endpoint);
	use_tunnels(fake, &endpoint->forward, 1);
	return 0;
}

static int apply(struct fake_host *fake, const struct fwd_update *update)
{
	bool counts = fake->fail_op == FWD_OP_nop || fake->fail_op == update->op;

	if (fake->fail_update > 0 && counts && --fake->fail_update == 0)
		return fake->fail_error;
	switch (update->op) {
	case FWD_OP_tunnel_insert:
	case FWD_OP_tunnel_remove: return apply_tunnel(fake, update);
	case FWD_OP_endpoint_insert:
	case FWD_OP_endpoint_replace:
	case FWD_OP_endpoint_remove: return apply_endpoint(fake, update);
	default: return fake->apply_other != NULL ? fake->apply_other(fake->context, update) : 0;
	}
}

static int apply_updates(struct fake_host *fake, const struct fake_transaction *transaction)
{
	int first_error = 0;

	for (unsigned i = 0; i < transaction->update_count; i++) {
		int error = apply(fake, &transaction->updates[i]);

		*APPEND(fake->updates, fake->update_count) = transaction->updates[i];
		fake->refused += error != 0;
		if (first_error == 0)
			first_error = error;
	}
	return first_error;
}

static void record_messages(struct fake_host *fake, struct fake_transaction *transaction)
{
	for (unsigned i = 0; i < transaction->message_count; i++) {
		if (transaction->messages[i].tunnel == INDEX_NONE) {
			*APPEND(fake->messages, fake->message_count) = transaction->messages[i];
			continue;
		}
		/* Behind what workers gave into the tunnel: after a fence of their own. */
		assert_true(transaction->flags & COMMIT_AFTER_RECLAIM);
		assert_int_equal(transaction->updates[transaction->update_count - 1].op, FWD_OP_nop);
		*APPEND(fake->inner, fake->inner_count) = transaction->messages[i];
	}
	for (unsigned i = 0; i < transaction->frame_count; i++)
		*APPEND(fake->frames, fake->frame_count) = transaction->frames[i];
	transaction->message_count = transaction->frame_count = 0; /* their bytes moved */
}

static void free_indexes(struct fake_host *fake, const struct fake_transaction *transaction)
{
	for (unsigned space = 0; space < INDEX_SPACE_COUNT; space++)
		for (unsigned i = 0; i < transaction->released_count[space]; i++)
			fake->index_state[space][transaction->released[space][i]] = FAKE_INDEX_FREE;
}

static void finish(struct fake_host *fake, struct fake_transaction *transaction)
{
	if (transaction->error == 0)
		record_messages(fake, transaction);
	free_indexes(fake, transaction);
	if (transaction->cookie != 0)
		fake->done(fake->context, transaction->cookie, transaction->error);
	transaction_free(transaction);
}

/* Has what it waited for come, or failed? */
static bool is_over(const struct fake_host *fake, struct fake_transaction *transaction)
{
	int state = transaction->error == 0 ? state_of_tunnels(fake, transaction) : 0;

	if (state < 0)
		transaction->error = state;
	return state <= 0;
}

static void finish_waiting(struct fake_host *fake)
{
	struct fake_transaction **link = &fake->waiting;

	while (*link != NULL) {
		struct fake_transaction *transaction = *link;

		if (!is_over(fake, transaction)) {
			link = &transaction->next;
			continue;
		}
		*link = transaction->next;
		finish(fake, transaction);
	}
}

static void wait_for_tunnel(struct fake_host *fake, struct fake_transaction *transaction)
{
	struct fake_transaction **link = &fake->waiting;

	while (*link != NULL)
		link = &(*link)->next;
	transaction->next = NULL;
	*link = transaction;
}

bool fake_host_run_one(struct fake_host *fake)
{
	struct fake_transaction *transaction = fake->first;

	assert_null(fake->open); /* the engine commits before it returns */
	if (transaction == NULL)
		return false;
	fake->first = transaction->next;
	if (fake->first == NULL)
		fake->last = &fake->first;
	transaction->error = apply_updates(fake, transaction);
	if (is_over(fake, transaction))
		finish(fake, transaction);
	else
		wait_for_tunnel(fake, transaction);
	finish_waiting(fake);
	return true;
}

void fake_host_resolve(struct fake_host *fake, uint32_t tunnel, int error)
{
	assert_true(tunnel < FAKE_INDEXES);
	fake->tunnel_state[tunnel] = error;
	finish_waiting(fake);
}

unsigned fake_host_run(struct fake_host *fake)
{
	unsigned count = 0;

	assert_null(fake->open);
	while (!fake->is_held && fake_host_run_one(fake))
		count++;
	return count;
}

unsigned fake_host_indexes(const struct fake_host *fake, enum index_space space)
{
	unsigned count = 0;

	for (unsigned i = 0; i < FAKE_INDEXES; i++)
		count += fake->index_state[space][i] != FAKE_INDEX_FREE;
	return count;
}

void fake_host_decode(const struct fake_host *fake, unsigned i, struct mh_message *message)
{
	const struct fake_message *sent = &fake->messages[i];

	assert_true(i < fake->message_count);
	assert_int_equal(
		mh_decode(message, sent->bytes, sent->length, &sent->source, &sent->destination), MH_ERROR_NONE);
}
