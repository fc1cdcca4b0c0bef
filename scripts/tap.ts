import { Parser, type Result } from 'tap-parser'

/** What one test process said: how many leaf asserts of each outcome, and the failing ones in words. */
export interface Report {
  passed: number
  failed: number
  skipped: number
  /** A paragraph for each failing assert. */
  failures: string[]
  /** What each skipped assert was about, and why. */
  reasons: string[]
  /** The lines that were no TAP. */
  extra: string
}

/** Reads TAP as it comes; `end()` gives the report. An assert that only closes a subtest is not counted, unless the subtest was empty. */
export function reader(): { write(text: string): void; end(): Report } {
  const report: Report = { passed: 0, failed: 0, skipped: 0, failures: [], reasons: [], extra: '' }
  const root = new Parser()
  follow(root, report)
  return {
    write: (text) => void root.write(text),
    end() {
      root.end()
      return report
    },
  }
}

function follow(parser: Parser, report: Report): void {
  // What the subtest that is about to be closed counted, if there is one.
  let before: number | undefined
  const fail = (text: string): void => {
    report.failed++
    report.failures.push(text)
  }
  parser.on('child', (child: Parser) => {
    before = total(report)
    follow(child, report)
  })
  parser.on('assert', (result: Result) => {
    const closes = before !== undefined && total(report) > before
    before = undefined
    if (closes) return
    if (result.skip || result.todo) {
      report.skipped++
      report.reasons.push(`${result.fullname}: ${result.skip || result.todo}`)
    } else if (result.ok) report.passed++
    else fail(describe(result))
  })
  parser.on('extra', (text: string) => {
    if (parser.parent === null) report.extra += text
  })
  parser.on('bailout', (reason: string) => {
    if (parser.parent === null) fail(`bailed out: ${reason}`)
  })
  parser.on('complete', (results: { ok: boolean; failures: Array<Result | { tapError: string }> }) => {
    for (const failure of results.failures) if (failure.tapError) fail(`${parser.fullname || 'the whole file'}: ${failure.tapError}`)
  })
}

const total = (report: Report): number => report.passed + report.failed + report.skipped

function describe(result: Result): string {
  const lines = [result.fullname || '(no name)']
  const { at, source, ...diagnostics } = (result.diag ?? {}) as Record<string, unknown>
  if (isPlace(at)) lines.push(`at ${at.fileName}:${at.lineNumber}`)
  for (const [name, value] of Object.entries(diagnostics)) {
    const text = typeof value === 'string' ? withoutTools(value.trimEnd()) : JSON.stringify(value)
    lines.push(text.includes('\n') ? `${name}:\n    ${text.replaceAll('\n', '\n    ')}` : `${name}: ${text}`)
  }
  return lines.join('\n  ')
}

/** A stack without the lines of tap and of the runtime. */
function withoutTools(text: string): string {
  return text.replaceAll(/^.*(node_modules\/|\(ext:).*\n?/gm, '').trimEnd()
}

function isPlace(at: unknown): at is { fileName: string; lineNumber: number } {
  return typeof at === 'object' && at !== null && 'fileName' in at && 'lineNumber' in at
}
