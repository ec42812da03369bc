/* SPDX-License-Identifier: BSD-3-Clause */
#include "config_texts.h"

#include "unit.h"

#include <stdlib.h>
#include <string.h>

/* A line of the file in a line, with its number. */
/* clang-format off */
const char lma_text[] =
	"role: lma\n"                                                               /* 1 */
	"ports:\n"                                                                  /* 2 */
	"  - name: core0\n"                                                         /* 3 */
	"    device: kernel:eth0\n"                                                 /* 4 */
	"    side: core\n"                                                          /* 5 */
	"    addresses: [2001:db8:0:1::1/64]\n"                                     /* 6 */
	"  - name: out0\n"                                                          /* 7 */
	"    device: vdev:net_tap0,iface=out0\n"                                    /* 8 */
	"    side: outside\n"                                                       /* 9 */
	"    addresses: [2001:db8:0:2::1/64]\n"                                     /* 10 */
	"routes:\n"                                                                 /* 11 */
	"  - {prefix: '::/0', via: 2001:db8:0:2::ff}\n"                             /* 12 */
	"peers:\n"                                                                  /* 13 */
	"  - {name: mag1, address: 2001:db8:0:1::11, insecure: true}\n"             /* 14 */
	"  - {name: mag2, address: 2001:db8:0:1::12, insecure: true}\n"             /* 15 */
	"lma:\n"                                                                    /* 16 */
	"  pools:\n"                                                                /* 17 */
	"    - {name: pool0, prefix: 2001:db8:1000::/48}\n"                         /* 18 */
	"    - {name: pool1, prefix: 2001:db8:2000::/48}\n"                         /* 19 */
	"mobile-nodes:\n"                                                           /* 20 */
	"  - id: mn1@example.com\n"                                                 /* 21 */
	"    mac: 02:00:00:00:00:01\n"                                              /* 22 */
	"    prefixes: [fd00:0:0:1::/64]\n"                                         /* 23 */
	"  - id: mn2@example.com\n"                                                 /* 24 */
	"    mac: 02:00:00:00:00:02\n"                                              /* 25 */
	"    pool: pool1\n"                                                         /* 26 */
	"    mags: [mag1, mag2]\n";                                                 /* 27 */

const char mag_text[] =
	"role: mag\n"                                                               /* 1 */
	"ports:\n"                                                                  /* 2 */
	"  - name: core0\n"                                                         /* 3 */
	"    device: kernel:eth0\n"                                                 /* 4 */
	"    side: core\n"                                                          /* 5 */
	"    addresses: [2001:db8:0:1::11/64]\n"                                    /* 6 */
	"  - name: access0\n"                                                       /* 7 */
	"    device: pci:0000:3b:00.0\n"                                            /* 8 */
	"    side: access\n"                                                        /* 9 */
	"    vlans: [10, 20]\n"                                                     /* 10 */
	"peers:\n"                                                                  /* 11 */
	"  - {name: lma1, address: 2001:db8:0:1::1, insecure: true}\n"              /* 12 */
	"mobile-nodes:\n"                                                           /* 13 */
	"  - id: mn1@example.com\n"                                                 /* 14 */
	"    mac: 02:00:00:00:00:01\n";                                             /* 15 */

/* clang-format on */

char *parse_messages(const char *text, size_t length, struct config **config)
{
	char *messages = NULL;
	size_t size = 0;
	FILE *errors = open_memstream(&messages, &size);

	*config = config_parse(text, length, "f", errors);
	fclose(errors);
	return messages;
}

char *text_replace(const char *text, const char *old, const char *new)
{
	const char *place = strstr(text, old);
	char *result = NULL;
	size_t size = 0;
	FILE *out;

	if (place == NULL || strstr(place + 1, old) != NULL) {
		fprintf(stderr, "not exactly once in the text: %s\n", old);
		abort();
	}
	out = open_memstream(&result, &size);
	fwrite(text, 1, (size_t)(place - text), out);
	fputs(new, out);
	fputs(place + strlen(old), out);
	fclose(out);
	return result;
}

void expect(const char *base, const char *old, const char *new, const char *expected)
{
	char *text = text_replace(base, old, new);
	struct config *config;
	char *messages = parse_messages(text, strlen(text), &config);

	assert_string_equal(messages, expected);
	assert_int_equal(config != NULL, expected[0] == '\0');
	config_destroy(config);
	free(messages);
	free(text);
}
