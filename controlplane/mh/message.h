/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "cursor.h"

#include "mh/mh.h"

/*
 * Inside of the codec: what a message type is. One row per type, in the file of its family; mh_message_rule() is the
 * list of those that the codec knows. Any thread, const.
 */
struct mh_message_rule {
	uint8_t fixed_length; /* octets from Payload Proto to where the options start */
	enum mh_error (*accept)(const uint8_t *bytes, uint16_t length);  /* NULL: every message of the type */
	void (*decode)(struct mh_message *message, struct cursor *data); /* @data: from octet 6 */
	void (*encode)(struct mh_writer *writer, const struct mh_message *message);
};

/* NULL: a type that the codec does not know. */
const struct mh_message_rule *mh_message_rule(uint8_t type);

extern const struct mh_message_rule mh_rule_brr, mh_rule_bu, mh_rule_ba, mh_rule_be; /* binding.c */
extern const struct mh_message_rule mh_rule_test_init, mh_rule_test;                 /* return_routability.c */
extern const struct mh_message_rule mh_rule_heartbeat;                               /* heartbeat.c */
extern const struct mh_message_rule mh_rule_upn, mh_rule_upa;                        /* update_notification.c */
extern const struct mh_message_rule mh_rule_ro_experiment, mh_rule_ro_native;        /* ro.c */

/* The rule of a type that RO messages have, or NULL. */
const struct mh_message_rule *ro_message_rule(uint8_t type);

#define MH_DATA_OFFSET 6 /* Message Data: after the checksum */

/* Big-endian stores for the fixed parts and options. */
static inline void put_be16(uint8_t *at, uint16_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static inline void put_be32(uint8_t *at, uint32_t value)
{
	put_be16(at, (uint16_t)(value >> 16));
	put_be16(at + 2, (uint16_t)value);
}

static inline void put_be64(uint8_t *at, uint64_t value)
{
	put_be32(at, (uint32_t)(value >> 32));
	put_be32(at + 4, (uint32_t)value);
}
