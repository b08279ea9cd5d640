"""The command line. ``main`` starts it; every other file is one command or one part of one."""
