/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/tree.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#define CHUNK_SIZE 65536

struct chunk {
	struct chunk *next;
	size_t used, size;
	char bytes[];
};

struct tree {
	struct chunk *chunks;
	struct tree_node *root;
};

struct builder {
	struct tree *tree;
	yaml_parser_t parser;
	struct report *report;
};

static void *tree_alloc(struct tree *tree, size_t size)
{
	struct chunk *chunk = tree->chunks;
	void *block;

	size = (size + 7) & ~(size_t)7;
	if (chunk == NULL || chunk->size - chunk->used < size) {
		size_t room = size > CHUNK_SIZE ? size : CHUNK_SIZE;

		chunk = malloc(sizeof(*chunk) + room);
		if (chunk == NULL)
			return NULL;
		*chunk = (struct chunk){.next = tree->chunks, .size = room};
		tree->chunks = chunk;
	}
	block = chunk->bytes + chunk->used;
	chunk->used += size;
	return block;
}

static const char *text_copy(struct tree *tree, const yaml_event_t *event)
{
	size_t length = event->data.scalar.length;
	char *text = tree_alloc(tree, length + 1);

	if (text != NULL) {
		memcpy(text, event->data.scalar.value, length);
		text[length] = '\0';
	}
	return text;
}

static int out_of_memory(struct builder *builder)
{
	report(builder->report, 0, NULL, NULL, "not enough memory");
	return -1;
}

static int line_of_offset(const yaml_parser_t *parser)
{
	const unsigned char *input = parser->input.string.start;
	size_t size = (size_t)(parser->input.string.end - input);
	int line = 1;

	for (size_t i = 0; i < parser->problem_offset && i < size; i++)
		line += input[i] == '\n';
	return line;
}

static int syntax_error(struct builder *builder)
{
	const yaml_parser_t *parser = &builder->parser;
	const char *problem = parser->problem != NULL ? parser->problem : "cannot be read";

	if (parser->error == YAML_MEMORY_ERROR)
		return out_of_memory(builder);
	if (parser->error == YAML_READER_ERROR)
		report(builder->report, line_of_offset(parser), NULL, NULL, "not YAML: %s; allowed: text in UTF-8",
			problem);
	else if (parser->context != NULL)
		report(builder->report, (int)parser->problem_mark.line + 1, NULL, NULL, "not YAML: %s %s in line %d",
			problem, parser->context, (int)parser->context_mark.line + 1);
	else
		report(builder->report, (int)parser->problem_mark.line + 1, NULL, NULL, "not YAML: %s", problem);
	return -1;
}

static int next_event(struct builder *builder, yaml_event_t *event)
{
	return yaml_parser_parse(&builder->parser, event) ? 0 : syntax_error(builder);
}

/* What a node may not have, whatever its kind. */
static int refuse_extras(struct builder *builder, const yaml_event_t *event)
{
	int line = (int)event->start_mark.line + 1;
	const yaml_char_t *anchor = NULL, *tag = NULL;

	switch (event->type) {
	case YAML_ALIAS_EVENT:
		report(builder->report, line, NULL, (const char *)event->data.alias.anchor,
			"aliases are not supported; write the value out");
		return -1;
	case YAML_SCALAR_EVENT:
		anchor = event->data.scalar.anchor;
		tag = event->data.scalar.tag;
		break;
	case YAML_SEQUENCE_START_EVENT:
		anchor = event->data.sequence_start.anchor;
		tag = event->data.sequence_start.tag;
		break;
	case YAML_MAPPING_START_EVENT:
		anchor = event->data.mapping_start.anchor;
		tag = event->data.mapping_start.tag;
		break;
	default: break;
	}
	if (anchor != NULL)
		report(builder->report, line, NULL, (const char *)anchor,
			"anchors are not supported; write the value out where it is needed");
	else if (tag != NULL)
		report(builder->report, line, NULL, (const char *)tag, "tags are not supported; leave it out");
	return anchor != NULL || tag != NULL ? -1 : 0;
}

static int build_scalar(struct builder *builder, const yaml_event_t *event, struct tree_node *node)
{
	node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	node->text = text_copy(builder->tree, event);
	if (node->text == NULL)
		return out_of_memory(builder);
	if (memchr(event->data.scalar.value, '\0', event->data.scalar.length) != NULL) {
		report(builder->report, node->line, NULL, node->text, "a NUL character; allowed: text");
		return -1;
	}
	return 0;
}

static struct tree_node *build_node(struct builder *builder, yaml_event_t *event, unsigned depth);

static int build_list(struct builder *builder, struct tree_node *list, unsigned depth)
{
	struct tree_node **last = &list->first;
	yaml_event_t event;

	for (;;) {
		if (next_event(builder, &event) != 0)
			return -1;
		if (event.type == YAML_SEQUENCE_END_EVENT) {
			yaml_event_delete(&event);
			return 0;
		}
		*last = build_node(builder, &event, depth);
		if (*last == NULL)
			return -1;
		last = &(*last)->next;
	}
}

/* Key of a map: 0 with @key, 1 at the end of the map, -1. */
static int build_key(struct builder *builder, const char **key, int *line)
{
	yaml_event_t event;
	int result = 0;

	if (next_event(builder, &event) != 0)
		return -1;
	*line = (int)event.start_mark.line + 1;
	if (event.type == YAML_MAPPING_END_EVENT) {
		result = 1;
	} else if (refuse_extras(builder, &event) != 0) {
		result = -1;
	} else if (event.type != YAML_SCALAR_EVENT ||
		   strlen((char *)event.data.scalar.value) != event.data.scalar.length) {
		report(builder->report, *line, NULL, NULL, "a key that is not a word; allowed: KEY: VALUE");
		result = -1;
	} else {
		*key = text_copy(builder->tree, &event);
		if (*key == NULL)
			result = out_of_memory(builder);
	}
	yaml_event_delete(&event);
	return result;
}

