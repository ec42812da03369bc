/* SPDX-License-Identifier: BSD-3-Clause */
#include "pair_sketch.h"

#include "endpoint.h"

void pair_sketch_init(struct pair_sketch *sketch, const struct pair_thresholds *thresholds)
{
	sketch->thresholds = *thresholds;
	if (sketch->thresholds.sample == 0)
		sketch->thresholds.sample = PAIR_SAMPLE_USUAL;
	sketch->random = endpoint_hash(1);
	sketch->skip = 0;
}

uint32_t pair_sketch_gap(struct pair_sketch *sketch)
{
	uint64_t range = 2 * (uint64_t)sketch->thresholds.sample - 1;

	sketch->random = endpoint_hash(sketch->random + UINT64_C(0x9e3779b97f4a7c15));
	return 1 + (uint32_t)((sketch->random >> 32) * range >> 32);
}

/* The cell for a pair of its own, or NULL: another one has it for now. */
static struct pair_cell *pair_cell_of(struct pair_sketch *sketch, uint64_t source, uint64_t destination, uint64_t now)
{
	uint64_t hash = endpoint_hash(endpoint_hash(source) ^ destination);
	struct pair_cell *cell = &sketch->cells[hash % PAIR_SKETCH_CELLS];

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
	seen->packets = (uint64_t)cell->packets * thresholds->sample;
	seen->bytes = cell->bytes * thresholds->sample;
	if (now < cell->quiet_until || seen->packets < thresholds->packets || seen->bytes < thresholds->bytes)
		return false;
	cell->quiet_until = now + thresholds->window;
	return true;
}
