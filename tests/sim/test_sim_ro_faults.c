/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Route optimisation when things go wrong, each fault at every arrow of every figure: the message is lost once or for
 * ever, the answer is negative, a gateway restarts, a table refuses. Both nodes talk all the time. The invariants hold
 * in between; both ways are the same soon after, packets arrive; and when the fault is over the pair is direct again.
 */
#include "sim_test.h"

#include <string.h>

#include "sim_ro.h"

#define TALK_MS    50
#define ACT_MS     3000
#define SETTLE_MS  25000 /* RO_SEQUENCE_DEADLINE and an exchange */
#define AGAIN_MS   120000
#define ARROWS_MAX 64

/* X(name): what is going on when it goes wrong */
#define SCENES(X)    \
	X(set_up)    \
	X(move_1)    \
	X(move_2)    \
	X(move_both) \
	X(join)      \
	X(part)      \
	X(stop)      \
	X(refresh)

enum scene {
#define SCENE_ENUM(name) SCENE_##name,
	SCENES(SCENE_ENUM)
#undef SCENE_ENUM
		SCENE_COUNT,
};

#define SCENE_WORD(name) #name,
static const char *const scene_words[] = {SCENES(SCENE_WORD)};

#define VARIANTS 8

static struct domain *make(unsigned variant)
{
	return ro_domain(&(struct domain_config){.lmas = variant & 2 ? 1 : 2,
		.mags = 4,
		.nodes = 2,
		.heartbeat_s = 1,
		.ro = {.proxy = variant & 1, .trust_peers = variant & 4, .detecting = 1, .lifetime_s = 60}});
}

/* Up to where the scene begins. */
static struct domain *prepare(unsigned variant, enum scene scene)
{
	struct domain *domain = make(variant);

	if (scene == SCENE_set_up) {
		ro_attach(domain, 0, 0);
		ro_attach(domain, 1, 1);
		domain_forget_arrows(domain);
		return domain;
	}
	ro_set_up(domain, TALK_MS);
	if (scene == SCENE_part) {
		mobile_attach(domain, 0, 1);
		domain_run(domain, ACT_MS);
		assert_true(domain_is_direct(domain, 0, 1));
	}
	if (scene == SCENE_refresh)
		domain_run(domain, 43000);
	domain_forget_arrows(domain);
	return domain;
}

static void act(struct domain *domain, enum scene scene)
{
	switch (scene) {
	case SCENE_set_up: domain_talk(domain, 0, 1, TALK_MS); break;
	case SCENE_move_1:
	case SCENE_part: mobile_attach(domain, 0, 2); break;
	case SCENE_move_2: mobile_attach(domain, 1, 2); break;
	case SCENE_move_both:
		mobile_attach(domain, 0, 2);
		mobile_attach(domain, 1, 3);
		break;
	case SCENE_join: mobile_attach(domain, 0, 1); break;
	case SCENE_stop: domain_ro_stop(domain, domain_lma(domain, 0), 0, 1); break;
	case SCENE_refresh:
	case SCENE_COUNT: break;
	}
	domain_run(domain, ACT_MS);
}

/* What the test of now is about, for a failure. */
static void describe(const char *fault, unsigned variant, enum scene scene, unsigned n)
{
	char text[96];

	snprintf(text, sizeof(text), "%s at message %u of %s, variant %u", fault, n, scene_words[scene], variant);
	domain_context(text);
}

/* How many messages the scene has when nothing goes wrong. */
static unsigned messages_of(unsigned variant, enum scene scene)
{
	struct domain *domain = prepare(variant, scene);
	unsigned count;

	act(domain, scene);
	count = domain_arrows(domain);
	domain_abandon(domain);
	return count;
}

static bool is_direct(struct domain *domain, void *context)
{
	(void)context;
	return domain_is_direct(domain, 0, 1);
}

static bool reaches(struct domain *domain, unsigned from, unsigned to)
{
	return domain_path(domain, from, to) != PATH_NONE;
}

