"""A ledger of IOUs between two people: every binding act is signed by the side it hurts.

How a node uses it (all pure; time, randomness and keys come in as arguments):

    account = account.open_account(me, other, unit)            # id binds both persons and the unit
    state = state.AccountState(account, {device: person, ...}) # certified devices of both
    state.add(entry.trust(raw, signature))                     # each stored row, in any order
    moved = state.add(entry.verify(raw, signature))            # from a peer; ids whose status moved

    amount = money.parse_amount("12.50 EUR")
    draft = actions.pay(state, me, amount)                     # or request, answer, accept, ... (UsageError)
    signed, head = writer.write(draft, head, key, now_ms=..., nonce=...)
    # one transaction: store (signed.id, signed.raw, signed.signature) and head; then send; state.add(signed)

    for draft in actions.accept_all(state, me, policy.acceptable(state, me)): ...   # within my limit, unasked

Questions: `state.owed_to(me)`, `held_for`, `room_for`, `limit_of`, `offers_to`, `concessions`, `requests`,
`disputes`, `equivocations()`, `heads()`. A chain begins with `writer.WriterHead.start(account.id, epoch)`.

Modules, from the bottom up: `units`, `money`, `account`, `details`, `entry`, `writer`, `chains`,
`closures`, `concession`, `state`, `policy`, `actions`. Byte layouts and rules: docs/protocol/ledger.md.
"""
