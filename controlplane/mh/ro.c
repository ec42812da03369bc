/* SPDX-License-Identifier: BSD-3-Clause */
#include "mh/ro.h"

#include <errno.h>

#include "mh/message.h"
#include "mh/options.h"

#define SHIM_LENGTH     8
#define MH_BASE_MIN     23
#define MH_BASE_MAX     244
#define OPTION_BASE_MIN 70
#define OPTION_BASE_MAX 249

static uint8_t mh_base = RO_NATIVE_BASE_DEFAULT, option_base = RO_NATIVE_BASE_DEFAULT;

#define NAME_OF(number, name, word) [number] = word,
static const char *const message_names[RO_CODE_MAX + 1] = {RO_MESSAGES(NAME_OF)};
static const char *const reason_names[] = {RO_REASONS(NAME_OF)};
static const char *const status_names[256] = {RO_STATUSES(NAME_OF)};

const char *ro_message_name(uint8_t code)
{
	return code <= RO_CODE_MAX && message_names[code] != NULL ? message_names[code] : "unknown";
}

const char *ro_reason_name(uint8_t reason)
{
	return reason < sizeof(reason_names) / sizeof(reason_names[0]) ? reason_names[reason] : "unknown";
}

const char *ro_status_name(uint8_t status)
{
	return status_names[status] != NULL ? status_names[status] : "unknown";
}

int ro_native_bases(uint8_t mh, uint8_t option)
{
	if (mh < MH_BASE_MIN || mh > MH_BASE_MAX || option < OPTION_BASE_MIN || option > OPTION_BASE_MAX)
		return -ERANGE;
	mh_base = mh;
	option_base = option;
	return 0;
}

static bool is_code(unsigned code)
{
	return code <= RO_CODE_MAX && message_names[code] != NULL;
}

uint8_t ro_mh_type(uint8_t code, bool experimental)
{
	return experimental ? MH_EXPERIMENTAL : (uint8_t)(mh_base + code);
}

const struct mh_message_rule *ro_message_rule(uint8_t type)
{
	if (type == MH_EXPERIMENTAL)
		return &mh_rule_ro_experiment;
	return ro_mh_type_is(type) ? &mh_rule_ro_native : NULL;
}

bool ro_mh_type_is(uint8_t type)
{
	return type == MH_EXPERIMENTAL || (type > mh_base && is_code((unsigned)(type - mh_base)));
}

uint8_t mh_option_row(uint8_t type)
{
	if (type > option_base && type - option_base < RO_OPTION_COUNT)
		return (uint8_t)(type - option_base + RO_NATIVE_BASE_DEFAULT);
	return type > RO_NATIVE_BASE_DEFAULT && type - RO_NATIVE_BASE_DEFAULT < RO_OPTION_COUNT ? 0 : type;
}

/* ---- fixed part ---- */

static void fixed_decode(struct mh_message *message, struct cursor *data)
{
	message->fixed.ro.sequence = cursor_be16(data);
	message->fixed.ro.flags = cursor_u8(data);
	message->fixed.ro.value = cursor_u8(data);
	message->fixed.ro.lifetime = cursor_be16(data);
	message->fixed.ro.association = cursor_be32(data);
}

static void fixed_encode(uint8_t *at, const struct mh_message *message)
{
	put_be16(at, message->fixed.ro.sequence);
	at[2] = message->fixed.ro.flags;
	at[3] = message->fixed.ro.value;
	put_be16(at + 4, message->fixed.ro.lifetime);
	put_be32(at + 6, message->fixed.ro.association);
}

static void native_decode(struct mh_message *message, struct cursor *data)
{
	message->fixed.ro.code = (uint8_t)(message->type - mh_base);
	fixed_decode(message, data);
}

static void native_encode(struct mh_writer *writer, const struct mh_message *message)
{
	if (!writer->failed)
		fixed_encode(writer->bytes + MH_DATA_OFFSET, message);
}

static enum mh_error experiment_accept(const uint8_t *bytes, uint16_t length)
{
	struct cursor data = cursor_over(bytes + MH_DATA_OFFSET, length - MH_DATA_OFFSET);
	uint16_t magic = cursor_be16(&data);
	uint8_t version = cursor_u8(&data), code = cursor_u8(&data);

	if (data.failed)
		return MH_ERROR_HEADER_LENGTH;
	if (magic != RO_MAGIC || version != RO_VERSION)
		return MH_ERROR_EXPERIMENT;
	return is_code(code) ? MH_ERROR_NONE : MH_ERROR_TYPE;
}

