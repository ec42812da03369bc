/* SPDX-License-Identifier: BSD-3-Clause */
#include "pmip/prefix_tree.h"

#include <errno.h>
#include <stdlib.h>

#define FAN_BITS 6
#define FAN      64

/* Level 0 holds words of 64 positions, a level above it nodes of the level below. */
struct prefix_tree_node {
	uint64_t full; /* bit per slot: everything below is set */
	uint64_t used; /* bit per slot: something below is set */
	union {
		uint64_t words[FAN];
		struct prefix_tree_node *children[FAN];
	} slot;
};

static unsigned shift_of(unsigned level)
{
	return FAN_BITS * (level + 1);
}

static unsigned slot_at(unsigned level, uint64_t position)
{
	return (unsigned)(position >> shift_of(level)) & (FAN - 1);
}

void prefix_tree_init(struct prefix_tree *tree, unsigned bits)
{
	*tree = (struct prefix_tree){.bits = bits};
	while (shift_of(tree->levels + 1) < bits)
		tree->levels++;
}

static void node_free(struct prefix_tree_node *node, unsigned level)
{
	for (unsigned i = 0; level > 0 && i < FAN; i++)
		if (node->slot.children[i] != NULL)
			node_free(node->slot.children[i], level - 1);
	free(node);
}

void prefix_tree_fini(struct prefix_tree *tree)
{
	if (tree->root != NULL)
		node_free(tree->root, tree->levels);
	tree->root = NULL;
}

bool prefix_tree_has(const struct prefix_tree *tree, uint64_t position)
{
	const struct prefix_tree_node *node = tree->root;

	for (unsigned level = tree->levels; level > 0 && node != NULL; level--)
		node = node->slot.children[slot_at(level, position)];
	return node != NULL && node->slot.words[slot_at(0, position)] >> (position & (FAN - 1)) & 1;
}

/* Free the nodes of a path that hold nothing, from the lowest up. */
static void prune(struct prefix_tree *tree, struct prefix_tree_node *const *path, uint64_t position)
{
	for (unsigned level = 0; level <= tree->levels; level++) {
		if (path[level] == NULL)
			continue;
		if (path[level]->used != 0)
			return;
		free(path[level]);
		tree->nodes--;
		if (level == tree->levels) {
			tree->root = NULL;
			return;
		}
		path[level + 1]->slot.children[slot_at(level + 1, position)] = NULL;
		path[level + 1]->used &= ~(UINT64_C(1) << slot_at(level + 1, position));
	}
}

static struct prefix_tree_node *node_create(struct prefix_tree *tree)
{
	struct prefix_tree_node *node = calloc(1, sizeof(*node));

	if (node != NULL)
		tree->nodes++;
	return node;
}

#define LEVELS_MAX 11

int prefix_tree_set(struct prefix_tree *tree, uint64_t position)
{
	struct prefix_tree_node *path[LEVELS_MAX] = {NULL};
	struct prefix_tree_node **link = &tree->root;
	uint64_t *word;

	if (prefix_tree_has(tree, position))
		return -EEXIST;
	for (unsigned level = tree->levels;; level--) {
		if (*link == NULL)
			*link = node_create(tree);
		path[level] = *link;
		if (path[level] == NULL) {
			prune(tree, path, position);
			return -ENOMEM;
		}
		if (level < tree->levels)
			path[level + 1]->used |= UINT64_C(1) << slot_at(level + 1, position);
		if (level == 0)
			break;
		link = &path[level]->slot.children[slot_at(level, position)];
	}
	word = &path[0]->slot.words[slot_at(0, position)];
	*word |= UINT64_C(1) << (position & (FAN - 1));
	path[0]->used |= UINT64_C(1) << slot_at(0, position);
	tree->count++;
	for (unsigned level = 0; level <= tree->levels; level++) {
		if (level == 0 ? *word != UINT64_MAX : path[level - 1]->full != UINT64_MAX)
			break;
		path[level]->full |= UINT64_C(1) << slot_at(level, position);
	}
	return 0;
}

void prefix_tree_clear(struct prefix_tree *tree, uint64_t position)
{
	struct prefix_tree_node *path[LEVELS_MAX] = {NULL};
	struct prefix_tree_node *node = tree->root;
	uint64_t *word;

	if (!prefix_tree_has(tree, position))
		return;
	for (unsigned level = tree->levels;; level--) {
		path[level] = node;
		node->full &= ~(UINT64_C(1) << slot_at(level, position));
		if (level == 0)
			break;
		node = node->slot.children[slot_at(level, position)];
	}
	word = &node->slot.words[slot_at(0, position)];
	*word &= ~(UINT64_C(1) << (position & (FAN - 1)));
	if (*word == 0)
		node->used &= ~(UINT64_C(1) << slot_at(0, position));
	tree->count--;
	prune(tree, path, position);
}

static uint64_t word_find(uint64_t word, unsigned from)
{
	uint64_t open = ~word & UINT64_MAX << from;

	return open != 0 ? (uint64_t)__builtin_ctzll(open) : PREFIX_TREE_NONE;
}

/* @from and the result count from the start of the node. */
static uint64_t node_find(const struct prefix_tree_node *node, unsigned level, uint64_t from)
{
	unsigned shift = shift_of(level);
	unsigned slot = (unsigned)(from >> shift);

	from &= (UINT64_C(1) << shift) - 1;
	while (slot < FAN) {
		uint64_t open = ~node->full & UINT64_MAX << slot;
		uint64_t found;

		if (open == 0)
			break;
		if ((unsigned)__builtin_ctzll(open) != slot)
			from = 0;
		slot = (unsigned)__builtin_ctzll(open);
		if (level == 0)
			found = word_find(node->slot.words[slot], (unsigned)from);
		else if (node->slot.children[slot] == NULL)
			found = from;
		else
			found = node_find(node->slot.children[slot], level - 1, from);
		if (found != PREFIX_TREE_NONE)
			return (uint64_t)slot << shift | found;
		from = 0;
		slot++;
	}
	return PREFIX_TREE_NONE;
}

uint64_t prefix_tree_find_free(const struct prefix_tree *tree, uint64_t from)
{
	uint64_t found;

	if (from >> tree->bits != 0)
		return PREFIX_TREE_NONE;
	found = tree->root == NULL ? from : node_find(tree->root, tree->levels, from);
	return found != PREFIX_TREE_NONE && found >> tree->bits != 0 ? PREFIX_TREE_NONE : found;
}

uint64_t prefix_tree_bytes(const struct prefix_tree *tree)
{
	return tree->nodes * sizeof(struct prefix_tree_node);
}
