/* Pieces of JSON Schema that the tables of keys are written with. */
#ifndef TF_MANIFEST_SCHEMA_H
#define TF_MANIFEST_SCHEMA_H

#define TEXT(about) "{\"type\":\"string\",\"description\":\"" about "\"}"
#define FLAG(about) "{\"type\":\"boolean\",\"description\":\"" about "\"}"
#define REF(name)   "{\"$ref\":\"#/$defs/" name "\"}"
#define NUMBERS(least, most, about)                                                                                    \
    "{\"type\":\"array\",\"items\":{\"type\":\"number\"},\"minItems\":" #least ",\"maxItems\":" #most                  \
    ",\"description\":\"" about "\"}"

#endif
