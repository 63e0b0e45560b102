import type { Clock } from '../../../cells/chassis/clock.ts'
import { type Fetched, fetchJson } from '../../../cells/chassis/fetch-json.ts'
import { createLanes } from '../../../cells/chassis/lanes.ts'

/** A connector pod and where it answers. */
export interface ConnectorAddress {
  name: string
  /** IP address; nothing while it has none. */
  address: string | undefined
}

/** Asks connectors one by one how many players they have, by name; whoever does not answer in time is missing. */
export type CountPlayers = (connectors: readonly ConnectorAddress[]) => Promise<ReadonlyMap<string, number>>

/** What a headcount is made of. */
export interface CountPlayersOptions {
  /** Where connectors answer. */
  port: number
  clock: Clock
  /** Asks for a URL; over HTTP unless told. */
  fetch?: (url: string) => Promise<Fetched>
}

const TIMEOUT_MS = 1_000
/** All of them together: what could be asked until then counts. */
const DEADLINE_MS = 3_000
const MAX_BYTES = 16 * 1024
/** Questions under way at once, whatever the number of connectors and cells. */
const MAX_PARALLEL = 32

/** Counts at `/status` of each connector. */
export function connectorPlayerCounter({ port, clock, ...options }: CountPlayersOptions): CountPlayers {
  const fetch = options.fetch ?? ((url) => fetchJson(url, { timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES }))
  const lanes = createLanes(MAX_PARALLEL)
  return async (connectors) => {
    const players = new Map<string, number>()
    let isOver = false
    const ask = async ({ name, address }: ConnectorAddress): Promise<void> => {
      if (isOver || !address) return
      const count = playersIn(await fetch(connectorUrl(address, port, 'status')))
      if (count !== undefined && !isOver) players.set(name, count)
    }
    await new Promise<void>((resolve) => {
      const cancel = clock.after(DEADLINE_MS, resolve)
      void Promise.all(connectors.map((each) => lanes.run(() => ask(each)))).then(() => {
        cancel()
        resolve()
      })
    })
    isOver = true
    return players
  }
}

/** Where a connector answers a question. */
export const connectorUrl = (address: string, port: number, question: 'status' | 'joins'): string =>
  `http://${address.includes(':') ? `[${address}]` : address}:${port}/${question}`

function playersIn(fetched: Fetched): number | undefined {
  if (!fetched.ok || fetched.status !== 200) return undefined
  const { userCount } = (fetched.body ?? {}) as { userCount?: unknown }
  return typeof userCount === 'number' && Number.isInteger(userCount) && userCount >= 0 ? userCount : undefined
}
