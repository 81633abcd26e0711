// SPDX-License-Identifier: GPL-2.0-only
/* The highest rate without loss, by size of frame: RFC 2544, section 26.1. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../loader/fail.h"
#include "arguments.h"
#include "bench.h"
#include "conditions.h"
#include "latency.h"
#include "rate.h"

/* Section 9.1, for Ethernet, and the mix of RFC 6985. */
static const uint32_t sizes[] = { 64, 128, 256, 512, 1024, 1280, 1518 };
enum { N_SIZES = ARRAY_SIZE(sizes), TRIAL_NS = 2000000000 };

/* What was found for a size. */
struct finding {
	char size[8];
	double pps; /* 0: every rate lost too much */
	double wire_bits;
	double loss;	   /* percent, of the last trial that was too fast; 0: there was none */
	bool by_generator; /* it could not send faster */
	unsigned int trials;
	bool timed; /* latency was measured at that rate */
	struct latency_result latency;
};

struct search {
	struct cmd_common common;
	struct rate rate;
	double seconds;	   /* of a trial */
	double loss;	   /* percent that may be lost */
	double resolution; /* percent between what holds and what does not */
	double most;	   /* packets a second; 0: as fast as the generator is */
	bool latency;
	bool told; /* that no frame gets out */
	struct finding findings[N_SIZES + 1];
	size_t n;
	json_t *conditions;
};

enum { OPTION_LOSS = 512, OPTION_RESOLUTION, OPTION_LATENCY };

static const struct argp_option options[] = {
	{ "loss", OPTION_LOSS, "PERCENT", 0, "That may be lost (0)", 2 },
	{ "resolution", OPTION_RESOLUTION, "PERCENT", 0, "Between what holds and what does not (1)",
	  2 },
	{ "latency", OPTION_LATENCY, NULL, 0,
	  "One more trial at the rate that was found, in which frames of ours are timed", 2 },
	{ 0 },
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct search *search = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &search->rate;
		return 0;
	case OPTION_LOSS:
		search->loss = argument_percent(arg, 0, state);
		return 0;
	case OPTION_RESOLUTION:
		search->resolution = argument_percent(arg, 0.01, state);
		return 0;
	case OPTION_LATENCY:
		search->latency = true;
		return 0;
	case ARGP_KEY_END:
		if (!search->rate.receiver_interface)
			argp_error(state, "where do the frames arrive? Say --receiver IFACE");
		if (search->latency && search->rate.job.traffic.capture)
			argp_error(state, "--latency has no place for its mark in a capture");
		search->seconds = search->rate.job.duration_ns / 1e9;
		search->most = search->rate.job.rate;
		argument_formats(search->rate.csv, search->common.json, state);
		return 0;
	}
	return ARGP_ERR_UNKNOWN;
}

static const struct argp_child children[] = { { &rate_argp, 0, NULL, 0 }, { 0 } };

static const struct argp argp = {
	.options = options,
	.parser = parse_option,
	.children = children,
	.args_doc = "IFACE",
	.doc = "The highest rate at which all frames arrive at the receiver, by size of frame (RFC 2544, "
	       "section 26.1): 64 to 1518 bytes and IMIX, or --size.\v"
	       "Trials at half the distance between the fastest rate that held and the slowest that did "
	       "not. RFC 2544 wants each to last 60 seconds at least.",
};

/* One trial: what was offered a second, and percent that did not arrive. */
static int try(struct search *search, double pps, double *offered, double *loss)
{
	struct rate *rate = &search->rate;
	int err;

	rate->job.rate = pps;
	rate->job.packets = 0;
	rate->job.duration_ns = search->seconds * 1e9;
	err = rate_run(rate);
	if (!err && rate->interrupted)
		err = fail(-EINTR, "interrupted");
	if (!err && !rate->offered)
		err = fail(-EIO, "nothing was sent");
	if (!err && !rate->sender.sent && !search->told) {
		note("%s lets no frame out; `weir-bench rate` says what it may be",
		     rate->job.interface);
		search->told = true;
	}
	if (!err) {
		*offered = rate_offered(rate);
		*loss = 100 * (1 - (double)rate->receiver.counters.received / rate->offered);
		json_decref(search->conditions);
		search->conditions = json_incref(rate->conditions);
	}
	rate_release(rate);
	return err;
}

