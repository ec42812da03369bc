/* SPDX-License-Identifier: BSD-3-Clause */
#include "api/advice.h"

#include <stddef.h>
#include <string.h>

#include "mh/mh.h"

struct state_row {
	const char *state, *meaning;
};

static const struct state_row states[] = {
	/* LMA */
	{"pending", "accepted; the forwarding state is being installed before the PBA is sent"},
	{"active", "registered: packets are forwarded through the tunnel"},
	{"held", "active; a PBU of another MAG waits for the old MAG's de-registration (MaxDelayBeforeNewBCEAssign)"},
	{"delete-wait", "de-registered: kept for MinDelayBeforeBCEDelete, packets are dropped meanwhile"},
	/* MAG */
	{"registering", "a PBU is outstanding: the LMA has not accepted yet"},
	{"installing", "accepted by the LMA; the forwarding state is being installed"},
	{"refreshing", "registered; the PBU that extends the lifetime is outstanding"},
	{"waiting-to-retry", "the last PBU failed; the next one is sent after a pause"},
	{"refused", "policy or the LMA refused it: its packets are dropped until the hold time is over"},
	{"de-registering", "it left; the PBU with lifetime 0 is outstanding"},
	{"detached",
		"detached: its packets are dropped for a while; a router solicitation or an attach brings it back"},
	/* both */
	{"absent", "there is no session of this mobile node"},
};

struct advice_row {
	uint8_t status;
	const char *lma, *mag;
};

static const struct advice_row advices[] = {
	{MH_STATUS_UNSPECIFIED, "look for its reason in the log of this gateway",
		"look for its reason in the log of the LMA"},
	{MH_STATUS_ADMINISTRATIVELY_PROHIBITED, "policy forbids it: see mobile-nodes in the configuration",
		"the LMA's policy forbids it: ask who runs the LMA"},
	{MH_STATUS_INSUFFICIENT_RESOURCES,
		"no room: see show pools and show node; raise max-bindings or add a pool, or wait for pending "
		"updates",
		"the LMA has no room for bindings or prefixes: it is asked again later"},
	{MH_STATUS_NOT_HOME_AGENT, "this gateway is not the anchor of that mobile node",
		"wrong LMA: see lma of the node"},
	{MH_STATUS_SEQUENCE_OUT_OF_WINDOW, "the MAG follows with a higher sequence number by itself",
		"the PBU is sent again with a higher sequence number by itself"},
	{MH_STATUS_PROXY_REG_NOT_ENABLED, "set proxy-registration of this mobile node to true",
		"the LMA does not allow proxy registration of this mobile node"},
	{MH_STATUS_NOT_LMA_FOR_THIS_MOBILE_NODE,
		"the mobile node is unknown here: add it under mobile-nodes or set a default profile",
		"the LMA does not know the mobile node: add it there, or name another LMA for it under mobile-nodes"},
	{MH_STATUS_MAG_NOT_AUTHORIZED_FOR_PROXY_REG,
		"the MAG may not register this mobile node: see peers and the node's mags",
		"the LMA does not accept this MAG for the mobile node: add it there under peers and the node's mags"},
	{MH_STATUS_NOT_AUTHORIZED_FOR_HOME_NETWORK_PREFIX,
		"the MAG asked for a prefix that is not the mobile node's: compare show bindings of both gateways",
		"the prefix belongs to somebody else: detach the mobile node and let it attach again"},
	{MH_STATUS_TIMESTAMP_MISMATCH,
		"clocks differ by more than TimestampValidityWindow: synchronise both gateways (NTP)",
		"clocks differ by more than the LMA's TimestampValidityWindow: synchronise both gateways (NTP)"},
	{MH_STATUS_TIMESTAMP_LOWER_THAN_PREV_ACCEPTED,
		"an older PBU came after a newer one, or two MAGs' clocks differ: synchronise them (NTP)",
		"another MAG registered the mobile node with a later time: synchronise the clocks of the MAGs (NTP)"},
	{MH_STATUS_MISSING_HOME_NETWORK_PREFIX_OPTION, "the MAG's PBU is incomplete: hawserctl decode shows it",
		"the LMA misses an option in our PBU: hawserctl decode shows it"},
	{MH_STATUS_BCE_PBU_PREFIX_SET_DO_NOT_MATCH,
		"the MAG asked for other prefixes than the binding has: it has to ask with all of them",
		"the LMA has other prefixes for the mobile node: detach it and let it attach again"},
	{MH_STATUS_MISSING_MN_IDENTIFIER_OPTION, "the MAG's PBU is incomplete: hawserctl decode shows it",
		"the LMA misses an option in our PBU: hawserctl decode shows it"},
	{MH_STATUS_MISSING_HANDOFF_INDICATOR_OPTION, "the MAG's PBU is incomplete: hawserctl decode shows it",
		"the LMA misses an option in our PBU: hawserctl decode shows it"},
	{MH_STATUS_MISSING_ACCESS_TECH_TYPE_OPTION, "the MAG's PBU is incomplete: hawserctl decode shows it",
		"the LMA misses an option in our PBU: hawserctl decode shows it"},
};

const char *state_meaning(const char *state)
{
	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (strcmp(states[i].state, state) == 0)
			return states[i].meaning;
	return "";
}

const char *status_advice(uint8_t status, bool mag)
{
	for (size_t i = 0; i < sizeof(advices) / sizeof(advices[0]); i++)
		if (advices[i].status == status)
			return mag ? advices[i].mag : advices[i].lma;
	if (status < 128)
		return NULL;
	return mag ? "the LMA refused: its log says why" : "refused: the log of this gateway says why";
}
