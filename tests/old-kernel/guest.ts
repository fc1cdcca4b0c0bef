// Runs inside the older kernel, on Bun and on Node: the protocols that newer kernels lack or have no sockets of, and what an older kernel
// does in another way. Writes a line of JSON for each check.
import { readFileSync } from 'node:fs'
import { type Conntrack, openConntrack } from '@conntrack/core'
import { dccp } from '@conntrack/proto-dccp'
import { gre } from '@conntrack/proto-gre'
import { sctp } from '@conntrack/proto-sctp'
import { udplite } from '@conntrack/proto-udp'
import { tell } from './checks.ts'
import { connections } from './connections.ts'
import { flush } from './flush.ts'
import { netlink } from './netlink.ts'

/** Connection tracking with the protocols that are tried here. */
export type Tracking = Conntrack<typeof dccp | typeof sctp | typeof gre | typeof udplite>

using ct = openConntrack({ protocols: [dccp, sctp, gre, udplite] })
for (const part of [netlink, flush, connections]) await part(ct)
tell(`Linux ${readFileSync('/proc/sys/kernel/osrelease', 'utf8').trim()}`)
