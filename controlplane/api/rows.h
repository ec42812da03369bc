/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <netinet/in.h>

#include "counters.h"
#include "engine.h"

#include "mh/mh.h"
#include "node/history.h"

/*
 * Rows of answers: JSON objects that are built field by field. A failure (no memory) sticks and is told by
 * row_finish(), so that builders need no checks between.
 *
 * Threads: the control core.
 */
struct row {
	json_t *json;
	bool failed;
};

void row_start(struct row *row);
/* 1 with the row in @json (the caller's), or -ENOMEM with everything freed. */
int row_finish(struct row *row, json_t **json);

void row_text(struct row *row, const char *key, const char *text); /* NULL: null */
void row_number(struct row *row, const char *key, uint64_t value);
void row_real(struct row *row, const char *key, double value);
void row_bool(struct row *row, const char *key, bool value);
void row_null(struct row *row, const char *key);
void row_json(struct row *row, const char *key, json_t *value);                 /* takes the value; NULL is a failure */
void row_hex(struct row *row, const char *key, const void *bytes, size_t n);    /* NULL: null */
void row_ip6(struct row *row, const char *key, const struct in6_addr *address); /* null if unspecified */
void row_mac(struct row *row, const char *key, const uint8_t mac[6]);
void row_prefix(struct row *row, const char *key, const struct in6_addr *prefix, uint8_t length);
void row_prefixes(struct row *row, const char *key, const struct home_network_prefix *prefixes, unsigned count);
/* The identifier as text in "mn". */
void row_mn(struct row *row, const struct mn_id *id);
/* "2026-01-02T03:04:05.678Z"; 0: null */
void row_wall(struct row *row, const char *key, uint64_t wall_ns);
/* A monotonic time as KEY_in_ms (negative: past) and KEY_at (wall clock); 0: both null. */
void row_deadline(struct row *row, const char *key, const struct engine_time *now, uint64_t monotonic_ms);
/* A monotonic time in the past as KEY_ago_ms and KEY_at; 0: both null. */
void row_past(struct row *row, const char *key, const struct engine_time *now, uint64_t monotonic_ms);
/* up_packets, up_bytes, down_packets, down_bytes */
void row_traffic(struct row *row, const struct object_counter *up, const struct object_counter *down);
/* KEY and KEY_name: number and word of a BA status */
void row_status(struct row *row, const char *key, bool has, uint8_t status);
/*
 * An event: event, text, value, detail (what the value means in words), at, ago_ms. @mag: the engine that reported it
 * is a MAG, else an LMA.
 */
void row_event(struct row *row, const struct engine_time *now, bool mag, uint64_t wall_ns, enum history_event event,
	uint8_t value);

#define WALL_TEXT_MAX 32

const char *wall_format(uint64_t wall_ns, char text[WALL_TEXT_MAX]);

/*
 * MN identifiers as text: printable ASCII as it is, any other octet and the backslash as \xNN; in front \sN: if the
 * subtype N is not 1 (NAI). The form is reversible and is what filters and commands take.
 */
#define MN_TEXT_MAX (MN_ID_MAX * 4 + 8)

const char *mn_format(const struct mn_id *id, char text[MN_TEXT_MAX]);
/* @id points into @bytes. -EINVAL (bad escape), -ERANGE (longer than MN_ID_MAX). */
int mn_parse(const char *text, uint8_t bytes[MN_ID_MAX], struct mn_id *id);
