"""Real packets over the loopback of a network namespace that conntrack watches, and whose sockets stay as they are until stdin ends.

Says "ready" when all has been sent. Run it in a namespace of a test's own.
"""
import socket
import struct
import subprocess
import sys
import time

RULES = """
table inet test {
  ct helper ftp { type "ftp" protocol tcp; l3proto ip; }
  chain early {
    type filter hook output priority -150;
    tcp dport 21 ct helper set "ftp"
    udp dport 5353 ct mark set 42
  }
  chain input {
    type filter hook input priority 0;
    tcp dport 9 drop
    ct state new,established,related accept
  }
  chain output {
    type filter hook output priority 0;
    ct state new,established,related accept
  }
}
"""
subprocess.run(['nft', '-f', '-'], input=RULES, text=True, check=True)

open_sockets = []


def tcp(family, address, port):
    server = socket.socket(family, socket.SOCK_STREAM)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind((address, port))
    server.listen(1)
    client = socket.socket(family, socket.SOCK_STREAM)
    client.connect((address, port))
    peer, _ = server.accept()
    open_sockets.extend([server, client, peer])
    return client, peer


def say(sender, receiver, text):
    sender.send(text)
    receiver.recv(200)


def checksum(data):
    total = sum(struct.unpack('!%dH' % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def established():
    say(*tcp(socket.AF_INET, '127.0.0.1', 8001), b'hello')
    say(*tcp(socket.AF_INET6, '::1', 8002), b'hello')


def half_closed():
    client, peer = tcp(socket.AF_INET, '127.0.0.1', 8003)
    client.shutdown(socket.SHUT_WR)
    peer.recv(1)


def time_wait():
    client, peer = tcp(socket.AF_INET, '127.0.0.1', 8004)
    client.close()
    peer.recv(1)
    peer.close()


def reset():
    client, peer = tcp(socket.AF_INET, '127.0.0.1', 8005)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    client.close()


def udp():
    for family, address in ((socket.AF_INET, '127.0.0.1'), (socket.AF_INET6, '::1')):
        server = socket.socket(family, socket.SOCK_DGRAM)
        server.bind((address, 5300))
        client = socket.socket(family, socket.SOCK_DGRAM)
        client.sendto(b'question', (address, 5300))
        _, peer = server.recvfrom(100)
        server.sendto(b'answer', peer)
        client.recv(100)
        open_sockets.extend([server, client])
    sink = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sink.bind(('127.0.0.1', 5353))
    lonely = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    lonely.sendto(b'anybody?', ('127.0.0.1', 5353))
    open_sockets.extend([sink, lonely])


def ping():
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    request = struct.pack('!BBHHH', 8, 0, 0, 4660, 1) + b'payload!'
    raw.sendto(request[:2] + struct.pack('!H', checksum(request)) + request[4:], ('127.0.0.1', 0))
    raw6 = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    raw6.sendto(struct.pack('!BBHHH', 128, 0, 0, 22136, 1) + b'payload!', ('::1', 0))


def ftp():
    client, peer = tcp(socket.AF_INET, '127.0.0.1', 21)
    say(peer, client, b'220 ready\r\n')
    say(client, peer, b'USER anybody\r\n')


def unanswered():
    client = socket.socket()
    client.setblocking(False)
    client.connect_ex(('127.0.0.1', 9))
    open_sockets.append(client)


for work in (established, half_closed, time_wait, reset, udp, ping, ftp, unanswered):
    work()
time.sleep(0.2)
print('ready', flush=True)
sys.stdin.read()
