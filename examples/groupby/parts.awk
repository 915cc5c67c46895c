# Ten files of rows / 10 records each: a star, its key, and a value that depends on the key. The same bytes every time.
BEGIN {
    state = 1
    for (part = 0; part < 10; part++) {
        file = "parts/part_" part ".csv"
        print "star,key,value" > file
        for (i = 0; i < rows / 10; i++) {
            state = (state * 16807) % 2147483647
            key = state % 100
            state = (state * 16807) % 2147483647
            printf "%d,k%02d,%.6f\n", part * rows / 10 + i, key, key + state / 2147483647 > file
        }
        close(file)
    }
}
