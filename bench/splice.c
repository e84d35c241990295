/* Does splice(2) through a pipe relay faster than read(2) and write(2)? A source, a relay and a sink, three threads of one program,
 * joined by two TCP connections on loopback. The CPU time is that of the relay's thread alone. Prints MB/s and CPU seconds per GB.
 *   gcc -O2 -pthread -o _build/splice bench/splice.c && _build/splice copy|splice CHUNK_BYTES TOTAL_MB */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static long total;

static void connection(int *client, int *server) {
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof addr;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    bind(listener, (void *)&addr, size);
    listen(listener, 1);
    getsockname(listener, (void *)&addr, &size);
    *client = socket(AF_INET, SOCK_STREAM, 0);
    connect(*client, (void *)&addr, size);
    *server = accept(listener, 0, 0);
    close(listener);
}

static void *source(void *fd) {
    static char bytes[262144];
    for (long left = total, put; left > 0; left -= put)
        if ((put = write((long)fd, bytes, left < (long)sizeof bytes ? left : (long)sizeof bytes)) <= 0) break;
    shutdown((long)fd, SHUT_WR);
    return 0;
}

static void *sink(void *fd) {
    static char bytes[262144];
    long got = 0, n;
    while ((n = read((long)fd, bytes, sizeof bytes)) > 0) got += n;
    return (void *)got;
}

static void copy(int from, int to, int chunk) {
    char *bytes = malloc(chunk);
    for (long n; (n = read(from, bytes, chunk)) > 0;)
        for (long put = 0; put < n;) put += write(to, bytes + put, n - put);
}

static void splices(int from, int to, int chunk) {
    int ends[2];
    pipe(ends);
    fcntl(ends[1], F_SETPIPE_SZ, chunk);
    for (long n; (n = splice(from, 0, ends[1], 0, chunk, SPLICE_F_MOVE)) > 0;)
        for (long put; n > 0; n -= put)
            if ((put = splice(ends[0], 0, to, 0, n, SPLICE_F_MOVE)) <= 0) exit(1);
}

static double now(int clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

int main(int argc, char **argv) {
    if (argc != 4) return 2;
    int first, from, to, last, chunk = atoi(argv[2]);
    total = atol(argv[3]) << 20;
    connection(&first, &from);
    connection(&to, &last);
    pthread_t sender, receiver;
    pthread_create(&sender, 0, source, (void *)(long)first);
    pthread_create(&receiver, 0, sink, (void *)(long)last);
    double wall = now(CLOCK_MONOTONIC), cpu = now(CLOCK_THREAD_CPUTIME_ID);
    (strcmp(argv[1], "splice") ? copy : splices)(from, to, chunk);
    wall = now(CLOCK_MONOTONIC) - wall, cpu = now(CLOCK_THREAD_CPUTIME_ID) - cpu;
    shutdown(to, SHUT_WR);
    void *got;
    pthread_join(receiver, &got);
    printf("%s %d %.0f %.3f\n", argv[1], chunk, total / 1e6 / wall, cpu / (total / 1e9));
    return (long)got != total;
}
