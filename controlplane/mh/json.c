/* SPDX-License-Identifier: BSD-3-Clause */
#include "mh/json.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <time.h>

#include "cursor.h"
#include "format.h"

#include "mh/ro.h"

#define HEX_TEXT_MAX (2 * 255 + 1)

/* An object that grows; once a value could not be added it is failed. */
struct object {
	json_t *json;
	bool failed;
};

static void put(struct object *object, const char *key, json_t *value)
{
	if (json_object_set_new(object->json, key, value) != 0)
		object->failed = true;
}

static void put_number(struct object *object, const char *key, uint64_t number)
{
	put(object, key, json_integer((json_int_t)number));
}

static void put_text(struct object *object, const char *key, const char *text)
{
	put(object, key, json_string(text));
}

static void put_hex(struct object *object, const char *key, const void *bytes, size_t n)
{
	char text[HEX_TEXT_MAX];

	put_text(object, key, hex_format(bytes, n, text, sizeof(text)));
}

static void put_u64_hex(struct object *object, const char *key, uint64_t number)
{
	char text[17];

	snprintf(text, sizeof(text), "%016llx", (unsigned long long)number);
	put_text(object, key, text);
}

/* IPv4-mapped addresses of @over_ipv4 as IPv4 text. */
static void put_address(struct object *object, const char *key, const struct in6_addr *address, bool over_ipv4)
{
	char text[IP6_TEXT_MAX];

	if (over_ipv4)
		put_text(object, key, inet_ntop(AF_INET, &address->s6_addr[12], text, sizeof(text)));
	else
		put_text(object, key, ip6_format(address, text));
}

/* @names: of the flags from the highest of @bits bits down. */
static void put_flags(struct object *object, uint16_t flags, unsigned bits, const char *const *names, unsigned count)
{
	json_t *list = json_array();

	put_number(object, "flags", flags);
	for (unsigned i = 0; i < count; i++)
		if ((flags & 1u << (bits - 1 - i)) != 0 && names[i] != NULL &&
			json_array_append_new(list, json_string(names[i])) != 0)
			object->failed = true;
	put(object, "flag_names", list);
}

static void put_lifetime(struct object *object, const char *key, const char *key_s, uint16_t units)
{
	put_number(object, key, units);
	put_number(object, key_s, units * 4u);
}

/* ---- fixed parts ---- */

static void bu_fields(struct object *object, const struct mh_message *message)
{
	static const char *const names[] = {"A", "H", "L", "K", "M", "R", "P", "F", "T", "B", "S", "D"};

	put_number(object, "sequence", message->fixed.bu.sequence);
	put_flags(object, message->fixed.bu.flags, 16, names, 12);
	put_lifetime(object, "lifetime", "lifetime_s", message->fixed.bu.lifetime);
}

static void ba_fields(struct object *object, const struct mh_message *message)
{
	static const char *const names[] = {"K", "R", "P", "T", "B", "S", "D"};

	put_number(object, "status", message->fixed.ba.status);
	put_text(object, "status_name", mh_status_name(message->fixed.ba.status));
	put_flags(object, message->fixed.ba.flags, 8, names, 7);
	put_number(object, "sequence", message->fixed.ba.sequence);
	put_lifetime(object, "lifetime", "lifetime_s", message->fixed.ba.lifetime);
}

static void be_fields(struct object *object, const struct mh_message *message)
{
	put_number(object, "status", message->fixed.be.status);
	put_text(object, "status_name", binding_error_name(message->fixed.be.status));
	put_address(object, "home_address", &message->fixed.be.home_address, false);
}

static void init_fields(struct object *object, const struct mh_message *message)
{
	put_u64_hex(object, message->type == MH_HOTI ? "home_init_cookie" : "care_of_init_cookie",
		message->fixed.init.cookie);
}

static void test_fields(struct object *object, const struct mh_message *message)
{
	bool home = message->type == MH_HOT;

	put_number(object, home ? "home_nonce_index" : "care_of_nonce_index", message->fixed.test.nonce_index);
	put_u64_hex(object, home ? "home_init_cookie" : "care_of_init_cookie", message->fixed.test.cookie);
	put_u64_hex(object, home ? "home_keygen_token" : "care_of_keygen_token", message->fixed.test.token);
}

static void heartbeat_fields(struct object *object, const struct mh_message *message)
{
	static const char *const names[] = {NULL, NULL, NULL, NULL, NULL, NULL, "U", "R"};

	put_flags(object, message->fixed.heartbeat.flags, 8, names, 8);
	put_number(object, "sequence", message->fixed.heartbeat.sequence);
}

