import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A TCP proxy that causes the faults of a network on request. */
export interface FaultyWire {
  port: number
  /** Resets every connection that is open; new ones work. */
  cut(): void
  /** Drops all bytes, also of new connections, until `heal`; the connections stay open. */
  stall(): void
  /** Reads nothing more from any connection, also of new ones, until `heal`: senders have to keep what they send. */
  stopReading(): void
  /** Resets every connection, and new ones at once, until `heal`. */
  refuse(): void
  heal(): void
  stop(): Promise<void>
}

/** Forwards a port of this machine to another one. */
export async function startFaultyWire(targetPort: number): Promise<FaultyWire> {
  const open = new Set<Socket>()
  /** Both ends of every connection. */
  const ends = new Set<Socket>()
  let mode: 'works' | 'stalls' | 'stopsReading' | 'refuses' = 'works'
  const forward = (from: Socket, to: Socket) => {
    from.on('data', (bytes) => {
      if (mode === 'works') to.write(bytes)
    })
    from.on('close', () => to.destroy())
    from.on('error', () => to.destroy())
    if (mode === 'stopsReading') from.pause()
  }
  const server = createServer((near) => {
    if (mode === 'refuses') {
      near.resetAndDestroy()
      return
    }
    const far = connect(targetPort, '127.0.0.1')
    open.add(near)
    ends.add(near).add(far)
    near.on('close', () => {
      open.delete(near)
      ends.delete(near)
      ends.delete(far)
    })
    forward(near, far)
    forward(far, near)
  })
  const cut = () => {
    for (const socket of open) socket.resetAndDestroy()
  }
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    cut,
    stall() {
      mode = 'stalls'
    },
    stopReading() {
      mode = 'stopsReading'
      for (const socket of ends) socket.pause()
    },
    refuse() {
      mode = 'refuses'
      cut()
    },
    heal() {
      mode = 'works'
      for (const socket of ends) socket.resume()
    },
    stop: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve())
        cut()
      }),
  }
}
