/* SPDX-License-Identifier: BSD-3-Clause */
#include "api/node_argument.h"

#include <errno.h>
#include <string.h>

#include "format.h"

#include "node/policy.h"

/* A MAC is nobody's identifier in practice, so it may stand for the node that has it. */
static bool by_mac(const struct api_sources *sources, const char *text, uint8_t bytes[MN_ID_MAX], struct mn_id *id)
{
	struct policy_node node;
	uint8_t made[MN_ID_MAX], mac[6];

	if (sources->mag == NULL || mac_parse(text, mac) != 0 || !policy_node_by_mac(sources->policy, mac, made, &node))
		return false;
	memcpy(bytes, node.id.data, node.id.length);
	*id = (struct mn_id){.subtype = node.id.subtype, .length = node.id.length, .data = bytes};
	return true;
}

int node_argument(struct walk *walk, uint8_t bytes[MN_ID_MAX], struct mn_id *id)
{
	const char *text = request_argument(walk->request, "mn");

	if (text == NULL)
		return refusal_set(&walk->refusal, API_ERROR_BAD_ARGUMENT,
			"%s needs mn: the identifier of a mobile node", command_name(walk->request->command));
	if (by_mac(walk->sources, text, bytes, id))
		return 0;
	switch (mn_parse(text, bytes, id)) {
	case 0: return 0;
	case -ERANGE:
		return refusal_set(&walk->refusal, API_ERROR_BAD_ARGUMENT, "mn is longer than %d octets", MN_ID_MAX);
	default:
		return refusal_set(
			&walk->refusal, API_ERROR_BAD_ARGUMENT, "mn: a backslash has to begin \\xNN (an octet)");
	}
}
