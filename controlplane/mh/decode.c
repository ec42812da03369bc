/* SPDX-License-Identifier: BSD-3-Clause */
#include "mh/message.h"

#include "checksum.h"

#include "mh/options.h"

static const struct mh_message_rule *const rules[] = {
	[MH_BRR] = &mh_rule_brr,
	[MH_HOTI] = &mh_rule_test_init,
	[MH_COTI] = &mh_rule_test_init,
	[MH_HOT] = &mh_rule_test,
	[MH_COT] = &mh_rule_test,
	[MH_BU] = &mh_rule_bu,
	[MH_BA] = &mh_rule_ba,
	[MH_BE] = &mh_rule_be,
	[MH_HEARTBEAT] = &mh_rule_heartbeat,
	[MH_UPN] = &mh_rule_upn,
	[MH_UPA] = &mh_rule_upa,
};

const struct mh_message_rule *mh_message_rule(uint8_t type)
{
	if (type < sizeof(rules) / sizeof(rules[0]) && rules[type] != NULL)
		return rules[type];
	return ro_message_rule(type);
}

static enum mh_error option_decode(struct mh_message *message, struct cursor *at, const uint8_t *start)
{
	struct mh_option option = {.offset = (uint16_t)(at->at - start)};
	const struct mh_option_rule *rule;

	option.type = cursor_u8(at);
	if (option.type == MHO_PAD1)
		return MH_ERROR_NONE;
	option.length = cursor_u8(at);
	option.data = cursor_take(at, option.length);
	if (at->failed)
		return MH_ERROR_OPTION_OVERRUN;
	if (option.type == MHO_PADN)
		return MH_ERROR_NONE;
	rule = mh_option_rule(option.type);
	if (rule != NULL && mh_option_form(rule, option.length) == NULL)
		return MH_ERROR_OPTION_LENGTH;
	if (message->option_count == MH_OPTIONS_MAX)
		return MH_ERROR_OPTION_COUNT;
	message->options[message->option_count++] = option;
	return MH_ERROR_NONE;
}

static bool ends_with_authorization_data(const struct mh_message *message)
{
	const struct mh_option *option = mh_option_find(message, MHO_BINDING_AUTHORIZATION_DATA, NULL);

	return option == NULL || mh_option_is_last(message, option);
}

enum mh_error mh_decode(struct mh_message *message, const void *bytes, size_t size, const struct in6_addr *source,
	const struct in6_addr *destination)
{
	const struct mh_message_rule *rule;
	const uint8_t *start = bytes;
	enum mh_error error;
	struct cursor at;

	memset(message, 0, offsetof(struct mh_message, options));
	if (size < 8)
		return MH_ERROR_TRUNCATED;
	message->type = start[2];
	message->checksum = (uint16_t)(start[4] << 8 | start[5]);
	message->length = (uint16_t)((start[1] + 1) * 8);
	if (message->length > size)
		return MH_ERROR_LENGTH;
	if (source != NULL && checksum_ipv6(source, destination, IPPROTO_MOBILITY, bytes, message->length) != 0)
		return MH_ERROR_CHECKSUM;
	rule = mh_message_rule(message->type);
	if (rule == NULL)
		return MH_ERROR_TYPE;
	if (start[0] != MH_PAYLOAD_PROTO)
		return MH_ERROR_PAYLOAD_PROTO;
	error = rule->accept != NULL ? rule->accept(start, message->length) : MH_ERROR_NONE;
	if (error != MH_ERROR_NONE)
		return error;
	if (message->length < rule->fixed_length)
		return MH_ERROR_HEADER_LENGTH;

	at = cursor_over(start + MH_DATA_OFFSET, rule->fixed_length - MH_DATA_OFFSET);
	rule->decode(message, &at);
	at = cursor_over(start + rule->fixed_length, message->length - rule->fixed_length);
	while (cursor_left(&at) > 0) {
		error = option_decode(message, &at, start);
		if (error != MH_ERROR_NONE)
			return error;
	}
	return ends_with_authorization_data(message) ? MH_ERROR_NONE : MH_ERROR_AUTHORIZATION_DATA;
}
