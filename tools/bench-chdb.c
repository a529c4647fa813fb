/* The questions of lake/testdata/hunt_bench.txtar asked of ClickHouse's engine,
 * on the rows that the lake's benchmark wrote as Parquet; see bench-hunt.sh.
 *
 *   bench-chdb LIBCHDB FOLDER QUESTIONS ROUNDS THREADS
 *
 * Loads the rows into MergeTree tables the first time. Prints name, rows and the
 * milliseconds of each round, with tabs between. The result is made in the row
 * format that has least to do and stays in the engine's memory.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void **(*chdb_connect)(int, char **);
static void *(*chdb_query)(void *, const char *, const char *);
static const char *(*chdb_result_error)(void *);
static char *(*chdb_result_buffer)(void *);
static size_t (*chdb_result_length)(void *);
static void (*chdb_destroy_query_result)(void *);
static void *conn;

static void *symbol(void *lib, const char *name) {
	void *p = dlsym(lib, name);
	if (!p) {
		fprintf(stderr, "%s\n", dlerror());
		exit(1);
	}
	return p;
}

/* run gives the result of a query as text when a format is given. */
static char *run(const char *sql, const char *format) {
	void *result = chdb_query(conn, sql, format ? format : "RowBinary");
	const char *error = chdb_result_error(result);
	if (error && *error) {
		fprintf(stderr, "%s\n%s\n", error, sql);
		exit(1);
	}
	char *text = NULL;
	if (format) text = strndup(chdb_result_buffer(result), chdb_result_length(result));
	chdb_destroy_query_result(result);
	return text;
}

static char *print(const char *format, const char *a, const char *b, const char *c) {
	char *s = NULL;
	if (asprintf(&s, format, a, b, c) < 0) exit(1);
	return s;
}

/* load makes a table as one declares it: no nulls, an empty text in their place. */
static void load(const char *table, const char *folder, const char *threads) {
	char *file = print("%s/%s.parquet", folder, table, "");
	char *described = run(print("DESCRIBE file('%s', Parquet)", file, "", ""), "TSVRaw");
	char *columns = strdup("");
	for (char *line = strtok(described, "\n"); line; line = strtok(NULL, "\n")) {
		char *type = strchr(line, '\t');
		*type++ = 0;
		type[strcspn(type, "\t")] = 0;
		if (!strncmp(type, "Nullable(", 9)) {
			type += 9;
			type[strlen(type) - 1] = 0;
		}
		columns = print(*columns ? "%s, " : "%s", columns, "", "");
		columns = print("%s`%s` %s", columns, line, type);
	}
	run(print("DROP TABLE IF EXISTS %s", table, "", ""), NULL);
	run(print("CREATE TABLE %s (%s) ENGINE = MergeTree ORDER BY Timestamp", table, columns, ""), NULL);
	run(print("INSERT INTO %s SELECT * FROM file('%s', Parquet) SETTINGS input_format_null_as_default = 1, max_insert_threads = %s", table, file, threads), NULL);
	run(print("OPTIMIZE TABLE %s FINAL", table, "", ""), NULL);
}

static double now(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e3 + t.tv_nsec / 1e6;
}

int main(int argc, char **argv) {
	if (argc != 6) {
		fprintf(stderr, "usage: bench-chdb LIBCHDB FOLDER QUESTIONS ROUNDS THREADS\n");
		return 2;
	}
	const char *folder = argv[2], *threads = argv[5], *only = getenv("TOCSIN_BENCH_ONLY");
	int rounds = atoi(argv[4]);
	void *lib = dlopen(argv[1], RTLD_NOW);
	if (!lib) {
		fprintf(stderr, "%s\n", dlerror());
		return 1;
	}
	chdb_connect = symbol(lib, "chdb_connect");
	chdb_query = symbol(lib, "chdb_query");
	chdb_result_error = symbol(lib, "chdb_result_error");
	chdb_result_buffer = symbol(lib, "chdb_result_buffer");
	chdb_result_length = symbol(lib, "chdb_result_length");
	chdb_destroy_query_result = symbol(lib, "chdb_destroy_query_result");

	char *args[] = {"clickhouse", print("--path=%s/chdb", folder, "", "")};
	void **handle = chdb_connect(2, args);
	if (!handle) {
		fprintf(stderr, "the engine does not start in %s/chdb\n", folder);
		return 1;
	}
	conn = *handle;
	run(print("SET max_threads = %s", threads, "", ""), NULL);
	/* Rounds after the first would only look at rows that are known to match. */
	run("SET use_query_condition_cache = 0", NULL);
	char *done = print("%s/chdb/loaded", folder, "", "");
	if (access(done, F_OK)) {
		load("DeviceProcessEvents", folder, threads);
		load("DeviceNetworkEvents", folder, threads);
		FILE *f = fopen(done, "w");
		if (f) fclose(f);
	}

	FILE *f = fopen(argv[3], "r");
	if (!f) {
		perror(argv[3]);
		return 1;
	}
	static char text[1 << 20];
	text[fread(text, 1, sizeof text - 1, f)] = 0;
	fclose(f);
	/* -- name/language -- and then the query, up to the next of these lines. */
	for (char *at = strstr(text, "\n-- "); at;) {
		char *name = at + 4, *end = strstr(name, " --\n"), *sql = end + 4;
		at = strstr(sql, "\n-- ");
		*end = 0;
		char *language = strrchr(name, '/');
		*language++ = 0;
		if (at) *at = 0;
		if (strcmp(language, "clickhouse") == 0 && (!only || strstr(name, only))) {
			char *rows = run(print("SELECT count() FROM (%s)", sql, "", ""), "TSVRaw");
			rows[strcspn(rows, "\n")] = 0;
			printf("%s\t%s", name, rows);
			for (int i = 0; i < rounds; i++) {
				double start = now();
				run(sql, NULL);
				printf("\t%.1f", now() - start);
			}
			printf("\n");
			fflush(stdout);
		}
		if (at) *at = '\n';
	}
	_exit(0); /* the engine's threads do not end by themselves */
}
