/* SPDX-License-Identifier: BSD-3-Clause */
#include "bindings_file.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "endpoint.h"
#include "format.h"
#include "forward.h"

#include "config/report.h"
#include "node/hash_index.h"

#define LINE_TEXT_MAX  255
#define FIELDS_MAX     6
#define LABEL_TEXT_MAX 96
#define ROWS_START     256

/* Names of the configuration, by hash: rows come by the million. */
struct names {
	struct hash_index index;
	char (*text)[LABEL_TEXT_MAX];
	uint32_t count;
};

struct reader {
	const struct config *config;
	struct bindings *bindings;
	struct report report;
	int line;
	char *fields[FIELDS_MAX];
	unsigned field_count;
	uint32_t room, pair_room, neighbour_room;
	bool binding_limit, pair_limit, neighbour_limit; /* said already: there are too many */
	bool no_memory;
	struct names peers, links;
	struct hash_index by_prefix, by_node, by_pair, by_address;
};

static void mistake(struct reader *r, const char *field, const char *value, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

static void mistake(struct reader *r, const char *field, const char *value, const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	report(&r->report, r->line, field, value, "%s", text);
}

/* ---- names ---- */

static int names_add(struct names *names, const char *text)
{
	char(*larger)[LABEL_TEXT_MAX] = realloc(names->text, (names->count + 1) * sizeof(*larger));

	if (larger == NULL)
		return -ENOMEM;
	names->text = larger;
	if (hash_index_reserve(&names->index, 1) != 0)
		return -ENOMEM;
	snprintf(larger[names->count], LABEL_TEXT_MAX, "%s", text);
	hash_index_insert(&names->index, hash_bytes(text, strlen(text), 0), names->count);
	names->count++;
	return 0;
}

static uint32_t names_find(const struct names *names, const char *text)
{
	uint32_t at = 0, i;

	while ((i = hash_index_next(&names->index, hash_bytes(text, strlen(text), 0), &at)) != HASH_NONE)
		if (strcmp(names->text[i], text) == 0)
			return i;
	return HASH_NONE;
}

static void names_fini(struct names *names)
{
	hash_index_fini(&names->index);
	free(names->text);
}

/* Access links in the order of their numbers: port by port, VLAN by VLAN. */
static int add_links(struct reader *r, const struct config_port *port)
{
	char label[LABEL_TEXT_MAX];
	int error = 0;

	if (port->vlan_count == 0)
		return names_add(&r->links, port->name);
	for (unsigned i = 0; error == 0 && i < port->vlan_count; i++) {
		snprintf(label, sizeof(label), "%s.%u", port->name, port->vlans[i]);
		error = names_add(&r->links, label);
	}
	return error;
}

static int add_names(struct reader *r)
{
	int error = 0;

	for (unsigned i = 0; error == 0 && i < r->config->peer_count; i++)
		error = names_add(&r->peers, r->config->peers[i].name);
	for (unsigned i = 0; error == 0 && i < r->config->port_count; i++)
		if (r->config->ports[i].side == SIDE_ACCESS)
			error = add_links(r, &r->config->ports[i]);
	return error;
}

/* ---- rows ---- */

/* The array, with room for one more of @size octets; NULL: no memory, and the array stays. */
static void *grow(struct reader *r, void *array, uint32_t count, uint32_t *room, size_t size)
{
	uint32_t want = *room > 0 ? *room * 2 : ROWS_START;
	void *larger;

	if (count < *room)
		return array;
	larger = realloc(array, want * size);
	if (larger == NULL)
		r->no_memory = true;
	else
		*room = want;
	return larger;
}

static bool reserve(struct reader *r, struct hash_index *index)
{
	r->no_memory |= hash_index_reserve(index, 1) != 0;
	return !r->no_memory;
}

static uint32_t find_prefix(const struct reader *r, uint64_t prefix)
{
	uint32_t at = 0, i;

	while ((i = hash_index_next(&r->by_prefix, endpoint_hash(prefix), &at)) != HASH_NONE)
		if (r->bindings->bindings[i].prefix == prefix)
			return i;
	return HASH_NONE;
}

static uint64_t node_hash(const struct static_binding *binding)
{
	return hash_bytes(binding->mac, sizeof(binding->mac), binding->link);
}

/* The first row of the mobile node of @binding. */
static uint32_t find_node(const struct reader *r, const struct static_binding *binding)
{
	uint32_t at = 0, i;

	while ((i = hash_index_next(&r->by_node, node_hash(binding), &at)) != HASH_NONE) {
		const struct static_binding *row = &r->bindings->bindings[i];

		if (row->link == binding->link && memcmp(row->mac, binding->mac, sizeof(row->mac)) == 0)
			return i;
	}
	return HASH_NONE;
}

/* ---- fields ---- */

static const struct config_port *port_around(const struct config *config, uint64_t prefix)
{
	for (unsigned i = 0; i < config->port_count; i++) {
		for (unsigned j = 0; j < config->ports[i].address_count; j++) {
			const struct config_prefix *own = &config->ports[i].addresses[j];
			uint64_t upper = endpoint_load_be64(own->address.s6_addr);
			unsigned shift = own->length < 64 ? 64 - own->length : 0;

			if (shift == 64 || upper >> shift == prefix >> shift)
				return &config->ports[i];
		}
	}
	return NULL;
}

/* The endpoint id, or ENDPOINT_NONE after a message. */
static uint64_t take_prefix(struct reader *r, const char *field, const char *text)
{
	const struct config_port *port;
	struct in6_addr address;
	uint64_t prefix;
	uint8_t length;
	int error = prefix_parse(text, &address, &length);

	if (error == -ERANGE)
		mistake(r, field, text, "bits behind the prefix are set; allowed: ADDRESS/64 with these bits zero");
	else if (error != 0)
		mistake(r, field, text, "not an IPv6 prefix; allowed: ADDRESS/64");
	else if (length != 64)
		mistake(r, field, text, "a home network prefix of another length; allowed: /64");
	if (error != 0 || length != 64)
		return ENDPOINT_NONE;
	prefix = endpoint_id_ipv6(address.s6_addr);
	port = prefix != ENDPOINT_NONE ? port_around(r->config, prefix) : NULL;
	if (prefix == ENDPOINT_NONE)
		mistake(r, field, text, "no home network prefix; allowed: in 2000::/3 or fc00::/7");
	else if (port != NULL)
		mistake(r, field, text, "on the link of port %s; allowed: a prefix that no port's addresses lie in",
			port->name);
	return port == NULL ? prefix : ENDPOINT_NONE;
}

static bool take_peer(struct reader *r, enum peer_role role, const char *text, uint16_t *peer)
{
	uint32_t index = names_find(&r->peers, text);
	const char *word = role == PEER_LMA ? "LMA" : "MAG";

	if (index == HASH_NONE)
		mistake(r, "peer", text, "no peer has this name; allowed: the name of a peer with role %s in %s", word,
			r->config->file);
	else if (r->config->peers[index].role != role)
		mistake(r, "peer", text, "a peer of another role; allowed: the name of a peer with role %s", word);
	else
		*peer = (uint16_t)index;
	return index != HASH_NONE && r->config->peers[index].role == role;
}

static bool take_link(struct reader *r, const char *text, uint16_t *link)
{
	uint32_t index = names_find(&r->links, text);

	*link = (uint16_t)index;
	if (index == HASH_NONE)
		mistake(r, "port", text,
			"no access link of this name; allowed: the name of an access port, with .VLAN if it has vlans");
	return index != HASH_NONE;
}

static bool take_mac(struct reader *r, const char *text, uint8_t mac[6])
{
	static const uint8_t none[6];
	bool parsed = mac_parse(text, mac) == 0;

	if (!parsed)
		mistake(r, "mac", text, "not a link-layer address; allowed: six octets in hex with colons");
	else if ((mac[0] & 1) != 0 || memcmp(mac, none, sizeof(none)) == 0)
		mistake(r, "mac", text, "no address of one station; allowed: a unicast address other than zero");
	return parsed && (mac[0] & 1) == 0 && memcmp(mac, none, sizeof(none)) != 0;
}

static bool has_fields(struct reader *r, unsigned count, const char *form)
{
	if (r->field_count == count)
		return true;
	mistake(r, r->fields[0], NULL, "%u fields; allowed: %s", r->field_count, form);
	return false;
}

/* ---- kinds of rows ---- */

static void add_binding(struct reader *r, struct static_binding *binding)
{
	struct bindings *b = r->bindings;
	bool is_mag = r->config->role == ROLE_MAG;
	uint32_t first = is_mag ? find_node(r, binding) : HASH_NONE;
	uint32_t max = is_mag ? r->config->mag.max_nodes : r->config->lma.max_bindings;
	struct static_binding *larger;

	if (first != HASH_NONE && b->bindings[first].peer != binding->peer) {
		mistake(r, "peer", r->fields[2], "the mobile node of line %u has another LMA; allowed: the same",
			b->bindings[first].line);
		return;
	}
	if ((first == HASH_NONE && b->node_count >= max) || b->binding_count / 2 >= max) {
		if (!r->binding_limit)
			mistake(r, "binding", NULL, "more than the tables are for; allowed: %s %u, change it in %s",
				is_mag ? "mag.max-nodes" : "lma.max-bindings", max, r->config->file);
		r->binding_limit = true;
		return;
	}
	larger = grow(r, b->bindings, b->binding_count, &r->room, sizeof(*b->bindings));
	if (larger == NULL)
		return;
	b->bindings = larger;
	if (!reserve(r, &r->by_prefix) || !reserve(r, &r->by_node))
		return;
	binding->node = first != HASH_NONE ? b->bindings[first].node : b->node_count++;
	if (is_mag && first == HASH_NONE)
		hash_index_insert(&r->by_node, node_hash(binding), b->binding_count);
	hash_index_insert(&r->by_prefix, endpoint_hash(binding->prefix), b->binding_count);
	b->bindings[b->binding_count++] = *binding;
}

static void read_binding(struct reader *r)
{
	bool is_mag = r->config->role == ROLE_MAG, right;
	struct static_binding binding = {.line = (uint32_t)r->line, .link = LINK_NONE};
	uint32_t same;

	if (!has_fields(r, is_mag ? 5 : 3,
		    is_mag ? "at a MAG binding,PREFIX,LMA,PORT[.VLAN],MAC" : "at an LMA binding,PREFIX,MAG"))
		return;
	binding.prefix = take_prefix(r, "prefix", r->fields[1]);
	right = take_peer(r, is_mag ? PEER_LMA : PEER_MAG, r->fields[2], &binding.peer);
	if (is_mag) {
		right = take_link(r, r->fields[3], &binding.link) && right;
		right = take_mac(r, r->fields[4], binding.mac) && right;
	}
	same = binding.prefix != ENDPOINT_NONE ? find_prefix(r, binding.prefix) : HASH_NONE;
	if (same != HASH_NONE)
		mistake(r, "prefix", r->fields[1], "already in line %u; allowed: each prefix once",
			r->bindings->bindings[same].line);
	if (right && binding.prefix != ENDPOINT_NONE && same == HASH_NONE)
		add_binding(r, &binding);
}

static uint32_t find_pair(const struct reader *r, uint64_t prefix, uint64_t other)
{
	uint32_t at = 0, i;

	while ((i = hash_index_next(&r->by_pair, endpoint_hash(prefix) ^ other, &at)) != HASH_NONE)
		if (r->bindings->pairs[i].prefix == prefix && r->bindings->pairs[i].other == other)
			return i;
	return HASH_NONE;
}

static void add_pair(struct reader *r, const struct static_pair *pair)
{
	struct bindings *b = r->bindings;
	uint32_t same = find_pair(r, pair->prefix, pair->other);
	struct static_pair *larger;

	if (same != HASH_NONE) {
		mistake(r, "prefix", r->fields[1], "this pair is in line %u; allowed: each pair once",
			b->pairs[same].line);
		return;
	}
	if (b->pair_count >= r->config->ro.max_pairs) {
		if (!r->pair_limit)
			mistake(r, "pair", NULL,
				"more than the tables are for; allowed: route-optimisation.max-pairs %u, change it in "
				"%s",
				r->config->ro.max_pairs, r->config->file);
		r->pair_limit = true;
		return;
	}
	larger = grow(r, b->pairs, b->pair_count, &r->pair_room, sizeof(*b->pairs));
	if (larger == NULL)
		return;
	b->pairs = larger;
	if (!reserve(r, &r->by_pair))
		return;
	hash_index_insert(&r->by_pair, endpoint_hash(pair->prefix) ^ pair->other, b->pair_count);
	b->pairs[b->pair_count++] = *pair;
}

static void read_pair(struct reader *r)
{
	struct static_pair pair = {.line = (uint32_t)r->line};
	bool right;

	if (r->config->role != ROLE_MAG) {
		mistake(r, "pair", NULL, "this gateway is an LMA; allowed: at a MAG");
		return;
	}
	if (!r->config->ro.enabled) {
		mistake(r, "pair", NULL,
			"there are no tables for pairs; allowed: with route-optimisation.enabled in %s",
			r->config->file);
		return;
	}
	if (!has_fields(r, 4, "pair,PREFIX,OTHER-PREFIX,MAG"))
		return;
	pair.prefix = take_prefix(r, "prefix", r->fields[1]);
	pair.other = take_prefix(r, "other-prefix", r->fields[2]);
	right = take_peer(r, PEER_MAG, r->fields[3], &pair.peer);
	if (right && pair.prefix != ENDPOINT_NONE && pair.other != ENDPOINT_NONE)
		add_pair(r, &pair);
}

static uint32_t find_address(const struct reader *r, const struct static_neighbour *neighbour)
{
	uint32_t at = 0, i;
	uint64_t hash = hash_bytes(&neighbour->address, sizeof(neighbour->address), 0);

	while ((i = hash_index_next(&r->by_address, hash, &at)) != HASH_NONE) {
		const struct static_neighbour *row = &r->bindings->neighbours[i];

		if (memcmp(&row->address, &neighbour->address, sizeof(row->address)) == 0 &&
			(row->port == neighbour->port || !IN6_IS_ADDR_LINKLOCAL(&row->address)))
			return i;
	}
	return HASH_NONE;
}

static void add_neighbour(struct reader *r, const struct static_neighbour *neighbour)
{
	struct bindings *b = r->bindings;
	uint32_t same = find_address(r, neighbour);
	struct static_neighbour *larger;

	if (same != HASH_NONE) {
		mistake(r, "address", r->fields[1], "already in line %u; allowed: each neighbour once",
			b->neighbours[same].line);
		return;
	}
	if (b->neighbour_count >= r->config->limits.neighbours) {
		if (!r->neighbour_limit)
			mistake(r, "neighbour", NULL,
				"more than the tables are for; allowed: limits.neighbours %u, change it in %s",
				r->config->limits.neighbours, r->config->file);
		r->neighbour_limit = true;
		return;
	}
	larger = grow(r, b->neighbours, b->neighbour_count, &r->neighbour_room, sizeof(*b->neighbours));
	if (larger == NULL)
		return;
	b->neighbours = larger;
	if (!reserve(r, &r->by_address))
		return;
	hash_index_insert(
		&r->by_address, hash_bytes(&neighbour->address, sizeof(neighbour->address), 0), b->neighbour_count);
	b->neighbours[b->neighbour_count++] = *neighbour;
}

static const struct config_port *find_port(const struct config *config, const char *name)
{
	for (unsigned i = 0; i < config->port_count; i++)
		if (strcmp(config->ports[i].name, name) == 0)
			return &config->ports[i];
	return NULL;
}

static bool is_own(const struct config_port *port, const struct in6_addr *address)
{
	for (unsigned i = 0; i < port->address_count; i++)
		if (memcmp(&port->addresses[i].address, address, sizeof(*address)) == 0)
			return true;
	return false;
}

static bool is_on_link(const struct config_port *port, const struct in6_addr *address)
{
	for (unsigned i = 0; i < port->address_count; i++)
		if (port->addresses[i].length < 128 &&
			prefix_contains(&port->addresses[i].address, port->addresses[i].length, address))
			return true;
	return IN6_IS_ADDR_LINKLOCAL(address);
}

static void read_neighbour(struct reader *r)
{
	struct static_neighbour neighbour = {.line = (uint32_t)r->line};
	const struct config_port *port;
	bool right;

	if (!has_fields(r, 4, "neighbour,ADDRESS,PORT,MAC"))
		return;
	right = ip6_parse(r->fields[1], &neighbour.address) == 0 && !IN6_IS_ADDR_MULTICAST(&neighbour.address) &&
		!IN6_IS_ADDR_UNSPECIFIED(&neighbour.address);
	if (!right)
		mistake(r, "address", r->fields[1], "not an address of one node; allowed: a unicast IPv6 address");
	port = find_port(r->config, r->fields[2]);
	if (port == NULL || port->side == SIDE_ACCESS) {
		mistake(r, "port", r->fields[2], "%s; allowed: the name of a core or outside port",
			port == NULL ? "no port has this name" : "an access port");
		port = NULL;
	} else if (right && (is_own(port, &neighbour.address) || !is_on_link(port, &neighbour.address))) {
		mistake(r, "address", r->fields[1],
			"%s; allowed: another address in a prefix of port %s, or a link-local one",
			is_own(port, &neighbour.address) ? "the gateway's own" : "not on the link", port->name);
		right = false;
	}
	right = take_mac(r, r->fields[3], neighbour.mac) && right;
	if (!right || port == NULL)
		return;
	neighbour.port = (uint16_t)(port - r->config->ports);
	add_neighbour(r, &neighbour);
}

/* ---- lines ---- */

static char *trim(char *text)
{
	char *end;

	while (isspace((unsigned char)*text))
		text++;
	end = text + strlen(text);
	while (end > text && isspace((unsigned char)end[-1]))
		end--;
	*end = '\0';
	return text;
}

/* Fields beyond the last place are only counted. */
static void split(struct reader *r, char *text)
{
	char *next;

	r->field_count = 0;
	for (; text != NULL; text = next, r->field_count++) {
		next = strchr(text, ',');
		if (next != NULL)
			*next++ = '\0';
		if (r->field_count < FIELDS_MAX)
			r->fields[r->field_count] = trim(text);
	}
}

static void read_line(struct reader *r, char *text)
{
	text = trim(text);
	if (*text == '\0' || *text == '#')
		return;
	split(r, text);
	if (strcmp(r->fields[0], "binding") == 0)
		read_binding(r);
	else if (strcmp(r->fields[0], "pair") == 0)
		read_pair(r);
	else if (strcmp(r->fields[0], "neighbour") == 0)
		read_neighbour(r);
	else
		mistake(r, NULL, r->fields[0], "no kind of row; allowed: binding, pair or neighbour");
}

/* True if there was a line; @text has LINE_TEXT_MAX + 1 octets. What does not fit or is no text is a mistake. */
static bool next_line(struct reader *r, FILE *in, char *text, bool *usable)
{
	size_t length = 0;
	bool has_nul = false;
	int c;

	while ((c = getc_unlocked(in)) != EOF && c != '\n') {
		has_nul |= c == '\0';
		if (length < LINE_TEXT_MAX)
			text[length] = (char)c;
		length += length <= LINE_TEXT_MAX;
	}
	if (c == EOF && length == 0)
		return false;
	r->line++;
	*usable = length <= LINE_TEXT_MAX && !has_nul;
	if (has_nul)
		mistake(r, NULL, NULL, "an octet of zero; allowed: text");
	else if (!*usable)
		mistake(r, NULL, NULL, "a line of more than %d octets; allowed: one row", LINE_TEXT_MAX);
	text[*usable ? length : 0] = '\0';
	return true;
}

/* Bindings may stand behind the pairs that need them. */
static void join_pairs(struct reader *r)
{
	char text[PREFIX_TEXT_MAX];
	struct in6_addr address;

	for (uint32_t i = 0; i < r->bindings->pair_count; i++) {
		struct static_pair *pair = &r->bindings->pairs[i];
		uint64_t wrong = pair->prefix, upper;
		bool is_here = find_prefix(r, pair->other) != HASH_NONE;

		pair->binding = find_prefix(r, pair->prefix);
		if (pair->binding != HASH_NONE && !is_here)
			continue;
		if (pair->binding != HASH_NONE)
			wrong = pair->other;
		upper = __builtin_bswap64(wrong);
		memset(&address, 0, sizeof(address));
		memcpy(&address, &upper, sizeof(upper));
		r->line = (int)pair->line;
		mistake(r, pair->binding == HASH_NONE ? "prefix" : "other-prefix", prefix_format(&address, 64, text),
			pair->binding == HASH_NONE ? "no mobile node here; allowed: a prefix of a binding row"
						   : "of a mobile node here; allowed: a prefix that the other MAG has");
	}
}

static void read_all(struct reader *r, FILE *in)
{
	char text[LINE_TEXT_MAX + 1];
	bool usable;

	while (!r->no_memory && r->line < INT_MAX && next_line(r, in, text, &usable))
		if (usable)
			read_line(r, text);
	if (ferror(in)) {
		r->line = 0;
		mistake(r, NULL, NULL, "cannot be read: %s; allowed: a file", strerror(errno));
	}
	if (!r->no_memory && !r->binding_limit)
		join_pairs(r);
}

struct bindings *bindings_read(const struct config *config, FILE *in, const char *file, FILE *errors)
{
	struct reader r = {.config = config, .report = {.file = file, .out = errors}};

	r.bindings = calloc(1, sizeof(*r.bindings));
	if (r.bindings != NULL)
		r.bindings->file = strdup(file);
	if (r.bindings == NULL || r.bindings->file == NULL || add_names(&r) != 0)
		r.no_memory = true;
	else
		read_all(&r, in);
	if (r.no_memory) {
		r.line = 0;
		mistake(&r, NULL, NULL, "not enough memory");
	}
	if (report_finish(&r.report) != 0) {
		bindings_destroy(r.bindings);
		r.bindings = NULL;
	}
	names_fini(&r.peers);
	names_fini(&r.links);
	hash_index_fini(&r.by_prefix);
	hash_index_fini(&r.by_node);
	hash_index_fini(&r.by_pair);
	hash_index_fini(&r.by_address);
	return r.bindings;
}

struct bindings *bindings_load(const struct config *config, const char *file, FILE *errors)
{
	FILE *in = fopen(file, "re");
	struct bindings *bindings;

	if (in == NULL) {
		fprintf(errors, "%s: cannot be opened: %s\n", file, strerror(errno));
		return NULL;
	}
	bindings = bindings_read(config, in, file, errors);
	fclose(in);
	return bindings;
}

void bindings_destroy(struct bindings *bindings)
{
	if (bindings == NULL)
		return;
	free(bindings->bindings);
	free(bindings->pairs);
	free(bindings->neighbours);
	free(bindings->file);
	free(bindings);
}
