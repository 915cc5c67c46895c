/* For builds with sanitizers only: libraries stay loaded to the end, so that what Open MPI's components leak can be
 * told by their names (lsan.supp). Unloaded, they would be "unknown module", and suppressing that would hide our own
 * leaks. */
int dlclose(void *library);

int dlclose(void *library) {
    (void)library;
    return 0;
}
