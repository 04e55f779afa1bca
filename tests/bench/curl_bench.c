/* The peer: libcurl's multi interface. usage: curl_bench URL CONNECTIONS SECONDS [CA_FILE] */
#include <curl/curl.h>

#include "bench.h"

static size_t Sink(char* data, size_t size, size_t n, void* user) {
  (void)data;
  (void)user;
  return size * n;
}

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  int connections = atoi(argv[2]);
  curl_global_init(CURL_GLOBAL_DEFAULT);
  CURLM* multi = curl_multi_init();
  curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, (long)connections);
  for (int i = 0; i < connections; i++) {
    CURL* easy = curl_easy_init();
    curl_easy_setopt(easy, CURLOPT_URL, argv[1]);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, Sink);
    if (argc > 4) curl_easy_setopt(easy, CURLOPT_CAINFO, argv[4]);
    curl_multi_add_handle(multi, easy);
  }
  double start = BenchNow(), started = start, until = start + atof(argv[3]);
  unsigned long done = 0;
  for (int running = 1; running;) {
    int active, left;
    curl_multi_perform(multi, &active);
    CURLMsg* message;
    while ((message = curl_multi_info_read(multi, &left)) != NULL) {
      CURL* easy = message->easy_handle;
      if (message->msg != CURLMSG_DONE) continue;
      if (message->data.result != CURLE_OK) {
        fprintf(stderr, "%s\n", curl_easy_strerror(message->data.result));
        return 1;
      }
      done++;
      if (connections == 1) {
        BenchTook(BenchNow() - started);
        started = BenchNow();
      }
      curl_multi_remove_handle(multi, easy);
      curl_multi_add_handle(multi, easy);
    }
    if (BenchNow() > until) running = 0;
    curl_multi_poll(multi, NULL, 0, 100, NULL);
  }
  BenchPrint(done, BenchNow() - start);
  return 0;
}
