import { startConsoleSite } from './site.ts'

// node testing/console/cost.ts [peers] [viewers]: what one more viewer costs the realm provider. The statistics run in the same
// process, so that only the difference between few and many viewers counts.

const [peers = 100_000, viewers = 20] = process.argv.slice(2).map(Number)
const SECONDS = 20
const site = await startConsoleSite(peers)
const stop = new AbortController()
let bytes = 0

async function view(): Promise<void> {
  const answer = await fetch(`${site.url}/console/feed?realm=realms/main`, {
    signal: stop.signal,
    headers: { 'x-forwarded-for': `192.0.2.${Math.floor(Math.random() * 250)}` },
  })
  for await (const part of answer.body ?? []) bytes += part.length
}

async function measure(): Promise<number> {
  const before = process.cpuUsage()
  await new Promise((resolve) => setTimeout(resolve, SECONDS * 1_000))
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1e6 / SECONDS
}

const ignoreEnd = () => undefined
void view().catch(ignoreEnd)
await measure()
const one = await measure()
for (let n = 1; n < viewers; n++) void view().catch(ignoreEnd)
const before = bytes
const many = await measure()
console.log(
  `${peers} peers: ${(one * 100).toFixed(1)} % of a core with one viewer, ${(many * 100).toFixed(1)} % with ${viewers}: ` +
    `${(((many - one) / (viewers - 1)) * 100).toFixed(2)} % for one more, its own reading included; ` +
    `${((bytes - before) / SECONDS / viewers / 1024).toFixed(0)} KiB/s for each`,
)
stop.abort()
await site.stop()
process.exit(0)
