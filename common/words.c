/* SPDX-License-Identifier: BSD-3-Clause */
#include "drop_reasons.h"
#include "punt_reasons.h"
#include "stages.h"
#include "fwd_update.h"

#include <string.h>

#define NAME_OF(name, ...)             #name,
#define HELP_OF(name, help)            help,
#define PUNT_HELP_OF(name, ring, help) help,
#define PUNT_RING_OF(name, ring, help) #ring,
#define WORD(table, index)             ((unsigned)(index) < sizeof(table) / sizeof((table)[0]) ? (table)[index] : "?")

static const char *const drop_names[] = {DROP_REASONS(NAME_OF)};
static const char *const drop_helps[] = {DROP_REASONS(HELP_OF)};
static const char *const punt_names[] = {PUNT_REASONS(NAME_OF)};
static const char *const punt_helps[] = {PUNT_REASONS(PUNT_HELP_OF)};
static const char *const punt_rings[] = {PUNT_REASONS(PUNT_RING_OF)};
static const char *const stage_names[] = {STAGES(NAME_OF)};
static const char *const stage_helps[] = {STAGES(HELP_OF)};
static const char *const op_names[] = {FWD_OPS(NAME_OF)};

const char *drop_reason_name(enum drop_reason reason)
{
	return WORD(drop_names, reason);
}

const char *drop_reason_help(enum drop_reason reason)
{
	return WORD(drop_helps, reason);
}

const char *punt_reason_name(enum punt_reason reason)
{
	return WORD(punt_names, reason);
}

const char *punt_reason_help(enum punt_reason reason)
{
	return WORD(punt_helps, reason);
}

bool punt_reason_is_signalling(enum punt_reason reason)
{
	return strcmp(WORD(punt_rings, reason), "signalling") == 0;
}

const char *stage_name(enum stage stage)
{
	return WORD(stage_names, stage);
}

const char *stage_help(enum stage stage)
{
	return WORD(stage_helps, stage);
}

const char *fwd_op_name(enum fwd_op op)
{
	return WORD(op_names, op);
}
