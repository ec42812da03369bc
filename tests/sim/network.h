/* SPDX-License-Identifier: BSD-3-Clause */
#pragma once

#include "domain.h"
#include "events.h"

/* What leaves a gateway, with what may happen to it on its way. The bytes are copied. */
void network_send(struct gateway *gateway, const struct mh_datagram *datagram);
void network_send_frame(struct gateway *gateway, const struct access_frame *frame);
/* What arrives. */
void network_deliver(struct domain *domain, const struct event *event);

/* Data (traffic.c). */
void traffic_talk(struct domain *domain, const struct event *event);
void traffic_packet(struct domain *domain, const struct event *event);
void traffic_refusal(struct domain *domain, const struct event *event);

struct script *script_create(void);
void script_destroy(struct script *script);
