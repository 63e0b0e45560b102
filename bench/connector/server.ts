import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connect as connectToNats } from 'nats'
import { WebSocketServer } from 'ws'
import type { Bus } from '../../cells/bus/bus.ts'
import { createMemoryBus } from '../../cells/bus/memory.ts'
import { connectNats } from '../../cells/bus/nats.ts'
import { systemClock } from '../../cells/chassis/clock.ts'
import { listen } from '../../cells/chassis/listen.ts'
import { silentLog } from '../../cells/chassis/log.ts'
import { Metrics } from '../../cells/chassis/metrics.ts'
import { readConfig } from '../../cells/connector/config.ts'
import { startConnector } from '../../cells/connector/service.ts'
import { createVerifier } from '../../cells/identity/verifier.ts'
import { socketOptions } from '../../cells/sockets/socket-options.ts'
import { busPayloads, serverPackets } from '../../cells/wire/packets.ts'
import { subjects } from '../../cells/wire/subjects.ts'
import { answerCommands } from './conversation.ts'
import { sinceEpoch } from './since-epoch.ts'

/** `bare` is `ws` and nothing else: it answers the two messages of a handshake unread, and counts those that follow. */
export type ServerKind = 'connector' | 'bare'

export type ServerCommand =
  /** @param nats the URL of a broker to publish to; undefined = the bus in memory, and nowhere for a bare server */
  | { do: 'start'; kind: ServerKind; nats: string | undefined }
  | { do: 'usage' }
  /** As `usage`, after garbage collection. */
  | { do: 'settled' }
  /** The latencies of heartbeats are kept from now on; returns those kept so far, in ms. */
  | { do: 'latencies'; epoch: number }

/** What the process used since its start. */
export interface ServerUsage {
  url: string
  cpuSeconds: number
  /** Of the thread of the sockets alone. */
  threadSeconds: number
  heartbeats: number
  rss: number
  latencies: readonly number[]
}

const CHALLENGE = serverPackets.challengeResponse(`dcl-${'0'.repeat(64)}`, false)
const WELCOME = serverPackets.welcome(`0x${'0'.repeat(40)}`)
/** A cell of a realm in a cluster. */
const SCOPE = 'bench.0'
const SUBJECT = subjects(SCOPE).heartbeat(`0x${'0'.repeat(40)}`)

let heartbeats = 0
let latencies: number[] = []
let epoch: number | undefined
let url = ''

/** A bus whose heartbeats are counted: in memory by one subscriber, as the archipelago is; by what is published where a broker takes it. */
async function countedBus(nats: string | undefined): Promise<Bus> {
  if (nats === undefined) {
    const bus = createMemoryBus(silentLog)
    bus.subscribe(subjects(SCOPE).every.heartbeat, (payload) => {
      heartbeats++
      if (epoch === undefined) return
      const position = busPayloads.decodeHeartbeat(payload)?.position
      if (position) latencies.push(sinceEpoch(epoch) - (position.x + position.y))
    })
    return bus
  }
  const bus = await connectNats({ servers: [nats], name: 'bench', log: silentLog })
  const publish = bus.publish.bind(bus)
  bus.publish = (subject, payload) => {
    if (subject.endsWith('.heartbeat')) heartbeats++
    publish(subject, payload)
  }
  return bus
}

async function startConnectorOn(nats: string | undefined): Promise<string> {
  const bus = await countedBus(nats)
  const verifier = createVerifier({ log: silentLog })
  await verifier.warmUp()
  const limits = { MAX_CONNECTIONS: 100_000, MAX_CONNECTIONS_PER_ADDRESS: 10_000 }
  const config = { ...readConfig({ BUS_SCOPE: SCOPE }), DRAIN_SECONDS: 0, ...limits }
  const metrics = new Metrics('connector')
  const service = await startConnector(config, { bus, verifier, clock: systemClock, metrics, log: silentLog })
  return (await listen(service.app, { port: 0, host: '127.0.0.1' })).url
}

async function startBare(nats: string | undefined): Promise<string> {
  const broker = nats === undefined ? undefined : await connectToNats({ servers: nats })
  const sockets = new WebSocketServer({ ...socketOptions, skipUTF8Validation: true })
  const server = createServer()
  server.on('upgrade', (request, stream, head) =>
    sockets.handleUpgrade(request, stream, head, (socket) => {
      let received = 0
      socket.on('error', () => socket.terminate())
      socket.on('message', (data: Buffer) => {
        if (received++ < 2) return socket.send(received === 1 ? CHALLENGE : WELCOME)
        heartbeats++
        broker?.publish(SUBJECT, data)
      })
    }),
  )
  await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function usage(): ServerUsage {
  const [all, thread] = [process.cpuUsage(), process.threadCpuUsage()]
  const taken = latencies
  latencies = []
  return {
    url: `${url.replace('http', 'ws')}/ws`,
    cpuSeconds: (all.user + all.system) / 1e6,
    threadSeconds: (thread.user + thread.system) / 1e6,
    heartbeats,
    rss: process.memoryUsage.rss(),
    latencies: taken,
  }
}

answerCommands<ServerCommand>(async (command) => {
  if (command.do === 'start') url = await (command.kind === 'bare' ? startBare : startConnectorOn)(command.nats)
  if (command.do === 'latencies') epoch = command.epoch
  if (command.do === 'settled') {
    globalThis.gc?.()
    globalThis.gc?.()
  }
  return usage()
})
