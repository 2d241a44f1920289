"""The same day's plan in other open tools, one file each, each run in a process of its own."""
