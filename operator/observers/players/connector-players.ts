import pLimit from 'p-limit'
import type { Clock } from '../../../cells/chassis/clock.ts'
import { type FetchResult, fetchJson } from '../../../cells/chassis/fetch-json.ts'

/** A connector pod. */
export interface ConnectorAddress {
  name: string
  /** IP address; undefined while it has none. */
  address: string | undefined
}

/** Asks each connector for its number of players; the result is by name, without connectors that do not answer in time. */
export type CountPlayers = (connectors: readonly ConnectorAddress[]) => Promise<ReadonlyMap<string, number>>

/** `fetch` is HTTP by default. */
export interface CountPlayersOptions {
  /** HTTP port of the connectors. */
  port: number
  clock: Clock
  fetch?: (url: string) => Promise<FetchResult>
}

const TIMEOUT_MS = 1_000
/** For all requests together: answers until then count. */
const DEADLINE_MS = 3_000
const MAX_BYTES = 16 * 1024
/** Requests at the same time, whatever the number of connectors and cells. */
const MAX_PARALLEL = 32

/** Counts by the `/status` of each connector. */
export function connectorPlayerCounter({ port, clock, ...options }: CountPlayersOptions): CountPlayers {
  const fetch = options.fetch ?? ((url) => fetchJson(url, { timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES }))
  const limit = pLimit(MAX_PARALLEL)
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
      void Promise.all(connectors.map((connector) => limit(() => ask(connector)))).then(() => {
        cancel()
        resolve()
      })
    })
    isOver = true
    return players
  }
}

/** The URL of a question to a connector; an IPv6 address gets its brackets. */
export const connectorUrl = (address: string, port: number, question: 'status' | 'joins'): string =>
  `http://${address.includes(':') ? `[${address}]` : address}:${port}/${question}`

function playersIn(fetched: FetchResult): number | undefined {
  if (!fetched.ok || fetched.status !== 200) return undefined
  const { userCount } = (fetched.body ?? {}) as { userCount?: unknown }
  return typeof userCount === 'number' && Number.isInteger(userCount) && userCount >= 0 ? userCount : undefined
}
