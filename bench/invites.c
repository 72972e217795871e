/* Send INVITEs that all differ, and count the first final response to each.
 *
 *   invites SOURCE ADDRESS PORT answers COUNT           64 in flight, until COUNT are answered
 *   invites SOURCE ADDRESS PORT rate RATE SECONDS       so many in a second, whatever comes back
 *
 * Prints `sent answered seconds`. Exits 1 when nothing is answered for five seconds.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 32, WINDOW = 64, LONGEST = 2048 };
static const double LOST = 0.2, SILENT = 5;

static const char SDP[] =
    "v=0\r\no=alice 2890844526 2890844526 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n"
    "m=audio 49172 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:8 PCMA/8000\r\n"
    "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=sendrecv\r\n";
static const char INVITE[] =
    "INVITE sip:1001@%s:%d SIP/2.0\r\nVia: SIP/2.0/UDP %s:%d;branch=z9hG4bK%x-%lx;rport\r\n"
    "Max-Forwards: 70\r\nFrom: \"Alice\" <sip:alice@%s>;tag=%lx\r\nTo: <sip:1001@%s>\r\n"
    "Call-ID: %lx-%x\r\nCSeq: 1 INVITE\r\nContact: <sip:alice@%s:%d;transport=udp>\r\n"
    "Allow: INVITE, ACK, CANCEL, OPTIONS, BYE, REFER, NOTIFY, UPDATE\r\n"
    "Supported: replaces, timer, path\r\nUser-Agent: bench/1.0\r\n"
    "Content-Type: application/sdp\r\nContent-Length: %zu\r\n\r\n%s";

static const char *source, *target;
static int own_port, port, line;
static unsigned run;
static char *seen; /* which were answered */
static unsigned long sent, answered;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec * 1e-9;
}

static int attach(const char *address, int number, int from) {
  struct sockaddr_in place = {.sin_family = AF_INET, .sin_port = htons(number)};
  inet_pton(AF_INET, address, &place.sin_addr);
  return (from ? bind : connect)(line, (void *)&place, sizeof place);
}

static void transmit(int count) {
  static char buffer[BATCH][LONGEST];
  struct iovec parts[BATCH];
  struct mmsghdr messages[BATCH] = {0};
  for (int i = 0; i < count; i++) {
    unsigned long n = sent + i;
    parts[i].iov_base = buffer[i];
    parts[i].iov_len = snprintf(buffer[i], LONGEST, INVITE, target, port, source, own_port, run, n,
                                source, n, target, n, run, source, own_port, sizeof SDP - 1, SDP);
    messages[i].msg_hdr.msg_iov = &parts[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  int done = sendmmsg(line, messages, count, 0);
  if (done > 0) sent += done;
}

/* Return how many new final responses came. */
static int collect(void) {
  char data[LONGEST];
  int found = 0;
  ssize_t size;
  while ((size = recv(line, data, sizeof data - 1, MSG_DONTWAIT)) > 0) {
    data[size] = 0;
    char *call = strstr(data, "\r\nCall-ID: ");
    if (strncmp(data, "SIP/2.0 4", 9) || !call) continue;
    unsigned long n = strtoul(call + 11, 0, 16);
    if (seen && n < sent && !seen[n]) {
      seen[n] = 1;
      found++;
    } else if (!seen) {
      found++;
    }
  }
  answered += found;
  return found;
}

static void rest(long microseconds) {
  struct pollfd wait = {line, POLLIN, 0};
  struct timespec most = {0, microseconds * 1000};
  ppoll(&wait, 1, &most, 0);
}

static int answers(unsigned long count) {
  unsigned long most = 2 * count + 1000 * WINDOW;
  long flying = 0;
  double heard = now(), filled = heard;
  seen = calloc(most, 1);
  while (answered < count) {
    if (flying <= WINDOW - BATCH && sent + BATCH < most) {
      transmit(BATCH);
      flying += BATCH;
    }
    int found = collect();
    if (found) {
      heard = filled = now();
      flying = flying > found ? flying - found : 0;
    } else if (now() - heard > SILENT) {
      fprintf(stderr, "%s:%d has not answered for %g s, %lu of %lu so far\n", target, port, SILENT,
              answered, count);
      return 1;
    } else if (now() - filled > LOST) {
      flying = 0;
      filled = now();
    } else {
      rest(1000);
    }
  }
  return 0;
}

static int rate(double each_second, double seconds) {
  double began = now(), passed;
  while ((passed = now() - began) < seconds) {
    double due = passed * each_second - sent;
    if (due >= 1) transmit(due > BATCH ? BATCH : (int)due);
    collect();
    if (due < BATCH) rest(200);
  }
  return 0;
}

int main(int count, char **words) {
  if (count < 6) return 2;
  source = words[1], target = words[2], port = atoi(words[3]);
  run = (unsigned)time(0) ^ getpid() << 8;
  line = socket(AF_INET, SOCK_DGRAM, 0);
  int room = 8 << 20;
  setsockopt(line, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
  struct sockaddr_in bound;
  socklen_t size = sizeof bound;
  if (attach(source, 0, 1) || attach(target, port, 0)) return perror("invites"), 1;
  getsockname(line, (void *)&bound, &size);
  own_port = ntohs(bound.sin_port);
  double began = now();
  int failed = count > 6 ? rate(atof(words[5]), atof(words[6])) : answers(strtoul(words[5], 0, 10));
  printf("%lu %lu %.3f\n", sent, answered, now() - began);
  return failed;
}
