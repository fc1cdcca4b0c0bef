/** The sources, or any committed files, by their path from the root. */
export type Files = ReadonlyMap<string, string>

const proto = /^@conntrack\/proto-[a-z]+$/

// Who may import which part of core. Everybody may import errors.ts, and parts import themselves.
const core: Record<string, readonly string[]> = {
  index: ['conntrack', 'plugin', 'events', 'commands', 'transport', 'schema', 'tables'],
  conntrack: ['events', 'commands', 'transport', 'schema', 'tables'],
  events: ['commands', 'transport', 'schema', 'tables'],
  plugin: ['schema', 'tables'],
  conformance: ['testing', 'schema', 'tables'],
  commands: ['transport', 'schema', 'tables'],
  testing: ['transport', 'schema', 'tables'],
  tables: ['schema'],
  transport: [],
  schema: [],
  errors: [],
}

// One runtime each, so only #libc and #poll choose among them, and only they know what they run on.
const runtime = /^packages\/core\/src\/transport\/(poll-)?(bun|deno|node|none)\.ts$/
/** The process it runs in is known to these files, and what it is made of to that one. */
const start: readonly string[] = ['packages/cli/src/bin.ts', 'packages/cli/src/start.ts']
const composition = 'packages/cli/src/installed.ts'

/** What the files do that the house does not allow, a line each. */
export function violations(files: Files): string[] {
  return [...files].flatMap(([path, text]) => [
    ...committed(path, text),
    ...(/^packages\/[^/]+\/src\/.*\.ts$/.test(path) ? [...imports(path, text), ...source(path, text)] : []),
    ...(/^packages\/[^/]+\/package\.json$/.test(path) ? manifest(path, text) : []),
  ])
}

function* imports(path: string, text: string): Generator<string> {
  for (const specifier of specifiers(text)) if (!mayImport(path, specifier)) yield `${path} may not import ${specifier}`
}

/** The modules a source names: in `import` and `export … from`, with or without types, and in dynamic imports and requires. */
export function specifiers(text: string): string[] {
  const named =
    /\bfrom\s*(['"])(\S+?)\1|\bimport\s*(['"])(\S+?)\3|\b(?:import|require)\s*\(\s*(['"`])(.+?)\5|\bcreateRequire\([^)]*\)\((['"`])(.+?)\7/g
  return [...text.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '').matchAll(named)].map((m) => m[2] ?? m[4] ?? m[6] ?? m[8] ?? '')
}

function mayImport(path: string, specifier: string): boolean {
  const [, name = '', own = ''] = /^packages\/([^/]+)\/src\/(.*)$/.exec(path) ?? []
  if (specifier.startsWith('.')) {
    const target = new URL(specifier, `file:///${path}`).pathname.slice(1)
    if (!target.startsWith(`packages/${name}/src/`)) return false
    return name !== 'core' || mayImportInCore(own, target)
  }
  switch (name) {
    case 'core':
      if (specifier === 'bun:ffi') return own === 'transport/bun.ts' || own === 'transport/poll-bun.ts'
      if (specifier === 'koffi') return own === 'transport/koffi.ts'
      return own.startsWith('transport/') && (['#libc', '#poll'].includes(specifier) || specifier.startsWith('node:'))
    case 'cli':
      if (proto.test(specifier)) return path === composition
      if (specifier === 'node:process') return start.includes(path)
      if (specifier === '@conntrack/core/testing') return own.startsWith('demo/')
      return specifier.startsWith('node:') || ['@conntrack/core', '@conntrack/core/plugin', '@conntrack/formatters'].includes(specifier)
    default:
      return specifier === '@conntrack/core/plugin'
  }
}

function mayImportInCore(own: string, target: string): boolean {
  if (runtime.test(target)) return false
  const from = part(own)
  const to = part(target.slice('packages/core/src/'.length))
  return from !== 'errors' && (to === 'errors' || (from === to && own.includes('/')) || (core[from] ?? []).includes(to))
}

const part = (file: string): string => file.replace(/\/.*|\.ts$/, '')

function* source(path: string, text: string): Generator<string> {
  const code = withoutText(text)
  if (!runtime.test(path)) {
    if (!start.includes(path) && /(?<![\w$.])process\s*(\?\.|[.[])/.test(code)) yield `${path} may not touch process`
    if (/(?<![\w$.])(globalThis|Bun|Deno)\b(?!\s*:)/.test(code)) yield `${path} may not ask which runtime it is on`
  }
  if (/^packages\/cli\/src\/[^/]+$/.test(path) && /\bfrom\s+['"]\.\/demo\//.test(text)) yield `${path} loads the demonstration at once`
  if (/^\s*export\s+default\b|\bas\s+default\b/m.test(code)) yield `${path} has a default export`
  if (text.split('\n').length > 401) yield `${path} has over 400 lines`
}

/** A source without its comments and strings; of templates, what is in their `${}` stays. */
function withoutText(text: string): string {
  return text.replaceAll(/\/\/.*|\/\*[\s\S]*?\*\/|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`/g, (found) =>
    found.startsWith('`') ? [...found.matchAll(/\$\{([^}]*)\}/g)].map((m) => ` ${m[1]} `).join(';') : ' ',
  )
}

const machine = /(?<![\w.~*$})-])\/(work|root|home)\//
const registry = /\bregistry\.[a-z0-9-]+\.[a-z]+|https?:\/\/[^/\s]*registry/

function* committed(path: string, text: string): Generator<string> {
  const file = path.replace(/.*\//, '')
  if (/^utils?\.[a-z]+$/.test(file)) yield `${path} says nothing with its name`
  if (file === 'package-lock.json' || file === 'npm-shrinkwrap.json') yield `${path} is npm's, and full of addresses`
  for (const [index, line] of text.split('\n').entries()) {
    if (machine.test(line)) yield `${path}:${index + 1} names a path of one machine`
    if (registry.test(line)) yield `${path}:${index + 1} names a registry`
    if (file === 'pnpm-lock.yaml' && /https?:\/\//.test(line)) yield `${path}:${index + 1} has an address`
  }
}

function* manifest(path: string, text: string): Generator<string> {
  const fields = JSON.parse(text) as Record<string, unknown>
  for (const field of ['description', 'exports', 'files', 'license']) if (!fields[field]) yield `${path} has no ${field}`
  if (fields['sideEffects'] !== false) yield `${path} does not say sideEffects: false`
  if (fields['type'] !== 'module') yield `${path} does not say type: module`
  for (const field of ['dependencies', 'optionalDependencies', 'peerDependencies']) {
    for (const name of Object.keys(fields[field] ?? {}))
      if (!mayDependOn(path.split('/')[1] ?? '', field, name)) yield `${path} may not depend on ${name}`
  }
}

function mayDependOn(own: string, field: string, name: string): boolean {
  if (own === 'core') return field === 'optionalDependencies' && name === 'koffi'
  if (field !== 'dependencies') return false
  return name === '@conntrack/core' || (own === 'cli' && (name === '@conntrack/formatters' || proto.test(name)))
}
