"""p2pchat: a serverless peer-to-peer messenger with private chats, groups and a signed IOU ledger."""

__version__ = "0.1.0"
