"""Real traffic inside the namespace it is run in, of every protocol that conntrack here knows: TCP, UDP, UDPLITE, SCTP, GRE, ICMP, over
IPv4 and IPv6 where there is a choice, translated, marked, labelled and in zones by rules of nft, and an FTP session with its
expectations. Prints a line when all of it has passed, and keeps the sockets open until its standard input ends."""
import glob, socket, struct, subprocess, sys, time

A, B, A6, B6 = '10.9.0.1', '10.9.0.2', 'fd00:9::1', 'fd00:9::2'
FTP = ('10.9.0.3', 21)

def run(command):
    subprocess.run(command, shell=True, check=True)

run('ip link set lo up')
for address in (A, B, FTP[0]):
    run(f'ip address add {address}/24 dev lo')
for address in (A6, B6):
    run(f'ip address add {address}/64 dev lo nodad')

def is_reached(host):
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as here, socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as there:
        there.settimeout(0.05)
        try:
            there.bind((host, 0))
            here.sendto(b'ping', there.getsockname())
            there.recv(9)
            return True
        except OSError:
            return False

# The kernel makes the routes to new addresses of IPv6 by and by.
for host in (A6, B6):
    for _ in range(200):
        if is_reached(host):
            break
        time.sleep(0.05)
run('sysctl -qw net.netfilter.nf_conntrack_acct=1 net.netfilter.nf_conntrack_timestamp=1')
# What was seen once is seen until the test is over.
for name in glob.glob('/proc/sys/net/netfilter/nf_conntrack_*timeout*'):
    with open(name, 'w') as setting:
        setting.write('30000')
subprocess.run(['nft', '-f', '-'], check=True, text=True, input='''
table inet track {
  ct helper ftp { type "ftp" protocol tcp; l3proto ip; }
  chain zones { type filter hook output priority -300; udp dport 7001 ct zone set 7; udp dport 7002 ct original zone set 8; }
  chain helpers { type filter hook output priority -150; tcp dport 21 ct helper set "ftp"; }
  chain input { type filter hook input priority 0; ct state new,established,related accept; }
  chain output {
    type filter hook output priority 0
    udp dport 7003 ct mark set 0x2a
    udp dport 7004 ct mark set 0x10000
    udp dport 7005 ct label set 3
    udp dport 7006 ct label set 64
    ct state new,established,related accept
  }
}
table inet translate {
  chain output {
    type nat hook output priority -100
    meta nfproto ipv4 udp dport 7010 dnat ip to 10.9.0.2:7011
    meta nfproto ipv4 tcp dport 7012 dnat ip to 10.9.0.2:8001
    meta nfproto ipv6 udp dport 7010 dnat ip6 to [fd00:9::2]:7011
  }
  chain leaving {
    type nat hook postrouting priority 100
    meta nfproto ipv4 udp dport 7013 snat ip to 10.9.0.3
    meta nfproto ipv4 udp dport 7014 snat ip to 10.9.0.3:6000-6010
    meta nfproto ipv6 udp dport 7013 snat ip6 to fd00:9::2
  }
}
''')
keep = []

def checksum(data):
    total = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff

def crc32c(data):
    value = 0xffffffff
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ (0x82f63b78 if value & 1 else 0)
    return value ^ 0xffffffff

def received(sock):
    data = sock.recv(200)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)  # so that no acknowledgement comes later
    return data

def listening(family, host, port):
    server = socket.socket(family)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((host, port))
    server.listen(8)
    keep.append(server)
    return server

def connect(family, source, port, target, server):
    client = socket.socket(family)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    client.bind((source, port))
    client.connect(target)
    peer, _ = server.accept()
    keep.extend([client, peer])
    return client, peer

def datagram(family, source, port, target, protocol=0):
    sender = socket.socket(family, socket.SOCK_DGRAM, protocol)
    sender.bind((source, port))
    sender.sendto(b'ping', target)
    keep.append(sender)
    return sender

def receiver(family, host, port, protocol=0):
    one = socket.socket(family, socket.SOCK_DGRAM, protocol)
    one.bind((host, port))
    one.settimeout(5)
    keep.append(one)
    return one

