import { UserError } from '../../cells/chassis/errors.ts'
import { ensure } from '../parts/catalogue.ts'
import type { PartName } from '../parts/part.ts'
import { type Event, events, LATE_SHARE } from './events.ts'
import { Platform } from './platform.ts'
import { PlayerGroup } from './player-group.ts'
import { cellsOf, head, measureEvent } from './row.ts'

// npm run disruption [-- players [event…]]: starts a Kubernetes of three nodes with the product in it, causes the events of events.ts, and prints how
// they affected the players.

const [players = 500, ...chosen] = process.argv.slice(2).map((word, index) => (index === 0 ? Number(word) : word)) as [
  number,
  ...string[],
]
const settings = { connectors: 3, natsReplicas: 3, drainSeconds: 20, playersPerMinute: 600, flushMs: 2_000 } as const
const say = (line: string) => process.stderr.write(`${line}\n`)

async function partOf(name: PartName): Promise<string> {
  const state = await ensure(name, say)
  if ('missing' in state) throw new UserError(`${name} is missing: ${state.missing}`)
  return state.path
}

await partOf('debian')
const parts = {
  nats: await partOf('nats'),
  livekit: await partOf('livekit'),
  postgres: await partOf('postgres'),
  kube: await partOf('kube'),
}
await using platform = await Platform.start(parts, settings, say)
process.once('SIGINT', () => {
  say('ending the cluster')
  void platform[Symbol.asyncDispose]().finally(() => process.exit(130))
})
await using group = new PlayerGroup(platform.aboutUrl, players)
say(`${players} players connect …`)
const all: Record<string, Event> = events(players)
const names = chosen.length > 0 ? chosen : Object.keys(all)
await group.add(Math.round(names.includes('out') ? players * (1 - LATE_SHARE) : players))

const print = (cells: readonly (string | number)[]) => console.log(`| ${cells.join(' | ')} |`)
print(head)
print(head.map((_, index) => (index === 0 ? '---' : '--:')))
for (const name of names) {
  const event = all[name]
  if (!event) throw new UserError(`there is no event ${name}; there are ${Object.keys(all).join(', ')}`)
  const row = await measureEvent(platform, group, event)
  print(cellsOf(row))
  const otherAnswers = JSON.stringify({ about: row.about.otherAnswers, gatekeeper: row.gatekeeper.otherAnswers })
  say(
    `${name}: ${Math.round(row.tookMs / 1000)} s, ${row.failedAttempts} failed attempts to reconnect, answers other than 200: ${otherAnswers}`,
  )
}
