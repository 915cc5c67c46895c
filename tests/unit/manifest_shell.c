/* Where in a shell's text a value can be quoted: by a table, and by what real shells do with random text. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/base.h"
#include "manifest/shell.h"

static const struct {
    shell_place place;
    const char *text; /* what stands before the value */
} table[] = {
    {SHELL_PLAIN, ""},
    {SHELL_PLAIN, "cat "},
    {SHELL_PLAIN, "cat a_"},
    {SHELL_PLAIN, "cat 'a' \"b\" "},
    {SHELL_PLAIN, "echo it\\'s "},
    {SHELL_PLAIN, "echo a\\\nb "},
    {SHELL_PLAIN, "for i in 1 2; do (echo $i; echo "},
    {SHELL_PLAIN, "x=$(cat "},
    {SHELL_PLAIN, "echo \"$(cat "},
    {SHELL_PLAIN, "echo \"$(echo ')' \")\" $((1 + (2))) "},
    {SHELL_PLAIN, "echo $$ $# $? ${HOME:-\"}\"} $((1 << 2)) "},
    {SHELL_PLAIN, "# it's\ncat "},
    {SHELL_PLAIN, "true # \"$(`\ncat "},
    {SHELL_PLAIN, "echo a#'b' "},
    {SHELL_PLAIN, "x=$(true # it's )\n) "},
    {SHELL_PLAIN, "case x in a) echo "},
    {SHELL_PLAIN, "cat <<X\nit's $HOME\nX\ncat "},
    {SHELL_PLAIN, "cat <<-'X' >\"out\"; echo \n\t`\n\tX\n"},
    {SHELL_PLAIN, "cat <<A <<\"B C\"\na\nA\nb\nB C\necho "},
    {SHELL_PLAIN, "cat <<X && echo "},
    {SHELL_PLAIN, "cat <<<a\necho "},
    {SHELL_QUOTES, "echo 'a "},
    {SHELL_QUOTES, "echo \"a "},
    {SHELL_QUOTES, "echo \"a\\\" "},
    {SHELL_QUOTES, "echo 'a\\' '"},
    {SHELL_QUOTES, "echo \"$(true) "},
    {SHELL_QUOTES, "echo \"$(true \"a\") "},
    {SHELL_QUOTES, "sh -c 'cat "},
    {SHELL_BACKQUOTES, "echo `cat "},
    {SHELL_BACKQUOTES, "echo \"`cat "},
    {SHELL_BRACES, "echo ${x:-"},
    {SHELL_BRACES, "echo \"${x:-"},
    {SHELL_ARITHMETIC, "echo $((1 + ("},
    {SHELL_COMMENT, "# "},
    {SHELL_COMMENT, "true;#a "},
    {SHELL_COMMENT, "true \\\n# "},
    {SHELL_DOCUMENT, "cat <<X\n"},
    {SHELL_DOCUMENT, "cat <<'X'\na\nX "},
    {SHELL_DOCUMENT, "cat <<-X\n\ta\nXX\n"},
    {SHELL_DELIMITER, "cat <<"},
    {SHELL_DELIMITER, "cat <<- a"},
    {SHELL_ESCAPED, "echo \\"},
    {SHELL_DOLLAR, "echo $"},
    {SHELL_UNSURE, "echo $'\\' "},
    {SHELL_UNSURE, "((x = "},
    {SHELL_QUOTES, "echo \"$(case a in a) echo "},
    {SHELL_UNSURE, "echo \"$(case a in a) echo \""},
    {SHELL_UNSURE, "echo $(( '1' )) "},
    {SHELL_UNSURE, "echo \"${x:-'a'}\" "},
    {SHELL_UNSURE, "cat <<X\na\\\nX\n"},
    {SHELL_UNSURE, "cat <<X\n$(echo\nX\n)\n"},
    {SHELL_UNSURE, "cat <<X $(echo\n)\nX\n"},
    {SHELL_UNSURE, "cat <\\\n<X\n"},
    {SHELL_UNSURE, "echo \"$\\\n(echo \""},
    {SHELL_UNSURE, "echo \"$\\\n{x:-\""},
    {SHELL_UNSURE, "echo $(\\\n(1 + 1)) "},
    {SHELL_UNSURE, "echo \"$(ca\\\nse a in a) echo \""},
    {SHELL_PLAIN, "echo a &&\\\necho b | \\\ncat "},
};

