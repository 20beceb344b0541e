"""TLS in front of a network's endpoints on this machine: the members' certificates, and the proxy.

A validator's RPC is let through to members' certificates alone; a node's API asks for its own keys.
"""

from app.config import load_config
from deploy import tls
from deploy.consortium import folder_name
from deploy.network.layout import HOST, Network
from deploy.proxy import nginx
from deploy.proxy.nginx import ProxyServer

_HOSTS = (HOST, "localhost")


def make_certificates(network: Network) -> None:
    """Make every member's certificates anew; the authority only where there is none."""
    folder = network.folder
    tls.make_authority(folder.authority)
    for member in folder.members():
        make_certificate(network, member.name)


def make_certificate(network: Network, name: str) -> None:
    """Make one member's certificates anew."""
    folder = network.folder
    tls.issue(folder.authority, folder_name(name), folder.certificates(name), _HOSTS)


def write(network: Network) -> None:
    """Write the proxy's configuration, as the description has the ports, and who gets through to
    RPC: the present members' certificates."""
    folder = network.folder
    servers = []
    for validator in network.validators:
        if validator.tls_port:
            servers.append(
                _server(
                    network,
                    validator.bank,
                    f"RPC of {validator.name}, for members",
                    validator.tls_port,
                    validator.rpc_port,
                    members_only=True,
                )
            )
    for name, port in network.api_tls_ports.items():
        api = load_config(folder.config(name)).api.port
        servers.append(
            _server(network, name, f"API and page of {name}", port, api, members_only=False)
        )
    folder.proxy.mkdir(exist_ok=True, mode=0o700)
    names = [folder_name(member.name) for member in folder.members()]
    (folder.proxy / nginx.ADMITTED).write_text(nginx.admitted(names))
    (folder.proxy / "nginx.conf").write_text(nginx.configuration(servers, folder.proxy))


def start(network: Network) -> None:
    """Start the proxy, where the network has one and it does not run. Raises ChainFault."""
    if (network.folder.proxy / "nginx.conf").exists():
        nginx.start(network.folder.proxy)


def apply(network: Network) -> None:
    """Write the configuration anew and let the proxy, where it runs, keep to it from now on."""
    if network.api_tls_ports:
        write(network)
        nginx.restart(network.folder.proxy)


def stop(network: Network) -> None:
    """Stop the proxy, where it runs."""
    nginx.stop(network.folder.proxy)


def renew(network: Network) -> None:
    """Give every member new certificates and the proxy, where it runs, the new ones to show.

    Nodes show theirs from their next start on; the old ones hold until their own end.
    """
    make_certificates(network)
    nginx.restart(network.folder.proxy)


def _server(
    network: Network, bank: str, what: str, port: int, upstream: int, *, members_only: bool
) -> ProxyServer:
    made = tls.certificates(network.folder.authority, network.folder.certificates(bank))
    return ProxyServer(
        what.replace("\n", " "),
        f"{HOST}:{port}",
        f"{HOST}:{upstream}",
        made.server,
        made.server_key,
        made.ca if members_only else None,
    )
