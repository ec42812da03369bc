/* SPDX-License-Identifier: BSD-3-Clause */
#include "mh/options.h"

#include "mh/mh.h"

#define ONCE                                  false
#define MANY                                  true
#define RULE(number, NAME, word, repeat, ...) [number] = {.name = word, .many = repeat, .forms = {__VA_ARGS__}},
static const struct mh_option_rule rules[] = {MH_OPTIONS(RULE)};

const struct mh_option_rule *mh_option_rule(uint8_t type)
{
	uint8_t row = mh_option_row(type);

	if (row >= sizeof(rules) / sizeof(rules[0]) || rules[row].name == NULL)
		return NULL;
	return &rules[row];
}

const struct mh_option_form *mh_option_form(const struct mh_option_rule *rule, uint8_t length)
{
	for (unsigned i = 0; i < MH_OPTION_FORMS_MAX && rule->forms[i].modulus != 0; i++)
		if (length >= rule->forms[i].shortest && length <= rule->forms[i].longest)
			return &rule->forms[i];
	return NULL;
}

const char *mh_option_name(uint8_t type)
{
	const struct mh_option_rule *rule = mh_option_rule(type);

	if (type == MHO_PAD1)
		return "pad1";
	if (type == MHO_PADN)
		return "padn";
	return rule != NULL ? rule->name : "unknown";
}

const struct mh_option *mh_option_find(const struct mh_message *message, uint8_t type, const struct mh_option *after)
{
	for (unsigned i = after == NULL ? 0 : (unsigned)(after - message->options) + 1; i < message->option_count; i++)
		if (message->options[i].type == type)
			return &message->options[i];
	return NULL;
}

bool mh_option_is_last(const struct mh_message *message, const struct mh_option *option)
{
	return option->offset + 2u + option->length == message->length;
}
