/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/checker.h"

#include <stdarg.h>
#include <string.h>

#include "format.h"

#define MESSAGE_MAX 512

const char *at(char text[AT_TEXT_MAX], const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(text, AT_TEXT_MAX, format, args);
	va_end(args);
	return text;
}

void mistake(const struct checker *checker, const char *key, const char *format, ...)
{
	bool exact;
	const struct tree_node *node = tree_find(checker->tree, key, &exact);
	char message[MESSAGE_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	report(checker->report, node->line, key, exact ? tree_text(node) : NULL, "%s", message);
}

bool key_given(const struct checker *checker, const char *key)
{
	bool exact;

	tree_find(checker->tree, key, &exact);
	return exact;
}

uint32_t first_same(struct hash_index *index, uint64_t hash, uint32_t i, const void *items,
	bool (*same)(const void *items, uint32_t a, uint32_t b))
{
	uint32_t before;

	for (uint32_t from = 0; (before = hash_index_next(index, hash, &from)) != HASH_NONE;)
		if (same(items, before, i))
			return before;
	hash_index_insert(index, hash, i);
	return HASH_NONE;
}

uint32_t find_peer(const struct checker *checker, const char *name)
{
	uint64_t hash = hash_bytes(name, strlen(name), 0);
	uint32_t i;

	for (uint32_t from = 0; (i = hash_index_next(&checker->peer_names, hash, &from)) != HASH_NONE;)
		if (strcmp(checker->config->peers[i].name, name) == 0)
			return i;
	return HASH_NONE;
}

uint32_t find_pool(const struct checker *checker, const char *name)
{
	uint64_t hash = hash_bytes(name, strlen(name), 0);
	uint32_t i;

	for (uint32_t from = 0; (i = hash_index_next(&checker->pool_names, hash, &from)) != HASH_NONE;)
		if (strcmp(checker->config->lma.pools[i].name, name) == 0)
			return i;
	return HASH_NONE;
}

bool address_is_unicast(const struct in6_addr *address)
{
	return !IN6_IS_ADDR_UNSPECIFIED(address) && !IN6_IS_ADDR_LOOPBACK(address) && !IN6_IS_ADDR_MULTICAST(address) &&
	       !IN6_IS_ADDR_LINKLOCAL(address) && !IN6_IS_ADDR_V4MAPPED(address);
}

bool prefix_is_home(const struct config_prefix *prefix)
{
	uint8_t first = prefix->address.s6_addr[0];

	return (prefix->length >= 3 && first >> 5 == 1) || (prefix->length >= 7 && first >> 1 == 0x7e);
}

bool prefixes_overlap(const struct config_prefix *a, const struct config_prefix *b)
{
	uint8_t length = a->length < b->length ? a->length : b->length;

	return prefix_contains(&a->address, length, &b->address);
}
