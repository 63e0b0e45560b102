import { connectPlayer, type Player } from '../testing/player/player.ts'
import { createWallet } from '../testing/player/wallet.ts'

/** An order to the process that plays the players, and what it answers when it is done. */
export type LoadOrder =
  | { do: 'connect'; url: string; players: number; atOnce: number; chain: 'two' | 'three' }
  /** Every player sends that often, for so long; positions carry the time they were sent at, see `sentAt`. */
  | { do: 'beat'; players: number; perSecond: number; seconds: number; epoch: number }
  /** The last so many players cut their lines and come back as explorers do. */
  | { do: 'storm'; url: string; players: number; atOnce: number }
export interface LoadReport {
  did: LoadOrder['do']
  seconds: number
  sent: number
  failed: number
}

/** Milliseconds since `epoch`, as two floats that survive 32 bits: whole and fraction. */
export const sinceEpoch = (epoch: number): number => performance.timeOrigin + performance.now() - epoch

const players: Player[] = []

async function connectMany(url: string, count: number, atOnce: number, chain: 'two' | 'three'): Promise<number> {
  let started = 0
  let failed = 0
  const lane = async (index: number) => {
    // Explorers ask from many addresses; so do we, a few hundred sockets each.
    while (started++ < count) {
      const address = `127.0.1.${(index % 200) + 1}`
      const player = await connectPlayer({ url, chain, wallet: createWallet(), localAddress: address, timeoutMs: 60_000 }).catch(
        () => undefined,
      )
      if (player) players.push(player)
      else failed++
    }
  }
  await Promise.all(Array.from({ length: atOnce }, (_, index) => lane(index)))
  return failed
}

/** Players take turns within each period, so that the load is even and not a drum. */
async function beat(count: number, perSecond: number, seconds: number, epoch: number): Promise<number> {
  const beating = players.slice(0, count)
  const endsAt = performance.now() + seconds * 1000
  const startedAt = performance.now()
  let sent = 0
  while (performance.now() < endsAt) {
    const due = Math.floor(((performance.now() - startedAt) / 1000) * perSecond * beating.length)
    for (; sent < due; sent++) {
      const now = sinceEpoch(epoch)
      beating[sent % beating.length]?.heartbeat({ x: Math.floor(now), y: now % 1, z: 8 })
    }
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  return sent
}

async function obey(order: LoadOrder): Promise<Pick<LoadReport, 'sent' | 'failed'>> {
  switch (order.do) {
    case 'connect':
      return { sent: order.players, failed: await connectMany(order.url, order.players, order.atOnce, order.chain) }
    case 'beat':
      return { sent: await beat(order.players, order.perSecond, order.seconds, order.epoch), failed: 0 }
    case 'storm':
      for (const player of players.splice(-order.players)) player.socket.terminate()
      return { sent: order.players, failed: await connectMany(order.url, order.players, order.atOnce, 'three') }
  }
}

if (process.send) {
  process.on('message', async (order: LoadOrder) => {
    const startedAt = performance.now()
    const done = await obey(order)
    process.send?.({ ...done, did: order.do, seconds: (performance.now() - startedAt) / 1000 } satisfies LoadReport)
  })
  process.on('disconnect', () => process.exit(0))
}
