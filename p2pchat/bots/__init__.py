"""For programs that chat: a bot that reacts to what happens on its node.

    from p2pchat.bots import Bot

    bot = Bot()

    @bot.on_message
    def echo(message):
        bot.reply(message, message.text)

    bot.run()

`p2pchat bot run echo.py` runs it, and so does `python echo.py`. A bot that was away goes on where it
stopped: it remembers the number of the last event that it is done with, in `bots/NAME.cursor` in the
profile. After a crash between doing something and remembering it, that one event comes again.
"""

from __future__ import annotations

from p2pchat.bots.aio import AsyncBot
from p2pchat.bots.blocking import Bot

__all__ = ["AsyncBot", "Bot"]
