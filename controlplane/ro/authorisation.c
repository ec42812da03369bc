/* SPDX-License-Identifier: BSD-3-Clause */
/* RO Authorisation: what the LMA of a MAG says about who may move traffic of its MN (wire-formats G.6.5). */
#include "ro/internal.h"

#include <string.h>

#include <nettle/hmac.h>
#include <nettle/memops.h>

static void be_bytes(uint64_t value, uint8_t *bytes, unsigned n)
{
	while (n-- > 0) {
		bytes[n] = (uint8_t)value;
		value >>= 8;
	}
}

static void compute(const struct ro_peer *holder, uint32_t id, uint64_t stamp, const struct in6_addr *mag,
	const struct side *receiver, const struct side *other, uint8_t mac[RO_MAC_LENGTH])
{
	struct hmac_sha256_ctx hmac;
	uint8_t numbers[12], prefix[16] = {0};

	be_bytes(id, numbers, 4);
	be_bytes(stamp, numbers + 4, 8);
	hmac_sha256_set_key(&hmac, RO_KEY_LENGTH, holder->key);
	hmac_sha256_update(&hmac, 2, (const uint8_t *)"RO");
	hmac_sha256_update(&hmac, sizeof(numbers), numbers);
	hmac_sha256_update(&hmac, 16, mag->s6_addr);
	hmac_sha256_update(&hmac, receiver->id.length, ident_data(&receiver->id));
	for (unsigned i = 0; i < other->prefix_count; i++) {
		be_bytes(other->prefixes[i], prefix, 8);
		hmac_sha256_update(&hmac, 16, prefix);
	}
	hmac_sha256_digest(&hmac, RO_MAC_LENGTH, mac);
	explicit_bzero(&hmac, sizeof(hmac));
}

void authorisation_mint(const struct ro_peer *holder, uint32_t id, uint64_t stamp, const struct in6_addr *mag,
	const struct side *receiver, const struct side *other, struct ro_authorisation *out)
{
	out->key_id = holder->key_id;
	compute(holder, id, stamp, mag, receiver, other, out->mac);
}

bool authorisation_is_valid(const struct ro_peer *holder, const struct ro_authorisation *authorisation, uint32_t id,
	uint64_t stamp, const struct in6_addr *mag, const struct side *receiver, const struct side *other)
{
	uint8_t mac[RO_MAC_LENGTH];

	if (!holder->has_key || authorisation->key_id != holder->key_id)
		return false;
	compute(holder, id, stamp, mag, receiver, other, mac);
	return memeql_sec(mac, authorisation->mac, RO_MAC_LENGTH) != 0;
}
