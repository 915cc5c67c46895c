/* Commands, run in this process: what they get, and what is made of their exit status, output and files. */
#include "outcome.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

/* Runs a shell command as the only task of a campaign. `members` are more members of the stage. */
static outcome *run(const char *command, const char *members) {
    cJSON *quoted = cJSON_CreateString(command);
    char *text = cJSON_PrintUnformatted(quoted);
    tf_buf manifest = {0};
    tf_buf_addf(&manifest, "{\"seed\": 3, \"over\": {\"word\": [\"a b\"]}, \"run\": {\"command\": %s}%s%s}", text,
                *members ? ", " : "", members);
    tf_campaign *campaign = fixture_load(manifest.data, NULL);
    outcome *o = outcome_run_here(campaign);
    tf_campaign_free(campaign);
    tf_buf_free(&manifest);
    free(text);
    cJSON_Delete(quoted);
    return o;
}

/* ---- Columns ---- */

Test(columns, come_from_every_source) {
    outcome *o =
        run("echo SNR=12.25 in {word}; printf 'a\\nb' > {scratch}/text; echo '{{\"json\": [[1, 2], [3, 4]]}}' > "
            "{scratch}/out.json; echo '  one  two 3e2 '",
            "\"results\": {\"regex\": {\"type\": \"float64\", \"from\": \"regex:SNR=([0-9.]+)\"}, \"whole\": "
            "{\"type\": \"string\", \"from\": \"regex:in .*\"}, \"field\": {\"type\": \"int32\", \"from\": "
            "\"field:3\"}, \"text\": {\"type\": \"bytes\", \"from\": \"file:{scratch}/text\"}, \"json\": {\"type\": "
            "\"int16\", \"shape\": [2, 2], \"from\": \"file:{scratch}/out.json\"}}");
    cr_assert_eq(o->status[0], TF_STATUS_DONE, "%s", outcome_text(o, 0, TF_RECORD_MESSAGE));
    cr_expect_eq(o->number[0][0], 12.25);
    cr_expect_str_eq(outcome_text(o, 0, TF_RECORD_COLUMN + 1), "in a b");
    cr_expect_eq(o->number[0][2], 300);
    cr_expect_str_eq(outcome_text(o, 0, TF_RECORD_COLUMN + 3), "a\nb");
    cr_expect_eq(o->number[0][4], 1);
    outcome_free(o);
}

