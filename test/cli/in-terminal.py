"""Runs a command in a terminal of its own and presses a key when it asks: KEYS COMMAND..."""
import os
import pty
import sys

KEYS = {"^C": b"\x03", "^D": b"\x04"}

pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[2], sys.argv[2:])
seen = b""
pressed = False
while True:
    try:
        read = os.read(terminal, 4096)
    except OSError:
        break
    if not read:
        break
    seen += read
    if not pressed and b"Type yes: " in seen:
        pressed = True
        os.write(terminal, KEYS[sys.argv[1]])
_, status = os.waitpid(pid, 0)
sys.stdout.buffer.write(seen)
sys.exit(os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))
