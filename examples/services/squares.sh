# A service in plain shell: a line in, a line out. Good for a tool that takes long to start; JSON of more than a few numbers
# is better left to a language that knows it.
while read -r line; do
    index=$(expr "$line" : '.*"index":\([0-9]*\)')
    n=$(expr "$line" : '.*"n":\(-\{0,1\}[0-9]*\)')
    echo "squaring $n" >&2 # the task's stderr
    echo "{\"index\":$index,\"results\":{\"square\":$((n * n))}}"
done
