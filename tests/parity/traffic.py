"""Real traffic inside the namespace it is run in: TCP and UDP over IPv4 and IPv6, ICMP, ICMPv6. Prints a line when all of it has passed,
and keeps the sockets open until its standard input ends."""
import socket, struct, subprocess, sys

def run(command):
    subprocess.run(command, shell=True, check=True)

run('ip link set lo up')
run('sysctl -qw net.netfilter.nf_conntrack_acct=1 net.netfilter.nf_conntrack_timestamp=1')
subprocess.run(['nft', '-f', '-'], check=True, text=True, input='''
table inet track {
  chain input { type filter hook input priority 0; ct state new,established,related accept; }
  chain output { type filter hook output priority 0; ct state new,established,related accept; }
}
''')
keep = []

def checksum(data):
    total = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff

for family, host, port in ((socket.AF_INET, '127.0.0.1', 8001), (socket.AF_INET6, '::1', 8002)):
    server = socket.socket(family)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((host, port))
    server.listen(1)
    client = socket.create_connection((host, port))
    peer, _ = server.accept()
    client.send(b'ping')
    peer.recv(9)
    receiver = socket.socket(family, socket.SOCK_DGRAM)
    receiver.bind((host, port))
    sender = socket.socket(family, socket.SOCK_DGRAM)
    sender.sendto(b'ping', (host, port))
    receiver.recv(9)
    keep += [server, client, peer, receiver, sender]
echo = struct.pack('!BBHHH', 8, 0, 0, 4660, 1)
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
raw.sendto(echo[:2] + struct.pack('!H', checksum(echo)) + echo[4:], ('127.0.0.1', 0))
raw6 = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
raw6.sendto(struct.pack('!BBHHH', 128, 0, 0, 22136, 1), ('::1', 0))
print('ready', flush=True)
sys.stdin.read()
