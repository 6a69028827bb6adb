"""The same with trio: p2pchat bot run examples/async_echo_bot.py"""

from __future__ import annotations

import trio

from p2pchat.api.schema import Message
from p2pchat.bots import AsyncBot

bot = AsyncBot()


@bot.on_message
async def echo(message: Message) -> None:
    """Answer each text with itself."""
    await bot.reply(message, message.text)


if __name__ == "__main__":
    trio.run(bot.run)
