import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** Milliseconds for which a name is remembered, since a port id can become another program's. */
const LASTING = 1000
/** Milliseconds between two looks at all processes. */
const PAUSE = 1000
/** NETLINK_NETFILTER in /proc/net/netlink. */
const NETFILTER = '12'

/**
 * Tells the names of programs by the port ids of their netlink sockets, while they live; what /proc says is remembered for a moment. Deno
 * reads there only with --allow-all: without, there are no names.
 */
export function programNames(now: () => number = Date.now): (portId: number) => string | undefined {
  const known = new Map<number, { readonly name: string | undefined; readonly until: number }>()
  let owners: ReadonlyMap<string, string> = new Map()
  let lookedAt = Number.NEGATIVE_INFINITY

  /** The process that has a socket, among all. */
  const owner = (inode: string): string | undefined => {
    if (!owners.has(inode) && now() - lookedAt >= PAUSE) {
      owners = socketOwners()
      lookedAt = now()
    }
    return owners.get(inode)
  }

  return (portId) => {
    const time = now()
    const before = known.get(portId)
    if (before !== undefined && time < before.until) return before.name
    for (const [id, { until }] of known) if (time >= until) known.delete(id)
    const name = nameOf(portId, owner)
    known.set(portId, { name, until: time + LASTING })
    return name
  }
}

function nameOf(portId: number, owner: (inode: string) => string | undefined): string | undefined {
  // The first socket of a process has the process id for its port id, in the namespace of that process.
  const own = inodeOf(portId, `/proc/${portId}/net/netlink`)
  if (own !== undefined && sockets(String(portId)).includes(own)) return commandName(String(portId))
  const inode = inodeOf(portId, '/proc/net/netlink')
  const process = inode === undefined ? undefined : owner(inode)
  return process === undefined ? undefined : commandName(process)
}

/** The inode of the netfilter socket with a port id: columns are sk, Eth, Pid, Groups, Rmem, Wmem, Dump, Locks, Drops, Inode. */
function inodeOf(portId: number, table: string): string | undefined {
  const row = (read(table) ?? '').split('\n').find((line) => {
    const [, protocol, port] = line.trim().split(/\s+/)
    return protocol === NETFILTER && port === String(portId)
  })
  return row?.trim().split(/\s+/).at(-1)
}

/** The process of each socket of the machine. */
function socketOwners(): Map<string, string> {
  const owners = new Map<string, string>()
  for (const process of list('/proc').filter((name) => /^\d+$/.test(name))) for (const inode of sockets(process)) owners.set(inode, process)
  return owners
}

/** The inodes of the sockets that a process has open. */
function sockets(process: string): string[] {
  return list(`/proc/${process}/fd`).flatMap((fd) => {
    try {
      return /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${process}/fd/${fd}`))?.[1] ?? []
    } catch {
      return []
    }
  })
}

/** What a program says that it is called: there may be anything in it, and who prints it has to see to that. */
function commandName(process: string): string | undefined {
  return read(`/proc/${process}/comm`)?.replace(/\n$/, '')
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function list(path: string): string[] {
  try {
    return readdirSync(path)
  } catch {
    return []
  }
}