/* Close in on the rate, from one that holds (or 0) and one that does not. */
static int bisect(struct search *search, double high, struct finding *finding)
{
	double low = 0, offered, loss;

	/* Down to a packet in a trial, where no rate holds. */
	while (high - low > high * search->resolution / 100 && high * search->seconds > 1) {
		double middle = (low + high) / 2;
		int err = try(search, middle, &offered, &loss);

		if (err)
			return err;
		finding->trials++;
		if (loss > search->loss) {
			finding->loss = loss;
			high = middle;
		} else {
			low = middle;
			finding->pps = offered;
		}
	}
	return 0;
}

/* First as fast as it goes: the most there is, or where to begin. */
static int find(struct search *search, struct finding *finding)
{
	double offered, loss;
	int err = try(search, search->most, &offered, &loss);

	if (err)
		return err;
	finding->trials = 1;
	if (loss <= search->loss) {
		finding->pps = offered;
		finding->by_generator = !search->most || offered < 0.98 * search->most;
	} else {
		finding->loss = loss;
		err = bisect(search, offered, finding);
	}
	finding->wire_bits = rate_wire_bits(&search->rate, finding->pps);
	return err;
}

/* At the rate that was found; frames without room for a mark are not timed. */
static int find_latency(struct search *search, struct finding *finding)
{
	struct latency *latency;
	double offered, loss;
	int err, end_err;

	if (!search->latency || !(finding->pps > 0) || !latency_has_room(&search->rate.job))
		return 0;
	err = latency_begin(&search->rate, &latency);
	err = err ? err : try(search, finding->pps, &offered, &loss);
	end_err = latency_end(latency, &finding->latency);
	finding->timed = true;
	return err ? err : end_err;
}

static int find_for_frames(struct search *search, const char *size)
{
	struct finding *finding = &search->findings[search->n];
	struct job *job = &search->rate.job;
	int err = traffic_frames(&job->traffic, &job->frames);

	snprintf(finding->size, sizeof(finding->size), "%s", size);
	err = err ? err : find(search, finding);
	err = err ? err : find_latency(search, finding);
	if (!err)
		search->n++;
	frames_free(&job->frames);
	return err;
}

static int find_for_size(struct search *search, uint32_t bytes)
{
	char name[8];

	search->rate.job.traffic.n_sizes = 1;
	search->rate.job.traffic.sizes[0] = (struct traffic_size){ bytes, 1 };
	snprintf(name, sizeof(name), "%u", bytes);
	return find_for_frames(search, name);
}

static int find_all(struct search *search)
{
	struct traffic *traffic = &search->rate.job.traffic;
	int err = 0;

	if (traffic->n_sizes || traffic->capture)
		return find_for_frames(search, traffic->capture ? "capture" : "asked");
	for (size_t i = 0; i < N_SIZES && !err; i++)
		if (sizes[i] >= traffic_smallest(traffic))
			err = find_for_size(search, sizes[i]);
	if (err)
		return err;
	traffic_set_imix(traffic);
	return find_for_frames(search, "IMIX");
}

static void print_latency(const struct search *search)
{
	printf("\nlatency at that rate: microseconds from before sendto() to the receiver's stamp\n"
	       "%-8s %8s %8s %9s %9s %9s %9s %9s\n",
	       "size", "sent", "arrived", "mean", "least", "median", "p95", "most");
	for (size_t i = 0; i < search->n; i++) {
		const struct latency_result *l = &search->findings[i].latency;

		if (!search->findings[i].timed)
			printf("%-8s no rate, or no room for a mark\n", search->findings[i].size);
		else if (!l->arrived)
			printf("%-8s %8u %8u  does XDP drop or redirect there? Then nobody sees them\n",
			       search->findings[i].size, l->sent, l->arrived);
		else
			printf("%-8s %8u %8u %9.1f %9.1f %9.1f %9.1f %9.1f\n",
			       search->findings[i].size, l->sent, l->arrived, l->mean, l->least,
			       l->median, l->p95, l->most);
	}
}

