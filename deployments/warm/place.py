"""Where the parent is found, and who may share one. Imported by the client, so only what is light."""

import os
import sys
import zlib

# These are read once, when a process starts or imports a library: a run that sets one otherwise than the parent cannot
# be forked from it.
_AT_START = (
    "PYTHON", "LD_", "MALLOC_", "GLIBC_", "OPENSSL_", "SSL_CERT_FILE", "OMP_", "OPENBLAS_", "MKL_", "ARROW_", "NUMPY_",
    "PANDAS_", "FSSPEC_", "S3FS_", "OTEL_", "WEBSOCKETS_", "PROMETHEUS_",
)  # fmt: skip
_ANY_TIME = ("PYTHONUNBUFFERED",)
_NAMESPACES = ("mnt", "net", "pid", "user")


def identity() -> str:
    """Say what parent and run must have in common: the Python, the code, the user, and their view of the machine.

    What a worker's own cgroup allows is not among it: a run counts towards that of the parent.
    """
    seen = [os.readlink(f"/proc/self/ns/{name}") for name in _NAMESPACES]  # noqa: PTH115 - pathlib is slow to import
    groups = sorted({os.getegid(), *os.getgroups()})
    return "\n".join([sys.prefix, sys.version, __file__, f"{os.geteuid()} {groups}", *seen, *privileges()])


def privileges() -> list[str]:
    """Say what this process may do, as the kernel knows it: a worker that is confined has no run that is less so."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as status:  # noqa: PTH123 - pathlib is slow to import
        return [line for line in status if line.startswith(("CapPrm", "CapEff", "CapBnd", "NoNewPrivs", "Seccomp:"))]


def folder() -> str:
    """Name the folder of this user's sockets; worker and parent may have different ideas of TMPDIR."""
    return f"/tmp/datastream-warm-{os.geteuid()}"  # noqa: S108 - whoever uses it checks whose it is


def address(project: str = "") -> str:
    """Name the socket of a parent of one project, or of one for all of them."""
    return f"{folder()}/{zlib.crc32(f'{identity()}{project}'.encode()):08x}.sock"


def project() -> str:
    """Name the project that this process works for, if it says so."""
    return os.environ.get("DATASTREAM_PROJECT", "")


def read_at_start(environment: dict[bytes, bytes]) -> dict[bytes, bytes]:
    """Return those variables that a process reads only when it starts."""
    prefixes = tuple(prefix.encode() for prefix in _AT_START)
    any_time = tuple(name.encode() for name in _ANY_TIME)
    return {name: value for name, value in environment.items() if name.startswith(prefixes) and name not in any_time}
