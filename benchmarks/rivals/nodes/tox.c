/* One Tox node that obeys lines of JSON as driven.py writes them (see ../driven.py), and prints such lines.
   tox PORT SEED BOOTSTRAP_PORT BOOTSTRAP_KEY; gcc -O2 tox.c -o tox $(pkg-config --cflags --libs toxcore) */
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <tox/tox.h>

enum { SIZE = 200, MOST = 1 << 20 };
static Tox *tox;
static uint64_t sent_at[MOST], shown_at[MOST];
static size_t n_shown;
static long count, window, pause_ms, sent, receipts;
static enum { NOTHING, TO_FRIEND, TO_ROOM } sending;
static uint32_t room = UINT32_MAX;
static uint64_t began, due;

static uint64_t now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static void unhex(const char *text, uint8_t *out) {
    for (int i = 0; i < 32; i++) sscanf(text + 2 * i, "%2hhx", &out[i]);
}

static void show(const uint8_t *text) {
    if (n_shown == MOST) return;
    sent_at[n_shown] = strtoull((const char *)text, NULL, 10);
    shown_at[n_shown++] = now();
}

static void on_message(Tox *t, uint32_t friend, Tox_Message_Type type, const uint8_t *text, size_t size, void *u) {
    (void)t, (void)friend, (void)type, (void)size, (void)u;
    show(text);
}

static void on_invite(Tox *t, uint32_t friend, Tox_Conference_Type type, const uint8_t *cookie, size_t size, void *u) {
    (void)type, (void)u;
    room = tox_conference_join(t, friend, cookie, size, NULL);
}

static void on_room(Tox *t, uint32_t it, uint32_t peer, Tox_Message_Type type, const uint8_t *text, size_t size, void *u) {
    (void)type, (void)size, (void)u;
    if (!tox_conference_peer_number_is_ours(t, it, peer, NULL)) show(text);
}

static void on_receipt(Tox *t, uint32_t friend, uint32_t id, void *u) {
    (void)t, (void)friend, (void)id, (void)u;
    receipts++;
}

static void on_friend(Tox *t, uint32_t friend, Tox_Connection connection, void *u) {
    (void)t, (void)friend, (void)u;
    if (connection != TOX_CONNECTION_NONE) printf("{\"is\": \"friend\"}\n");
}

static long number(const char *line, const char *name) {
    const char *found = strstr(line, name);
    return found ? strtol(found + strlen(name), NULL, 10) : 0;
}

static int make_text(char *text) {
    int size = sprintf(text, "%020llu ", (unsigned long long)now());
    memset(text + size, 'x', SIZE - size);
    return SIZE;
}

static int say_text(void) {
    char text[SIZE + 1];
    int size = make_text(text);
    if (sending == TO_ROOM)
        return tox_conference_send_message(tox, room, TOX_MESSAGE_TYPE_NORMAL, (uint8_t *)text, size, NULL);
    return tox_friend_send_message(tox, 0, TOX_MESSAGE_TYPE_NORMAL, (uint8_t *)text, size, NULL) != 0;
}

static int is(const char *line, const char *order) {
    const char *said = strstr(line, "\"do\": \"");
    return said && !strncmp(said + 7, order, strlen(order)) && said[7 + strlen(order)] == '"';
}

