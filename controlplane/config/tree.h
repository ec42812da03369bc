/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "config/report.h"

/*
 * A YAML document as a tree that knows its lines. What a configuration has no use for and what makes files mean
 * something else than they seem to is refused: anchors and aliases (also as bombs), tags, several documents, deep
 * nesting, keys that are not plain words, NUL characters.
 *
 * Threads: one. The tree owns all texts.
 */
#define TREE_DEPTH_MAX 16

enum tree_kind { TREE_SCALAR, TREE_LIST, TREE_MAP };

struct tree_node {
	enum tree_kind kind;
	bool plain;              /* scalar without quotes */
	int line;                /* of the value, from 1 */
	int key_line;            /* of the key; that of the value in lists */
	const char *key;         /* NULL in lists and at the root */
	const char *text;        /* scalar */
	struct tree_node *first; /* children in order */
	struct tree_node *next;
};

struct tree;

/* Reads @length octets of @text. NULL after telling the mistakes. */
struct tree *tree_parse(const char *text, size_t length, struct report *report);
void tree_destroy(struct tree *tree);
const struct tree_node *tree_root(const struct tree *tree);
/* Child of a map, or NULL. */
const struct tree_node *tree_child(const struct tree_node *map, const char *key);
/* The node at a path like "ports[2].mtu"; if it is not there (@exact false) the innermost one around it. Never NULL. */
const struct tree_node *tree_find(const struct tree *tree, const char *path, bool *exact);
/* Text of a node for messages: the scalar, or "{...}" and "[...]"; "{}" and "[]" for empty ones. */
const char *tree_text(const struct tree_node *node);
