/* A service in C: tasks come as lines of JSON, and each is answered by one. */
#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>

int main(void) {
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, stdin) > 0) {
        cJSON *task = cJSON_Parse(line);
        const cJSON *params = cJSON_GetObjectItem(task, "params");
        const double index = cJSON_GetNumberValue(cJSON_GetObjectItem(task, "index"));
        const double n = cJSON_GetNumberValue(cJSON_GetObjectItem(params, "n"));
        if (n < 0)
            printf("{\"index\":%.0f,\"error\":\"%g has no place here\"}\n", index, n);
        else
            printf("{\"index\":%.0f,\"results\":{\"square\":%.0f}}\n", index, n * n);
        fflush(stdout);
        cJSON_Delete(task);
    }
    free(line);
    return 0;
}
