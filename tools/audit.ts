import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { advisories } from './advisories.ts'

// node tools/audit.ts: asks the registry for vulnerabilities of the production dependencies, with `npm audit`. Ends with 1 for one
// that is high or critical and not accepted in advisories.json. A registry that serves no advisories is reported, and is no failure.

/** What `npm audit --json` prints, as far as it is read. */
interface Report {
  vulnerabilities?: Record<string, { via: readonly (string | { name: string; url: string; severity: string; title: string })[] }>
  error?: { summary?: string; detail?: string }
  message?: string
}

const { stdout, stderr } = spawnSync('npm', ['audit', '--omit=dev', '--json'], {
  cwd: process.argv[2] ?? fileURLToPath(new URL('../', import.meta.url)),
  encoding: 'utf8',
})
const report = parsed(stdout)
if (!report?.vulnerabilities) {
  const reason = report?.message || report?.error?.summary || stderr.trim() || 'npm audit printed no report'
  console.error(`not audited: the registry serves no advisories (${reason})`)
} else {
  const accepted = advisories.filter((advisory) => advisory.accepted !== undefined).map(({ id }) => id)
  const found = Object.values(report.vulnerabilities)
    .flatMap(({ via }) => via)
    .filter((each) => typeof each !== 'string')
    .filter(({ severity, url }) => ['high', 'critical'].includes(severity) && !accepted.some((id) => url.endsWith(id)))
  for (const { severity, name, title, url } of found) console.error(`${severity}: ${name}: ${title} ${url}`)
  if (found.length > 0) process.exitCode = 1
  else console.error('audited: no vulnerability that is high or critical')
}

function parsed(text: string): Report | undefined {
  try {
    return JSON.parse(text) as Report
  } catch {
    return undefined
  }
}