static void obey(const char *line) {
    if (is(line, "send") || is(line, "publish")) {
        count = number(line, "\"count\": "), window = number(line, "\"window\": ");
        pause_ms = number(line, "\"pause\": ");
        sent = receipts = 0, sending = is(line, "send") ? TO_FRIEND : TO_ROOM, began = due = now();
        return; /* said to be done in send_some */
    }
    if (is(line, "took")) {
        printf("{\"is\": \"done\", \"texts\": [");
        for (size_t i = 0; i < n_shown; i++)
            printf("%s[%llu, %llu]", i ? ", " : "", (unsigned long long)sent_at[i], (unsigned long long)shown_at[i]);
        printf("]}\n");
        n_shown = 0;
        return;
    }
    if (is(line, "members")) {
        printf("{\"is\": \"done\", \"count\": %u}\n", room == UINT32_MAX ? 0 : tox_conference_peer_count(tox, room, NULL));
        return;
    }
    if (is(line, "add")) {
        uint8_t key[32];
        unhex(strstr(line, "\"to\": \"") + 7, key);
        tox_friend_add_norequest(tox, key, NULL);
    } else if (is(line, "nudge")) {
        say_text();
    } else if (is(line, "create")) {
        room = tox_conference_new(tox, NULL);
    } else if (is(line, "invite")) {
        tox_conference_invite(tox, (uint32_t)number(line, "\"friend\": "), room, NULL);
    }
    printf("{\"is\": \"done\"}\n");
}

static void send_some(void) {
    while (sent < count && (pause_ms ? now() >= due : sending == TO_ROOM || sent - receipts < window)) {
        if (!say_text()) break; /* its queue is full: again after the next iteration */
        sent++, due += pause_ms * 1000000ULL;
    }
    if ((sending == TO_ROOM ? sent : receipts) >= count) {
        printf("{\"is\": \"done\", \"seconds\": %.9f}\n", (now() - began) / 1e9);
        sending = NOTHING;
    }
}

int main(int argc, char **argv) {
    if (argc != 5) return 2;
    setvbuf(stdout, NULL, _IOLBF, 0);
    uint8_t secret[32] = {0}, key[32], bootstrap[32];
    memset(secret, atoi(argv[2]), 32); /* a seed gives a key: nodes are known before they meet */
    struct Tox_Options *options = tox_options_new(NULL);
    tox_options_set_ipv6_enabled(options, false);
    tox_options_set_local_discovery_enabled(options, false);
    tox_options_set_hole_punching_enabled(options, false);
    tox_options_set_start_port(options, (uint16_t)atoi(argv[1]));
    tox_options_set_end_port(options, (uint16_t)atoi(argv[1]));
    tox_options_set_savedata_type(options, TOX_SAVEDATA_TYPE_SECRET_KEY);
    tox_options_set_savedata_data(options, secret, 32);
    tox = tox_new(options, NULL);
    if (!tox) return 1;
    tox_callback_friend_message(tox, on_message);
    tox_callback_friend_read_receipt(tox, on_receipt);
    tox_callback_friend_connection_status(tox, on_friend);
    tox_callback_conference_invite(tox, on_invite);
    tox_callback_conference_message(tox, on_room);
    unhex(argv[4], bootstrap);
    tox_bootstrap(tox, "127.0.0.1", (uint16_t)atoi(argv[3]), bootstrap, NULL);
    tox_self_get_public_key(tox, key);
    printf("{\"is\": \"ready\", \"id\": \"");
    for (int i = 0; i < 32; i++) printf("%02x", key[i]);
    printf("\"}\n");
    fcntl(0, F_SETFL, O_NONBLOCK);
    char line[4096];
    size_t filled = 0;
    for (;;) {
        tox_iterate(tox, NULL);
        if (sending) send_some();
        int wait = (int)tox_iteration_interval(tox); /* as clients do */
        if (sending && pause_ms && due > now() && (due - now()) / 1000000 < (uint64_t)wait)
            wait = (int)((due - now()) / 1000000) + 1;
        struct pollfd input = {0, POLLIN, 0};
        if (poll(&input, 1, wait) <= 0) continue;
        ssize_t got = read(0, line + filled, sizeof line - 1 - filled);
        if (got <= 0) return 0;
        filled += (size_t)got, line[filled] = 0;
        char *end;
        while ((end = strchr(line, '\n'))) {
            *end = 0;
            obey(line);
            filled -= (size_t)(end + 1 - line);
            memmove(line, end + 1, filled + 1);
        }
    }
}
