/** A connection whose client has not proved its wallet yet. */
export interface UnauthenticatedConnection {
  /** When it was opened, by the monotonic clock. */
  readonly openedAt: number
  /** Whether its client has sent no message yet. */
  readonly isSilent: boolean
  /** Ends it at once, in favour of another client. */
  displace(): void
}

/** After this time a silent client is less likely to sign in than any new one. */
const SILENT_MS = 5_000

/** The connections that have not signed in, by network, and which of them gives way to another client when there are too many. */
export class UnauthenticatedConnections {
  /** Of each network the oldest first. */
  readonly #byNetwork = new Map<string, Set<UnauthenticatedConnection>>()
  readonly #networkOf = new Map<UnauthenticatedConnection, string>()

  get size(): number {
    return this.#networkOf.size
  }

  add(connection: UnauthenticatedConnection, network: string): void {
    this.#networkOf.set(connection, network)
    const others = this.#byNetwork.get(network)
    if (others) others.add(connection)
    else this.#byNetwork.set(network, new Set([connection]))
  }

  /** It signed in, or was closed. */
  delete(connection: UnauthenticatedConnection): void {
    const network = this.#networkOf.get(connection)
    if (network === undefined) return
    this.#networkOf.delete(connection)
    const others = this.#byNetwork.get(network)
    others?.delete(connection)
    if (others?.size === 0) this.#byNetwork.delete(network)
  }

  /**
   * The connection that gives way to a client of `network`: of the network that holds most the oldest silent one, or the oldest, as clients
   * that mean harm may send something. Where no other network holds more, only one that has been silent for long.
   */
  toDisplace(network: string, nowMs: number): UnauthenticatedConnection | undefined {
    let most: ReadonlySet<UnauthenticatedConnection> = this.#byNetwork.get(network) ?? new Set()
    const own = most.size
    for (const others of this.#byNetwork.values()) if (others.size > most.size) most = others
    const silent = oldestSilent(most)
    if (most.size > own) return silent ?? most.values().next().value
    return silent && nowMs - silent.openedAt >= SILENT_MS ? silent : undefined
  }
}

function oldestSilent(connections: Iterable<UnauthenticatedConnection>): UnauthenticatedConnection | undefined {
  for (const connection of connections) if (connection.isSilent) return connection
  return undefined
}
