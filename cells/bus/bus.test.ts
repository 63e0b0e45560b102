import { writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { startFaultyWire } from '../../testing/apiserver/faulty-wire.ts'
import { freshFolder } from '../../testing/fresh-folder.ts'
import { withPart } from '../../testing/parts/with-part.ts'
import { createLog, silentLog } from '../chassis/log.ts'
import { Metrics } from '../chassis/metrics.ts'
import { type Bus, type BusState, NO_PAYLOAD } from './bus.ts'
import { type Broker, startBroker } from './fixtures.ts'
import { createMemoryBus } from './memory.ts'
import { busMetrics } from './metrics.ts'
import { connectNats } from './nats.ts'

const PATIENCE = { timeout: 15_000 }

/** What a bus promises, whatever carries it. */
function keepsThePromises(open: (log?: typeof silentLog) => Promise<Bus>): void {
  /** Listens to a pattern and keeps what it hears, as `subject=payload`. */
  function collect(bus: Bus, pattern: string) {
    const received: string[] = []
    const stop = bus.subscribe(pattern, (payload, subject) => received.push(`${subject}=${Buffer.from(payload)}`))
    return { received, stop }
  }
  const say = (bus: Bus, subject: string, text = '') => bus.publish(subject, Buffer.from(text))
  /** Waits until everything published before has been delivered. */
  async function delivered(bus: Bus): Promise<void> {
    let done = false
    const stop = bus.subscribe('test.delivered', () => {
      done = true
    })
    await bus.flush()
    bus.publish('test.delivered', NO_PAYLOAD)
    await vi.waitFor(() => expect(done).toBe(true), PATIENCE)
    stop()
  }

  test('a message reaches every subscriber of its subject, and no other', async () => {
    const bus = await open()
    const [one, two, other] = [
      collect(bus, 'peer.a.heartbeat'),
      collect(bus, 'peer.a.heartbeat'),
      collect(bus, 'peer.b.heartbeat'),
    ]
    await bus.flush()
    say(bus, 'peer.a.heartbeat', 'here')
    await delivered(bus)
    expect([one.received, two.received, other.received]).toEqual([['peer.a.heartbeat=here'], ['peer.a.heartbeat=here'], []])
  })

  test('a wildcard stands for exactly one token', async () => {
    const bus = await open()
    const { received } = collect(bus, 'peer.*.heartbeat')
    await bus.flush()
    for (const subject of ['peer.a.heartbeat', 'peer.a.b.heartbeat', 'peer.heartbeat', 'peer.a.connect', 'x.peer.a.heartbeat'])
      say(bus, subject)
    await delivered(bus)
    expect(received).toEqual(['peer.a.heartbeat='])
  })

  test('a scope of several tokens and wildcards matches token by token', async () => {
    const bus = await open()
    const { received } = collect(bus, 'ns.realm.*.peer.*.connect')
    await bus.flush()
    for (const subject of ['ns.realm.0.peer.a.connect', 'ns.realm.1.peer.b.connect', 'ns.other.0.peer.a.connect'])
      say(bus, subject)
    await delivered(bus)
    expect(received).toEqual(['ns.realm.0.peer.a.connect=', 'ns.realm.1.peer.b.connect='])
  })

  test('subjects are case-sensitive', async () => {
    const bus = await open()
    const { received } = collect(bus, 'peer.a.connect')
    await bus.flush()
    say(bus, 'peer.A.connect')
    await delivered(bus)
    expect(received).toEqual([])
  })

  test('a literal subscription and a wildcard are both served', async () => {
    const bus = await open()
    const [literal, wild] = [collect(bus, 'peer.a.connect'), collect(bus, 'peer.*.connect')]
    await bus.flush()
    say(bus, 'peer.a.connect')
    await delivered(bus)
    expect([literal.received.length, wild.received.length]).toEqual([1, 1])
  })

  test('order is kept, and bytes are kept as they are', async () => {
    const bus = await open()
    const received: number[][] = []
    bus.subscribe('bytes', (payload) => received.push([...payload]))
    await bus.flush()
    const sent = Array.from({ length: 500 }, (_, i) => [i & 0xff, 0, 0xff, i >> 8])
    for (const bytes of sent) bus.publish('bytes', new Uint8Array(bytes))
    bus.publish('bytes', NO_PAYLOAD)
    await delivered(bus)
    expect(received).toEqual([...sent, []])
  })

  test('delivery is asynchronous: nothing is received inside publish', async () => {
    const bus = await open()
    const { received } = collect(bus, 'x')
    await bus.flush()
    say(bus, 'x')
    expect(received).toEqual([])
    await delivered(bus)
    expect(received).toEqual(['x='])
  })

  test('a removed listener receives nothing more, and others still receive', async () => {
    const bus = await open()
    const [gone, stays, gonePattern] = [collect(bus, 'x'), collect(bus, 'x'), collect(bus, '*')]
    await bus.flush()
    say(bus, 'x')
    await delivered(bus)
    gone.stop()
    gonePattern.stop()
    gonePattern.stop()
    say(bus, 'x')
    await delivered(bus)
    expect([gone.received.length, stays.received.length, gonePattern.received.length]).toEqual([1, 2, 1])
  })

  test('a listener that throws is logged, and the others and its next message are not affected', async () => {
    const lines: string[] = []
    const sink = new Writable({
      write(chunk, _, done) {
        lines.push(String(chunk))
        done()
      },
    })
    const bus = await open(createLog('bus', 'error', { destination: sink }))
    const [before, calls, after] = [collect(bus, 'x'), [] as number[], collect(bus, 'x')]
    bus.subscribe('x', () => {
      calls.push(1)
      throw new Error('on purpose')
    })
    await bus.flush()
    say(bus, 'x')
    say(bus, 'x')
    await delivered(bus)
    expect([before.received.length, calls.length, after.received.length]).toEqual([2, 2, 2])
    expect(lines.filter((line) => line.includes('on purpose'))).toHaveLength(2)
    expect(bus.state).toBe('connected')
  })

  test('closing delivers what was published, and then nothing is left', async () => {
    const bus = await open()
    const { received } = collect(bus, 'x')
    await bus.flush()
    say(bus, 'x')
    await bus.close()
    expect(received).toEqual(['x='])
    say(bus, 'x')
    await bus.close()
    expect(received).toEqual(['x='])
  })
}

describe('the bus of one process', () => {
  keepsThePromises(async (log = silentLog) => createMemoryBus(log))
})

withPart('nats', 'the bus over NATS', (binary) => {
  let broker: Broker | undefined
  const open: Bus[] = []
  afterEach(async () => {
    for (const bus of open.splice(0)) await bus.close()
    await broker?.kill()
    broker = undefined
  })
  async function connect(log = silentLog): Promise<Bus> {
    broker ??= await startBroker(binary)
    const bus = await connectNats({ servers: [broker.url], name: 'test', log })
    open.push(bus)
    return bus
  }

  keepsThePromises(connect)

  test('another process receives what one process publishes', async () => {
    const [here, there] = [await connect(), await connect()]
    const received: string[] = []
    there.subscribe('peer.*.connect', (_, subject) => received.push(subject))
    await there.flush()
    here.publish('peer.a.connect', NO_PAYLOAD)
    await vi.waitFor(() => expect(received).toEqual(['peer.a.connect']), PATIENCE)
  })

  test('a restart of the broker is detected, messages published in the meantime are lost, and subscriptions continue', async () => {
    const bus = await connect()
    const states: BusState[] = []
    const received: string[] = []
    bus.onState((state) => states.push(state))
    const stop = bus.onState(() => expect.fail('the state changed'))
    stop()
    bus.subscribe('x.*', (payload) => received.push(Buffer.from(payload).toString()))
    bus.subscribe('x.literal', (payload) => received.push(`literal ${Buffer.from(payload)}`))
    await bus.flush()

    await broker?.kill()
    await vi.waitFor(() => expect(bus.state).toBe('disconnected'), PATIENCE)
    for (let i = 0; i < 1_000; i++) bus.publish('x.literal', Buffer.from('lost'))
    await bus.flush()

    await broker?.start()
    await vi.waitFor(() => expect(bus.state).toBe('connected'), PATIENCE)
    bus.publish('x.literal', Buffer.from('kept'))
    await vi.waitFor(() => expect(received).toHaveLength(2), PATIENCE)
    expect(received.sort()).toEqual(['kept', 'literal kept'])
    expect(states).toEqual(['disconnected', 'connected'])
  })

  test('a subscription made while the broker is unreachable works after the reconnect', async () => {
    const bus = await connect()
    await broker?.kill()
    await vi.waitFor(() => expect(bus.state).toBe('disconnected'), PATIENCE)
    const received: string[] = []
    bus.subscribe('x', (_, subject) => received.push(subject))
    await broker?.start()
    await vi.waitFor(() => expect(bus.state).toBe('connected'), PATIENCE)
    bus.publish('x', NO_PAYLOAD)
    await vi.waitFor(() => expect(received).toEqual(['x']), PATIENCE)
  })

  test('a bus may be opened before its broker is there', async () => {
    broker = await startBroker(binary)
    await broker.kill()
    const opening = connect()
    await broker.start()
    expect((await opening).state).toBe('connected')
  })

  test('a broker that stops reading costs no memory: what is published is dropped and counted until it reads again', async () => {
    broker = await startBroker(binary)
    const wire = await startFaultyWire(Number(new URL(broker.url).port))
    onTestFinished(() => wire.stop())
    const lines: string[] = []
    const sink = new Writable({
      write(chunk, _, done) {
        lines.push(String(chunk))
        done()
      },
    })
    const metrics = new Metrics('test')
    const options = { name: 'test', log: createLog('bus', 'warn', { destination: sink }), metrics: busMetrics(metrics) }
    const bus = await connectNats({ servers: [`nats://127.0.0.1:${wire.port}`], ...options })
    open.push(bus)
    const counted = async (name: string) => Number(new RegExp(`${name}_total (\\d+)`).exec(await metrics.registry.metrics())?.[1])
    const received: string[] = []
    bus.subscribe('x', (payload) => received.push(String(payload)))
    await bus.flush()

    wire.stopReading()
    const [before, payload] = [process.memoryUsage().arrayBuffers, Buffer.alloc(512 * 1024)]
    for (let sent = 0; sent < 80; sent++) {
      bus.publish('flood', payload)
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    expect([bus.state, bus.problem]).toEqual(['disconnected', 'the NATS server has stopped reading'])
    expect(await counted('bus_messages_dropped')).toBeGreaterThan(30)
    expect(await counted('bus_outages')).toBe(1)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(32 * 1024 * 1024)
    expect(lines.filter((line) => line.includes('stopped reading'))).toHaveLength(1)

    wire.heal()
    await vi.waitFor(() => expect(bus.state).toBe('connected'), PATIENCE)
    bus.publish('x', Buffer.from('again'))
    await vi.waitFor(() => expect(received).toEqual(['again']), PATIENCE)
  }, 40_000)

  test('closing works while the broker is unreachable', async () => {
    const bus = await connect()
    await broker?.kill()
    await vi.waitFor(() => expect(bus.state).toBe('disconnected'), PATIENCE)
    await bus.close()
    bus.publish('x', NO_PAYLOAD)
  })

  test('a broker that refuses the credentials is an error of the configuration', async () => {
    broker = await startBroker(binary, '--user', 'cells', '--pass', 'secret')
    const options = { servers: [broker.url], name: 'test', log: silentLog }
    await expect(connectNats({ ...options, user: () => 'cells', password: () => 'wrong' })).rejects.toThrow(
      /refused the connection/,
    )
    open.push(await connectNats({ ...options, user: () => 'cells', password: () => 'secret' }))
  })

  test('refused logins do not end the bus: it reconnects with its subscriptions once they are accepted', async () => {
    const folder = freshFolder()
    const file = join(folder, 'nats.conf')
    const configure = (password: string) =>
      writeFileSync(file, `authorization { users: [{ user: cells, password: ${password} }] }\n`)
    configure('secret')
    broker = await startBroker(binary, '-c', file)
    const bus = await connectNats({
      servers: [broker.url],
      name: 'test',
      log: silentLog,
      user: () => 'cells',
      password: () => 'secret',
    })
    open.push(bus)
    const received: string[] = []
    bus.subscribe('x', (_, subject) => received.push(subject))
    await bus.flush()
    for (let round = 0; round < 2; round++) {
      configure('other')
      broker.reload()
      await vi.waitFor(() => expect(bus.state).toBe('disconnected'), PATIENCE)
      await new Promise((resolve) => setTimeout(resolve, 3_000)) // several logins are refused meanwhile
      if (round === 0) bus.subscribe('y', (_, subject) => received.push(subject))
      configure('secret')
      broker.reload()
      await vi.waitFor(() => expect(bus.state).toBe('connected'), PATIENCE)
      await bus.flush()
      bus.publish('x', NO_PAYLOAD)
      bus.publish('y', NO_PAYLOAD)
      await vi.waitFor(() => expect(received.splice(0).sort()).toEqual(['x', 'y']), PATIENCE)
    }
  }, 60_000)

  test('a password that changes at the broker and in the Secret needs no restart, in whichever order it changes', async () => {
    const file = join(freshFolder(), 'nats.conf')
    const configure = (password: string) =>
      writeFileSync(file, `authorization { users: [{ user: cells, password: ${password} }] }\n`)
    let secret = 'first'
    configure(secret)
    broker = await startBroker(binary, '-c', file)
    const options = { servers: [broker.url], name: 'test', log: silentLog, user: () => 'cells', password: () => secret }
    const bus = await connectNats(options)
    open.push(bus)
    const received: string[] = []
    bus.subscribe('x', (_, subject) => received.push(subject))
    const states: BusState[] = []
    bus.onState((state) => states.push(state))
    const isBack = async () => {
      await vi.waitFor(() => expect(states.splice(0)).toContain('connected'), PATIENCE)
      bus.publish('x', NO_PAYLOAD)
      await vi.waitFor(() => expect(received.splice(0)).toEqual(['x']), PATIENCE)
    }
    configure('second')
    broker.reload()
    await vi.waitFor(() => expect(bus.problem).toMatch(/authori[sz]ation/i), PATIENCE)
    secret = 'second'
    await isBack()
    secret = 'third'
    expect(bus.state).toBe('connected')
    configure('third')
    broker.reload()
    await isBack()
  }, 60_000)

  test('a bus that is closed while its logins are refused stays closed', async () => {
    const file = join(freshFolder(), 'nats.conf')
    writeFileSync(file, 'authorization { users: [{ user: cells, password: secret }] }\n')
    broker = await startBroker(binary, '-c', file)
    const bus = await connectNats({
      servers: [broker.url],
      name: 'test',
      log: silentLog,
      user: () => 'cells',
      password: () => 'secret',
    })
    writeFileSync(file, 'authorization { users: [{ user: cells, password: other }] }\n')
    broker.reload()
    await vi.waitFor(() => expect(bus.state).toBe('disconnected'), PATIENCE)
    await bus.close()
    writeFileSync(file, 'authorization { users: [{ user: cells, password: secret }] }\n')
    broker.reload()
    await new Promise((resolve) => setTimeout(resolve, 5_000))
    expect(bus.state).toBe('disconnected')
  }, 30_000)
})

test('a password in the URL of a NATS server is refused and not shown', async () => {
  const refusal = connectNats({ servers: ['nats://cells:hunter2@one:4222'], name: 'test', log: silentLog })
  await expect(refusal).rejects.toThrow('give them as NATS_USER and NATS_PASSWORD')
  await expect(refusal).rejects.not.toThrow('hunter2')
})

describe('a NATS server that is to be reached by TLS', () => {
  test('gets no password unless the connection is encrypted', async () => {
    const received: string[] = []
    let connections = 0
    const server = createServer((socket) => {
      connections++
      socket.on('error', () => {})
      socket.write('INFO {"server_id":"x","version":"2.11.0","max_payload":1048576,"auth_required":true}\r\n')
      socket.on('data', (data) => received.push(String(data)))
    })
    onTestFinished(() => void server.close())
    await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve))
    const { port } = server.address() as AddressInfo
    const opening = connectNats({
      servers: [`tls://localhost:${port}`],
      name: 'test',
      log: silentLog,
      user: () => 'cells',
      password: () => 'hunter2',
    }).then(
      (bus) => bus.close(),
      () => {},
    )
    await Promise.race([opening, new Promise((resolve) => setTimeout(resolve, 1_500))])
    expect(connections).toBeGreaterThan(0)
    expect(received.join('')).not.toContain('hunter2')
  })

  test('is not mixed with servers that are not', async () => {
    const servers = ['tls://one:4222', 'nats://two:4222']
    await expect(connectNats({ servers, name: 'test', log: silentLog })).rejects.toThrow(
      'either all NATS servers are reached by tls:// or none: tls://one:4222, nats://two:4222',
    )
  })
})