static int build_map(struct builder *builder, struct tree_node *map, unsigned depth)
{
	struct tree_node **last = &map->first;
	yaml_event_t event;
	const char *key;
	int line, result;

	while ((result = build_key(builder, &key, &line)) == 0) {
		if (next_event(builder, &event) != 0)
			return -1;
		*last = build_node(builder, &event, depth);
		if (*last == NULL)
			return -1;
		(*last)->key = key;
		(*last)->key_line = line;
		last = &(*last)->next;
	}
	return result < 0 ? -1 : 0;
}

/* Consumes @event. */
static struct tree_node *build_node(struct builder *builder, yaml_event_t *event, unsigned depth)
{
	struct tree_node *node = tree_alloc(builder->tree, sizeof(*node));
	int result = -1;

	if (node == NULL) {
		out_of_memory(builder);
		goto out;
	}
	*node = (struct tree_node){.line = (int)event->start_mark.line + 1};
	node->key_line = node->line;
	if (refuse_extras(builder, event) != 0)
		goto out;
	if (event->type == YAML_SCALAR_EVENT) {
		node->kind = TREE_SCALAR;
		result = build_scalar(builder, event, node);
	} else if (depth == TREE_DEPTH_MAX) {
		report(builder->report, node->line, NULL, NULL, "nested too deep; allowed: %d levels", TREE_DEPTH_MAX);
	} else if (event->type == YAML_SEQUENCE_START_EVENT) {
		node->kind = TREE_LIST;
		result = build_list(builder, node, depth + 1);
	} else {
		node->kind = TREE_MAP;
		result = build_map(builder, node, depth + 1);
	}
out:
	yaml_event_delete(event);
	return result == 0 ? node : NULL;
}

/* Skip events up to @type, which is left in @event; -1 on an error or at the end of the stream. */
static int expect_document(struct builder *builder, yaml_event_t *event)
{
	for (;;) {
		if (next_event(builder, event) != 0)
			return -1;
		if (event->type != YAML_STREAM_START_EVENT)
			return 0;
		yaml_event_delete(event);
	}
}

static int build_stream(struct builder *builder)
{
	yaml_event_t event;
	int result = -1;

	if (expect_document(builder, &event) != 0)
		return -1;
	if (event.type != YAML_DOCUMENT_START_EVENT) {
		report(builder->report, 0, NULL, NULL,
			"the file is empty; allowed: keys and values, see config/README.md");
		goto out;
	}
	yaml_event_delete(&event);
	if (next_event(builder, &event) != 0)
		return -1;
	builder->tree->root = build_node(builder, &event, 0);
	if (builder->tree->root == NULL || next_event(builder, &event) != 0) /* the end of the document */
		return -1;
	yaml_event_delete(&event);
	if (next_event(builder, &event) != 0)
		return -1;
	if (event.type == YAML_STREAM_END_EVENT)
		result = 0;
	else
		report(builder->report, (int)event.start_mark.line + 1, NULL, NULL,
			"a second document; allowed: one document in a file");
out:
	yaml_event_delete(&event);
	return result;
}

struct tree *tree_parse(const char *text, size_t length, struct report *report)
{
	struct builder builder = {.report = report};
	int result;

	builder.tree = calloc(1, sizeof(*builder.tree));
	if (builder.tree == NULL || !yaml_parser_initialize(&builder.parser)) {
		out_of_memory(&builder);
		free(builder.tree);
		return NULL;
	}
	yaml_parser_set_encoding(&builder.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&builder.parser, (const unsigned char *)text, length);
	result = build_stream(&builder);
	yaml_parser_delete(&builder.parser);
	if (result == 0)
		return builder.tree;
	tree_destroy(builder.tree);
	return NULL;
}

void tree_destroy(struct tree *tree)
{
	struct chunk *chunk;

	if (tree == NULL)
		return;
	while ((chunk = tree->chunks) != NULL) {
		tree->chunks = chunk->next;
		free(chunk);
	}
	free(tree);
}

const struct tree_node *tree_root(const struct tree *tree)
{
	return tree->root;
}

const struct tree_node *tree_child(const struct tree_node *map, const char *key)
{
	for (const struct tree_node *child = map->first; child != NULL; child = child->next)
		if (child->key != NULL && strcmp(child->key, key) == 0)
			return child;
	return NULL;
}

static const struct tree_node *tree_item(const struct tree_node *list, unsigned long i)
{
	const struct tree_node *item = list->first;

	while (item != NULL && i-- > 0)
		item = item->next;
	return item;
}

const struct tree_node *tree_find(const struct tree *tree, const char *path, bool *exact)
{
	const struct tree_node *node = tree->root;

	*exact = false;
	while (*path != '\0') {
		const struct tree_node *child;
		char key[64];
		size_t n;

		if (*path == '[') {
			char *end;

			child = tree_item(node, strtoul(path + 1, &end, 10));
			path = end + 1;
		} else {
			path += *path == '.';
			n = strcspn(path, ".[");
			snprintf(key, sizeof(key), "%.*s", (int)n, path);
			child = tree_child(node, key);
			path += n;
		}
		if (child == NULL)
			return node;
		node = child;
	}
	*exact = true;
	return node;
}

const char *tree_text(const struct tree_node *node)
{
	if (node->kind == TREE_SCALAR)
		return node->text;
	if (node->kind == TREE_LIST)
		return node->first != NULL ? "[...]" : "[]";
	return node->first != NULL ? "{...}" : "{}";
}
