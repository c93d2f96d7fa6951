// Preloaded into a server, it notes how much of its append-only file is on disk: whenever a sync of that file has succeeded, the length
// that it had before the sync began goes into a file beside it, `<name>.synced`, as a decimal. What is behind that length is what a
// machine that loses its power may lose.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void note(int file, off_t length) {
  char link[64], name[PATH_MAX], text[32];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  ssize_t size = readlink(link, name, sizeof name - sizeof ".synced");
  if (size < 0) return;
  name[size] = 0;
  if (!strstr(name, ".incr.aof")) return;
  strcat(name, ".synced");
  int notes = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (notes < 0) return;
  // Padded, so that a longer number never leaves digits behind a shorter one.
  int digits = snprintf(text, sizeof text, "%020lld", (long long)length);
  if (pwrite(notes, text, digits, 0) != digits) unlink(name);
  close(notes);
}

static int synced(const char *what, int file) {
  int (*real)(int) = (int (*)(int))dlsym(RTLD_NEXT, what);
  struct stat before;
  int known = fstat(file, &before) == 0;
  int result = real(file);
  if (result == 0 && known && S_ISREG(before.st_mode)) note(file, before.st_size);
  return result;
}

int fdatasync(int file) { return synced("fdatasync", file); }
int fsync(int file) { return synced("fsync", file); }
