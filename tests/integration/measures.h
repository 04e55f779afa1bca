/* What a process has of what may leak. */
#ifndef INTEGRATION_MEASURES_H
#define INTEGRATION_MEASURES_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

typedef struct measures {
  long descriptors, threads, kilobytes;
} measures;
static long entries(const char* path) {
  long n = 0;
  DIR* folder = opendir(path);
  while (readdir(folder)) n++;
  closedir(folder);
  return n - 2;
}
static measures look(void) {
  measures s = {entries("/proc/self/fd") - 1, entries("/proc/self/task"), 0};
  long size = 0, resident = 0;
  FILE* file = fopen("/proc/self/statm", "r");
  if (fscanf(file, "%ld %ld", &size, &resident) != 2) abort();
  fclose(file);
  s.kilobytes = resident * (sysconf(_SC_PAGESIZE) / 1024);
  return s;
}

#endif