static void print_text(const struct search *search)
{
	conditions_print(search->conditions, stdout);
	printf("generator: %s; trials of %g s; at most %g %% lost\n\n", search->rate.ops->name,
	       search->seconds, search->loss);
	printf("%-8s %12s %10s %8s\n", "size", "frames/s", "Gbit/s", "trials");
	for (size_t i = 0; i < search->n; i++) {
		const struct finding *f = &search->findings[i];

		printf("%-8s %12.0f %10.4f %8u", f->size, f->pps, f->wire_bits / 1e9, f->trials);
		if (f->by_generator)
			puts("  the generator goes no faster");
		else if (f->loss > 0)
			printf("  faster: %.3g %% lost\n", f->loss);
		else
			putchar('\n');
	}
	if (search->latency)
		print_latency(search);
}

static void print_csv(const struct search *search)
{
	puts("size,packets_per_second,wire_bits_per_second,loss_when_faster,by_generator,trials,"
	     "latency_sent,latency_arrived,latency_mean_us,latency_median_us,latency_p95_us");
	for (size_t i = 0; i < search->n; i++) {
		const struct finding *f = &search->findings[i];

		printf("%s,%.0f,%.0f,%.4f,%d,%u,%u,%u,%.2f,%.2f,%.2f\n", f->size, f->pps,
		       f->wire_bits, f->loss, f->by_generator, f->trials, f->latency.sent,
		       f->latency.arrived, f->latency.mean, f->latency.median, f->latency.p95);
	}
}

static json_t *latency_json(const struct finding *finding)
{
	const struct latency_result *l = &finding->latency;

	if (!finding->timed)
		return json_null();
	return json_pack("{s:i, s:i, s:f, s:f, s:f, s:f, s:f}", "sent", (int)l->sent, "arrived",
			 (int)l->arrived, "mean_us", l->mean, "least_us", l->least, "median_us",
			 l->median, "p95_us", l->p95, "most_us", l->most);
}

static json_t *to_json(const struct search *search)
{
	json_t *list = json_array();

	for (size_t i = 0; i < search->n; i++) {
		const struct finding *f = &search->findings[i];

		json_array_append_new(list, json_pack("{s:s, s:f, s:f, s:f, s:b, s:i, s:o}", "size",
						      f->size, "packets_per_second", f->pps,
						      "wire_bits_per_second", f->wire_bits,
						      "loss_when_faster", f->loss, "by_generator",
						      f->by_generator, "trials", (int)f->trials,
						      "latency", latency_json(f)));
	}
	return json_pack("{s:f, s:f, s:o, s:O?}", "trial_seconds", search->seconds, "loss_percent",
			 search->loss, "findings", list, "conditions", search->conditions);
}

static int run(int argc, char **argv)
{
	struct search search = { .resolution = 1 };
	int status = CMD_FAILED;

	rate_init(&search.rate);
	search.rate.job.duration_ns = TRIAL_NS;
	if (!cmd_parse(&argp, argc, argv, &search.common, &search) && !find_all(&search))
		status = CMD_OK;
	if (search.common.json)
		status = cmd_print_json(to_json(&search), status);
	else if (search.rate.csv)
		print_csv(&search);
	else if (search.n && search.rate.ops) /* also what was found until ^C */
		print_text(&search);
	json_decref(search.conditions);
	rate_free(&search.rate);
	return status;
}

const struct cmd cmd_search = { "search", "the highest rate without loss (RFC 2544)", run };
