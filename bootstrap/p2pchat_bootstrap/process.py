"""What the surroundings of the process need: log lines, file descriptors, systemd."""

from __future__ import annotations

import json
import logging
import os
import resource
import socket
from typing import Final

from p2pchat import logs

_SPARE_DESCRIPTORS: Final = 256  # for everything that is not a connection

logger = logging.getLogger("p2pchat.bootstrap")


class JsonLines(logging.Formatter):
    """One JSON object per log record."""

    def format(self, record: logging.LogRecord) -> str:
        """See logging.Formatter."""
        line = {
            "time": round(record.created, 3),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line)


def configure_logs(style: str) -> None:
    """Log to stderr as "text" or "json"."""
    logs.configure()
    if style == "json":
        for handler in logging.getLogger().handlers:
            handler.setFormatter(JsonLines())


def allow_descriptors(connections: int) -> None:
    """Raise our limit of open files as far as it needs to go for `connections`, or as far as it can."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + _SPARE_DESCRIPTORS
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    granted = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (granted, hard))
    if granted < wanted:
        logger.warning("Only %d files may be open: too few for %d connections.", granted, connections)


def tell_systemd(state: str) -> None:
    """Tell the service manager that we are READY=1 or STOPPING=1 (sd_notify(3)).

    No-op unless we were started by one.
    """
    path = os.environ.get("NOTIFY_SOCKET")
    if not path:
        return
    address = "\0" + path[1:] if path.startswith("@") else path
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        try:
            channel.sendto(state.encode(), address)
        except OSError as error:
            logger.warning("The service manager cannot be told: %s", error.strerror)
