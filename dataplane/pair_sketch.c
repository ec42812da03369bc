/* SPDX-License-Identifier: BSD-3-Clause */
#include "pair_sketch.h"

#include "endpoint.h"

#define TOLD_WINDOWS 2                /* so long the way back is waited for */
#define TOLD_TIME    UINT64_C(0xffff) /* of a slot: the window; the rest is the hash */

void pair_sketch_init(struct pair_sketch *sketch, const struct pair_thresholds *thresholds, struct pair_told *told)
{
	sketch->thresholds = *thresholds;
	sketch->told = told;
	if (sketch->thresholds.sample == 0)
		sketch->thresholds.sample = PAIR_SAMPLE_USUAL;
	sketch->random = endpoint_hash(1);
	sketch->skip = pair_sketch_gap(sketch) - 1;
}

uint32_t pair_sketch_gap(struct pair_sketch *sketch)
{
	uint64_t range = 2 * (uint64_t)sketch->thresholds.sample - 1;

	sketch->random = endpoint_hash(sketch->random + UINT64_C(0x9e3779b97f4a7c15));
	return 1 + (uint32_t)((sketch->random >> 32) * range >> 32);
}

static uint64_t pair_hash(uint64_t source, uint64_t destination)
{
	return endpoint_hash(endpoint_hash(source) ^ destination);
}

/* Bits of the hash that a slot keeps are not those that choose it. */
static uint64_t *told_slot(struct pair_told *told, uint64_t hash)
{
	return &told->slots[hash % PAIR_TOLD_SLOTS];
}

static void told_note(struct pair_sketch *sketch, uint64_t hash, uint64_t now)
{
	uint64_t *slot = told_slot(sketch->told, hash);
	uint64_t word = (hash & ~TOLD_TIME) | (now / sketch->thresholds.window & TOLD_TIME);

	if (__atomic_load_n(slot, __ATOMIC_RELAXED) != word) /* the line stays shared */
		__atomic_store_n(slot, word, __ATOMIC_RELAXED);
}

static bool told_has(const struct pair_sketch *sketch, uint64_t hash, uint64_t now)
{
	uint64_t word = __atomic_load_n(told_slot(sketch->told, hash), __ATOMIC_RELAXED);
	uint64_t age = (now / sketch->thresholds.window - word) & TOLD_TIME;

	return ((word ^ hash) & ~TOLD_TIME) == 0 && age <= TOLD_WINDOWS;
}

/* The cell for a pair of its own, or NULL: another one has it for now. */
static struct pair_cell *pair_cell_of(struct pair_sketch *sketch, uint64_t source, uint64_t destination, uint64_t now)
{
	struct pair_cell *cell = &sketch->cells[pair_hash(source, destination) % PAIR_SKETCH_CELLS];

	if (cell->source == source && cell->destination == destination) {
		if (now - cell->first > sketch->thresholds.window) {
			cell->first = now;
			cell->packets = 0;
			cell->bytes = 0;
		}
		return cell;
	}
	if (cell->weight != 0 && now - cell->last <= sketch->thresholds.window) {
		cell->weight--;
		return NULL;
	}
	*cell = (struct pair_cell){.source = source, .destination = destination, .first = now};
	return cell;
}

static bool pair_is_over(const struct pair_thresholds *thresholds, const struct pair_cell *cell)
{
	uint64_t packets = cell->packets * (uint64_t)thresholds->sample, bytes = cell->bytes * thresholds->sample;
	bool over = (thresholds->packets != 0 && packets >= thresholds->packets) ||
		    (thresholds->bytes != 0 && bytes >= thresholds->bytes);

	return over && (thresholds->sample == 1 || cell->packets >= PAIR_SAMPLES_MIN);
}

bool pair_sketch_add(struct pair_sketch *sketch, uint64_t source, uint64_t destination, uint32_t bytes, uint64_t now,
	struct pair_seen *seen)
{
	const struct pair_thresholds *thresholds = &sketch->thresholds;
	struct pair_cell *cell = pair_cell_of(sketch, source, destination, now);

	if (cell == NULL)
		return false;
	cell->last = now;
	cell->weight++;
	cell->packets++;
	cell->bytes += bytes;
	if (pair_is_over(thresholds, cell))
		told_note(sketch, pair_hash(source, destination), now);
	else if (!told_has(sketch, pair_hash(destination, source), now))
		return false;
	if (now < cell->quiet_until)
		return false;
	cell->quiet_until = now + thresholds->window;
	seen->packets = (uint64_t)cell->packets * thresholds->sample;
	seen->bytes = cell->bytes * thresholds->sample;
	return true;
}