static void upn_fields(struct object *object, const struct mh_message *message)
{
	static const char *const names[] = {"A", "D"};

	put_number(object, "sequence", message->fixed.upn.sequence);
	put_number(object, "reason", message->fixed.upn.reason);
	put_text(object, "reason_name", upn_reason_name(message->fixed.upn.reason));
	put_flags(object, message->fixed.upn.flags, 16, names, 2);
}

static void upa_fields(struct object *object, const struct mh_message *message)
{
	put_number(object, "sequence", message->fixed.upa.sequence);
	put_number(object, "status", message->fixed.upa.status);
	put_text(object, "status_name", upa_status_name(message->fixed.upa.status));
}

static void ro_fields(struct object *object, const struct mh_message *message)
{
	static const char *const names[] = {"P", "C", "E", "H"};
	uint8_t code = message->fixed.ro.code, value = message->fixed.ro.value;

	put_text(object, "profile", message->fixed.ro.experimental ? "exp" : "native");
	if (message->fixed.ro.experimental)
		put_number(object, "experiment_id", message->fixed.ro.experiment_id);
	put_number(object, "sequence", message->fixed.ro.sequence);
	put_flags(object, message->fixed.ro.flags, 8, names, 4);
	if (code == RO_INIT || code == RO_SETUP) {
		put_number(object, "reason", value);
		put_text(object, "reason_name", ro_reason_name(value));
	} else if (code != RO_MARKER) {
		put_number(object, "status", value);
		put_text(object, "status_name", ro_status_name(value));
	}
	put_number(object, "lifetime_s", message->fixed.ro.lifetime);
	put_number(object, "association_id", message->fixed.ro.association);
}

static void (*const field_writers[])(struct object *object, const struct mh_message *message) = {
	[MH_HOTI] = init_fields,
	[MH_COTI] = init_fields,
	[MH_HOT] = test_fields,
	[MH_COT] = test_fields,
	[MH_BU] = bu_fields,
	[MH_BA] = ba_fields,
	[MH_BE] = be_fields,
	[MH_EXPERIMENTAL] = ro_fields,
	[MH_HEARTBEAT] = heartbeat_fields,
	[MH_UPN] = upn_fields,
	[MH_UPA] = upa_fields,
};

static void put_fields(struct object *object, const struct mh_message *message)
{
	if (message->type < sizeof(field_writers) / sizeof(field_writers[0]) && field_writers[message->type] != NULL)
		field_writers[message->type](object, message);
	else if (ro_mh_type_is(message->type))
		ro_fields(object, message);
}

/* ---- options ---- */

static void refresh_advice(struct object *object, struct cursor data)
{
	put_lifetime(object, "refresh_interval", "refresh_interval_s", cursor_be16(&data));
}

static void address_option(struct object *object, struct cursor data)
{
	struct in6_addr address;

	cursor_copy(&data, &address, 16);
	put_address(object, "address", &address, false);
}

static void nonce_indices(struct object *object, struct cursor data)
{
	put_number(object, "home_nonce_index", cursor_be16(&data));
	put_number(object, "care_of_nonce_index", cursor_be16(&data));
}

static void authorization_data(struct object *object, struct cursor data)
{
	put_hex(object, "authenticator", data.at, cursor_left(&data));
}

static void mn_id(struct object *object, struct cursor data)
{
	uint8_t subtype = cursor_u8(&data);
	json_t *text = subtype == 1 ? json_stringn((const char *)data.at, cursor_left(&data)) : NULL;

	put_number(object, "subtype", subtype);
	put_text(object, "subtype_name", mn_id_subtype_name(subtype));
	if (text != NULL)
		put(object, "identifier", text);
	else
		put_hex(object, "identifier_hex", data.at, cursor_left(&data));
}

static void vendor_specific(struct object *object, struct cursor data)
{
	put_number(object, "vendor_id", cursor_be32(&data));
	put_number(object, "sub_type", cursor_u8(&data));
	put_hex(object, "data", data.at, cursor_left(&data));
}

static void prefix_option(struct object *object, struct cursor data)
{
	struct in6_addr prefix;
	uint8_t length;

	cursor_u8(&data);
	length = cursor_u8(&data);
	cursor_copy(&data, &prefix, 16);
	put_address(object, "prefix", &prefix, false);
	put_number(object, "prefix_length", length);
}

