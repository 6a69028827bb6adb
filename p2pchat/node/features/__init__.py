"""What a node can do, one file per feature: plain functions of one transaction, without any waiting.

The running node calls them in its store's thread, a command without a node calls them in its own
process. They decide through `p2pchat.core`, remember through `p2pchat.store`, and leave what has to
follow the commit among the transaction's effects.
"""
