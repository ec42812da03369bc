/* SPDX-License-Identifier: BSD-3-Clause */
#include "api/links.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "forward.h"

static unsigned links_of(const struct config_port *port)
{
	if (port->side != SIDE_ACCESS)
		return 0;
	return port->vlan_count != 0 ? port->vlan_count : 1;
}

const struct config_port *link_port(const struct config *config, uint16_t link, uint16_t *vlan)
{
	unsigned first = 0;

	for (unsigned i = 0; i < config->port_count; i++) {
		const struct config_port *port = &config->ports[i];

		if (link < first + links_of(port)) {
			*vlan = port->vlan_count != 0 ? port->vlans[link - first] : VLAN_NONE;
			return port;
		}
		first += links_of(port);
	}
	return NULL;
}

/* Decimal number up to 65534 in all of @text; -1 if it is none. */
static int number_parse(const char *text)
{
	char *end;
	unsigned long value;

	if (text[0] < '0' || text[0] > '9')
		return -1;
	errno = 0;
	value = strtoul(text, &end, 10);
	return errno == 0 && *end == '\0' && value < LINK_NONE ? (int)value : -1;
}

/* Index and first link of the port whose name is the first @n octets of @text. */
static const struct config_port *port_find(const struct config *config, const char *text, size_t n, unsigned *first)
{
	*first = 0;
	for (unsigned i = 0; i < config->port_count; i++) {
		const struct config_port *port = &config->ports[i];

		if (strlen(port->name) == n && memcmp(port->name, text, n) == 0)
			return port;
		*first += links_of(port);
	}
	return NULL;
}

static int vlan_find(const struct config_port *port, unsigned first, const char *text, uint16_t *link)
{
	int vlan = number_parse(text);

	for (unsigned i = 0; i < port->vlan_count; i++) {
		if (port->vlans[i] != vlan)
			continue;
		*link = (uint16_t)(first + i);
		return 0;
	}
	return -ENOENT;
}

int link_parse(const struct config *config, const char *text, uint16_t *link)
{
	const struct config_port *port;
	const char *dot = strrchr(text, '.');
	int number = number_parse(text);
	unsigned first;
	uint16_t vlan;

	port = port_find(config, text, strlen(text), &first);
	if (port != NULL) {
		*link = (uint16_t)first;
		if (port->side != SIDE_ACCESS)
			return -EDOM;
		return port->vlan_count > 1 ? -EMLINK : 0;
	}
	if (dot != NULL) {
		port = port_find(config, text, (size_t)(dot - text), &first);
		if (port == NULL)
			return -ENOENT;
		return port->side == SIDE_ACCESS ? vlan_find(port, first, dot + 1, link) : -EDOM;
	}
	if (number < 0 || link_port(config, (uint16_t)number, &vlan) == NULL)
		return -ENOENT;
	*link = (uint16_t)number;
	return 0;
}
