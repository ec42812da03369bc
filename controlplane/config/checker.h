/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "config/config.h"
#include "config/report.h"
#include "config/tree.h"
#include "node/hash_index.h"

/*
 * What the cross checks share: see validate.h.
 */
struct checker {
	struct config *config;
	const struct tree *tree;
	struct report *report;
	struct hash_index peer_names, pool_names;
};

#define AT_TEXT_MAX 128
/* Path of a key: at(text, "ports[%u].mtu", i). Returns @text. */
const char *at(char text[AT_TEXT_MAX], const char *format, ...) __attribute__((format(printf, 2, 3)));
/* A mistake at the key; line and value come from the file, if the key stands there. */
void mistake(const struct checker *checker, const char *key, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Does the key stand in the file? */
bool key_given(const struct checker *checker, const char *key);

/*
 * Number of an earlier item with the same key as item @i, or HASH_NONE and @i is noted. @same compares two items by
 * their numbers. The index needs room for it.
 */
uint32_t first_same(struct hash_index *index, uint64_t hash, uint32_t i, const void *items,
	bool (*same)(const void *items, uint32_t a, uint32_t b));

/* Number of the peer or pool of that name, or HASH_NONE. */
uint32_t find_peer(const struct checker *checker, const char *name);
uint32_t find_pool(const struct checker *checker, const char *name);

bool address_is_unicast(const struct in6_addr *address); /* neither ::, ::1, multicast nor link-local */
bool prefix_is_home(const struct config_prefix *prefix); /* wholly in 2000::/3 or fc00::/7 */
/* Prefixes of mobile nodes may not be those of our links: a mistake at @key and false. */
bool check_off_link(const struct checker *checker, const struct config_prefix *prefix, const char *key);
bool prefixes_overlap(const struct config_prefix *a, const struct config_prefix *b);

/* Checks by section. 0 or -ENOMEM. */
int check_peers(struct checker *checker);
int check_ports(struct checker *checker);
int check_routes(struct checker *checker);
int check_pools(struct checker *checker);
int check_nodes(struct checker *checker);
int check_ro(struct checker *checker);
