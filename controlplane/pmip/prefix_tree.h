/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * Set of positions 0..2^bits-1 with "first free one from here": a 64-ary tree of bitmaps whose nodes exist only where
 * something is set. Every call touches at most two nodes per level (eleven levels at most), however full the set is.
 *
 * Threads: the control core.
 */
#define PREFIX_TREE_NONE UINT64_MAX

struct prefix_tree_node;

struct prefix_tree {
	struct prefix_tree_node *root; /* NULL: nothing is set */
	unsigned bits;                 /* 0..63 */
	unsigned levels;               /* above the lowest */
	uint64_t count;
	uint64_t nodes;
};

void prefix_tree_init(struct prefix_tree *tree, unsigned bits);
void prefix_tree_fini(struct prefix_tree *tree);
bool prefix_tree_has(const struct prefix_tree *tree, uint64_t position);
/* 0, -EEXIST or -ENOMEM (nothing changed). */
int prefix_tree_set(struct prefix_tree *tree, uint64_t position);
void prefix_tree_clear(struct prefix_tree *tree, uint64_t position);
/* The first position >= @from that is not set, or PREFIX_TREE_NONE. */
uint64_t prefix_tree_find_free(const struct prefix_tree *tree, uint64_t from);
uint64_t prefix_tree_bytes(const struct prefix_tree *tree);