/* One column "x" of each type from one last line: a value, or why there is none. */
Test(columns, from_json_are_values_or_reasons) {
    static const struct {
        const char *type, *line;
        double value;
        const char *message; /* NULL: done */
    } cases[] = {
        {"\"float64\"", "{\"x\": 0.5}", 0.5, NULL},
        {"\"float64\"", "{\"x\": null}", NAN, NULL},
        {"\"float64\"", "{\"x\": \"nan\"}", NAN, NULL},
        {"\"float64\"", "{\"y\": 1}", NAN, "column \"x\": no such member in the last line of stdout; it has \"y\""},
        {"{\"type\": \"float64\", \"optional\": true}", "{\"y\": 1}", NAN, NULL},
        {"\"float32\"", "{\"x\": 3}", 3, NULL},
        {"\"float64\"", "{\"x\": 2, \"y\": \"a tab\tas it is\"}", 2, NULL},
        {"\"int32\"", "{\"x\": -3}", -3, NULL},
        {"\"int64\"", "{\"x\": \"9007199254740993\"}", 0x1p53, NULL},
        {"\"bool\"", "{\"x\": true}", 1, NULL},
        {"\"bool\"", "{\"x\": 1}", 1, NULL},
        {"{\"type\": \"float64\", \"shape\": [3]}", "{\"x\": [1, null, 3]}", 1, NULL},
        {"\"int32\"", "{\"y\": 1}", 0, "column \"x\": no such member in the last line of stdout; it has \"y\""},
        {"\"int32\"", "{\"x\": 0.5}", 0, "column \"x\": 0.5 in the last line of stdout is no int32"},
        {"\"uint8\"", "{\"x\": 256}", 0, "column \"x\": 256 in the last line of stdout is beyond uint8"},
        {"\"int32\"", "{\"x\": [1]}", 0,
         "column \"x\": a list in the last line of stdout; a column that takes lists has a \"shape\""},
        {"\"float64\"", "{\"x\": \"fast\"}", NAN, "column \"x\": \"fast\" in the last line of stdout is no float64"},
        {"\"float64\"", "not JSON", NAN, "column \"x\": the last line of stdout is not a JSON object: \"not JSON\""},
        {"\"float64\"", "", NAN, "column \"x\": stdout is empty, expected a JSON object in its last line"},
        {"{\"type\": \"float64\", \"shape\": [3]}", "{\"x\": [1, 2]}", NAN,
         "column \"x\": 2 elements in the last line of stdout, expected 3"},
        {"{\"type\": \"float64\", \"shape\": [3]}", "{\"x\": [1, 2, 3, 4]}", NAN,
         "column \"x\": 4 elements in the last line of stdout, expected 3"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tf_buf command = {0}, members = {0};
        tf_buf_adds(&command, "echo first line; echo '");
        for (const char *c = cases[i].line; *c; c++)
            tf_buf_addf(&command, *c == '{' || *c == '}' ? "%c%c" : "%c", *c, *c);
        tf_buf_adds(&command, "'");
        if (!*cases[i].line)
            command.length = 0, tf_buf_adds(&command, "true");
        tf_buf_addf(&members, "\"results\": {\"x\": %s}", cases[i].type);
        outcome *o = run(command.data, members.data);
        const char *message = cases[i].message ? cases[i].message : "";
        cr_expect_str_eq(outcome_text(o, 0, TF_RECORD_MESSAGE), message, "%s: %s", cases[i].line,
                         outcome_text(o, 0, TF_RECORD_MESSAGE));
        cr_expect_eq(o->status[0], *message ? TF_STATUS_FAILED : TF_STATUS_DONE);
        cr_expect(isnan(cases[i].value) ? isnan(o->number[0][0]) : o->number[0][0] == cases[i].value, "%s",
                  cases[i].line);
        outcome_free(o);
        tf_buf_free(&command);
        tf_buf_free(&members);
    }
}

Test(columns, that_are_not_found_fail_the_task_with_the_reason) {
    static const struct {
        const char *command, *column, *message;
    } cases[] = {
        {"echo a b", "{\"type\": \"float64\", \"from\": \"regex:x=(.*)\"}",
         "column \"x\": nothing in stdout matches \"x=(.*)\"; its last line is \"a b\""},
        {"echo x=y", "{\"type\": \"float64\", \"from\": \"regex:x=(.*)\"}",
         "column \"x\": \"y\" in what the regular expression found is no float64"},
        {"echo 1 2", "{\"type\": \"float64\", \"from\": \"field:3\"}",
         "column \"x\": no field 3 in the last line of stdout: \"1 2\""},
        {"true", "{\"type\": \"float64\", \"from\": \"file:/nowhere/x\"}",
         "column \"x\": /nowhere/x: No such file or directory"},
        {"printf '\\377'", "{\"type\": \"string\", \"from\": \"regex:.*\"}", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        tf_buf members = {0};
        tf_buf_addf(&members, "\"results\": {\"x\": %s}", cases[i].column);
        outcome *o = run(cases[i].command, members.data);
        cr_expect_eq(o->status[0], TF_STATUS_FAILED, "%s", cases[i].command);
        if (cases[i].message)
            cr_expect_str_eq(outcome_text(o, 0, TF_RECORD_MESSAGE), cases[i].message);
        outcome_free(o);
        tf_buf_free(&members);
    }
}

/* ---- Ends ---- */

Test(ends, are_told_apart) {
    static const struct {
        const char *command;
        int exit_code, signal;
        const char *message;
    } cases[] = {
        {"true", 0, 0, ""},
        {"exit 3", 3, 0, "exit status 3"},
        {"echo one >&2; echo the reason >&2; exit 1", 1, 0, "exit status 1: the reason"},
        {"kill -SEGV $$", -1, SIGSEGV, "killed by signal 11 (Segmentation fault)"},
        {"kill -9 $$", -1, SIGKILL, "killed by signal 9 (Killed)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        outcome *o = run(cases[i].command, "");
        cr_expect_str_eq(outcome_text(o, 0, TF_RECORD_MESSAGE), cases[i].message);
        cr_expect(o->exit_code[0] == cases[i].exit_code && o->signal[0] == cases[i].signal, "%s", cases[i].command);
        cr_expect_eq(o->status[0], *cases[i].message ? TF_STATUS_FAILED : TF_STATUS_DONE);
        outcome_free(o);
    }
}

Test(ends, of_a_program_that_is_not_there_are_no_exit_status) {
    tf_campaign *campaign =
        fixture_load("{\"over\": {\"p\": [\"no-such-program\", \"/etc\"]}, \"run\": {\"command\": [\"{p}\"]}}", NULL);
    outcome *o = outcome_run_here(campaign);
    cr_expect_str_eq(outcome_text(o, 0, TF_RECORD_MESSAGE), "can't start no-such-program: No such file or directory");
    cr_expect_str_eq(outcome_text(o, 1, TF_RECORD_MESSAGE), "can't start /etc: Permission denied");
    cr_expect_eq(o->exit_code[0], -1);
    outcome_free(o);
    tf_campaign_free(campaign);
}

/* ---- What a command gets ---- */

Test(command, gets_its_environment_folder_and_input) {
    setenv("OMPI_COMM_WORLD_RANK", "5", 1); /* a launcher's variables are not for tasks */
    tf_campaign *campaign = fixture_load(
        "{\"name\": \"env\", \"seed\": 3, \"over\": {\"n\": [1, 2]}, \"run\": {\"command\": [\"sh\", \"-c\", \"cat; "
        "pwd; echo "
        "$TASKFARM_STAGE $TASKFARM_INDEX $TASKFARM_ATTEMPT $TASKFARM_SEED $TASKFARM_SLOT "
        "${{OMPI_COMM_WORLD_RANK-none}} "
        "$OWN\"], \"cwd\": \"/usr\", \"stdin\": \"in {n}\\n\", \"env\": {\"OWN\": \"own-{n}\"}}}",
        NULL);
    outcome *o = outcome_run_here(campaign);
    char expected[200];
    snprintf(expected, sizeof expected, "in 2\n/usr\nenv 1 1 %llu 0 none own-2\n",
             (unsigned long long)tf_rng_task_seed(3, "env", 1));
    cr_expect_str_eq(outcome_text(o, 1, TF_RECORD_STDOUT), expected);
    outcome_free(o);
    tf_campaign_free(campaign);
}

Test(command, without_stdin_reads_nothing) {
    outcome *o = run("cat; echo done", "");
    cr_expect_str_eq(outcome_text(o, 0, TF_RECORD_STDOUT), "done\n");
    outcome_free(o);
}

Test(command, may_ignore_its_input) {
    tf_buf long_text = {0};
    tf_buf_adds(&long_text, "{\"run\": {\"command\": \"exit 0\", \"stdin\": \"");
    for (int i = 0; i < 200000; i++)
        tf_buf_addc(&long_text, 'x');
    tf_buf_adds(&long_text, "\"}}");
    tf_campaign *campaign = fixture_load(long_text.data, NULL);
    outcome *o = outcome_run_here(campaign);
    cr_expect_eq(o->status[0], TF_STATUS_DONE);
    outcome_free(o);
    tf_campaign_free(campaign);
    tf_buf_free(&long_text);
}

Test(scratch, is_fresh_and_gone_afterwards) {
    tf_campaign *campaign =
        fixture_load("{\"over\": {\"n\": {\"range\": [3]}}, \"run\": {\"command\": \"cd {scratch} && ls "
                     "-A && mkdir -p a/b && touch a/b/c && pwd\"}}",
                     NULL);
    outcome *o = outcome_run_here(campaign);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(o->status[i], TF_STATUS_DONE, "%s", outcome_text(o, i, TF_RECORD_MESSAGE));
        char *path = o->text[i][TF_RECORD_STDOUT];
        path[strcspn(path, "\n")] = '\0';
        cr_expect(*path == '/' && access(path, F_OK) != 0, "%s is still there", path);
        *strrchr(path, '/') = '\0';
        cr_expect(access(path, F_OK) != 0, "%s is still there", path);
    }
    outcome_free(o);
    tf_campaign_free(campaign);
}

/* ---- Output ---- */

Test(output, of_any_length_is_kept_head_and_tail) {
    outcome *o = run("echo head; head -c 50000000 /dev/zero | tr '\\0' x; echo; echo tail; echo oops >&2",
                     "\"capture\": {\"stdout\": 100}");
    const char *out = outcome_text(o, 0, TF_RECORD_STDOUT);
    cr_expect_eq(strncmp(out, "head\nxxx", 8), 0);
    cr_expect_not_null(strstr(out, "\n[... 49999911 bytes left out ...]\n"), "%s", out);
    cr_expect_str_eq(out + strlen(out) - 7, "x\ntail\n");
    cr_expect_str_eq(outcome_text(o, 0, TF_RECORD_STDERR), "oops\n");
    outcome_free(o);
}

Test(output, that_columns_are_read_from_is_kept_no_longer_for_it) {
    outcome *o = run("head -c 50000000 /dev/zero | tr '\\0' x; echo; echo '{{\"x\": 5}}'",
                     "\"capture\": {\"stdout\": 100}, \"results\": {\"x\": \"int32\"}");
    cr_expect_eq(o->number[0][0], 5);
    const char *out = outcome_text(o, 0, TF_RECORD_STDOUT);
    cr_expect_eq(strlen(out), 100 + strlen("\n[... 49999910 bytes left out ...]\n"), "%s", out);
    outcome_free(o);
}

Test(output, is_not_kept_when_not_wanted_but_columns_are_read_from_it) {
    outcome *o = run("echo '{{\"x\": 5}}'; echo oops >&2",
                     "\"capture\": {\"stdout\": 0, \"stderr\": 0}, \"results\": {\"x\": \"int32\"}");
    cr_expect_eq(o->number[0][0], 5);
    cr_expect_null(o->text[0][TF_RECORD_STDOUT]);
    cr_expect_null(o->text[0][TF_RECORD_STDERR]);
    outcome_free(o);
}

Test(output, held_open_by_a_child_left_behind_is_not_waited_for) {
    double started = tf_now();
    outcome *o = run("sleep 100 & echo done", "");
    cr_expect_str_eq(outcome_text(o, 0, TF_RECORD_STDOUT), "done\n");
    cr_expect(tf_now() - started < 50);
    outcome_free(o);
}

Test(output, of_a_child_left_behind_that_never_stops_writing_is_cut_off) {
    outcome *o = run("yes & sleep 0.1; exit 0", "");
    cr_expect_eq(o->status[0], TF_STATUS_DONE);
    cr_expect_not_null(strstr(outcome_text(o, 0, TF_RECORD_STDOUT), "bytes left out"));
    outcome_free(o);
}

/* ---- Timeouts ---- */

Test(timeout, ends_the_whole_process_group) {
    char path[] = "/tmp/taskfarm-unit-XXXXXX";
    close(mkstemp(path));
    tf_buf command = {0};
    tf_buf_addf(&command,
                "(trap 'echo child >> %s; exit' TERM; sleep 100 & wait) & trap 'echo bye; exit 4' TERM; echo hello; "
                "sleep 100 & wait",
                path);
    outcome *o = run(command.data, "\"timeout\": 0.5");
    cr_expect_eq(o->status[0], TF_STATUS_TIMEOUT);
    cr_expect_eq(o->exit_code[0], 4);
    cr_expect_str_eq(outcome_text(o, 0, TF_RECORD_MESSAGE), "timeout after 0.5s");
    cr_expect_str_eq(outcome_text(o, 0, TF_RECORD_STDOUT), "hello\nbye\n");
    tf_buf said = {0};
    tf_read_file(path, &said);
    cr_expect_str_eq(tf_buf_text(&said), "child\n");
    unlink(path);
    tf_buf_free(&said);
    tf_buf_free(&command);
    outcome_free(o);
}

Test(timeout, ends_what_does_not_heed_sigterm) {
    double started = tf_now();
    outcome *o = run("trap '' TERM; sleep 100", "\"timeout\": \"0.2s\"");
    cr_expect_eq(o->status[0], TF_STATUS_TIMEOUT);
    cr_expect_eq(o->signal[0], SIGKILL);
    cr_expect(tf_now() - started < 60);
    outcome_free(o);
}

Test(timeout, leaves_alone_what_is_in_time) {
    outcome *o = run("sleep 0.1", "\"timeout\": \"1h\"");
    cr_expect_eq(o->status[0], TF_STATUS_DONE);
    outcome_free(o);
}
