# Writes SOURCE, a C file with the bytes of FILE as the text NAME, ended by a NUL.
file(READ ${FILE} bytes HEX)
string(REGEX REPLACE "(................................)" "\\1\n" bytes "${bytes}")
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
file(WRITE ${SOURCE} "extern const char ${NAME}[];\nconst char ${NAME}[] = {\n${bytes}0};\n")
