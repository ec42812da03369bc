/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "config/loader.h"
#include "config/report.h"
#include "config/schema.h"
#include "config/tree.h"
#include "config/validate.h"

#define FILE_SIZE_MAX (UINT64_C(1) << 30)

static const char *const roles[ROLE_COUNT] = {[ROLE_LMA] = "lma", [ROLE_MAG] = "mag"};
static const char *const sides[SIDE_COUNT] = {
	[SIDE_CORE] = "core", [SIDE_ACCESS] = "access", [SIDE_OUTSIDE] = "outside"};

const char *role_name(enum role role)
{
	return (unsigned)role < ROLE_COUNT ? roles[role] : "?";
}

bool config_peer_is_lma(const struct config *config, const struct config_peer *peer)
{
	return peer->role == PEER_OPPOSITE ? config->role == ROLE_MAG : peer->role == PEER_LMA;
}

const char *port_side_name(enum port_side side)
{
	return (unsigned)side < SIDE_COUNT ? sides[side] : "?";
}

struct config *config_parse(const char *text, size_t length, const char *file, FILE *errors)
{
	struct report report = {.file = file, .out = errors};
	struct tree *tree = tree_parse(text, length, &report);
	struct config *config = tree != NULL ? config_from_tree(tree, &report) : NULL;

	if (config != NULL) {
		config->file = strdup(file);
		if (config->file == NULL)
			goto no_memory;
		if (report.mistakes == 0 && validate(config, tree, &report) != 0)
			goto no_memory;
	} else if (tree != NULL) {
		goto no_memory;
	}
	goto out;
no_memory:
	fprintf(errors, "%s: not enough memory\n", file);
	report.mistakes++;
out:
	tree_destroy(tree);
	if (report_finish(&report) == 0)
		return config;
	config_destroy(config);
	return NULL;
}

/* The whole of @file in a new block, or NULL with a message. */
static char *file_read(const char *file, size_t *length, FILE *errors)
{
	const char *problem = NULL;
	char *text = NULL;
	struct stat status;
	FILE *in = fopen(file, "re");

	if (in == NULL || fstat(fileno(in), &status) != 0) {
		fprintf(errors, "%s: %s; allowed: a file that can be read\n", file, strerror(errno));
		goto out;
	}
	if (S_ISDIR(status.st_mode))
		problem = "is a directory";
	else if (status.st_size >= 0 && (uint64_t)status.st_size > FILE_SIZE_MAX)
		problem = "is larger than 1 GiB";
	if (problem != NULL) {
		fprintf(errors, "%s: %s; allowed: a configuration file\n", file, problem);
		goto out;
	}
	for (size_t room = 0, used = 0;; used += fread(text + used, 1, room - used, in)) {
		if (used == room) {
			char *larger = NULL;

			room = room == 0 ? 65536 : room * 2;
			if (room <= FILE_SIZE_MAX)
				larger = realloc(text, room);
			if (larger == NULL) {
				free(text);
				text = NULL;
				fprintf(errors, "%s: not enough memory\n", file);
				goto out;
			}
			text = larger;
		}
		*length = used;
		if (feof(in) || ferror(in))
			break;
	}
	if (ferror(in)) {
		fprintf(errors, "%s: cannot be read; allowed: a file that can be read\n", file);
		free(text);
		text = NULL;
	}
out:
	if (in != NULL)
		fclose(in);
	return text;
}

struct config *config_load(const char *file, FILE *errors)
{
	size_t length;
	char *text = file_read(file, &length, errors);
	struct config *config = NULL;

	if (text != NULL)
		config = config_parse(text, length, file, errors);
	free(text);
	return config;
}

/* Free what the keys of the map @row own in @base. */
static void free_map(int row, char *base)
{
	for (int key = schema_first(row); key >= 0; key = schema_next(row, key)) {
		const struct schema_row *r = &schema[key];
		char *field = base + r->offset;

		if (!schema_is_list(key)) {
			if (r->type == SCHEMA_MAP)
				free_map(key, base);
			else if (r->type == SCHEMA_STRING || r->type == SCHEMA_DEVICE)
				free(*(char **)field);
			else if (r->type == SCHEMA_KEY)
				explicit_bzero(field, r->size);
			continue;
		}
		if (r->fixed != 0)
			continue;
		field = *(char **)field;
		for (unsigned i = 0; i < *(unsigned *)(base + r->count_offset); i++) {
			if (r->type == SCHEMA_MAP)
				free_map(key, field + (size_t)i * r->size);
			else if (r->type == SCHEMA_STRING)
				free(((char **)field)[i]);
		}
		free(field);
	}
}

void config_destroy(struct config *config)
{
	if (config == NULL)
		return;
	free_map(-1, (char *)config);
	free(config->file);
	free(config);
}
