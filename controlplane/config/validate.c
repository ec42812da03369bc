/* SPDX-License-Identifier: BSD-3-Clause */
#include "config/validate.h"

#include <errno.h>
#include <string.h>

#include "config/checker.h"
#include "format.h"

/* A worker that never sleeps leaves nothing of its core to others. */
static void check_cores(const struct checker *checker)
{
	const struct config_dataplane *dataplane = &checker->config->dataplane;
	char key[AT_TEXT_MAX];

	if (dataplane->idle_sleep)
		return;
	for (unsigned i = 0; i < dataplane->worker_count; i++) {
		at(key, "dataplane.workers[%u]", i);
		if (dataplane->workers[i] == dataplane->control_core)
			mistake(checker, key, "core %u is the control core; allowed: another core, or idle-sleep: true",
				dataplane->workers[i]);
		for (unsigned j = 0; j < i; j++)
			if (dataplane->workers[i] == dataplane->workers[j])
				mistake(checker, key,
					"core %u has a worker already; allowed: a core once, or idle-sleep: true",
					dataplane->workers[i]);
	}
}

static void check_mbufs(const struct checker *checker)
{
	uint32_t mbufs = checker->config->dataplane.mbufs, needed = config_mbufs_min(checker->config);

	if (mbufs != 0 && mbufs < needed)
		mistake(checker, "dataplane.mbufs",
			"the ports and workers can hold more than that, and then nothing is received; allowed: auto, "
			"or "
			"at least %u buffers",
			needed);
}

static bool name_is_plain(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

	return strspn(name, letters) == strlen(name) && name[0] != '.' && name[0] != '-';
}

/* Names of files and columns of tables are made of it. */
static void check_name(const struct checker *checker)
{
	if (!name_is_plain(checker->config->name))
		mistake(checker, "name",
			"characters that a file name should not have; allowed: letters, digits, '.', '_' and '-'");
}

static void check_variables(const struct checker *checker)
{
	const struct config_variables *v = &checker->config->variables;
	const uint8_t *mac = v->fixed_mag_link_layer_address;
	bool by_lma = checker->config->role == ROLE_LMA && IN6_IS_ADDR_UNSPECIFIED(&v->fixed_mag_link_local_address);

	if (v->mobile_node_generated_timestamp_in_use && !v->timestamp_based_approach_in_use)
		mistake(checker, "variables.MobileNodeGeneratedTimestampInUse",
			"timestamps are not in use; allowed: false, or TimestampBasedApproachInUse: true");
	if (checker->config->role == ROLE_MAG && v->max_bindack_timeout_ms < v->initial_bindack_timeout_ms)
		mistake(checker, "variables.MAX_BINDACK_TIMEOUT",
			"%g s are below INITIAL_BINDACK_TIMEOUT; allowed: at least %g s",
			v->max_bindack_timeout_ms / 1000.0, v->initial_bindack_timeout_ms / 1000.0);
	if (!by_lma && !IN6_IS_ADDR_LINKLOCAL(&v->fixed_mag_link_local_address))
		mistake(checker, "variables.FixedMAGLinkLocalAddressOnAllAccessLinks",
			"not a link-local address; allowed: an address in fe80::/10");
	if ((mac[0] & 1) != 0 || memcmp(mac, (const uint8_t[6]){0}, 6) == 0)
		mistake(checker, "variables.FixedMAGLinkLayerAddressOnAllAccessLinks",
			"not the address of one station; allowed: a unicast MAC address");
}

static void check_mag(const struct checker *checker)
{
	const struct config_mag *mag = &checker->config->mag;

	if (mag->router_lifetime_s != 0 && mag->router_lifetime_s < mag->max_rtr_adv_interval_s)
		mistake(checker, "mag.router-lifetime",
			"%u s are shorter than max-rtr-adv-interval; allowed: 0, or %u..9000 s", mag->router_lifetime_s,
			mag->max_rtr_adv_interval_s);
	if (mag->prefix_preferred_s > mag->prefix_valid_s)
		mistake(checker, "mag.prefix-preferred", "%u s are longer than prefix-valid; allowed: 0..%u s",
			mag->prefix_preferred_s, mag->prefix_valid_s);
}

static const struct config_port *first_core_port(const struct config *config)
{
	for (unsigned i = 0; i < config->port_count; i++)
		if (config->ports[i].side == SIDE_CORE && config->ports[i].address_count > 0)
			return &config->ports[i];
	return NULL;
}

static bool is_core_address(const struct config *config, const struct in6_addr *address)
{
	for (unsigned i = 0; i < config->port_count; i++)
		for (unsigned j = 0; config->ports[i].side == SIDE_CORE && j < config->ports[i].address_count; j++)
			if (memcmp(&config->ports[i].addresses[j].address, address, sizeof(*address)) == 0)
				return true;
	return false;
}

/* LMAA or proxy-CoA: what the file says, or the first address of the first core port. */
static void check_own_address(struct checker *checker)
{
	struct config *config = checker->config;
	bool is_lma = config->role == ROLE_LMA;
	struct in6_addr *address = is_lma ? &config->lma.address : &config->mag.address;
	const char *key = is_lma ? "lma.address" : "mag.address";
	const struct config_port *port = first_core_port(config);

	if (!key_given(checker, key) && port != NULL)
		*address = port->addresses[0].address;
	else if (!key_given(checker, key))
		mistake(checker, "ports", "no core port has an address; allowed: at least one");
	else if (!is_core_address(config, address))
		mistake(checker, key, "not an address of a core port; allowed: one of those under ports");
}

int validate(struct config *config, const struct tree *tree, struct report *report)
{
	struct checker checker = {.config = config, .tree = tree, .report = report};
	int error;

	check_name(&checker);
	check_cores(&checker);
	check_variables(&checker);
	if (config->role == ROLE_MAG)
		check_mag(&checker);
	error = check_ports(&checker);
	if (config->port_count <= PORTS_MAX)
		check_mbufs(&checker);
	if (error == 0) {
		check_own_address(&checker);
		error = check_routes(&checker);
	}
	if (error == 0)
		error = check_peers(&checker);
	if (error == 0)
		error = check_pools(&checker);
	if (error == 0)
		error = check_nodes(&checker);
	if (error == 0)
		error = check_ro(&checker);
	hash_index_fini(&checker.peer_names);
	hash_index_fini(&checker.pool_names);
	return error;
}
