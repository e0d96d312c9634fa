import subprocess
import sys
from pathlib import Path

from tests.humanverse.codec.pictures import noise, saved

SCRIPT = """
import sys
from humanverse.codec import prepare
from schemas.recipe import ImageSettings
data = sys.stdin.buffer.read()
print(type(prepare(data, ImageSettings())).__name__)
"""


def run(data):
    root = Path(__file__).resolve().parents[3]
    return subprocess.run([sys.executable, "-c", SCRIPT], input=data, capture_output=True, cwd=root, check=True)


def test_a_broken_tiff_leaves_the_terminal_alone():
    whole = saved(noise(64, 64), "TIFF", compression="tiff_lzw")
    broken = bytearray(whole)
    broken[200:1000] = bytes(800)
    done = run(bytes(broken))
    assert done.stdout.decode().split() == ["Failure"]
    assert done.stderr == b""


def test_pillows_warnings_leave_the_terminal_alone():
    """A directory entry that points outside the file makes Pillow warn."""
    data = bytearray(saved(noise(16, 16), "TIFF", software="x" * 40))
    entry = data.index(b"\x31\x01\x02\x00", int.from_bytes(data[4:8], "little"))
    data[entry + 8 : entry + 12] = (len(data) - 4).to_bytes(4, "little")
    done = run(bytes(data))
    assert done.stdout.decode().split() == ["Prepared"]
    assert done.stderr == b""
