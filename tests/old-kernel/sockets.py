"""Real connections of the protocols that this kernel has sockets or devices for: DCCP and SCTP over IPv4 and IPv6, GRE between two
namespaces. Prints a line when all are open. Each line of standard input ends one step: after the first, DCCP is closed."""
import socket, struct, subprocess, sys

SOCK_DCCP, IPPROTO_DCCP, SOL_DCCP, DCCP_SOCKOPT_SERVICE, IPPROTO_SCTP = 6, 33, 269, 2, 132

def pair(family, host, port, kind, protocol):
    """A connected pair on loopback, on which a message has gone each way."""
    def make():
        one = socket.socket(family, kind, protocol)
        one.settimeout(20)
        if protocol == IPPROTO_DCCP:
            one.setsockopt(SOL_DCCP, DCCP_SOCKOPT_SERVICE, struct.pack('!I', 42))
        return one
    server, client = make(), make()
    server.bind((host, port))
    server.listen(1)
    client.bind((host, port + 1))
    client.connect((host, port))
    peer, _ = server.accept()
    peer.settimeout(20)
    client.send(b'ping')
    peer.recv(9)
    peer.send(b'pong')
    client.recv(9)
    return server, client, peer

def run(command):
    subprocess.run(command, shell=True, check=True)

dccp = [pair(family, host, 5001, SOCK_DCCP, IPPROTO_DCCP) for family, host in ((socket.AF_INET, '127.0.0.1'), (socket.AF_INET6, '::1'))]
sctp = [pair(family, host, 6001, socket.SOCK_STREAM, IPPROTO_SCTP) for family, host in ((socket.AF_INET, '127.0.0.1'), (socket.AF_INET6, '::1'))]
# A tunnel to ourselves: what is sent into it goes over loopback as GRE, whose keys conntrack takes no notice of in version 0.
run('ip addr add 10.9.0.1/32 dev lo; ip addr add 10.9.0.2/32 dev lo')
run('ip tunnel add tunnel mode gre local 10.9.0.1 remote 10.9.0.2 && ip addr add 10.10.0.1/24 dev tunnel && ip link set tunnel up')
socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'ping', ('10.10.0.2', 9))
print('open', flush=True)
sys.stdin.readline()
for server, client, peer in dccp:
    client.close()
    peer.close()
    server.close()
print('closed', flush=True)
sys.stdin.readline()