Test(shell, knows_where_it_is) {
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        cr_expect_eq((int)shell_place_after(table[i].text, strlen(table[i].text)), (int)table[i].place, "%s: %d",
                     table[i].text, (int)shell_place_after(table[i].text, strlen(table[i].text)));
}

Test(shell, nests_and_names_without_end) {
    tf_buf text = {0};
    for (int i = 0; i < 1000; i++)
        tf_buf_adds(&text, "$(echo \"");
    cr_expect_neq(shell_place_after(text.data, text.length), SHELL_PLAIN);
    for (int i = 0; i < 1000; i++)
        tf_buf_adds(&text, "\")");
    cr_expect_neq(shell_place_after(text.data, text.length), SHELL_PLAIN);
    tf_buf_clear(&text);
    for (int i = 0; i < 100; i++)
        tf_buf_adds(&text, "<<X ");
    for (int i = 0; i < 100; i++)
        tf_buf_adds(
            &text,
            "<<XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX");
    cr_expect_neq(shell_place_after(text.data, text.length), SHELL_PLAIN);
    tf_buf_free(&text);
}

/* Where values are allowed, no value runs anything, in any of the shells that sh may be. */
Test(shell, runs_no_value) {
    static const char *const words[] = {"echo ",    "a",
                                        " ",        "\n",
                                        "'",        "\"",
                                        "`",        "\\",
                                        "$(",       ")",
                                        "(",        "$((",
                                        "1))",      "${x:-",
                                        "}",        "# ",
                                        "it's",     "<<X\n",
                                        "X\n",      "<<-'X'\n",
                                        "\tX\n",    "$",
                                        "; ",       "&& ",
                                        "| cat ",   "case a in a) ",
                                        ";; esac ", "$'",
                                        "((",       "#",
                                        "\\\n",     "<",
                                        "<X\n"};
    static const char *const values[] = {"$(touch pwned)",    "';touch pwned;'", "\\';touch pwned;#",
                                         "\ntouch pwned\n",   "`touch pwned`",   "\nX\ntouch pwned\n",
                                         "x[$(touch pwned)]", ")\ntouch pwned;("};
    static const char *const shells[] = {"/bin/sh", "/bin/bash"};
    char folder[] = "/tmp/taskfarm-unit-XXXXXX", line[64];
    cr_assert(mkdtemp(folder) && chdir(folder) == 0);
    const char *count = getenv("TASKFARM_SHELL_TEXTS");
    tf_rng rng = tf_rng_start(1, 1);
    tf_buf text = {0};
    int taken = 0;
    for (int n = count ? atoi(count) : 100; taken < n;) {
        tf_buf_clear(&text);
        for (uint64_t w = 1 + tf_rng_below(&rng, 12); w > 0; w--)
            tf_buf_adds(&text, words[tf_rng_below(&rng, sizeof words / sizeof *words)]);
        if (shell_place_after(tf_buf_text(&text), text.length) != SHELL_PLAIN)
            continue;
        taken++;
        tf_buf_add_quoted(&text, values[tf_rng_below(&rng, sizeof values / sizeof *values)]);
        for (uint64_t w = tf_rng_below(&rng, 6); w > 0; w--)
            tf_buf_adds(&text, words[tf_rng_below(&rng, sizeof words / sizeof *words)]);
        FILE *script = fopen("script", "w");
        fputs(text.data, script);
        fclose(script);
        for (size_t s = 0; s < 2; s++) {
            snprintf(line, sizeof line, "%s script </dev/null >/dev/null 2>&1", shells[s]);
            (void)!system(line);
            cr_assert(access("pwned", F_OK) != 0, "%s ran the value of: %s", shells[s], text.data);
        }
    }
    tf_buf_free(&text);
    cr_expect_eq(chdir("/"), 0);
    tf_remove_tree(folder);
}
