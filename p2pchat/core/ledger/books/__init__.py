"""Books: a ledger account for other programs and for people, and other people's books for us.

`register` lists an account as one person sees it; `hledger`, `beancount` and `table` (CSV) write that
list; `archive` (JSON) keeps everything and reads it back; `page` is a statement to print; `splitwise`
reads what Splitwise exports.
"""
