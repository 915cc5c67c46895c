/* Images of a CCD camera as FITS files of one float32 array, through CFITSIO. */
#ifndef IMAGE_H
#define IMAGE_H

#include <fitsio.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct image {
    long width, height;
    float *pixel; /* row by row */
} image;

/* CFITSIO's own words, and the end. */
static inline void must(int status, const char *path) {
    if (!status)
        return;
    char text[FLEN_STATUS];
    fits_get_errstatus(status, text);
    fprintf(stderr, "%s: %s\n", path, text);
    exit(1);
}

static inline image image_new(long width, long height) {
    image i = {width, height, calloc((size_t)(width * height), sizeof *i.pixel)};
    if (!i.pixel) {
        fprintf(stderr, "no memory for %ld x %ld pixels\n", width, height);
        exit(1);
    }
    return i;
}

static inline image image_read(const char *path) {
    int status = 0, axes = 0;
    long size[2] = {0, 0};
    fitsfile *file;
    fits_open_image(&file, path, READONLY, &status);
    fits_get_img_dim(file, &axes, &status);
    fits_get_img_size(file, 2, size, &status);
    must(status ? status : axes == 2 ? 0 : BAD_NAXIS, path);
    image i = image_new(size[0], size[1]);
    fits_read_img(file, TFLOAT, 1, size[0] * size[1], NULL, i.pixel, NULL, &status);
    fits_close_file(file, &status);
    must(status, path);
    return i;
}

/* Replaces the file. `unit` is of the pixels. */
static inline void image_write(const image *i, const char *path, const char *unit) {
    int status = 0;
    long size[2] = {i->width, i->height};
    fitsfile *file;
    remove(path);
    fits_create_diskfile(&file, path, &status);
    fits_create_img(file, FLOAT_IMG, 2, size, &status);
    fits_write_key(file, TSTRING, "BUNIT", (void *)(size_t)unit, "unit of the pixels", &status);
    fits_write_img(file, TFLOAT, 1, size[0] * size[1], i->pixel, &status);
    fits_close_file(file, &status);
    must(status, path);
}

#endif
