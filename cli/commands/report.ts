import { version as clientVersion } from '../../cells/version.ts'
import { type ClusterNamespace, type ClusterOptions, inCluster, realmNamed } from '../cluster/cluster.ts'
import { installedCrds, installedPrograms, skewsOf } from '../cluster/installation.ts'
import { readJson } from '../cluster/raw-reader.ts'
import { seen, seenValue } from '../cluster/seen.ts'
import { diagnose, diagnosisText } from '../doctor/diagnosis.ts'
import type { RealmProbes } from '../doctor/seen-realm.ts'
import type { WriteArchive } from '../report/archive.ts'
import { adder, type Collection, type CollectionLimits, collect } from '../report/collection.ts'
import { createRedaction } from '../report/redaction.ts'
import type { ClusterPorts } from './cluster-ports.ts'
import { readTopData } from './top-data.ts'

export interface ReportOptions extends ClusterOptions {
  /** The file to write; one with the name of the realm and the time by default. */
  output?: string
  /** False = wallets and IP addresses stay; what is secret is removed in any case. */
  redact?: boolean
}

/** Side effects of `report`. */
export interface ReportPorts extends ClusterPorts {
  probes: RealmProbes
  writeArchive: WriteArchive
}

const MAX_BYTES = 32 * 1024 * 1024
const MAX_MS = 60_000

/**
 * Writes everything that is known of a realm into one file, for those who help: objects, Events, logs, versions, checks, and what `top`
 * shows. No Secret is in it. What could not be had is named.
 *
 * @throws UserError 1 where there is no such Realm, 5 where the file cannot be written, and as `inCluster`
 */
export async function report(
  name: string,
  { output, redact = true, ...options }: ReportOptions,
  ports: ReportPorts,
): Promise<void> {
  const { now, today, say, print } = ports
  const limits: CollectionLimits = { endsAt: now() + MAX_MS, now, maxBytes: MAX_BYTES }
  const collection = await inCluster(options, ports.env, async (cluster) => {
    const realm = await realmNamed(cluster, name)
    say('Reading objects and logs …')
    const found = await collect(cluster, realm, limits)
    say('Making the checks …')
    await addChecks(cluster, name, found, adder(found, limits), ports)
    return found
  })
  const { redact: redacted } = createRedaction({ keepsAddresses: !redact })
  const at = new Date(today()).toISOString()
  const index = {
    client: clientVersion,
    at,
    realm: name,
    redacted: redact,
    files: [...collection.texts.keys()],
    missing: collection.missing,
  }
  const texts = new Map([...collection.texts].map(([path, text]) => [path, redacted(text)]))
  texts.set('report.json', redacted(`${JSON.stringify(index, null, 2)}\n`))
  const file = output ?? `realm-${name}-${at.replaceAll(/[-:]|\.\d+/g, '')}.tar.gz`
  await ports.writeArchive(file, texts)
  const lacking = collection.missing.map(({ what, why }) => `  ${what}: ${why}\n`).join('')
  await print(`${file}: ${texts.size} files.${lacking ? ` Not in it:\n${lacking}` : '\n'}`)
  say(
    redact
      ? 'Look through it before you give it away: names of hosts, namespaces and scenes are in it.'
      : 'Wallets and IP addresses are in it: it is not for the public.',
  )
}

async function addChecks(
  cluster: ClusterNamespace,
  name: string,
  { missing }: Collection,
  add: (path: string, text: string) => void,
  ports: ReportPorts,
): Promise<void> {
  const quiet = { probes: ports.probes, say: () => {} }
  for (const realm of [undefined, name]) {
    const diagnosis = await diagnose(cluster, realm, quiet)
    const path = `doctor/${realm === undefined ? 'installation' : 'realm'}`
    add(`${path}.json`, `${JSON.stringify(diagnosis, null, 2)}\n`)
    add(`${path}.txt`, diagnosisText(diagnosis, {}))
  }
  const [programs, crds] = await Promise.all([installedPrograms(cluster), installedCrds(cluster)])
  const installed = seenValue(programs) ?? []
  const known = seenValue(crds) ?? []
  add(
    'versions.json',
    `${JSON.stringify({ client: clientVersion, programs: installed, crds: known, skews: skewsOf(installed, known) }, null, 2)}\n`,
  )
  const provider = installed.find(({ program }) => program === 'provider')
  if (!provider) return void missing.push({ what: 'top.json', why: 'no realm provider was seen' })
  const { namespace, name: service } = provider
  const path = `/api/v1/namespaces/${namespace}/services/${service}:http/proxy/console/snapshot`
  const snapshot = await seen(() => readJson(cluster.raw, path, { maxBytes: MAX_BYTES }))
  if ('unseen' in snapshot) return void missing.push({ what: 'top.json', why: snapshot.unseen })
  const data = readTopData(snapshot.value)
  if (data) add('top.json', `${JSON.stringify(data, null, 2)}\n`)
  else missing.push({ what: 'top.json', why: 'the answer of the console is none that this client knows' })
}
