"""Whether the Prefect server, and what lies on it, is for others to use or to read."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from deployments.deploying.secrecy import secrets_by_schema, secrets_in
from deployments.prefect_api import PrefectIncomplete, all_of, prefect_client, version_of
from deployments.stack.ports import heard_at


def reach() -> str:
    """Ask whether somebody on another machine may use the server without being asked who he is."""
    import httpx

    with prefect_client() as client:
        version_of(client)
        address = urlsplit(str(client.api_url))
        locked = (
            httpx.get(f"{str(client.api_url).rstrip('/')}/admin/version", timeout=5.0).status_code != httpx.codes.OK
        )
    if locked:
        return "It asks whoever calls for its auth string."
    host, port = address.hostname or "", address.port or (443 if address.scheme == "https" else 80)
    wide = sorted(heard_at(port) - {"127.0.0.1", "::1"}) if _loopback(host) else [host]
    if wide:
        raise PrefectIncomplete(
            f"It is heard at {', '.join(wide)}, port {port}, and asks nobody who he is: whoever reaches it may run "
            "flows and read what they hold. Start it with PREFECT_SERVER_API_AUTH_STRING=NAME:SECRET, and give "
            "workers, gateway and people the same as PREFECT_API_AUTH_STRING; or let it listen on 127.0.0.1 only."
        )
    return "It is heard on this machine only."


def serializer() -> str:
    """Ask how results would be kept: whoever reads a pickle runs what it says."""
    from prefect.settings import PREFECT_RESULTS_DEFAULT_SERIALIZER

    name = PREFECT_RESULTS_DEFAULT_SERIALIZER.value()
    if "pickle" in name:
        raise PrefectIncomplete(
            f"They would be kept as {name}, and whoever reads a pickle runs the code in it. Our flows keep none, "
            "others may: set PREFECT_RESULTS_DEFAULT_SERIALIZER=json here and for workers."
        )
    return f"They are kept as {name}."


def secrets_on_the_server() -> str:
    """Look for secrets in what the server's deployments hold in clear."""
    found = []
    with prefect_client() as client:
        deployments = all_of(client, "/deployments/filter")
    for each in deployments:
        schema = each.get("parameter_openapi_schema") or {}
        places = [
            *secrets_in(each["parameters"], ("parameters",)),
            *secrets_in(each["job_variables"], ("job_variables",)),
        ]
        places += [("parameters", *path) for path in secrets_by_schema(each["parameters"], schema)]
        found += [
            f"{'.'.join(map(str, path))} of {each['entrypoint']} ({each['name']})" for path in dict.fromkeys(places)
        ]
    if found:
        raise PrefectIncomplete(
            f"What looks like a secret lies there in clear: {', '.join(found)}. Put it into a block, let the "
            "deployment refer to that, and give the secret up for a new one: who may look at Prefect could read it."
        )
    return f"No secret is seen in the parameters and job variables of {len(deployments)} deployments."


def _loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
