import { checks } from './checks.ts'

// node tools/house/report.ts [all]: counts the findings of each check, and lists the first of them, or all.

const shown = process.argv[2] === 'all' ? Number.POSITIVE_INFINITY : 10
for (const { title, advice, findings } of checks) {
  const found = findings()
  console.log(`${found.length} findings: ${title}${found.length > 0 ? ` (${advice})` : ''}`)
  for (const finding of found.slice(0, shown)) console.log(`  ${finding}`)
  if (found.length > shown) console.log(`  … and ${found.length - shown} more`)
}
