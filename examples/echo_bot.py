"""Says again what it hears: p2pchat bot run examples/echo_bot.py"""

from __future__ import annotations

from p2pchat.api.schema import Message
from p2pchat.bots import Bot

bot = Bot()


@bot.on_message
def echo(message: Message) -> None:
    """Answer each text with itself."""
    bot.reply(message, message.text)


if __name__ == "__main__":
    bot.run()
