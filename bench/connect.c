/* Clients of bench_server.erl: THREADS threads that connect to PORT on loopback for MS milliseconds. With `echo' they send and receive
 * 64 bytes and reset the connection, with `close' they wait until the server resets it. Prints the number of connections served.
 * cc -O2 -pthread -o connect connect.c; connect PORT THREADS MS echo|close */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static atomic_long served;
static atomic_int over;
static int echoes;
static struct sockaddr_in addr;

static void *client(void *unused) {
    struct linger reset = {1, 0};
    char data[64] = {0};
    while (!atomic_load(&over)) {
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        if (fd < 0 || (connect(fd, (struct sockaddr *)&addr, sizeof addr) && echoes)) { perror("connect"); exit(1); }
        if (!echoes) recv(fd, data, sizeof data, 0);
        if (!echoes || (send(fd, data, sizeof data, 0) == sizeof data && recv(fd, data, sizeof data, MSG_WAITALL) == sizeof data))
            atomic_fetch_add(&served, 1);
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        close(fd);
    }
    return unused;
}

int main(int argc, char **argv) {
    if (argc != 5) return 2;
    echoes = !strcmp(argv[4], "echo");
    int threads = atoi(argv[2]), ms = atoi(argv[3]);
    pthread_t ids[256];
    addr.sin_family = AF_INET;
    addr.sin_port = htons(atoi(argv[1]));
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; i < threads && i < 256; i++) pthread_create(&ids[i], NULL, client, NULL);
    struct timespec time = {ms / 1000, ms % 1000 * 1000000L};
    nanosleep(&time, NULL);
    atomic_store(&over, 1);
    for (int i = 0; i < threads && i < 256; i++) pthread_join(ids[i], NULL);
    printf("%ld\n", atomic_load(&served));
    return 0;
}
