"""The deciding part: values in, values out. No sockets, files, clocks or tasks."""
