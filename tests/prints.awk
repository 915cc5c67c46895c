# awk -f prints.awk FILES: all that goes to stdout and stderr goes through src/base/say.c and print.c, which makes visible what is not ours;
# bytes as they are (tf_print_bytes) are printed where a file or a table is written, or an escape sequence of our own.
BEGIN {
    split("base/memory base/print base/say cli/schema cli/show report/export report/page progress/progress", list, " ")
    for (i in list)
        may_print_bytes["src/" list[i] ".c"] = 1
}

function refuse(what) {
    print FILENAME ":" FNR ": " what
    bad = 1
}

{ line = " " $0 }

FILENAME !~ /^src\/base\/print\.c$/ && line ~ /[^A-Za-z0-9_](v?f?printf|v?dprintf|f?puts(_unlocked)?|f?putc(_unlocked)?|putchar|fwrite|perror|psignal|write\((1|2|STD(OUT|ERR)_FILENO),.*) *\(/ {
    refuse("prints by itself: tf_say and tf_print (base/base.h) make visible what is not ours")
}

/\*|\.h:/ && line ~ /^ *(\/\*| \*)/ { next }

line ~ /[^A-Za-z0-9_]tf_print_bytes *\(/ && FILENAME ~ /\.c$/ && !(FILENAME in may_print_bytes) {
    refuse("prints bytes as they are: tf_print and tf_print_text make visible what is not ours")
}

END { exit bad }
