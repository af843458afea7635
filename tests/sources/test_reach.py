"""S24: an API source reaches nobody inside whom its block does not name, whatever a host, a name or an answer says."""

import ipaddress
import subprocess
import sys
from contextlib import closing

import pytest

from datastream.sources.client import open_api
from datastream.sources.exchange import ApiUnreachable
from datastream.sources.reach import AddressRefused, is_public
from datastream.sources.request import Request
from tests.conftest import World, orders
from tests.sources.talk import PUBLIC, Canary, ask, config_of, reply, talking

ANY = "0.0.0.0"  # noqa: S104 - it is called, not listened at
HERE = ("127.0.0.1", "127.1", "0x7f000001", "0x7f.1", "017700000001", "2130706433", "localhost", ANY)
HERE += ("[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:127.0.0.1]")
"""Ways to write this machine."""
PRIVATE = (
    *("127.0.0.1", "127.255.0.1", ANY, "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1"),
    *("100.100.100.200", "192.0.0.192", "168.63.129.16", "192.0.2.1", "198.18.0.1", "224.0.0.1", "239.1.1.1"),
    *("240.0.0.1", "255.255.255.255", "::", "::1", "fd00:ec2::254", "fe80::1", "fec0::1", "ff02::1", "ff0e::1"),
    *("::ffff:127.0.0.1", "::ffff:169.254.169.254", "::127.0.0.1", "::ffff:0:127.0.0.1", "2002:7f00:1::"),
    *("2002:a9fe:a9fe::1", "64:ff9b::127.0.0.1", "64:ff9b::a00:1", "64:ff9b:1::7f00:1", "2001:0:7f00:1::1"),
    *("2001:db8::1", "100::1", "5f00::1"),
)
OPEN = (
    *("1.1.1.1", "93.184.216.34", "2606:4700::1111", "2a00:1450:4001::5", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8"),
    *("2002:808:808::1", "172.15.0.1", "172.32.0.1", "100.63.0.1", "100.128.0.1", "169.253.0.1", "11.0.0.1"),
)


@pytest.mark.parametrize("host", HERE)
def test_no_spelling_of_a_private_host_is_called(canary: Canary, host: str) -> None:
    with pytest.raises(
        AddressRefused, match=r"is not a public address, so nothing was sent there\. .*private_networks"
    ):
        ask(config_of(f"http://{host}:{canary.port}"))
    assert canary.hits == 0


@pytest.mark.parametrize("host", HERE)
def test_each_spelling_is_called_where_the_block_names_its_network(canary: Canary, host: str) -> None:
    """So the canary would have heard it."""
    if ":" in host and not canary.has_ipv6:
        pytest.skip("this machine has no IPv6")
    with pytest.raises(ApiUnreachable, match="timed out"):
        ask(config_of(f"http://{host}:{canary.port}", private_networks=["127.0.0.0/8", ANY, "::1"]))
    assert canary.hits == 1


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_inside_is_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", OPEN)
def test_an_address_of_the_internet_is_public(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


def test_nothing_inside_is_even_dialled() -> None:
    """The interpreter itself is asked: it tells of every connection that is tried, also where nobody would answer."""
    hosts = [f"[{address}]" if ":" in address else address for address in PRIVATE]
    done = subprocess.run([sys.executable, "-c", DIAL, *hosts], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == [f"{len(hosts)}", "0"], done.stdout


DIAL = """
import sys
from datastream.connections import ApiConfig
from datastream.sources.client import open_api
from datastream.sources.reach import AddressRefused
from datastream.sources.request import Request
dialled = refused = 0
def heard(event, _):
    global dialled
    dialled += event == "socket.connect"
sys.addaudithook(heard)
for host in sys.argv[1:]:
    with open_api(ApiConfig(base_url=f"http://{host}")) as client:
        try:
            client.ask(Request(client.base_url))
        except AddressRefused:
            refused += 1
print(refused, dialled)
"""


def test_a_name_that_is_public_first_and_private_then_is_not_followed() -> None:
    """DNS rebinding: the address that is judged is the one that is called, and each connection is judged anew."""
    with talking(lambda peer, _: peer.sendall(reply(b"[]"))) as public, closing(Canary(public.port)) as here:
        answers = iter([[PUBLIC], ["127.0.0.1"]])
        with open_api(config_of(f"http://api.test:{public.port}"), resolve=lambda *_: next(answers)) as client:
            assert client.ask(Request(client.base_url)).answer.body == b"[]"
            with pytest.raises(AddressRefused, match=r"api\.test is at 127\.0\.0\.1"):
                client.ask(Request(client.base_url))
        assert here.hits == 0
    assert f"Host: api.test:{public.port}\r\n" in public.heads[0]


def test_a_name_is_looked_up_once_for_a_connection() -> None:
    asked: list[str] = []

    def resolve(host: str, _: int) -> list[str]:
        asked.append(host)
        return [PUBLIC] if len(asked) == 1 else ["127.0.0.1"]

    with talking(lambda peer, _: peer.sendall(reply(b"[]"))) as public:
        assert ask(config_of(f"http://api.test:{public.port}"), resolve) == b"[]"
    assert asked == ["api.test"]


@pytest.mark.parametrize("found", [[PUBLIC, "127.0.0.1"], ["127.0.0.1", PUBLIC]], ids=["last", "first"])
def test_a_name_with_one_private_address_is_not_called_at_all(found: list[str]) -> None:
    with talking(lambda peer, _: peer.sendall(reply(b"[]"))) as public, closing(Canary(public.port)) as here:
        with pytest.raises(AddressRefused):
            ask(config_of(f"http://api.test:{public.port}"), lambda *_: found)
        assert (here.hits, public.heads) == (0, [])


def test_the_next_address_is_tried_where_one_does_not_answer() -> None:
    with talking(lambda peer, _: peer.sendall(reply(b"[]"))) as public:
        found = ["127.0.0.3", PUBLIC]
        assert ask(config_of(public.url, "127.0.0.0/8"), lambda *_: found) == b"[]"


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"])
def test_a_proxy_in_the_environment_gets_nothing(monkeypatch: pytest.MonkeyPatch, canary: Canary, name: str) -> None:
    monkeypatch.setenv(name, f"http://127.0.0.1:{canary.port}")
    with talking(lambda peer, _: peer.sendall(reply(b"[]"))) as public:
        assert ask(config_of(public.url)) == b"[]"
    assert canary.hits == 0


def test_a_run_against_a_private_api_ends_with_a_sentence_and_moves_no_cursor(world: World) -> None:
    world.api.records = orders(10)
    world.connection = {}
    with pytest.raises(AddressRefused, match=r"127\.0\.0\.1 is at 127\.0\.0\.1"):
        world.run()
    assert (list(world.store.keys("_log/")), world.api.asked) == ([], [])
