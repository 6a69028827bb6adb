// Makes sync_negentropy.json with the reference implementation of Negentropy, protocol version 1:
//   git clone https://github.com/hoytech/negentropy && git -C negentropy checkout 6edb041
//   g++ -std=c++20 -I negentropy/cpp sync_negentropy.cpp -lcrypto -o make && ./make > sync_negentropy.json
//
// Entry number i has the id SHA-256("entry <i>") and the timestamp start + i / per_timestamp. The side
// that initiates lacks every entry whose number is a multiple of `initiator_lacks`, the other every
// multiple of `responder_lacks`; 0 lacks nothing, 1 everything.

#include <openssl/sha.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "negentropy.h"
#include "negentropy/storage/Vector.h"

using Storage = negentropy::storage::Vector;

struct Case {
    const char *name;
    uint64_t count, start, per_timestamp, initiator_lacks, responder_lacks, frame_limit;
};

std::string id_of(uint64_t i) {
    std::string text = "entry " + std::to_string(i), id(32, '\0');
    SHA256((const unsigned char *)text.data(), text.size(), (unsigned char *)id.data());
    return id;
}

void fill(Storage &storage, const Case &c, uint64_t lacks) {
    for (uint64_t i = 0; i < c.count; i++)
        if (lacks == 0 || i % lacks != 0) storage.insert(c.start + i / c.per_timestamp, id_of(i));
    storage.seal();
}

std::string hex(const std::string &raw) {
    std::string out;
    char digits[3];
    for (unsigned char c : raw) snprintf(digits, 3, "%02x", c), out += digits;
    return out;
}

int main() {
    const Case cases[] = {
        {"two empty sets", 0, 1, 1, 0, 0, 0},
        {"nothing against ten", 10, 1, 1, 1, 0, 0},
        {"ten against nothing", 10, 1, 1, 0, 1, 0},
        {"31 entries are listed", 31, 5, 1, 7, 5, 0},
        {"32 entries are split", 32, 5, 1, 0, 0, 0},
        {"equal sets", 1000, 1700000000000, 1, 0, 0, 0},
        {"few differences", 1000, 1700000000000, 1, 401, 333, 0},
        {"timestamps shared by ten", 1000, 1700000000000, 10, 101, 97, 0},
        {"one timestamp for all", 700, 1700000000000, 700, 101, 97, 0},
        {"many differences, small frames", 900, 1700000000000, 1, 11, 13, 4096},
        {"nothing against many, small frames", 400, 1700000000000, 3, 1, 0, 4096},
        {"many against nothing, small frames", 400, 1700000000000, 3, 0, 1, 4096},
    };
    printf("[");
    for (size_t n = 0; n < std::size(cases); n++) {
        const Case &c = cases[n];
        Storage ours, theirs;
        fill(ours, c, c.initiator_lacks);
        fill(theirs, c, c.responder_lacks);
        Negentropy<Storage> initiator(ours, c.frame_limit), responder(theirs, c.frame_limit);
        std::vector<std::string> messages{initiator.initiate()}, have, need;
        while (true) {
            messages.push_back(responder.reconcile(messages.back()));
            auto next = initiator.reconcile(messages.back(), have, need);
            if (!next) break;
            messages.push_back(*next);
        }
        printf("%s\n {\"name\": \"%s\", \"count\": %lu, \"start\": %lu, \"per_timestamp\": %lu,\n", n ? "," : "",
               c.name, c.count, c.start, c.per_timestamp);
        printf("  \"initiator_lacks\": %lu, \"responder_lacks\": %lu, \"frame_limit\": %lu,\n", c.initiator_lacks,
               c.responder_lacks, c.frame_limit);
        printf("  \"have\": %zu, \"need\": %zu, \"messages\": [", have.size(), need.size());
        for (size_t i = 0; i < messages.size(); i++) printf("%s\n   \"%s\"", i ? "," : "", hex(messages[i]).c_str());
        printf("]}");
    }
    printf("\n]\n");
}
