/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/*
 * Rows as an aligned table of printable ASCII. Widths are taken from the first TABLE_SAMPLE rows; the rest is printed
 * as it comes, so that a million rows need no memory.
 *
 * Threads: one.
 */
enum cell {
	CELL_TEXT,
	CELL_NUMBER,   /* right-aligned, exact */
	CELL_REAL,     /* one digit after the point */
	CELL_BYTES,    /* human */
	CELL_YES,      /* boolean: yes, no */
	CELL_LIST,     /* array: comma between, "-" for null elements */
	CELL_SECONDS,  /* duration */
	CELL_DISTANCE, /* milliseconds from now: "in 3m12s" */
	CELL_AGO,      /* milliseconds since: "12s ago" */
	CELL_MICROS,   /* as milliseconds with three digits */
};

struct column {
	const char *key;
	const char *title;
	enum cell cell;
	bool wide;          /* only with --wide */
	const char *suffix; /* another key whose text follows after a space, or NULL */
};

#define TABLE_SAMPLE 256

struct table;

/* @columns end with a NULL key. NULL: no memory. */
struct table *table_create(const struct column *columns, bool wide, FILE *out);
/* Takes a copy of what it needs of @row. False: no memory, or the output is closed. */
bool table_add(struct table *table, const json_t *row);
/* Print what is left, and "none" if there was no row at all. Frees the table. 0, or -ENOMEM, -EIO. */
int table_finish(struct table *table);
/* Frees the table; what was not printed so far is not. */
void table_discard(struct table *table);

/* One row as "title: value" lines, for objects that have one row only. Absent keys are left out. */
void table_print_record(const struct column *columns, const json_t *row, FILE *out);
/* The text of a cell; "-" for null and absent. The caller frees it; NULL: no memory. */
char *table_cell(const struct column *column, const json_t *row);
