import type { Conntrack } from '@conntrack/core'
import { ipv4, ipv6, type Protocol } from '@conntrack/core/plugin'

/** Both ends of the SSH connection by which somebody works on this machine. */
export interface Session {
  readonly client: string
  readonly clientPort: number
  readonly server: string
  readonly serverPort: number
}

/**
 * Reads SSH_CONNECTION: `192.0.2.1 51234 198.51.100.1 22`. Whoever starts the program can put anything into it, so that what is not
 * two addresses and two ports is nothing.
 */
export function sessionOf(variable: string | undefined): Session | undefined {
  const [client, clientPort, server, serverPort, ...others] = (variable ?? '').split(' ')
  const [from, to] = [client, server].map(addressOf)
  const [fromPort, toPort] = [clientPort, serverPort].map(portOf)
  if (from === undefined || to === undefined || fromPort === undefined || toPort === undefined || others.length > 0) return undefined
  return { client: from, clientPort: fromPort, server: to, serverPort: toPort }
}

/** The address as flows have it: without a scope (`%eth0`), and an IPv4 address of an IPv6 socket as IPv4. */
function addressOf(word: string | undefined): string | undefined {
  const [address = ''] = (word ?? '').split('%')
  try {
    return (address.includes(':') ? ipv6 : ipv4).parse(address).replace(/^::ffff:(?=\d+\.)/, '')
  } catch {
    return undefined
  }
}

function portOf(word: string | undefined): number | undefined {
  return /^[1-9]\d{0,4}$/.test(word ?? '') && Number(word) < 65536 ? Number(word) : undefined
}

/** Whether the flow of a session is among those for which conditions hold. */
export function concerns(conntrack: Conntrack<Protocol>, conditions: object, session: Session): boolean {
  const { client, clientPort, server, serverPort } = session
  // What leaves this machine is the same whether or not the way here was translated.
  const reply = { source: server, destination: client, sourcePort: serverPort, destinationPort: clientPort }
  const tuple = { protocol: 'tcp', reply } as Parameters<typeof conntrack.flows.lookup>[0]
  try {
    return conntrack.flows.lookup(tuple, conditions).forEach(() => {}) > 0
  } catch {
    return false // there is no such flow, or nobody may know; then nothing can be deleted either
  }
}
