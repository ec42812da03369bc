/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Harness of the configuration loader: any bytes as a file. What is refused has to have a reason; what is accepted has
 * to be good enough for the policy store and the engines, and shown as JSON it has to be a file of the same
 * configuration.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config_json.h"
#include "engine_config.h"

#include "fuzz.h"

static struct config *parse(const char *text, size_t size)
{
	char *messages = NULL;
	size_t length = 0;
	FILE *errors = open_memstream(&messages, &length);
	struct config *config;

	CHECK(errors != NULL);
	config = config_parse(text, size, "f", errors);
	fclose(errors);
	CHECK((config != NULL) == (length == 0));
	for (const char *line = messages; *line != '\0'; line = strchr(line, '\n') + 1) {
		CHECK(strncmp(line, "f:", 2) == 0);
		CHECK(strchr(line, '\n') != NULL);
	}
	free(messages);
	return config;
}

static bool is_ascii(const char *text)
{
	for (; *text != '\0'; text++)
		if (*text & 0x80)
			return false;
	return true;
}

/* Keys are not shown: others take their place. */
static void put_keys(json_t *json)
{
	size_t i;
	json_t *peer;

	json_array_foreach(json_object_get(json, "peers"), i, peer)
	{
		char key[65];

		if (json_object_get(peer, "ro-key") == NULL)
			continue;
		CHECK(strcmp(json_string_value(json_object_get(peer, "ro-key")), "(hidden)") == 0);
		snprintf(key, sizeof(key), "%064zx", i + 1);
		json_object_set_new(peer, "ro-key", json_string(key));
	}
}

/* Only ASCII: a reader of YAML folds some further characters that JSON leaves as they are. */
static void show_and_load(const struct config *config)
{
	json_t *json = config_to_json(config), *variables = config_variables_to_json(config);
	json_t *whole = json_deep_copy(json);
	char *text;

	CHECK(json != NULL && variables != NULL && whole != NULL);
	put_keys(whole);
	text = json_dumps(whole, JSON_REAL_PRECISION(12) | JSON_INDENT(1));
	CHECK(text != NULL);
	if (is_ascii(text)) {
		struct config *again = parse(text, strlen(text));
		json_t *json_again;

		CHECK(again != NULL);
		json_again = config_to_json(again);
		CHECK(json_equal(json, json_again));
		json_decref(json_again);
		config_destroy(again);
	}
	free(text);
	json_decref(json);
	json_decref(whole);
	json_decref(variables);
}

static void use(const struct config *config)
{
	struct policy *policy = config_policy(config);
	uint64_t tables, mbufs;
	struct lma_config lma;
	struct mag_config mag;
	struct ro_config ro;
	struct ro_peer *peers;

	CHECK(policy != NULL);
	if (config->role == ROLE_LMA)
		config_lma_engine(config, policy, &lma);
	else
		config_mag_engine(config, policy, &mag);
	CHECK(config_ro_engine(config, &ro, &peers) == 0);
	CHECK(ro_config_check(&ro) == 0);
	free(peers);
	policy_destroy(policy);
	config_memory(config, &tables, &mbufs);
	CHECK(tables > 0 && mbufs > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config *config = parse((const char *)data, size);

	if (config == NULL)
		return 0;
	use(config);
	show_and_load(config);
	config_destroy(config);
	return 0;
}
