/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "engine.h"

#include "mh/mh.h"
#include "node/hash_index.h"

/*
 * A host for one engine in tests: keeps what the engine commits and applies it when the test says so, to a model of
 * the forwarding state that refuses what a table owner would refuse. Asserts the rules of engine.h: everything is
 * committed, indexes are used after they are allocated and not given back twice, nothing is removed under its users.
 *
 * transaction_done() is called from fake_host_run() only, never out of commit().
 */
#define FAKE_INDEXES 16384

#define FAKE_TUNNEL_WAITS 1

struct fake_message {
	uint32_t tunnel; /* of send_inner(); INDEX_NONE */
	struct in6_addr source, destination;
	uint8_t *bytes; /* exact copy on the heap */
	uint16_t length;
};

struct fake_frame {
	uint16_t link;
	uint8_t mac[6];
	uint8_t *bytes; /* exact copy on the heap */
	uint16_t length;
};

struct fake_transaction {
	struct fake_transaction *next;
	struct fwd_update *updates;
	unsigned update_count;
	struct fake_message *messages;
	unsigned message_count;
	struct fake_frame *frames;
	unsigned frame_count;
	uint32_t *released[INDEX_SPACE_COUNT];
	unsigned released_count[INDEX_SPACE_COUNT];
	uint64_t cookie;
	unsigned flags;
	int error;
};

enum fake_index_state { FAKE_INDEX_FREE, FAKE_INDEX_TAKEN, FAKE_INDEX_RELEASED };

struct fake_host {
	struct engine_host host; /* give this to the engine */

	/* Set by the test. */
	void (*done)(void *context, uint64_t cookie, int error);
	void *context;
	int (*apply_other)(
		void *context, const struct fwd_update *update); /* updates the model has no table for; or NULL */
	bool is_busy;
	bool is_held;                            /* fake_host_run() applies nothing */
	bool is_unresolved;                      /* a tunnel between MAGs that goes in has no next hop yet */
	unsigned fail_update;                    /* the n-th update from now is refused; 0: none */
	uint8_t fail_op;                         /* only updates of this enum fwd_op count; nop: all */
	int fail_error;                          /* with this negative errno */
	uint32_t index_limit[INDEX_SPACE_COUNT]; /* at most FAKE_INDEXES */
	uint64_t random;                         /* what random() yields next is made from it */

	/* What came out of applied transactions, in order; the test may reset the counts. */
	struct fwd_update *updates;
	unsigned update_count;
	struct fake_message *messages;
	unsigned message_count;
	struct fake_message *inner; /* those of send_inner() */
	unsigned inner_count;
	struct fake_frame *frames;
	unsigned frame_count;
	unsigned commits; /* applied or not */
	unsigned refused; /* updates */
	unsigned events;  /* calls of event() */
	uint8_t last_event, last_event_value;

	/* The model. */
	struct hash_index endpoints;  /* -> place in entries */
	struct fwd_endpoint *entries; /* id 0: removed */
	unsigned entry_count, endpoint_count;
	struct fwd_tunnel *tunnels; /* by index; hop_limit and remote only mean something if has_tunnel */
	bool *has_tunnel;
	unsigned *tunnel_users;
	unsigned tunnel_count;
	int *tunnel_state; /* by index: 0: usable, or FAKE_TUNNEL_WAITS, or the error that its next hop failed with */
	uint8_t *index_state[INDEX_SPACE_COUNT]; /* enum fake_index_state */
	uint32_t *index_generation[INDEX_SPACE_COUNT];
	struct fake_transaction *open, *first, **last;
	struct fake_transaction *waiting; /* applied, for a next hop; in order */
};

void fake_host_init(struct fake_host *fake);
/* Asserts that nothing is open. */
void fake_host_fini(struct fake_host *fake);
/* Apply what was committed, also what that leads to. Returns how many transactions. */
unsigned fake_host_run(struct fake_host *fake);
/* The same for the oldest one, also while is_held. False: there is none. */
bool fake_host_run_one(struct fake_host *fake);
/*
 * The tunnel that went in unresolved has a next hop (0), or will not get one (a negative errno): what waits for it, and
 * needs no other, is done, also while is_held. What needs a tunnel that is removed is done with -ENOENT.
 */
void fake_host_resolve(struct fake_host *fake, uint32_t tunnel, int error);
/* Forget recorded updates, messages and frames; the model stays. */
void fake_host_clear(struct fake_host *fake);
/* The endpoint in the model, or NULL. */
const struct forward *fake_host_endpoint(const struct fake_host *fake, uint64_t id);
/* Indexes of a space that are not free. */
unsigned fake_host_indexes(const struct fake_host *fake, enum index_space space);
/* Decode message @i of those recorded, checksum verified; fails the test if it does not decode. */
void fake_host_decode(const struct fake_host *fake, unsigned i, struct mh_message *message);
