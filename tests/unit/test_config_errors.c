/* SPDX-License-Identifier: BSD-3-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "config_texts.h"

static void expect(const char *base, const char *old, const char *new, const char *expected)
{
	char *text = text_replace(base, old, new);
	struct config *config;
	char *messages = parse_messages(text, strlen(text), &config);

	assert_string_equal(messages, expected);
	if (expected[0] == '\0')
		assert_non_null(config);
	config_destroy(config);
	free(messages);
	free(text);
}

static void expect_lma(const char *old, const char *new, const char *expected)
{
	expect(lma_text, old, new, expected);
}

static void expect_mag(const char *old, const char *new, const char *expected)
{
	expect(mag_text, old, new, expected);
}

static void small_files_are_accepted(void **state)
{
	expect_lma("role: lma", "role: lma", "");
	expect_mag("role: mag", "role: mag", "");
}

static void unknown_key_names_the_nearest_known_one(void **state)
{
	expect_lma("    side: core\n", "    sides: core\n",
		"f:5: ports[0].sides: core: unknown key; the nearest known one is side\n"
		"f:3: ports[0].side: missing; allowed: core, access or outside\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(small_files_are_accepted),
		cmocka_unit_test(unknown_key_names_the_nearest_known_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
