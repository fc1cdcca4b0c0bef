/**
 * The entries that both programs read and change: for each a line of `conntrack -R`, with which the original makes them. They live so
 * long that none goes while a test runs.
 */
export const TABLE: readonly string[] = [
  // every state of TCP
  ['tcp', '10.0.0.1', '10.0.0.2', '--sport 1001 --dport 80 --state NONE'],
  ['tcp', '10.0.0.1', '10.0.0.2', '--sport 1002 --dport 80 --state SYN_SENT'],
  ['tcp', '10.0.0.1', '10.0.0.2', '--sport 1003 --dport 80 --state SYN_RECV -u SEEN_REPLY'],
  ['tcp', '10.0.0.1', '10.0.0.2', '--sport 1004 --dport 443 --state ESTABLISHED -u SEEN_REPLY,ASSURED'],
  ['tcp', '10.0.0.1', '10.0.0.3', '--sport 1005 --dport 443 --state FIN_WAIT -u SEEN_REPLY,ASSURED -m 1'],
  ['tcp', '10.0.0.1', '10.0.0.3', '--sport 1006 --dport 443 --state CLOSE_WAIT -u SEEN_REPLY,ASSURED -m 0x10'],
  ['tcp', '10.0.0.1', '10.0.0.3', '--sport 1007 --dport 443 --state LAST_ACK -u SEEN_REPLY,ASSURED -m 0x11'],
  ['tcp', '10.0.0.1', '10.0.0.3', '--sport 1008 --dport 443 --state TIME_WAIT -u SEEN_REPLY,ASSURED -m 4294967295'],
  ['tcp', '10.0.0.1', '10.0.0.3', '--sport 1009 --dport 443 --state CLOSE -u SEEN_REPLY'],
  ['tcp', '10.0.0.1', '10.0.0.3', '--sport 1010 --dport 443 --state LISTEN'],
  ['tcp', 'fd00::1', 'fd00::2', '--sport 1011 --dport 443 --state ESTABLISHED -u SEEN_REPLY,ASSURED,FIXED_TIMEOUT'],
  ['tcp', '10.0.5.1', '10.9.0.2', '--sport 65535 --dport 0 --state ESTABLISHED -u ASSURED'],
  // zones
  ['udp', '10.0.0.1', '10.0.0.2', '--sport 2001 --dport 53'],
  ['udp', '10.0.0.1', '10.0.0.2', '--sport 2001 --dport 53 -w 5'],
  ['udp', '10.0.0.1', '10.0.0.2', '--sport 2002 --dport 53 --orig-zone 6'],
  ['udp', '10.0.0.1', '10.0.0.2', '--sport 2003 --dport 53 --reply-zone 7'],
  // addresses that are written in more than one way
  ['udp', 'fd00:0:0:1::1', 'fd00::2', '--sport 2004 --dport 53 -u SEEN_REPLY'],
  ['udp', '::ffff:10.0.0.1', '::1', '--sport 2005 --dport 53'],
  ['udp', '1:0:0:2:0:0:0:3', '2001:db8::1:0:0:1', '--sport 2006 --dport 53 -m 7'],
  ['udp', '::', '::10.0.0.1', '--sport 2007 --dport 53'],
  // the other protocols
  ['icmp', '10.0.0.1', '10.0.0.2', '--icmp-type 8 --icmp-code 0 --icmp-id 3001'],
  ['icmp', '10.0.0.1', '10.0.0.2', '--icmp-type 13 --icmp-code 0 --icmp-id 65535'],
  ['icmpv6', 'fd00::1', 'fd00::2', '--icmpv6-type 128 --icmpv6-code 0 --icmpv6-id 3003'],
  ['sctp', '10.0.0.1', '10.0.0.2', '--sport 4001 --dport 5060 --state ESTABLISHED --orig-vtag 1 --reply-vtag 4294967295 -u SEEN,ASSURED'],
  ['sctp', 'fd00::1', 'fd00::2', '--sport 4002 --dport 5060 --state COOKIE_WAIT --orig-vtag 1 --reply-vtag 2'],
  ['sctp', '10.0.0.1', '10.0.0.2', '--sport 4003 --dport 5060 --state SHUTDOWN_ACK_SENT --orig-vtag 1 --reply-vtag 2'],
  ['gre', '10.0.0.1', '10.0.0.2', '--srckey 0x10 --dstkey 0x20'],
  ['gre', 'fd00::1', 'fd00::2', '--srckey 0 --dstkey 0xffff'],
  ['udplite', '10.0.0.1', '10.0.0.2', '--sport 5001 --dport 7'],
  ['udplite', 'fd00::1', 'fd00::2', '--sport 5002 --dport 7 -u SEEN_REPLY'],
  ['dccp', '10.0.0.1', '10.0.0.2', '--sport 6001 --dport 6002 --state OPEN --role client'],
  ['2', '10.0.0.1', '224.0.0.1', ''],
  ['50', '10.0.0.1', '10.0.0.2', '-u SEEN_REPLY,ASSURED'],
  ['253', 'fd00::1', 'fd00::2', '-m 9'],
  // address translation
  ['tcp', '10.0.0.1', '10.0.0.4', '--sport 1020 --dport 80 --state ESTABLISHED -u SEEN_REPLY -n 192.168.0.1'],
  ['tcp', '10.0.0.1', '10.0.0.4', '--sport 1021 --dport 80 --state ESTABLISHED -u SEEN_REPLY -n 192.168.0.1:5000'],
  ['tcp', '10.0.0.1', '10.0.0.4', '--sport 1022 --dport 80 --state ESTABLISHED -u SEEN_REPLY -g 192.168.0.2'],
  ['udp', '10.0.0.1', '10.0.0.4', '--sport 1023 --dport 80 -g 192.168.0.2:8080'],
  ['udp', '10.0.0.1', '10.0.0.4', '--sport 1024 --dport 80 -n 192.168.0.1 -g 192.168.0.2'],
  ['udp', 'fd00::1', 'fd00::4', '--sport 1025 --dport 80 -n fd00::99'],
  ['udp', 'fd00::1', 'fd00::4', '--sport 1026 --dport 80 -g [fd00::98]:99'],
].map(([protocol, source, destination, rest]) => `-I -t 3000 -p ${protocol} -s ${source} -d ${destination} ${rest}`.trim())
