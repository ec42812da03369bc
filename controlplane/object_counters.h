/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "door.h"
#include "engine.h"

/*
 * Per-object counters as people see them: workers only ever add, so each index has a baseline that is taken when it is
 * allocated or cleared.
 *
 * Threads: the control core.
 */
struct object_baselines;

struct object_baselines *object_baselines_create(const struct door *door);
void object_baselines_destroy(struct object_baselines *baselines);
/* Count from now on. */
void object_baselines_take(struct object_baselines *baselines, enum index_space space, uint32_t index);
/* Since the baseline; zero if that class of counters is switched off. */
void object_baselines_read(const struct object_baselines *baselines, enum index_space space, uint32_t index,
	enum counter_direction direction, struct object_counter *sum);
/* The same for a pair of route optimisation by its index. */
void object_baselines_take_pair(struct object_baselines *baselines, uint32_t pair);
void object_baselines_read_pair(const struct object_baselines *baselines, uint32_t pair,
	enum counter_direction direction, struct object_counter *sum);
