/* SPDX-License-Identifier: BSD-3-Clause */
/* The options of PBU and PBA as values (RFC 4283 section 3, RFC 5213 sections 8.3-8.8). */
#include "mh/message.h"

#include "mh/options.h"

bool mh_option_mn_id(const struct mh_option *option, struct mn_id *id)
{
	if (option->length < 1)
		return false;
	*id = (struct mn_id){option->data[0], (uint8_t)(option->length - 1), option->data + 1};
	return true;
}

bool mh_option_prefix(const struct mh_option *option, struct home_network_prefix *prefix)
{
	if (option->length != 18)
		return false;
	prefix->length = option->data[1];
	memcpy(&prefix->prefix, option->data + 2, 16);
	return true;
}

uint64_t mh_timestamp_from_ns(uint64_t wall_ns)
{
	return (wall_ns / 1000000000) << 16 | (wall_ns % 1000000000) * 65536 / 1000000000;
}

uint64_t mh_timestamp_to_ns(uint64_t timestamp)
{
	uint64_t seconds = timestamp >> 16;
	uint64_t ns = ((timestamp & 0xffff) * 1000000000 + 65535) / 65536;

	if (seconds > (UINT64_MAX - ns) / 1000000000)
		return UINT64_MAX;
	return seconds * 1000000000 + ns;
}

static void take_prefix(struct proxy_options *options, const struct mh_option *option)
{
	if (options->prefix_count < PROXY_PREFIXES_MAX)
		mh_option_prefix(option, &options->prefixes[options->prefix_count]);
	options->prefix_count++;
}

static void take_link_layer_id(struct proxy_options *options, const struct mh_option *option)
{
	if (options->link_layer_id_count++ > 0 || option->length < 2)
		return;
	options->link_layer_id = option->data + 2;
	options->link_layer_id_length = (uint8_t)(option->length - 2);
}

static void take_option(struct proxy_options *options, const struct mh_option *option)
{
	struct cursor data = cursor_over(option->data, option->length);

	switch (option->type) {
	case MHO_MN_ID:
		if (options->mn_id_count++ == 0)
			mh_option_mn_id(option, &options->mn_id);
		break;
	case MHO_HOME_NETWORK_PREFIX: take_prefix(options, option); break;
	case MHO_HANDOFF_INDICATOR:
		if (options->handoff_indicator_count++ == 0)
			options->handoff_indicator = (uint8_t)cursor_be16(&data);
		break;
	case MHO_ACCESS_TECHNOLOGY_TYPE:
		if (options->access_technology_count++ == 0)
			options->access_technology = (uint8_t)cursor_be16(&data);
		break;
	case MHO_MN_LINK_LAYER_ID: take_link_layer_id(options, option); break;
	case MHO_LINK_LOCAL_ADDRESS:
		if (options->link_local_count++ == 0)
			cursor_copy(&data, &options->link_local, 16);
		break;
	case MHO_TIMESTAMP:
		if (options->timestamp_count++ == 0)
			options->timestamp = cursor_be64(&data);
		break;
	case MHO_ALTERNATE_CARE_OF_ADDRESS:
		if (options->alternate_care_of_address_count++ == 0)
			cursor_copy(&data, &options->alternate_care_of_address, 16);
		break;
	}
}

void mh_proxy_options(const struct mh_message *message, struct proxy_options *options)
{
	uint64_t seen[4] = {0};

	memset(options, 0, sizeof(*options));
	for (unsigned i = 0; i < message->option_count; i++) {
		const struct mh_option *option = &message->options[i];
		const struct mh_option_rule *rule = mh_option_rule(option->type);
		uint64_t bit = 1ull << (option->type & 63);

		if (rule != NULL && !rule->many && (seen[option->type >> 6] & bit))
			options->duplicate_singleton = true;
		seen[option->type >> 6] |= bit;
		take_option(options, option);
	}
}
