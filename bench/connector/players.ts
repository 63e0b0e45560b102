import { clientPackets } from '../../cells/wire/packets.ts'
import { BareClient } from './bare-client.ts'
import { answerCommands } from './conversation.ts'
import { type QuickWallet, quickWallet } from './quick-wallets.ts'
import { sinceEpoch } from './since-epoch.ts'

/** A command to the process of simulated players. */
export type PlayersCommand =
  /** Makes wallets for so many further players, before anything is measured. */
  | { do: 'prepare'; players: number }
  /** The next so many prepared players connect; so many of them at a time. */
  | { do: 'connect'; url: string; players: number; concurrency: number }
  /** The last so many players drop their connections; `willReturn` prepares their wallets again, to connect before the others. */
  | { do: 'drop'; players: number; willReturn: boolean }
  /** The first so many players send so many heartbeats per second; their positions carry the time they were sent at, see `sinceEpoch`. */
  | { do: 'heartbeat'; players: number; perSecond: number; seconds: number; epoch: number }

/** What a command did, how long it took, and the processor time of this process meanwhile. */
export interface PlayersReport {
  seconds: number
  cpuSeconds: number
  sent: number
  failed: number
}

/** Explorers connect from many addresses; so do these players, some from each. */
const SOURCE_ADDRESSES = 200
const TIMEOUT_MS = 60_000
const WELCOME_TAG = 0x12
const HEARTBEAT = clientPackets.heartbeat({ position: { x: 1, y: 2, z: 3 } })
/** Where the floats of the three coordinates are. */
const [X, Y, Z] = [5, 10, 15] as const

interface Player {
  wallet: QuickWallet
  client: BareClient
}

const prepared: QuickWallet[] = []
const players: Player[] = []
let made = 0

async function join(url: string, wallet: QuickWallet, localAddress: string): Promise<void> {
  const client = await BareClient.open({ url, localAddress, timeoutMs: TIMEOUT_MS })
  client.send(clientPackets.challengeRequest(wallet.address))
  const [challenge] = /dcl-[0-9a-f]+/.exec(await client.next()) ?? []
  if (!challenge) throw new Error('no challenge')
  client.send(clientPackets.signedChallenge(wallet.chainOf(challenge)))
  if ((await client.next()).charCodeAt(2) !== WELCOME_TAG) throw new Error('no welcome')
  players.push({ wallet, client })
}

/** Returns how many failed. */
async function joinAll(url: string, wallets: readonly QuickWallet[], concurrency: number): Promise<number> {
  const queue = wallets.values()
  let failed = 0
  const inTurn = async (index: number) => {
    for (const wallet of queue) await join(url, wallet, `127.0.1.${(index % SOURCE_ADDRESSES) + 1}`).catch(() => failed++)
  }
  await Promise.all(Array.from({ length: Math.min(concurrency, wallets.length) }, (_, index) => inTurn(index)))
  return failed
}

function heartbeatAt(epoch: number): Uint8Array {
  const packet = Buffer.from(HEARTBEAT)
  const now = sinceEpoch(epoch)
  packet.writeFloatLE(Math.floor(now), X)
  packet.writeFloatLE(now % 1, Y)
  packet.writeFloatLE(8, Z)
  return packet
}

/** Players send in turn within each period, so that the load is even. Returns how many heartbeats were sent. */
async function sendHeartbeats(count: number, perSecond: number, seconds: number, epoch: number): Promise<number> {
  const senders = players.slice(0, count)
  const startedAt = performance.now()
  const endsAt = startedAt + seconds * 1000
  let sent = 0
  while (performance.now() < endsAt) {
    const due = Math.floor(((performance.now() - startedAt) / 1000) * perSecond * senders.length)
    for (; sent < due; sent++) senders[sent % senders.length]?.client.send(heartbeatAt(epoch))
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  return sent
}

async function perform(command: PlayersCommand): Promise<Pick<PlayersReport, 'sent' | 'failed'>> {
  switch (command.do) {
    case 'prepare':
      while (prepared.length < command.players) prepared.push(quickWallet(`${process.pid} ${made++}`))
      return { sent: 0, failed: 0 }
    case 'connect': {
      const wallets = prepared.splice(0, command.players)
      return { sent: wallets.length, failed: await joinAll(command.url, wallets, command.concurrency) }
    }
    case 'drop': {
      const leaving = players.splice(-command.players)
      for (const { client } of leaving) client.end()
      if (command.willReturn) prepared.unshift(...leaving.map(({ wallet }) => wallet))
      return { sent: 0, failed: 0 }
    }
    case 'heartbeat':
      return { sent: await sendHeartbeats(command.players, command.perSecond, command.seconds, command.epoch), failed: 0 }
  }
}

answerCommands<PlayersCommand>(async (command) => {
  const startedAt = performance.now()
  const before = process.cpuUsage()
  const done = await perform(command)
  const { user, system } = process.cpuUsage(before)
  const seconds = (performance.now() - startedAt) / 1000
  return { ...done, seconds, cpuSeconds: (user + system) / 1e6 } satisfies PlayersReport
})
