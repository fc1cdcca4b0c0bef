import { readFileSync } from 'node:fs'

/** The number of a protocol by its name in /etc/protocols, as getprotobyname(3) finds it there. */
export function protocolNumber(name: string): number | undefined {
  const value = lookUp('/etc/protocols', name, (one) => /^\d{1,3}$/.test(one) && Number(one) <= 255)
  return value === undefined ? undefined : Number(value)
}

/**
 * The port of a service by its name in /etc/services, as getservbyname(3) finds it there. `protocol` is `tcp`, `udp` or another, which
 * may have no line of its own there: any protocol's line does then.
 */
export function servicePort(name: string, protocol: string): number | undefined {
  const isPort = (one: string): boolean => /^\d{1,5}\/[^/]+$/.test(one) && Number.parseInt(one, 10) <= 65535
  const value = lookUp('/etc/services', name, (one) => isPort(one) && one.endsWith(`/${protocol}`)) ?? lookUp('/etc/services', name, isPort)
  return value === undefined ? undefined : Number.parseInt(value, 10)
}

/** The second word of the first line that has this name, as its first word or as an alias, and a value that is wanted. */
function lookUp(file: string, name: string, isWanted: (value: string) => boolean): string | undefined {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    return undefined // without the file there are numbers only
  }
  for (const line of text.split('\n')) {
    const [official, value = '', ...aliases] = line.replace(/#.*/, '').trim().split(/\s+/)
    if ((official === name || aliases.includes(name)) && isWanted(value)) return value
  }
  return undefined
}
