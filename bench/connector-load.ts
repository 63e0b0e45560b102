import { connectPlayer, type Player } from '../testing/player/player.ts'
import { createWallet } from '../testing/player/wallet.ts'

/** A command to the process of simulated players; it answers with a report when the command is done. */
export type LoadCommand =
  | { do: 'connect'; url: string; players: number; concurrency: number; chain: 'two' | 'three' }
  /** Every player sends so many heartbeats per second; their positions carry the time they were sent at, see `sinceEpoch`. */
  | { do: 'heartbeat'; players: number; perSecond: number; seconds: number; epoch: number }
  /** The last so many players drop their connections and reconnect as explorers do. */
  | { do: 'reconnect'; url: string; players: number; concurrency: number }

/** What a command did, and how long it took. */
export interface LoadReport {
  did: LoadCommand['do']
  seconds: number
  sent: number
  failed: number
}

/** Milliseconds since `epoch`. Whole part and fraction are sent as two coordinates, because a coordinate has 32 bits. */
export const sinceEpoch = (epoch: number): number => performance.timeOrigin + performance.now() - epoch

const SOURCE_ADDRESSES = 200
const players: Player[] = []

async function connectMany(url: string, count: number, concurrency: number, chain: 'two' | 'three'): Promise<number> {
  let started = 0
  let failed = 0
  const connectInTurn = async (index: number) => {
    // Explorers connect from many addresses; so do these players, a few hundred sockets from each.
    const localAddress = `127.0.1.${(index % SOURCE_ADDRESSES) + 1}`
    while (started++ < count) {
      const player = await connectPlayer({ url, chain, wallet: createWallet(), localAddress, timeoutMs: 60_000 }).catch(
        () => undefined,
      )
      if (player) players.push(player)
      else failed++
    }
  }
  await Promise.all(Array.from({ length: concurrency }, (_, index) => connectInTurn(index)))
  return failed
}

/** Players send in turn within each period, so that the load is even. Returns how many heartbeats were sent. */
async function sendHeartbeats(count: number, perSecond: number, seconds: number, epoch: number): Promise<number> {
  const senders = players.slice(0, count)
  const startedAt = performance.now()
  const endsAt = startedAt + seconds * 1000
  let sent = 0
  while (performance.now() < endsAt) {
    const due = Math.floor(((performance.now() - startedAt) / 1000) * perSecond * senders.length)
    for (; sent < due; sent++) {
      const now = sinceEpoch(epoch)
      senders[sent % senders.length]?.heartbeat({ x: Math.floor(now), y: now % 1, z: 8 })
    }
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  return sent
}

async function perform(command: LoadCommand): Promise<Pick<LoadReport, 'sent' | 'failed'>> {
  switch (command.do) {
    case 'connect':
      return {
        sent: command.players,
        failed: await connectMany(command.url, command.players, command.concurrency, command.chain),
      }
    case 'heartbeat':
      return { sent: await sendHeartbeats(command.players, command.perSecond, command.seconds, command.epoch), failed: 0 }
    case 'reconnect':
      for (const player of players.splice(-command.players)) player.socket.terminate()
      return { sent: command.players, failed: await connectMany(command.url, command.players, command.concurrency, 'three') }
  }
}

if (process.send) {
  process.on('message', async (command: LoadCommand) => {
    const startedAt = performance.now()
    const done = await perform(command)
    process.send?.({ ...done, did: command.do, seconds: (performance.now() - startedAt) / 1000 } satisfies LoadReport)
  })
  process.on('disconnect', () => process.exit(0))
}