static void experiment_decode(struct mh_message *message, struct cursor *data)
{
	cursor_be16(data);
	cursor_u8(data);
	message->fixed.ro.code = cursor_u8(data);
	message->fixed.ro.experimental = true;
	message->fixed.ro.experiment_id = cursor_be32(data);
	fixed_decode(message, data);
}

static void experiment_encode(struct mh_writer *writer, const struct mh_message *message)
{
	uint8_t *at = writer->bytes + MH_DATA_OFFSET;

	if (writer->failed)
		return;
	put_be16(at, RO_MAGIC);
	at[2] = RO_VERSION;
	at[3] = message->fixed.ro.code;
	put_be32(at + 4, message->fixed.ro.experiment_id);
	fixed_encode(at + SHIM_LENGTH, message);
}

const struct mh_message_rule mh_rule_ro_experiment = {
	.fixed_length = 24, .accept = experiment_accept, .decode = experiment_decode, .encode = experiment_encode};
const struct mh_message_rule mh_rule_ro_native = {.fixed_length = 16, .decode = native_decode, .encode = native_encode};

struct ro_fixed ro_fixed_of(const struct mh_message *message)
{
	return (struct ro_fixed){.code = message->fixed.ro.code,
		.experimental = message->fixed.ro.experimental,
		.experiment_id = message->fixed.ro.experiment_id,
		.sequence = message->fixed.ro.sequence,
		.flags = message->fixed.ro.flags,
		.value = message->fixed.ro.value,
		.lifetime_s = message->fixed.ro.lifetime,
		.association = message->fixed.ro.association};
}

/* ---- options ---- */

uint8_t ro_option_type(uint8_t code)
{
	return (uint8_t)(option_base + code);
}

bool ro_option(const struct mh_option *option, struct ro_option *out)
{
	struct cursor data = cursor_over(option->data, option->length);
	const struct mh_option_rule *rule;

	*out = (struct ro_option){.experimental = option->type == MHO_EXPERIMENTAL};
	if (out->experimental) {
		uint16_t magic = cursor_be16(&data);
		uint8_t version = cursor_u8(&data);

		out->code = cursor_u8(&data);
		out->experiment_id = cursor_be32(&data);
		if (data.failed || magic != RO_MAGIC || version != RO_VERSION)
			return false;
	} else if (option->type > option_base) {
		out->code = (uint8_t)(option->type - option_base);
	}
	if (out->code == 0 || out->code >= RO_OPTION_COUNT)
		return false;
	out->length = (uint8_t)cursor_left(&data);
	out->data = data.at;
	rule = mh_option_rule(ro_option_type(out->code));
	return mh_option_form(rule, out->length) != NULL;
}

bool ro_option_local_ro(const struct ro_option *option, uint8_t *lri)
{
	struct cursor data = cursor_over(option->data, option->length);

	*lri = cursor_be16(&data) & 3;
	return option->code == RO_OPTION_LOCAL_RO && !data.failed;
}

bool ro_option_pair(const struct ro_option *option, struct ro_pair_option *pair)
{
	struct cursor data = cursor_over(option->data, option->length);

	*pair = (struct ro_pair_option){.has_ipv4 = (cursor_u8(&data) & 0x80) != 0};
	pair->prefix_length = cursor_u8(&data);
	cursor_copy(&data, &pair->prefix, 16);
	cursor_copy(&data, &pair->proxy_coa, 16);
	if (pair->has_ipv4) {
		cursor_copy(&data, pair->ipv4_home, 4);
		cursor_copy(&data, pair->ipv4_proxy_coa, 4);
	}
	return option->code == RO_OPTION_MN_CN_PAIR && !data.failed && cursor_left(&data) == 0;
}

bool ro_option_authorisation(const struct ro_option *option, struct ro_authorisation *authorisation)
{
	struct cursor data = cursor_over(option->data, option->length);

	authorisation->key_id = cursor_u8(&data);
	cursor_u8(&data);
	cursor_copy(&data, authorisation->mac, RO_MAC_LENGTH);
	return option->code == RO_OPTION_AUTHORISATION && !data.failed;
}

bool ro_option_association(const struct ro_option *option, uint32_t *association)
{
	struct cursor data = cursor_over(option->data, option->length);
	uint8_t authorisation[2 + RO_MAC_LENGTH];

	cursor_copy(&data, authorisation, sizeof(authorisation));
	*association = cursor_be32(&data);
	return option->code == RO_OPTION_AUTHORISATION && !data.failed;
}
