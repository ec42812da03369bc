/* SPDX-License-Identifier: BSD-3-Clause */
#include "mh/ro.h"

#include <stdio.h>

#define COUNT_OF(table) (sizeof(table) / sizeof((table)[0]))

static const char *word_at(const char *const *table, size_t count, unsigned index)
{
	return index < count && table[index] != NULL ? table[index] : "unknown";
}

/* IANA "Mobility Header Types"; 16 is BRI or BRA by its first octet of data. */
static const char *const type_names[] = {
	[MH_BRR] = "BRR",
	[MH_HOTI] = "HoTI",
	[MH_COTI] = "CoTI",
	[MH_HOT] = "HoT",
	[MH_COT] = "CoT",
	[MH_BU] = "BU",
	[MH_BA] = "BA",
	[MH_BE] = "BE",
	[8] = "FBU",
	[9] = "FBack",
	[10] = "FNA",
	[MH_EXPERIMENTAL] = "experimental",
	[12] = "HAS",
	[MH_HEARTBEAT] = "Heartbeat",
	[14] = "HI",
	[15] = "HAck",
	[16] = "binding-revocation",
	[17] = "LRI",
	[18] = "LRA",
	[MH_UPN] = "UPN",
	[MH_UPA] = "UPA",
	[21] = "flow-binding",
	[22] = "subscription-query",
	[23] = "subscription-response",
};

static const char *const status_names[256] = {
#define STATUS_NAME(number, name, word) [number] = word,
	MH_STATUSES(STATUS_NAME)};

static const char *const handoff_names[] = {
	[HI_RESERVED] = "reserved",
	[HI_NEW_INTERFACE] = "new-interface",
	[HI_BETWEEN_INTERFACES] = "between-interfaces",
	[HI_BETWEEN_MAGS] = "between-mags",
	[HI_UNKNOWN] = "unknown",
	[HI_UNCHANGED] = "unchanged",
	[HI_NEW_INTERFACE_SHARED_PREFIXES] = "new-interface-shared-prefixes",
};

static const char *const access_names[] = {"reserved", "virtual", "ppp", "ieee-802.3", "ieee-802.11", "ieee-802.16e",
	"3gpp-geran", "3gpp-utran", "3gpp-e-utran", "3gpp2-ehrpd", "3gpp2-hrpd", "3gpp2-1xrtt", "3gpp2-umb"};

/* IANA "Mobile Node Identifier Option Subtypes": RFC 4283, RFC 8371 */
static const char *const subtype_names[] = {
	NULL, "nai", "ipv6-address", "imsi", "p-tmsi", "eui-48", "eui-64", "guti", "duid"};

static const char *const binding_error_names[] = {
	NULL, "unknown-binding-for-home-address-option", "unrecognized-mh-type"};

static const char *const upn_reason_names[] = {
#define REASON_NAME(number, name, word) [number] = word,
	UPN_REASONS(REASON_NAME)};

static const char *const upa_status_names[] = {
#define UPA_STATUS_NAME(number, name, word) [number] = word,
	UPA_STATUSES(UPA_STATUS_NAME)};

#define ERROR_NAME(name, word, help) word,
#define ERROR_HELP(name, word, help) help,
static const char *const error_names[] = {MH_ERRORS(ERROR_NAME)};
static const char *const error_helps[] = {MH_ERRORS(ERROR_HELP)};

const char *mh_type_name(uint8_t type)
{
	return word_at(type_names, COUNT_OF(type_names), type);
}

const char *mh_status_name(uint8_t status)
{
	return word_at(status_names, COUNT_OF(status_names), status);
}

const char *handoff_indicator_name(uint8_t value)
{
	return word_at(handoff_names, COUNT_OF(handoff_names), value);
}

const char *access_technology_name(uint8_t value)
{
	return word_at(access_names, COUNT_OF(access_names), value);
}

const char *mn_id_subtype_name(uint8_t subtype)
{
	return word_at(subtype_names, COUNT_OF(subtype_names), subtype);
}

const char *binding_error_name(uint8_t status)
{
	return word_at(binding_error_names, COUNT_OF(binding_error_names), status);
}

const char *upn_reason_name(uint16_t reason)
{
	return word_at(upn_reason_names, COUNT_OF(upn_reason_names), reason);
}

const char *upa_status_name(uint8_t status)
{
	return word_at(upa_status_names, COUNT_OF(upa_status_names), status);
}

const char *mh_error_name(enum mh_error error)
{
	return word_at(error_names, COUNT_OF(error_names), error);
}

const char *mh_error_help(enum mh_error error)
{
	return word_at(error_helps, COUNT_OF(error_helps), error);
}

const char *mh_message_name(const struct mh_message *message, char text[16])
{
	if (message->type == MH_BU && (message->fixed.bu.flags & BU_FLAG_P))
		return "PBU";
	if (message->type == MH_BA && (message->fixed.ba.flags & BA_FLAG_P))
		return "PBA";
	if (ro_mh_type_is(message->type) && message->fixed.ro.code != 0)
		return ro_message_name(message->fixed.ro.code);
	if (message->type < COUNT_OF(type_names))
		return type_names[message->type];
	snprintf(text, 16, "type-%u", message->type);
	return text;
}