def echoed(family, source, port, target, protocol=0):
    there = receiver(family, *target, protocol)
    here = datagram(family, source, port, target, protocol)
    here.settimeout(5)
    _, back = there.recvfrom(9)
    there.sendto(b'pong', back)
    here.recv(9)

UDPLITE = 136
for family, here, there in ((socket.AF_INET, A, B), (socket.AF_INET6, A6, B6)):
    server = listening(family, there, 8001)
    client, peer = connect(family, here, 5001, (there, 8001), server)
    client.send(b'ping')
    received(peer)
    # This side of a second connection closes: TIME_WAIT, and the other one half closed.
    closed, other = connect(family, here, 5002, (there, 8001), server)
    closed.shutdown(socket.SHUT_WR)
    other.recv(9)
    other.close()
    closed.recv(9)
    half, _ = connect(family, here, 5003, (there, 8001), server)
    half.shutdown(socket.SHUT_WR)
    echoed(family, here, 5005, (there, 8005))
    echoed(family, here, 5009, (there, 8009), UDPLITE)
    receiver(family, there, 8010, UDPLITE)
    datagram(family, here, 5010, (there, 8010), UDPLITE)
    for port in (7001, 7002, 7003, 7004, 7005, 7006, 7011, 7013, 7014):
        receiver(family, there, port)
        if port != 7011:
            datagram(family, here, 6000 + port % 1000, (there, port))
    datagram(family, here, 6020, (there, 7010))
    if family == socket.AF_INET:
        connect(family, here, 6021, ('10.9.0.3', 7012), server)

echo = struct.pack('!BBHHH', 8, 0, 0, 4660, 1)
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
raw.sendto(echo[:2] + struct.pack('!H', checksum(echo)) + echo[4:], (B, 0))
raw6 = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
raw6.sendto(struct.pack('!BBHHH', 128, 0, 0, 22136, 1), (B6, 0))

def raws(protocol):
    pair = []
    for host in (A, B):
        one = socket.socket(socket.AF_INET, socket.SOCK_RAW, protocol)
        one.bind((host, 0))
        pair.append(one)
    keep.extend(pair)
    return pair

def gre(version, key=0):
    return struct.pack('!HH', 0, 0x0800) + b'\0' * 20 if version == 0 else struct.pack('!HHHHI', 0x3001, 0x880b, 4, key, 1) + b'\xff\x03\xc0\x21'

here, there = raws(47)
here.sendto(gre(0), (B, 0))
here.sendto(gre(1, 0x1234), (B, 0))

def chunk(kind, body=b''):
    return struct.pack('!BBH', kind, 0, 4 + len(body)) + body + b'\0' * (-len(body) % 4)

def sctp(source, target, tag, body):
    head = struct.pack('!HHII', source, target, tag, 0) + body
    return head[:8] + struct.pack('<I', crc32c(head)) + head[12:]

def initial(tag):
    return struct.pack('!IIHHI', tag, 65536, 10, 10, 1)

here, there = raws(132)
here.sendto(sctp(36413, 36412, 0, chunk(1, initial(0x11111111))), (B, 0))
there.sendto(sctp(36412, 36413, 0x11111111, chunk(2, initial(0x22222222) + struct.pack('!HHI', 7, 8, 99))), (A, 0))
here.sendto(sctp(36413, 36412, 0x22222222, chunk(10, b'cook')), (B, 0))
there.sendto(sctp(36412, 36413, 0x11111111, chunk(11)), (A, 0))
here.sendto(sctp(36415, 36412, 0, chunk(1, initial(0x33333333))), (B, 0))

control, session = connect(socket.AF_INET, A, 40021, FTP, listening(socket.AF_INET, *FTP))
def say(speaker, listener, line):
    speaker.send(line + b'\r\n')
    received(listener)
say(session, control, b'220 ready')
say(control, session, b'USER a')
say(session, control, b'230 in')
say(control, session, b'PORT 10,9,0,1,195,80')
say(session, control, b'200 ok')

print('ready', flush=True)
sys.stdin.read()
