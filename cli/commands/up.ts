import { readFile } from 'node:fs/promises'
import { messageOf, UserError } from '../../cells/chassis/errors.ts'
import type { Running } from '../../cells/chassis/lifecycle.ts'
import type { Realm } from '../../crds/realm.ts'
import type { Laptop } from '../adapters/local-realms.ts'
import type { Terminal } from '../adapters/terminal.ts'
import { type Manifest, readManifest } from '../manifest.ts'
import { problemLines, type RealmView, realmBlock, vitalsLine } from '../render.ts'

/** What `up` reaches the machine through. */
export interface UpPorts {
  terminal: Terminal
  startLaptop(): Promise<Laptop>
  /** Calls back after each save of the manifest; the returned function ends it. */
  watchSaves(file: string, onChange: () => void): () => void
}

const STATUS_PERIOD_MS = 1_000
const READY_DEADLINE_MS = 30_000

/**
 * Runs the realms of a manifest on this machine until stopped, and again whenever the manifest is saved. A wrong manifest is
 * refused with file, line, field and fix: at the start the program ends with exit code 2, later what runs goes on.
 */
export async function up(file: string, { terminal, startLaptop, watchSaves }: UpPorts): Promise<Running> {
  let { text, manifest } = await readGood(file)
  const laptop = await startLaptop()
  try {
    await laptop.declare(manifest)
    await settled(laptop, terminal)
  } catch (error) {
    await laptop.stop()
    throw error
  }
  introduce(file, laptop, manifest, terminal)

  let applying: Promise<void> = Promise.resolve()
  const unwatch = watchSaves(file, () => {
    applying = applying.then(reload).catch((error: unknown) => terminal.say(`${file} could not be applied: ${messageOf(error)}`))
  })
  const ticking = setInterval(() => terminal.status(vitalsLine(laptop.vitals())), STATUS_PERIOD_MS)
  terminal.status(vitalsLine(laptop.vitals()))

  async function reload(): Promise<void> {
    const saved = await readFile(file, 'utf8')
    if (saved === text) return
    text = saved
    const read = readManifest(file, saved, manifest.realms)
    if (!read.ok) {
      terminal.say(`${file} is refused, what runs goes on:\n${problemLines(read.problems)}`)
      return
    }
    const before = manifest.realms
    manifest = read.manifest
    await laptop.declare(manifest)
    terminal.say(`${file} is applied`)
    for (const view of laptop.views()) if (isNew(view, before)) terminal.say(realmBlock(view))
  }

  return {
    async stop() {
      clearInterval(ticking)
      unwatch()
      await applying
      terminal.say('Closing the players’ sockets and stopping; Ctrl-C again ends at once.')
      await laptop.stop()
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

/** Waits until every realm is published, so that what is printed next is true. */
async function settled(laptop: Laptop, terminal: Terminal): Promise<void> {
  const deadline = Date.now() + READY_DEADLINE_MS
  const pending = () => laptop.vitals().filter(({ published, cells }) => !published && cells.wanted > 0)
  while (pending().length > 0) {
    if (Date.now() > deadline) {
      terminal.say(`Not everything is up yet: ${vitalsLine(pending())}`)
      return
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

function introduce(file: string, laptop: Laptop, manifest: Manifest, terminal: Terminal): void {
  const views = laptop.views()
  terminal.say(`Realms of ${file}, on this machine at ${laptop.url}\n`)
  for (const view of views) terminal.say(realmBlock(view))
  if (manifest.ignored.length > 0) terminal.say(`  Left alone, as only a cluster knows them: ${manifest.ignored.join(', ')}\n`)
  const [first] = views
  terminal.say(
    [
      '  Try',
      `    curl ${first?.aboutUrl ?? laptop.url}`,
      `    point a Bevy or Godot explorer at ${(first?.aboutUrl ?? laptop.url).replace(/\/about$/, '')}`,
      `    change cells.replicas or islandSize in ${file}, or add a realm, and save`,
      '    Ctrl-C to end\n',
    ].join('\n'),
  )
}

const isNew = ({ name }: RealmView, before: readonly Realm[]): boolean =>
  !before.some((realm) => (realm.spec.realmName ?? realm.metadata.name) === name)
