import { version as clientVersion } from '../../cells/version.ts'
import type { ClusterNamespace } from '../cluster/cluster.ts'
import { type Check, type CheckState, checksText } from '../output/checks.ts'
import type { TableStyle } from '../output/table.ts'
import { readApiServer, readClusterFacts } from './cluster-facts.ts'
import { apiServerChecks, installationChecks } from './installation-checks.ts'
import { realmChecks } from './realm-checks.ts'
import { type RealmProbes, readRealm } from './seen-realm.ts'

/** What a doctor found. With `-o json` this is the output; fields may be added, and none changes its meaning. */
export interface Diagnosis {
  client: string
  /** The realm that was looked at; absent = the installation. */
  realm?: string
  summary: Record<CheckState, number>
  checks: Check[]
}

/** Makes the checks. @throws UserError 1 where there is no such Realm */
export async function diagnose(
  cluster: ClusterNamespace,
  name: string | undefined,
  { probes, say }: { probes: RealmProbes; say(sentence: string): void },
): Promise<Diagnosis> {
  const checks = await progress(say, name === undefined ? 'Looking at the installation …' : `Looking at ${name} …`, async () => {
    const apiServer = await readApiServer(cluster, probes)
    const first = apiServerChecks(apiServer)
    if (apiServer.version === undefined) return first
    const rest =
      name === undefined
        ? installationChecks(await readClusterFacts(cluster, apiServer, probes))
        : realmChecks(await readRealm(cluster, name, probes), probes.today())
    return [...first, ...rest]
  })
  const count = (state: CheckState) => checks.filter((check) => check.state === state).length
  return {
    client: clientVersion,
    ...(name !== undefined && { realm: name }),
    summary: { ok: count('ok'), warning: count('warning'), failed: count('failed'), skipped: count('skipped') },
    checks,
  }
}

const SLOW_MS = 1_000

/** Says what goes on where it takes more than a second. */
async function progress<T>(say: (sentence: string) => void, sentence: string, run: () => Promise<T>): Promise<T> {
  const timer = setTimeout(() => say(sentence), SLOW_MS)
  try {
    return await run()
  } finally {
    clearTimeout(timer)
  }
}

/** A diagnosis for people: what is wrong at the end, where it is read first. */
export function diagnosisText({ checks, summary }: Diagnosis, style: TableStyle): string {
  const order: readonly CheckState[] = ['skipped', 'ok', 'warning', 'failed']
  const sorted = [...checks].sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state))
  const { ok, warning, failed, skipped } = summary
  return `${checksText(sorted, style)}\n${failed} failed, ${warning} ${warning === 1 ? 'warning' : 'warnings'}, ${ok} ok, ${skipped} skipped\n`
}