/* The fault is over: both agree, packets arrive, and in the end the pair is direct. */
static void settle(struct domain *domain)
{
	domain_run(domain, SETTLE_MS);
	if (!reaches(domain, 0, 1) || !reaches(domain, 1, 0))
		domain_fail(domain, "packets do not arrive");
	if ((domain_path(domain, 0, 1) == PATH_ANCHOR) != (domain_path(domain, 1, 0) == PATH_ANCHOR))
		domain_fail(domain, "one way is direct, the other is not");
	domain_unlose(domain);
	domain_run_until(domain, is_direct, NULL, AGAIN_MS);
	domain_context(NULL);
}

typedef void fault_apply(struct domain *domain, unsigned variant, unsigned n);

static void at_every_arrow(const char *name, fault_apply *apply, bool only_trusting)
{
	for (unsigned variant = 0; variant < VARIANTS; variant++) {
		if ((variant & 4) != 0 && !only_trusting)
			continue;
		for (enum scene scene = 0; scene < SCENE_COUNT; scene++) {
			unsigned count = messages_of(variant, scene);

			for (unsigned n = 1; n <= count; n++) {
				struct domain *domain = prepare(variant, scene);

				describe(name, variant, scene, n);
				apply(domain, variant, n);
				act(domain, scene);
				settle(domain);
				domain_abandon(domain);
			}
		}
	}
}

static void lose_one(struct domain *domain, unsigned variant, unsigned n)
{
	(void)variant;
	domain->lose_number = n;
}

static void message_lost_at_any_arrow_is_made_up_for(void **state)
{
	(void)state;
	at_every_arrow("a lost message", lose_one, true);
}

static void lose_all(struct domain *domain, unsigned variant, unsigned n)
{
	(void)variant;
	domain->lose_number = n;
	domain->lose_alike = true;
}

static void message_that_never_arrives_ends_on_the_path_over_the_lma(void **state)
{
	(void)state;
	at_every_arrow("a message lost for ever", lose_all, false);
}

static void refuse_ack(struct domain *domain, unsigned variant, unsigned n)
{
	(void)variant;
	domain->spoil_number = n;
}

static void negative_answer_at_any_arrow_is_survived(void **state)
{
	(void)state;
	at_every_arrow("a negative answer", refuse_ack, false);
}

static void restart(struct domain *domain, void *context)
{
	gateway_restart(context);
}

static unsigned restarted;

static void restart_one(struct domain *domain, unsigned variant, unsigned n)
{
	unsigned lmas = domain->config.lmas;

	(void)variant;
	domain->arrow_wanted = n;
	domain->at_arrow = restart;
	domain->at_arrow_context =
		restarted < 2 ? domain_lma(domain, restarted % lmas) : domain_mag(domain, restarted - 2);
}

static void restart_of_any_gateway_at_any_arrow_is_survived(void **state)
{
	(void)state;
	for (restarted = 0; restarted < 6; restarted++)
		at_every_arrow("a restart", restart_one, false);
}

static unsigned refusing;

static void refuse_update(struct domain *domain, unsigned variant, unsigned n)
{
	(void)variant;
	domain_disturb(domain);
	owner_refuse_pair(domain_mag(domain, refusing)->owner, n);
}

static void refused_update_is_survived(void **state)
{
	(void)state;
	for (refusing = 0; refusing < 4; refusing++)
		at_every_arrow("a refused update", refuse_update, false);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(message_lost_at_any_arrow_is_made_up_for),
		cmocka_unit_test(message_that_never_arrives_ends_on_the_path_over_the_lma),
		cmocka_unit_test(negative_answer_at_any_arrow_is_survived),
		cmocka_unit_test(restart_of_any_gateway_at_any_arrow_is_survived),
		cmocka_unit_test(refused_update_is_survived),
	};

	if (!sim_arguments(argc, argv))
		return 2;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
