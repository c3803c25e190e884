// The origin of all contestants: one thread, epoll, several ports. It has to cost less per request than
// any proxy in front of it, which is why it is not a general server.
//
//   origin PORT [PORT ...]
//
// GET /bytes/N answers with N bytes, any other path with 128. A request body (Content-Length only) is read
// to its end and thrown away before the answer goes out. Pipelined requests are answered with one write.
// What it does not understand (chunked requests, heads above 16 KiB) ends the connection, which the load
// generator counts as an error.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

enum { IN = 16384, OUT = 32768, INLINE_BODY = 8192, SCRATCH = 262144, BLOCK = 1048576, SMALL = 128 };

struct connection {
  int fd, listening;
  int in_length;            // bytes of an unfinished head, or of requests that wait for the answer in progress
  int out_start, out_end;   // heads and small bodies that are still to be written
  long swallow;             // bytes of request body still to come
  long answer;              // size of the answer that follows the swallowed body
  long body;                // bytes of the answer's body still to be written, after `out`
  int closing, wants_write; // closing: the client asked for Connection: close
  char in[IN], out[OUT];
};

static int poller;
static char scratch[SCRATCH], block[BLOCK], date[64];

static void drop(struct connection *c) {
  close(c->fd);
  free(c);
}

static void watch(struct connection *c, int write) {
  if (c->wants_write == write) return;
  c->wants_write = write;
  struct epoll_event event = {.events = write ? EPOLLOUT : EPOLLIN, .data.ptr = c};
  epoll_ctl(poller, EPOLL_CTL_MOD, c->fd, &event);
}

// Writes what is pending. 1: all written, 0: the socket is full, -1: the connection is gone.
static int flush(struct connection *c) {
  while (c->out_end > c->out_start || c->body > 0) {
    struct iovec parts[2];
    int count = 0;
    if (c->out_end > c->out_start) parts[count++] = (struct iovec){c->out + c->out_start, c->out_end - c->out_start};
    if (c->body > 0) parts[count++] = (struct iovec){block, c->body < BLOCK ? c->body : BLOCK};
    ssize_t n = writev(c->fd, parts, count);
    if (n < 0) return errno == EAGAIN ? 0 : -1;
    ssize_t heads = c->out_end - c->out_start;
    if (n < heads) { c->out_start += n; continue; }
    c->out_start = c->out_end = 0;
    c->body -= n - heads;
  }
  return 1;
}

static void answer(struct connection *c, long size) {
  c->out_end += sprintf(c->out + c->out_end,
    "HTTP/1.1 200 OK\r\nServer: origin\r\nDate: %s\r\nContent-Type: application/octet-stream\r\nContent-Length: %ld\r\nConnection: %s\r\n\r\n",
    date, size, c->closing ? "close" : "keep-alive");
  if (size > INLINE_BODY) { c->body = size; return; }
  memcpy(c->out + c->out_end, block, size);
  c->out_end += size;
}

static const char *field(const char *head, const char *end, const char *name) {
  size_t length = strlen(name);
  for (const char *line = memchr(head, '\n', end - head); line && ++line + length < end; line = memchr(line, '\n', end - line))
    if (!strncasecmp(line, name, length) && line[length] == ':') return line + length + 1 + strspn(line + length + 1, " \t");
  return NULL;
}

// Takes n bytes that were received. Returns 0 when the connection is gone.
static int take(struct connection *c, const char *p, ssize_t n) {
  while (n > 0) {
    if (c->body > 0 || c->out_end > OUT - INLINE_BODY - 512) {
      int written = flush(c);
      if (written < 0) return drop(c), 0;
      if (written == 0) break; // the rest waits in `in`
      if (c->closing) return drop(c), 0;
    }
    if (c->swallow > 0) {
      long part = n < c->swallow ? n : c->swallow;
      c->swallow -= part, p += part, n -= part;
      if (c->swallow == 0) answer(c, c->answer);
      continue;
    }
    const char *end = memmem(p, n, "\r\n\r\n", 4);
    if (!end) break;
    const char *length = field(p, end + 2, "content-length"), *mode = field(p, end + 2, "connection");
    if (field(p, end + 2, "transfer-encoding")) return drop(c), 0;
    c->closing = mode && !strncasecmp(mode, "close", 5);
    const char *path = memchr(p, ' ', end - p);
    c->answer = path && !strncmp(path, " /bytes/", 8) ? atol(path + 8) : SMALL;
    c->swallow = length ? atol(length) : 0;
    n -= end + 4 - p, p = end + 4;
    if (c->swallow == 0) answer(c, c->answer);
  }
  if (n > IN) return drop(c), 0;
  memmove(c->in, p, n);
  c->in_length = n;
  int written = flush(c);
  if (written < 0 || (written && c->closing && c->swallow == 0)) return drop(c), 0;
  watch(c, !written);
  return 1;
}

static void readable(struct connection *c) {
  memcpy(scratch, c->in, c->in_length);
  ssize_t n = read(c->fd, scratch + c->in_length, SCRATCH - c->in_length);
  if (n <= 0) {
    if (n == 0 || errno != EAGAIN) drop(c);
    return;
  }
  n += c->in_length;
  c->in_length = 0;
  take(c, scratch, n);
}

static void writable(struct connection *c) {
  int written = flush(c);
  if (written < 0 || (written && c->closing)) { drop(c); return; }
  if (!written) return;
  int n = c->in_length;
  memcpy(scratch, c->in, n);
  c->in_length = 0;
  take(c, scratch, n);
}

static void add(int fd, int listening) {
  struct connection *c = calloc(1, sizeof *c);
  c->fd = fd;
  c->listening = listening;
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = c};
  epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event);
}

int main(int count, char **ports) {
  signal(SIGPIPE, SIG_IGN);
  memset(block, 'x', BLOCK);
  poller = epoll_create1(0);
  int on = 1;
  for (int i = 1; i < count; i++) {
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(atoi(ports[i])), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&at, sizeof at) || listen(fd, 4096)) { perror(ports[i]); return 1; }
    add(fd, 1);
  }
  time_t second = 0;
  for (;;) {
    struct epoll_event events[256];
    int ready = epoll_wait(poller, events, 256, -1);
    time_t now = time(NULL);
    if (now != second) {
      struct tm parts;
      strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &parts));
      second = now;
    }
    for (int i = 0; i < ready; i++) {
      struct connection *c = events[i].data.ptr;
      if (!c->listening) {
        if (events[i].events & EPOLLOUT) writable(c); else readable(c);
        continue;
      }
      for (int fd; (fd = accept4(c->fd, NULL, NULL, SOCK_NONBLOCK)) >= 0;) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        add(fd, 0);
      }
    }
  }
}
