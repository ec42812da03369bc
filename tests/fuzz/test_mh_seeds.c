/* SPDX-License-Identifier: BSD-3-Clause */
/* The corpus of the Mobility Header has a seed for every message type and every row of the option table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <dirent.h>

#include <cmocka.h>

#include "mh/mh.h"
#include "mh/options.h"

static bool types[256], options[256];

static void look_at(const char *path)
{
	uint8_t bytes[4096];
	FILE *file = fopen(path, "rb");
	struct mh_message message;
	size_t size;

	assert_non_null(file);
	size = fread(bytes, 1, sizeof(bytes), file);
	fclose(file);
	if (mh_decode(&message, bytes, size, NULL, NULL) != MH_ERROR_NONE)
		return;
	types[message.type] = true;
	for (unsigned i = 0; i < message.option_count; i++)
		options[message.options[i].type] = true;
}

static int look_at_all(void **state)
{
	const char *corpus = getenv("CORPUS");
	DIR *directory = corpus != NULL ? opendir(corpus) : NULL;
	struct dirent *entry;
	char path[4096];

	(void)state;
	if (directory == NULL)
		return -1;
	while ((entry = readdir(directory)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", corpus, entry->d_name);
		look_at(path);
	}
	closedir(directory);
	return 0;
}

static void every_row_of_the_option_table_has_a_seed(void **state)
{
	(void)state;
	for (unsigned type = 0; type < 256; type++)
		if (mh_option_rule((uint8_t)type) != NULL && !options[type])
			fail_msg("option %u (%s) has no seed", type, mh_option_name((uint8_t)type));
}

static void every_message_type_has_a_seed(void **state)
{
	static const uint8_t known[] = {MH_BRR, MH_HOTI, MH_COTI, MH_HOT, MH_COT, MH_BU, MH_BA, MH_BE, MH_HEARTBEAT,
		MH_EXPERIMENTAL, MH_UPN, MH_UPA, 240, 241, 242, 243, 244, 245, 250};

	(void)state;
	for (unsigned i = 0; i < sizeof(known); i++)
		if (!types[known[i]])
			fail_msg("message type %u (%s) has no seed", known[i], mh_type_name(known[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_of_the_option_table_has_a_seed),
		cmocka_unit_test(every_message_type_has_a_seed),
	};

	return cmocka_run_group_tests(tests, look_at_all, NULL);
}
