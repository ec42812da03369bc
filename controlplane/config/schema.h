/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"

/*
 * The schema of the configuration: one table from which the loader, the messages, the JSON schema, the reference
 * documentation and `show config` all come. A row is a key; "[]" at the end of its path says that the value is a list.
 * A map stands right before its keys, so that the keys of a map are a run of rows.
 *
 * Threads: const.
 */
enum schema_type {
	SCHEMA_MAP,     /* keys below it */
	SCHEMA_STRING,  /* char *; with words only one of them */
	SCHEMA_NUMBER,  /* integer field; words stand for special values; scale: the field's units in one of the file's
			 */
	SCHEMA_BOOL,    /* true or false; words for further values */
	SCHEMA_WORD,    /* an enum */
	SCHEMA_MODE,    /* octal file mode */
	SCHEMA_ADDRESS, /* struct in6_addr */
	SCHEMA_PREFIX,  /* struct config_prefix without host bits */
	SCHEMA_INTERFACE, /* struct config_prefix with host bits: address and prefix length of a port */
	SCHEMA_MAC,       /* uint8_t [6] */
	SCHEMA_KEY,       /* uint8_t [], a secret as hexadecimal digits: no message and no JSON shows it */
	SCHEMA_DEVICE,    /* char *device of a struct config_port; sets kind too */
	SCHEMA_TYPE_COUNT,
};

struct schema_word {
	const char *word; /* NULL ends the list */
	int64_t value;
};

#define SCHEMA_LMA 0x01 /* 1 << ROLE_LMA */
#define SCHEMA_MAG 0x02

struct schema_row {
	const char *path; /* "ports[].mtu" */
	enum schema_type type;
	uint8_t roles; /* SCHEMA_LMA, SCHEMA_MAG: who has the key */
	bool required;
	uint8_t required_roles; /* required for these only */
	uint16_t offset;        /* of the field in struct config, or in the element of the innermost list of maps */
	uint16_t size;          /* of the field; of an element of a list */
	uint16_t count_offset;  /* list: of its unsigned count */
	uint16_t given_offset;  /* of a bool that says whether the key was there; 0: none */
	uint16_t line_offset;   /* list of maps: of the element's int line */
	uint16_t fixed;         /* list: an array of so many elements in place; 0: an allocated one */
	uint32_t scale;         /* of a number; 0 as 1 */
	int64_t min, max;       /* number: in the field's unit; string: length */
	const char *unit;       /* of the file */
	const char
		*fallback; /* default as it would stand in the file; NULL: none (required, or zero and said in help) */
	const struct schema_word *words;
	const char *source; /* RFC and section of a protocol variable */
	const char *help;
};

extern const struct schema_row schema[];
extern const unsigned schema_count;

/* Number of the row of a path, or -1. */
int schema_find(const char *path);
/* The first key of the map @row (-1: of the file), and the one after @key; -1 past the last. */
int schema_first(int row);
int schema_next(int row, int key);
/* The key of the map by its name, or -1. */
int schema_key(int row, const char *name, size_t length);
/* The name of the row: the last part of its path without "[]". Points into the path; @length is its length. */
const char *schema_name(int row, size_t *length);
bool schema_is_list(int row);

#define SCHEMA_NUMBER_MAX 48
/* A number of the field's unit as it stands in the file: 1500 ms of a row in seconds are "1.5". */
const char *schema_format_number(const struct schema_row *row, int64_t value, char text[SCHEMA_NUMBER_MAX]);

#define SCHEMA_ALLOWED_MAX 256
/* What is allowed as value: "1280..9216 octets", "lma or mag", "an IPv6 address". */
const char *schema_allowed(const struct schema_row *row, char text[SCHEMA_ALLOWED_MAX]);
/* The nearest key of the map to a word that is none, or -1 if none is near. */
int schema_nearest(int row, const char *name, uint8_t roles);
