"""A ledger of IOUs between two people: every binding act is signed by the side it hurts.

How a node uses it (all pure; time, randomness and keys come in as arguments):

    account = account.open_account(me, other, unit)            # id binds both persons and the unit
    state = state.AccountState(account, {device: person, ...}) # certified devices of both
    opening.add_stored(state, rows)                            # (raw, signature) of each stored entry
    audit.check_heads(state)                                   # the rows are those that were signed
    moved = state.add(entry.verify(raw, signature))            # from a peer; ids whose status moved

    amount = money.parse_amount("12.50 EUR")
    draft = actions.pay(state, me, amount)                     # or request, answer, accept, ... (UsageError)
    recovery.check_allowed(recovering, state, draft)           # None unless the device was restored
    signed, head = writer.write(draft, head, key, now_ms=..., nonce=...)
    # one transaction: (signed.id, signed.raw, signed.signature) and head; then the anchor; then send

    for draft in actions.accept_all(state, me, policy.acceptable(state, me)): ...   # within my limit, unasked

Questions: `state.owed_to(me)`, `held_for`, `room_for`, `limit_of`, `offers_to`, `concessions`, `requests`,
`disputes`, `equivocations()`, `heads()`. A chain begins with `writer.WriterHead.start(account.id, epoch)`.

| to | see |
|---|---|
| read, show and convert amounts | `units`, `money`, `conversion` |
| make and check entries | `account`, `details`, `entry`, `writer`, `audit` |
| say what they mean | `chains`, `closures`, `concession`, `state`, `opening` |
| decide and act | `policy`, `actions`, `agreements`, `schedule` |
| come back after a restore | `recovery`, `holdings` |
| share bills, name files | `split`, `expense`, `attachments` |
| move debts around several people | `circulation`, `order`, `probe`, `offers`, `simplify`, `group_debts` |
| prove something to others | `bundle`, `statement`, `verify` |
| exchange with other programs | `books` |

Byte layouts, state tables and laws: docs/protocol/ledger.md.
"""
