import { readFile } from 'node:fs/promises'
import { messageOf, UserError } from '../../cells/chassis/errors.ts'
import type { Running } from '../../cells/chassis/lifecycle.ts'
import type { Realm } from '../../crds/realm.ts'
import type { LocalRealms } from '../adapters/local-realms.ts'
import type { StartGarbage } from '../adapters/start-garbage.ts'
import type { Terminal } from '../adapters/terminal.ts'
import { type Manifest, readManifest } from '../manifest.ts'
import { movementBlock, problemLines, type RealmEndpoints, realmBlock, statusLine } from '../render.ts'

/** Side effects of `up`. */
export interface UpPorts {
  terminal: Terminal
  startLocalRealms(): Promise<LocalRealms>
  /** Calls `onChange` after each save of the manifest; the returned function ends it. */
  watchSaves(file: string, onChange: () => void): () => void
  /** What only the start needed. */
  garbage: Pick<StartGarbage, 'collectIfIdle' | 'giveBack'>
}

const STATUS_PERIOD_MS = 1_000
const READY_DEADLINE_MS = 30_000

/**
 * Runs the realms of a manifest on this machine until stopped, and applies the manifest whenever it is saved. An invalid manifest is
 * refused with file, line, field and fix: at the start the program ends with exit code 2, later the running realms stay as they are.
 */
export async function up(file: string, { terminal, startLocalRealms, watchSaves, garbage }: UpPorts): Promise<Running> {
  let { text, manifest } = await readGood(file)
  const realms = await startLocalRealms()
  try {
    await realms.declare(manifest)
    await untilPublished(realms, terminal, garbage)
    await garbage.giveBack()
  } catch (error) {
    await realms.stop()
    throw error
  }
  printIntroduction(file, realms, manifest, terminal)

  let applying: Promise<void> = Promise.resolve()
  const unwatch = watchSaves(file, () => {
    applying = applying.then(reload).catch((error: unknown) => terminal.say(`${file} could not be applied: ${messageOf(error)}`))
  })
  const ticking = setInterval(() => terminal.status(statusLine(realms.states())), STATUS_PERIOD_MS)
  terminal.status(statusLine(realms.states()))

  async function reload(): Promise<void> {
    const saved = await readFile(file, 'utf8')
    if (saved === text) return
    text = saved
    const read = readManifest(file, saved, manifest.realms)
    if (!read.ok) {
      terminal.say(`${file} is refused, the realms stay as they are:\n${problemLines(read.problems)}`)
      return
    }
    const before = manifest.realms
    manifest = read.manifest
    await realms.declare(manifest)
    terminal.say(`${file} is applied`)
    for (const endpoints of realms.endpoints()) if (isNew(endpoints, before)) terminal.say(realmBlock(endpoints))
  }

  return {
    async stop() {
      clearInterval(ticking)
      terminal.status('')
      unwatch()
      await applying
      terminal.say('Disconnecting players and stopping; Ctrl-C again ends at once.')
      await realms.stop()
      terminal.say('Stopped.')
    },
  }
}

async function readGood(file: string): Promise<{ text: string; manifest: Manifest }> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new UserError(`${file} cannot be read: ${messageOf(error)}`, 2, { cause: error })
  })
  const read = readManifest(file, text)
  if (!read.ok) throw new UserError(`${file} is refused:\n${problemLines(read.problems)}`, 2)
  return { text, manifest: read.manifest }
}

/** Waits until every realm is published, so that the printed URLs work. */
async function untilPublished(realms: LocalRealms, terminal: Terminal, garbage: UpPorts['garbage']): Promise<void> {
  const deadline = performance.now() + READY_DEADLINE_MS
  const pending = () => realms.states().filter(({ published, cells }) => !published && cells.desired > 0)
  while (pending().length > 0) {
    if (performance.now() > deadline) {
      terminal.say(`Not every realm is published yet: ${statusLine(pending())}`)
      return
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
    garbage.collectIfIdle()
  }
}

function printIntroduction(file: string, realms: LocalRealms, manifest: Manifest, terminal: Terminal): void {
  const views = realms.endpoints()
  terminal.say(`Realms of ${file}, on this machine at ${realms.url}\n`)
  for (const view of views) terminal.say(realmBlock(view))
  if (manifest.ignored.length > 0) terminal.say(`  Ignored, because only a cluster has them: ${manifest.ignored.join(', ')}\n`)
  const [first] = views
  const realmUrl = (first?.aboutUrl ?? realms.url).replace(/\/about$/, '')
  terminal.say(movementBlock(realms.movement, first?.aboutUrl ?? realms.url))
  terminal.say(
    [
      '  Try',
      `    curl ${first?.aboutUrl ?? realms.url}`,
      `    open ${realms.url}/console in a browser: who is where, and what is wrong`,
      `    point an explorer at ${realmUrl}`,
      `    change ${changesOf(manifest.realms)} in ${file}, or add a realm, and save`,
      '    Ctrl-C to end\n',
    ].join('\n'),
  )
}

/** Fields whose change is seen at once. A World has no cells, and so no islands. */
const changesOf = (realms: readonly Realm[]): string =>
  realms.some(({ spec }) => spec.mode === 'City') ? 'cells.replicas or islandSize' : 'world.capacity or world.access'

const isNew = ({ name }: RealmEndpoints, before: readonly Realm[]): boolean =>
  !before.some((realm) => (realm.spec.realmName ?? realm.metadata.name) === name)
