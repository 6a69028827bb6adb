"""Our own yamux, in place of libp2p's: many streams over one connection, with bounds that hold.

Specification: https://github.com/hashicorp/yamux/blob/master/spec.md, as libp2p uses it
(/yamux/1.0.0). It replaces libp2p 0.8.1's muxer whole, for its faults are spread all over it, each
shown in tests/net/test_yamux.py:

* a sender that ignores the window is warned about and buffered without limit;
* a stream that gets no window for five seconds is reset, however good the reason of its reader;
* a reset looks like a regular end, so that half a message is taken for a whole one;
* the 257th open stream waits for ever; inbound streams are not limited at all;
* a `write` that is cancelled half-way leaves half a Noise message, and so breaks the connection;
* a peer that falls silent (SIGSTOP, pulled cable) is never noticed;
* each read of a few bytes sends a window update.
"""