static void handoff(struct object *object, struct cursor data)
{
	uint8_t value = (uint8_t)cursor_be16(&data);

	put_number(object, "handoff_indicator", value);
	put_text(object, "handoff_indicator_name", handoff_indicator_name(value));
}

static void access_technology(struct object *object, struct cursor data)
{
	uint8_t value = (uint8_t)cursor_be16(&data);

	put_number(object, "access_technology", value);
	put_text(object, "access_technology_name", access_technology_name(value));
}

static void link_layer_id(struct object *object, struct cursor data)
{
	char text[MAC_TEXT_MAX];

	cursor_be16(&data);
	if (cursor_left(&data) == 6)
		put_text(object, "link_layer_id", mac_format(data.at, text));
	else
		put_hex(object, "link_layer_id", data.at, cursor_left(&data));
}

static void timestamp(struct object *object, struct cursor data)
{
	uint64_t value = cursor_be64(&data);
	time_t seconds = (time_t)(value >> 16);
	char day[48], text[64];
	struct tm tm;

	put_number(object, "seconds", value >> 16);
	put_number(object, "fraction", value & 0xffff); /* of 65536 */
	if (gmtime_r(&seconds, &tm) == NULL || strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm) == 0)
		return;
	snprintf(text, sizeof(text), "%s.%06uZ", day, (unsigned)((value & 0xffff) * 1000000 / 65536));
	put_text(object, "time", text);
}

static void restart_counter(struct object *object, struct cursor data)
{
	put_number(object, "restart_counter", cursor_be32(&data));
}

static void lma_address(struct object *object, struct cursor data)
{
	uint8_t code = cursor_u8(&data);

	cursor_u8(&data);
	put_number(object, "option_code", code);
	if (cursor_left(&data) == 16)
		address_option(object, data);
	else
		put_hex(object, "address_hex", data.at, cursor_left(&data));
}

static void mag_address(struct object *object, struct cursor data)
{
	cursor_u8(&data);
	put_number(object, "address_length", cursor_u8(&data));
	address_option(object, data);
}

static void local_ro(struct object *object, const struct ro_option *option)
{
	uint8_t lri;

	if (ro_option_local_ro(option, &lri))
		put_number(object, "lri", lri);
}

static void mn_cn_pair(struct object *object, const struct ro_option *option)
{
	struct ro_pair_option pair;

	if (!ro_option_pair(option, &pair)) {
		put_hex(object, "data", option->data, option->length);
		return;
	}
	put_address(object, "prefix", &pair.prefix, false);
	put_number(object, "prefix_length", pair.prefix_length);
	put_address(object, "proxy_coa", &pair.proxy_coa, false);
	if (pair.has_ipv4) {
		put_hex(object, "ipv4_home_address", pair.ipv4_home, 4);
		put_hex(object, "ipv4_proxy_coa", pair.ipv4_proxy_coa, 4);
	}
}

static void ro_authorisation(struct object *object, const struct ro_option *option)
{
	struct ro_authorisation authorisation;
	uint32_t association;

	if (!ro_option_authorisation(option, &authorisation))
		return;
	put_number(object, "key_id", authorisation.key_id);
	put_hex(object, "mac", authorisation.mac, sizeof(authorisation.mac));
	if (ro_option_association(option, &association))
		put_number(object, "association_id", association);
}

static void pmag_address(struct object *object, struct cursor data)
{
	if (cursor_left(&data) == 18) {
		mag_address(object, data);
		return;
	}
	cursor_u8(&data);
	put_number(object, "address_length", cursor_u8(&data));
	put_hex(object, "address_hex", data.at, cursor_left(&data));
}

static void pmag_id(struct object *object, struct cursor data)
{
	uint8_t subtype = cursor_u8(&data);

	cursor_u8(&data);
	put_number(object, "subtype", subtype);
	put_text(object, "subtype_name", mn_id_subtype_name(subtype));
	put_hex(object, "identifier_hex", data.at, cursor_left(&data));
}

