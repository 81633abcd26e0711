/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One that does a scenario's job, at the far end of a veth pair of its own, in a network namespace
 * of its own. All of it goes with the process, whatever ends it: the namespaces have no names,
 * nothing is pinned outside a bpffs that only we see, and who is started is in a PID namespace
 * whose first process the kernel ends with us.
 */
#pragma once
#include "link.h"
#include "scenario.h"
#include "sender.h"
#include "subject.h"

struct bpf_object;

/* The end of the wire where it stands; and one that it may make for what it sends on. */
#define CONTESTANT_FAR	  "b0"
#define CONTESTANT_BEYOND "d0"

struct contestant {
	const struct scenario_contestant *is;
	char *skipped; /* why it does not take part; NULL: it does */
	char *said;    /* the begin of what its script said, in one line */
	int ifindex;   /* our end of the wire */
	int netns_fd, link_fd;
	char netns_path[64];
	struct link far; /* its end */
	bool goes_on;	 /* every packet has to come out of `beyond` */
	struct link beyond;
	pid_t group;		   /* of its script's processes; 0: it has none */
	struct subject subject;	   /* a policy */
	struct bpf_object *object; /* a program */
	int socket_fd;		   /* a socket */
	struct job job;		   /* of who sends */
	struct sender *sender;	   /* it sends live frames as `rate` does */
	int redirect_fd;	   /* it sends them by this program, as xdp-trafficgen does */

	/* What came of it. */
	uint64_t sent;
	struct link_counters before, counters;
	uint64_t gone_on;   /* packets that came out of `beyond` */
	uint64_t delivered; /* packets that the policy let through to the stack */
	uint32_t *rounds;   /* ns a packet */
};

/*
 * Go where nobody is: a network namespace, and a mount namespace with a bpffs. The process stays
 * there; those that it starts from now on are in a PID namespace. Errors are reported.
 */
int contestant_arena(void);

/* What contestant_close() takes for one that was never opened. */
void contestant_init(struct contestant *contestant);

/*
 * In the arena. `number` tells apart; the frames are for those that send, and outlive it. Errors
 * are reported; contestant_close() in any case.
 */
int contestant_open(const struct scenario_contestant *is, size_t number,
		    const struct frames *frames, struct contestant *out);
void contestant_close(struct contestant *contestant);

/* Of those that send (SCENARIO_SEND): make ready, by `ifindex`; send `n` frames. Reported. */
int contestant_open_sender(struct contestant *contestant);
int contestant_send(struct contestant *contestant, uint32_t n, uint32_t *ns);
void contestant_close_sender(struct contestant *contestant);

/*
 * Scripts, in its network namespace, with $IFACE, $WEIR_BENCH and the programs of weir; and, of a
 * program, before it is attached: with its maps below $MAPS. -ECHILD if one failed, which is in
 * `said`. What they leave in the background is ended by _end_script(). Other errors are reported.
 */
int contestant_allow_scripts(void);
int contestant_run_script(struct contestant *contestant, const char *script);
int contestant_run_here(struct contestant *contestant, const char *script); /* in our namespace */
int contestant_fill_maps(struct contestant *contestant);
void contestant_end_script(struct contestant *contestant);

/* Its counters since contestant_open(), into `counters` and `delivered`. Errors are reported. */
int contestant_count(struct contestant *contestant);
