/* What one core can do at most: libjpeg-turbo decodes only the blocks of a window, which is resized to a square with uint8 pixels.

   Built and called by jpeg_limit.py. The images are its own, so that libjpeg's way with a broken file - the process ends - does no harm. */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

enum { ONE = 128 }; /* a weight of 1 in the fixed-point numbers: two products of it and a grey level fit into 16 and 32 bits */

typedef struct {
    int top, left, height, width;
} Window;

typedef struct {
    int first, share;
} Place;

typedef struct {
    uint8_t *pixels; /* of the decoded rows */
    uint16_t *mixed; /* of one row */
    Place *columns;
} Room;

/* Between which two rows (or columns) of n an output row lies, and how far from the first; pixels are sampled at their centres. */
static Place place(int output, int size, int n)
{
    float at = (output + 0.5f) * n / size - 0.5f;
    at = at < 0 ? 0 : at;
    int first = (int)at;
    return first >= n - 1 ? (Place){n - 1, 0} : (Place){first, (int)((at - first) * ONE + 0.5f)};
}

/* Decodes the rows and blocks that a window touches. `pixels` has room for the whole picture; *skip is how many columns come before it. */
static int decode(struct jpeg_decompress_struct *jpeg, const uint8_t *data, int64_t length, Window window, uint8_t *pixels, int *skip)
{
    jpeg_mem_src(jpeg, data, length);
    jpeg_read_header(jpeg, TRUE);
    jpeg->out_color_space = JCS_RGB;
    jpeg->dct_method = JDCT_ISLOW;
    jpeg_start_decompress(jpeg);
    JDIMENSION left = window.left, width = window.width;
    jpeg_crop_scanline(jpeg, &left, &width);
    *skip = window.left - (int)left;
    int stride = jpeg->output_width * 3;
    if (window.top)
        jpeg_skip_scanlines(jpeg, window.top);
    for (int row = 0; row < window.height;) {
        JSAMPROW line = pixels + (size_t)row * stride;
        row += jpeg_read_scanlines(jpeg, &line, 1);
    }
    jpeg_abort_decompress(jpeg);
    return stride;
}

/* Bilinear: each output row is first mixed from two whole rows, which compilers turn into vector instructions. */
static void resize(const uint8_t *pixels, int stride, Window window, int size, int flip, Room room, uint8_t *output)
{
    for (int column = 0; column < size; column++)
        room.columns[column] = place(flip ? size - 1 - column : column, size, window.width);
    for (int row = 0; row < size; row++) {
        Place down = place(row, size, window.height);
        const uint8_t *upper = pixels + (size_t)down.first * stride, *lower = upper + (down.share ? stride : 0);
        for (int i = 0; i < window.width * 3; i++)
            room.mixed[i] = upper[i] * (ONE - down.share) + lower[i] * down.share;
        for (int column = 0; column < size; column++, output += 3) {
            unsigned share = room.columns[column].share;
            const uint16_t *near = room.mixed + room.columns[column].first * 3, *far = near + (share ? 3 : 0);
            for (int channel = 0; channel < 3; channel++)
                output[channel] = (near[channel] * (ONE - share) + far[channel] * share + ONE * ONE / 2) / (ONE * ONE);
        }
    }
}

/* `count` windows of JPEGs that lie one after the other in `files`, from offsets[i] to offsets[i + 1]: uint8 [count, size, size, 3]. */
int load_windows(const uint8_t *files, const int64_t *offsets, const Window *windows, int count, int size, int largest, uint8_t *output)
{
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr errors;
    Room room = {malloc((size_t)largest * largest * 3), malloc((size_t)largest * 3 * sizeof(uint16_t)), malloc(size * sizeof(Place))};
    if (!room.pixels || !room.mixed || !room.columns)
        return -1;
    jpeg.err = jpeg_std_error(&errors);
    jpeg_create_decompress(&jpeg);
    for (int i = 0; i < count; i++) {
        int skip;
        int stride = decode(&jpeg, files + offsets[i], offsets[i + 1] - offsets[i], windows[i], room.pixels, &skip);
        resize(room.pixels + skip * 3, stride, windows[i], size, i & 1, room, output + (size_t)i * size * size * 3);
    }
    jpeg_destroy_decompress(&jpeg);
    free(room.pixels);
    free(room.mixed);
    free(room.columns);
    return count;
}
