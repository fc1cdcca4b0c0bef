/** A command line in each line. */
export const lines = (text: string): readonly string[] => text.trim().split(/\s*\n\s*/)

/** The words of a command line; a word with blanks stands in double quotes. */
export const words = (line: string): string[] => line.match(/"[^"]*"|\S+/g)?.map((word) => word.replaceAll('"', '')) ?? []

/** Entries of the table that both programs work on, as options of Debian's `conntrack -I`. */
export const ENTRIES: readonly string[] = lines(`
  -p tcp -s 10.0.0.1 -d 10.0.0.2 --sport 1001 --dport 80 --state ESTABLISHED -u SEEN_REPLY,ASSURED -t 30000
  -p tcp -s 10.0.0.1 -d 10.0.0.3 --sport 1002 --dport 443 --state SYN_SENT -t 30000
  -p tcp -s 10.0.1.1 -d 10.0.0.2 --sport 1003 --dport 80 --state TIME_WAIT -u SEEN_REPLY -t 30000
  -p tcp -s 10.0.0.1 -d 10.0.0.2 --sport 1004 --dport 80 --state LISTEN -t 30000
  -p tcp -s 192.0.2.1 -d 198.51.100.1 --sport 1 --dport 65535 --state CLOSE -t 30000 -n 203.0.113.9:7777
  -p tcp -s 192.0.2.2 -d 198.51.100.1 --sport 11 --dport 20 --state SYN_SENT -t 30000 -g 203.0.113.1:88 -n 203.0.113.2:99
  -p tcp -s 2001:db8::1 -d 2001:db8::2 --sport 1010 --dport 80 --state ESTABLISHED -u SEEN_REPLY,ASSURED -t 30000
  -p udp -s 10.0.0.1 -d 10.0.0.2 --sport 1003 --dport 53 -t 30000 -m 0x2a
  -p udp -s 10.0.0.1 -d 10.0.0.2 --sport 1004 --dport 53 -t 30000 -m 5 -u SEEN_REPLY
  -p udp -s fd00::1 -d fd00::2 --sport 1003 --dport 53 -t 30000 -g [fd00::9]:5353
  -p udp -s 10.0.0.1 -d 10.0.0.2 --sport 1005 --dport 53 -t 30000 -w 7
  -p udp -s 10.0.0.1 -d 10.0.0.2 --sport 1006 --dport 53 -t 30000 --orig-zone 8
  -p udp -s 10.0.0.1 -d 10.0.0.2 --sport 1007 --dport 53 -t 30000 --reply-zone 9
  -p udp -s 10.0.0.5 -d 10.0.0.6 --sport 1009 --dport 53 -t 30000 -u ASSURED
  -p udplite -s 10.0.0.1 -d 10.0.0.2 --sport 1004 --dport 53 -t 30000
  -p icmp -s 10.0.0.1 -d 10.0.0.2 --icmp-type 8 --icmp-code 0 --icmp-id 77 -t 30000
  -p icmp -s 10.0.0.1 -d 10.0.0.2 --icmp-type 13 --icmp-code 0 --icmp-id 78 -t 30000
  -p icmpv6 -s 2001:db8::1 -d 2001:db8::2 --icmpv6-type 128 --icmpv6-code 0 --icmpv6-id 78 -t 30000
  -p sctp -s 10.0.0.1 -d 10.0.0.2 --sport 1005 --dport 36412 --state ESTABLISHED --orig-vtag 11 --reply-vtag 22 -t 30000
  -p gre -s 10.0.0.1 -d 10.0.0.2 --srckey 0x33 --dstkey 0x44 -t 30000
  -p 2 -s 10.0.0.1 -d 10.0.0.2 -t 30000
  -p 50 -s 10.0.0.1 -d 10.0.0.2 -t 30000 -m 1
  -p 253 -s 2001:db8::1 -d 2001:db8::2 -t 30000 -u FIXED_TIMEOUT
`)