/* An option of route optimisation in either profile; false: it is none. */
static bool ro_option_fields(struct object *object, const struct mh_option *option)
{
	struct ro_option ro;

	if (!ro_option(option, &ro))
		return false;
	if (ro.experimental) {
		put_text(object, "ro_option", mh_option_name(ro_option_type(ro.code)));
		put_number(object, "experiment_id", ro.experiment_id);
	}
	switch (ro.code) {
	case RO_OPTION_LOCAL_RO: local_ro(object, &ro); break;
	case RO_OPTION_MN_CN_PAIR: mn_cn_pair(object, &ro); break;
	case RO_OPTION_AUTHORISATION: ro_authorisation(object, &ro); break;
	case RO_OPTION_TUNNEL: put_number(object, "tunnel_mode", ro.data[0]); break;
	case RO_OPTION_PMAG_ADDRESS: pmag_address(object, cursor_over(ro.data, ro.length)); break;
	case RO_OPTION_PMAG_ID: pmag_id(object, cursor_over(ro.data, ro.length)); break;
	}
	return true;
}

static void (*const option_writers[])(struct object *object, struct cursor data) = {
	[MHO_BINDING_REFRESH_ADVICE] = refresh_advice,
	[MHO_ALTERNATE_CARE_OF_ADDRESS] = address_option,
	[MHO_NONCE_INDICES] = nonce_indices,
	[MHO_BINDING_AUTHORIZATION_DATA] = authorization_data,
	[MHO_MN_ID] = mn_id,
	[MHO_VENDOR_SPECIFIC] = vendor_specific,
	[MHO_HOME_NETWORK_PREFIX] = prefix_option,
	[MHO_HANDOFF_INDICATOR] = handoff,
	[MHO_ACCESS_TECHNOLOGY_TYPE] = access_technology,
	[MHO_MN_LINK_LAYER_ID] = link_layer_id,
	[MHO_LINK_LOCAL_ADDRESS] = address_option,
	[MHO_TIMESTAMP] = timestamp,
	[MHO_RESTART_COUNTER] = restart_counter,
	[MHO_LMA_ADDRESS] = lma_address,
	[MHO_MAG_IPV6_ADDRESS] = mag_address,
};

#define COUNT_OF(table) (sizeof(table) / sizeof((table)[0]))

static json_t *option_json(const struct mh_option *option, bool *failed)
{
	struct object object = {.json = json_object()};
	struct cursor data = cursor_over(option->data, option->length);

	put_number(&object, "type", option->type);
	put_text(&object, "name", mh_option_name(option->type));
	if (option->type < COUNT_OF(option_writers) && option_writers[option->type] != NULL)
		option_writers[option->type](&object, data);
	else if (!ro_option_fields(&object, option))
		put_hex(&object, "data", option->data, option->length);
	*failed = *failed || object.failed;
	return object.json;
}

static json_t *options_json(const struct mh_message *message, bool *failed)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < message->option_count; i++)
		if (json_array_append_new(list, option_json(&message->options[i], failed)) != 0)
			*failed = true;
	return list;
}

/* Was the fixed part read before the reading stopped? */
static bool has_fields(const struct mh_reading *reading)
{
	switch (reading->stopped) {
	case MH_ERROR_NONE:
	case MH_ERROR_OPTION_OVERRUN:
	case MH_ERROR_OPTION_LENGTH:
	case MH_ERROR_OPTION_COUNT:
	case MH_ERROR_AUTHORIZATION_DATA: return true;
	default: return false;
	}
}

static json_t *fields_json(const struct mh_packet *packet, const struct mh_reading *reading, bool *failed)
{
	const struct mh_message *message = &reading->message;
	struct object object = {.json = json_object()};

	if (packet->home_address_option)
		put_address(&object, "home_address", &packet->checksum_source, false);
	else if (packet->type2_routing)
		put_address(&object, "home_address", &packet->checksum_destination, false);
	if (has_fields(reading))
		put_fields(&object, message);
	*failed = *failed || object.failed;
	return object.json;
}

json_t *mh_json(uint64_t frame, const struct mh_packet *packet, const struct mh_reading *reading)
{
	struct object object = {.json = json_object()};
	char text[16];

	put_number(&object, "frame", frame);
	put_text(&object, "type",
		reading->stopped == MH_ERROR_TRUNCATED ? "unknown" : mh_message_name(&reading->message, text));
	put_address(&object, "src", &packet->source, packet->over_ipv4);
	put_address(&object, "dst", &packet->destination, packet->over_ipv4);
	put_text(&object, "checksum", reading->checksum_ok ? "ok" : "bad");
	put(&object, "fields", fields_json(packet, reading, &object.failed));
	put(&object, "options", options_json(&reading->message, &object.failed));
	put(&object, "error",
		reading->error == MH_ERROR_NONE ? json_null() : json_string(mh_error_name(reading->error)));
	if (object.failed) {
		json_decref(object.json);
		return NULL;
	}
	return object.json;
}
